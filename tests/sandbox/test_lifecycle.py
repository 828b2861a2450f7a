"""Nothing is left behind: processes, descriptors, threads, warnings; and it works wherever it is started from."""

import gc
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from agentkit.sandbox import Limits, Sandbox, SandboxError
from tests.sandbox.hostile import children

ROOT = Path(__file__).resolve().parents[2]


def descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def zygote_of(sandbox: Sandbox) -> int:
    sandbox.start()
    (found,) = (pid for pid in children(os.getpid()) if b"zygote" in Path(f"/proc/{pid}/cmdline").read_bytes())
    return found


def gone(process: int, seconds: float = 5) -> bool:
    """Whether a process ends (a zombie has ended)."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
        except OSError:
            return True
        if state == "Z":
            return True
        time.sleep(0.01)
    return False


def test_close_leaves_nothing() -> None:
    before = descriptors(), threading.active_count(), children(os.getpid())
    workers: frozenset[int] = frozenset()
    for _ in range(3):
        with Sandbox() as sandbox, sandbox.session() as session:
            assert session.run("1").ok
            assert sandbox.run("2").ok
            workers |= children(zygote_of(sandbox))
    assert (descriptors(), threading.active_count(), children(os.getpid())) == before
    assert all(gone(worker) for worker in workers)


def test_a_forgotten_sandbox_is_collected() -> None:
    before = descriptors(), children(os.getpid())
    Sandbox().run("1")
    gc.collect()
    assert (descriptors(), children(os.getpid())) == before


def test_many_programs_leave_nothing() -> None:
    with Sandbox(limits=Limits(wall=0.3)) as sandbox:
        zygote = zygote_of(sandbox)
        sandbox.run("1")
        before = descriptors(), threading.active_count()
        for code in ["1", "1 / 0", "while True: pass", "x = 'a' * 10**10", "print('x' * 10**6)"] * 4:
            sandbox.run(code)
        assert (descriptors(), threading.active_count()) == before
        deadline, calm = time.monotonic() + 5, 0
        while calm < 10 and time.monotonic() < deadline:  # the last worker may still be there, the next not yet
            time.sleep(0.02)
            calm = calm + 1 if len(children(zygote)) == 2 else 0
        assert calm == 10


def test_a_killed_zygote_is_replaced() -> None:
    with Sandbox() as sandbox:
        os.kill(zygote_of(sandbox), signal.SIGKILL)
        time.sleep(0.1)
        results = [sandbox.run("1") for _ in range(3)]
        assert all(result.value == 1 for result in results), results


def test_a_session_of_a_killed_zygote_starts_again() -> None:
    with Sandbox() as sandbox, sandbox.session() as session:
        session.run("x = 1")
        os.kill(zygote_of(sandbox), signal.SIGKILL)
        time.sleep(0.1)
        lost = session.run("x")
        assert not lost.ok
        assert session.run("2").value == 2


def test_a_zygote_killed_under_a_program_is_an_internal_error() -> None:
    with Sandbox() as sandbox:
        zygote = zygote_of(sandbox)
        threading.Timer(0.3, os.kill, (zygote, signal.SIGKILL)).start()
        error = sandbox.run("while True: pass").error
        assert error is not None
        assert error.kind == "internal"
        assert sandbox.run("1").value == 1


HOST = """
import sys, time
from agentkit.sandbox import Sandbox
sandbox = Sandbox()
session = sandbox.session()
session.run("x = 1")
print("ready", flush=True)
session.run("while True: pass")
"""


def test_a_killed_host_takes_all_with_it() -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen([sys.executable, "-c", HOST], stdout=subprocess.PIPE, env=environment) as host:
        assert host.stdout is not None
        assert host.stdout.readline() == b"ready\n"
        (zygote,) = children(host.pid)
        workers = children(zygote)
        assert workers
        host.kill()
    assert gone(zygote)
    assert all(gone(worker) for worker in workers)


FORK = """
import os
from agentkit.sandbox import Sandbox
sandbox = Sandbox()
session = sandbox.session()
assert session.run("x = 1").ok and sandbox.run("1").value == 1
child = os.fork()
if child == 0:
    fine = sandbox.run("2").value == 2 and not session.run("x").ok
    sandbox.close()
    os._exit(0 if fine else 1)
assert os.waitpid(child, 0)[1] == 0
assert session.run("x").value == 1 and sandbox.run("3").value == 3
sandbox.close()
print("fine")
"""


def script(code: str, cwd: Path, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", code],
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


def test_a_fork_of_the_host_has_its_own_sandbox(tmp_path: Path) -> None:
    assert script(FORK, tmp_path, PYTHONPATH=str(ROOT)) == "fine\n"


PLAIN = "from agentkit.sandbox import Sandbox\nwith Sandbox() as sandbox: print(sandbox.run('1 + 1').value)"


def test_it_runs_from_a_checkout(tmp_path: Path) -> None:
    assert script(PLAIN, ROOT) == "2\n"
    assert script(PLAIN, tmp_path, PYTHONPATH=str(ROOT)) == "2\n"


def test_modules_of_the_current_directory_are_not_used(tmp_path: Path) -> None:
    for name in ("random", "json", "math", "socket", "RestrictedPython", "dateutil"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('the wrong module')", encoding="utf-8")
    code = f"import sys; sys.path.remove(''); sys.path.insert(0, {str(ROOT)!r})\n{PLAIN}"
    assert script(code, tmp_path) == "2\n"


def test_it_runs_where_agentkit_is_only_found_by_a_hook(tmp_path: Path) -> None:
    """As an editable install does it: the package's folder is on no path."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "agentkit").symlink_to(ROOT / "agentkit")
    code = (
        "import sys, importlib.util, importlib.machinery\n"
        "class Finder:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'agentkit':\n"
        f"            place = {str(tmp_path / 'elsewhere' / 'agentkit')!r}\n"
        "            return importlib.util.spec_from_file_location(name, place + '/__init__.py', "
        "submodule_search_locations=[place])\n"
        "sys.meta_path.insert(0, Finder())\n"
        f"{PLAIN}"
    )
    assert script(code, tmp_path) == "2\n"


def test_no_environment_reaches_a_program(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    with Sandbox(policy="none") as sandbox:
        names = sandbox.run("import os\nsorted(os.environ)").value
        assert names == ["LC_ALL", "LD_BIND_NOW", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "PYTHONHASHSEED"]
        arguments = sandbox.run("import sys\nsys.argv + [sys.path[0]]").value
        assert str(ROOT) not in str(arguments)


def test_a_python_that_does_not_start_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(SandboxError, match="/nowhere/python"):
        Sandbox().run("1")
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(SandboxError, match="ended at once"):
        Sandbox().run("1")


def test_a_module_that_is_missing_is_told() -> None:
    with pytest.raises(SandboxError, match="Install it, or leave it out"):
        Sandbox(modules=("no_such_module",)).run("1")


def test_the_worker_is_small() -> None:
    """At most 4 MB of private memory while it waits."""
    with Sandbox() as sandbox:
        zygote = zygote_of(sandbox)
        time.sleep(0.3)
        for worker in children(zygote):
            try:
                text = Path(f"/proc/{worker}/smaps_rollup").read_text(encoding="ascii")
            except PermissionError:
                pytest.skip("only root may look into a sealed worker")
            private = sum(int(line.split()[1]) for line in text.splitlines() if line.startswith("Private_"))
            assert private <= 4096
