"""Every attempt to escape, in three settings: both layers, the process layer alone, and as an unprivileged user."""

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TypeAlias

import pytest

from tests.sandbox.hostile import CORPUS, MATH, load_all

ROOT = Path(__file__).resolve().parents[2]
NOBODY = 65534
PLACE = Path("@CANARY@")
Problems: TypeAlias = dict[str, dict[str, dict[str, list[str]]]]

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs seccomp")


def kinds(*, math: bool = False) -> list[str]:
    """What the attempts aim at: a test for each says where a hole is."""
    return sorted({attempt.kind for attempt in load_all(PLACE) if (attempt.kind in MATH) == math})


def attempted(*settings: str) -> Problems:
    """The problems of each setting, by kind, found in a process of its own."""
    command = [sys.executable, "-m", "tests.sandbox.hostile", *settings]
    done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    problems: Problems = json.loads(done.stdout)["problems"]
    return problems


@pytest.fixture(scope="module", params=["pal", "none"])
def problems(request: pytest.FixtureRequest) -> dict[str, dict[str, list[str]]]:
    return attempted(request.param)[request.param]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("kind", kinds())
def test_nothing_escapes(problems: dict[str, dict[str, list[str]]], kind: str) -> None:
    assert problems[kind] == {}


@pytest.mark.skipif(not CORPUS.exists(), reason="the corpus is not here")
@pytest.mark.skipif(not all(map(find_spec, MATH)), reason="needs the extra [math]")
@pytest.mark.timeout(300)
def test_nothing_escapes_through_the_math_modules() -> None:
    assert attempted("math")["math"] == {kind: {} for kind in kinds(math=True)}


def runs_for_nobody(python: str) -> bool:
    """Whether an unprivileged user can run this interpreter with the packages that the sandbox needs."""
    command = [python, "-c", "import sys; assert sys.version_info >= (3, 11); import RestrictedPython, dateutil"]
    try:
        done = subprocess.run(command, env=environment(), user=NOBODY, group=NOBODY, extra_groups=[], check=False)
    except OSError:
        return False
    return done.returncode == 0


def environment() -> dict[str, str]:
    packages = [str(Path(place).parent) for name in ("RestrictedPython", "dateutil", "six") if (place := origin(name))]
    return {"PYTHONPATH": os.pathsep.join([str(ROOT), *packages]), "PYTHONDONTWRITEBYTECODE": "1"}


def origin(name: str) -> str | None:
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        return None
    return str(Path(spec.origin).parent) if spec.submodule_search_locations else spec.origin


@pytest.mark.skipif(os.name != "posix" or os.getuid() != 0, reason="only root can become another user")
@pytest.mark.timeout(300)
def test_nothing_escapes_from_an_unprivileged_user() -> None:
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    candidates = [sys.executable, *(f"/usr/{place}/{name}" for place in ("bin", "local/bin"))]
    python = next((candidate for candidate in candidates if runs_for_nobody(candidate)), None)
    if python is None:
        pytest.skip("no interpreter that an unprivileged user can run")
    done = subprocess.run(
        [python, "-m", "tests.sandbox.hostile", "pal", "none"],
        env=environment(),
        cwd=ROOT,
        user=NOBODY,
        group=NOBODY,
        extra_groups=[],
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["user"] == NOBODY
    clean: dict[str, dict[str, list[str]]] = {kind: {} for kind in kinds()}
    assert report["problems"] == {"pal": clean, "none": clean}
