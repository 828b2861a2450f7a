"""Spawned workers, and honesty about the layers. On Linux the spawned worker is sealed too; macOS is not tested."""

import operator
import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from agentkit.sandbox import Limits, Sandbox, SandboxError, api
from agentkit.sandbox.client import Launcher, Spares
from agentkit.sandbox.fallback import Spawner
from agentkit.sandbox.process import Config, explain
from tests.sandbox.hostile import children

ROOT = Path(__file__).resolve().parents[2]


def spawning(config: Config, spares: Spares) -> Launcher:
    return Spawner(config, spares)


@pytest.fixture
def spawned(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    monkeypatch.setattr(api, "_launcher", spawning)
    with Sandbox(limits=Limits(wall=0.5)) as sandbox:
        yield sandbox


def test_a_spawned_worker_runs_programs(spawned: Sandbox) -> None:
    result = spawned.run("print('a')\nadd(20, 22)", tools={"add": operator.add})
    assert (result.value, result.output) == (42, "a\n")
    assert {"policy", "rlimits", "seccomp"} <= set(result.isolation)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("while True: pass", "time"),
        ("x = 'a' * 10**10", "memory"),
        ("().__class__", "not_allowed"),
        ("1 / 0", "program"),
    ],
)
def test_its_limits_hold(spawned: Sandbox, code: str, kind: str) -> None:
    error = spawned.run(code).error
    assert error is not None
    assert error.kind == kind
    assert spawned.run("1").value == 1


def test_it_is_sealed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "_launcher", spawning)
    with Sandbox(policy="none") as sandbox:
        for code in ("open('/etc/passwd')", "import os\nos.fork()", "import socket\nsocket.socket()"):
            error = sandbox.run(code).error
            assert error is not None
            assert error.type == "PermissionError"
        crash = sandbox.run("import ctypes\nctypes.string_at(0)").error
        assert crash is not None
        assert "SIGSEGV" in crash.message


def test_it_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    before = children(os.getpid()), sum(1 for _ in Path("/proc/self/fd").iterdir())
    monkeypatch.setattr(api, "_launcher", spawning)
    with Sandbox() as sandbox, sandbox.session() as session:
        session.run("x = 1")
        assert session.run("x + 1").value == 2
        assert sandbox.run("x").error is not None
    assert (children(os.getpid()), sum(1 for _ in Path("/proc/self/fd").iterdir())) == before


def test_a_module_that_is_missing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "_launcher", spawning)
    with pytest.raises(SandboxError, match="Install it, or leave it out"):
        Sandbox(modules=("no_such_module",)).run("1")


def test_strict_refuses_and_says_how_to_change_that() -> None:
    text = explain("unfit: seccomp is missing (OSError: refused)", 1)
    assert "seccomp is missing" in text
    assert 'Sandbox(isolation="best_effort")' in text


def test_best_effort_names_its_layers_and_warns() -> None:
    with pytest.warns(RuntimeWarning, match="without a system call filter. In force: policy, rlimits"):
        api.Sandbox._warn(("policy", "rlimits"))  # pyright: ignore[reportPrivateUsage]
    with Sandbox(isolation="best_effort") as sandbox:
        assert "seccomp" in sandbox.run("1").isolation


WITHOUT_SECCOMP = """
import ctypes, struct, warnings
from agentkit.sandbox import Sandbox, SandboxError

PRCTL = {number}
steps = [(0x20, 0, 0, 0), (0x15, 0, 3, PRCTL), (0x20, 0, 0, 16), (0x15, 0, 1, 22), (0x06, 0, 0, 0x50001),
         (0x06, 0, 0, 0x7FFF0000)]
code = b"".join(struct.pack("=HBBI", *step) for step in steps)
kept = ctypes.create_string_buffer(code, len(code))
program = ctypes.create_string_buffer(struct.pack("@HP", len(steps), ctypes.addressof(kept)))
prctl = ctypes.CDLL(None).prctl
prctl.argtypes = [ctypes.c_int] + [ctypes.c_ulong] * 4
assert prctl(38, 1, 0, 0, 0) == 0 and prctl(22, 2, ctypes.addressof(program), 0, 0) == 0
try:
    Sandbox().run("1")
    print("strict ran")
except SandboxError as error:
    print(error)
warnings.simplefilter("error")
with Sandbox(isolation="best_effort", policy="none") as sandbox:
    try:
        sandbox.start()
    except RuntimeWarning as warning:
        print(warning)
    result = sandbox.run("import os\\ntry:\\n    open('/etc/passwd')\\nexcept OSError as e: answer = str(e)")
    print(result.isolation, result.value)
"""


def test_a_system_without_seccomp() -> None:
    """The kernel is made to refuse the filter: strict says so, best_effort runs with what is left and warns once."""
    number = {"x86_64": 157}.get(platform.machine(), 167)
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_SECCOMP.replace("{number}", str(number))],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    strict, warning, result = done.stdout.splitlines()
    assert "This system cannot seal programs: seccomp is missing" in strict
    assert "runs without a system call filter. In force: rlimits" in warning
    assert "seccomp" not in result
    assert "Permission denied" in result or "Too many open files" in result


def test_windows_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(os, "name", "nt")
    with pytest.raises(SandboxError, match="WSL"):
        api._launcher(Config(), Spares(1, 1, 1))  # pyright: ignore[reportPrivateUsage]
