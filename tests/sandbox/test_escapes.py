"""Every attempt to escape, in three settings: both layers, the process layer alone, and as an unprivileged user."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from agentkit.sandbox import Sandbox
from tests.sandbox.hostile import CORPUS, LIMITS, Attempt, Policy, canary_folder, fill, load_all, run_all

ROOT = Path(__file__).resolve().parents[2]
NOBODY = 65534
PLACE = Path("@CANARY@")
MATH = ("numpy", "sympy")

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs seccomp")


def groups() -> list[tuple[str, list[Attempt]]]:
    """By kind: a test per group says where a hole is and shares one sandbox."""
    by_kind: dict[str, list[Attempt]] = {}
    for attempt in load_all(PLACE):
        by_kind.setdefault(attempt.kind, []).append(attempt)
    return [(kind, attempts) for kind, attempts in sorted(by_kind.items()) if kind not in MATH]


@pytest.fixture(scope="module")
def canary() -> Iterator[Path]:
    with canary_folder() as folder:
        yield folder


@pytest.fixture(scope="module", params=["pal", "none"])
def policy(request: pytest.FixtureRequest) -> Policy:
    chosen: Policy = request.param
    return chosen


@pytest.fixture(scope="module")
def sandbox(canary: Path, policy: Policy) -> Iterator[Sandbox]:
    with Sandbox(policy=policy, limits=LIMITS) as made:
        made.start()
        yield made


def placed(attempts: list[Attempt], canary: Path) -> list[Attempt]:
    return [Attempt(a.id, a.kind, a.mode, fill(a.source, canary), a.expected) for a in attempts]


@pytest.mark.parametrize(("kind", "attempts"), groups(), ids=[kind for kind, _ in groups()])
def test_nothing_escapes(sandbox: Sandbox, canary: Path, policy: Policy, kind: str, attempts: list[Attempt]) -> None:
    assert run_all(sandbox, placed(attempts, canary), canary, policy) == {}, kind


@pytest.mark.skipif(not CORPUS.exists(), reason="the corpus is not here")
@pytest.mark.skipif(not all(map(find_spec, MATH)), reason="needs the extra [math]")
def test_nothing_escapes_through_the_math_modules(canary: Path) -> None:
    """sympy evaluates strings and numpy shows addresses: there only layer 2 has to hold."""
    attempts = [attempt for attempt in load_all(PLACE) if attempt.kind in MATH]
    with Sandbox(modules=MATH, limits=LIMITS) as sandbox:
        assert run_all(sandbox, placed(attempts, canary), canary, "none") == {}


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
        [python, "-m", "tests.sandbox.hostile"],
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
    assert report["problems"] == {"pal": {}, "none": {}}
