"""Every attempt to escape, in three settings: both layers, the process layer alone, and as an unprivileged user."""

import functools
import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.sandbox.hostile import CORPUS, MATH, chosen

ROOT = Path(__file__).resolve().parents[2]
NOBODY = 65534
PARTS = 6

pytestmark = [
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs seccomp"),
    pytest.mark.timeout(300),
]


def attempts(setting: str, part: int, parts: int) -> list[str]:
    """The arguments for an interpreter that makes a part of the attempts: in a process of its own."""
    return ["-m", "tests.sandbox.hostile", setting, str(part), str(parts)]


def outcome(done: subprocess.CompletedProcess[str]) -> object:
    """What they came to."""
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def clean(user: int, part: int, parts: int, *, math: bool = False) -> object:
    """What they should come to."""
    count = len(chosen(Path("@CANARY@"), math=math, part=part, parts=parts))
    return {"user": user, "attempts": count, "problems": {}}


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("setting", ["pal", "none"])
def test_nothing_escapes(setting: str, part: int) -> None:
    command = [sys.executable, *attempts(setting, part, PARTS)]
    done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    assert outcome(done) == clean(os.getuid(), part, PARTS)


@pytest.mark.skipif(not CORPUS.exists(), reason="the corpus is not here")
@pytest.mark.skipif(not all(map(find_spec, MATH)), reason="needs the extra [math]")
def test_nothing_escapes_through_the_math_modules() -> None:
    command = [sys.executable, *attempts("math", 0, 1)]
    done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    assert outcome(done) == clean(os.getuid(), 0, 1, math=True)


def runs_for_nobody(python: str) -> bool:
    """Whether an unprivileged user can run this interpreter with the packages that the sandbox needs."""
    command = [python, "-c", "import sys; assert sys.version_info >= (3, 11); import RestrictedPython, dateutil"]
    try:
        done = subprocess.run(command, env=environment(), user=NOBODY, group=NOBODY, extra_groups=[], check=False)
    except OSError:
        return False
    return done.returncode == 0


@functools.cache
def interpreter_for_nobody() -> str | None:
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    candidates = [sys.executable, *(f"/usr/{place}/{name}" for place in ("bin", "local/bin"))]
    return next((candidate for candidate in candidates if runs_for_nobody(candidate)), None)


def environment() -> dict[str, str]:
    packages = [str(Path(place).parent) for name in ("RestrictedPython", "dateutil", "six") if (place := origin(name))]
    return {"PYTHONPATH": os.pathsep.join([str(ROOT), *packages]), "PYTHONDONTWRITEBYTECODE": "1"}


def origin(name: str) -> str | None:
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        return None
    return str(Path(spec.origin).parent) if spec.submodule_search_locations else spec.origin


@pytest.mark.skipif(os.name != "posix" or os.getuid() != 0, reason="only root can become another user")
@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("setting", ["pal", "none"])
def test_nothing_escapes_from_an_unprivileged_user(setting: str, part: int) -> None:
    python = interpreter_for_nobody()
    if python is None:
        pytest.skip("no interpreter that an unprivileged user can run")
    done = subprocess.run(
        [python, *attempts(setting, part, PARTS)],
        env=environment(),
        cwd=ROOT,
        user=NOBODY,
        group=NOBODY,
        extra_groups=[],
        check=False,
        capture_output=True,
        text=True,
    )
    assert outcome(done) == clean(NOBODY, part, PARTS)
