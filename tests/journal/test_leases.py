"""Two processes never drive one run."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from agentkit import Agent, tool
from agentkit.journal import Journal, JournalError, LeaseLost
from agentkit.journal.heartbeat import Heartbeat
from agentkit.journal.leases import Lease, new_owner, owner_is_gone
from agentkit.journal.store import RunRow, Store
from agentkit.testing import ScriptedModel
from tests.journal.support import SCRIPT, Crash, World, append, crash_at, done, rows

ROOT = Path(__file__).parents[2]

# Drives a run up to its action, which waits to be told to go on; then tells how it ended.
DRIVER = """
import sys
from agentkit import Agent, tool
from agentkit.errors import LeaseLost
from agentkit.journal import Journal
from agentkit.testing import ScriptedModel

@tool(idempotent=True)
def wait() -> str:
    "Wait."
    print("waiting", flush=True)
    sys.stdin.readline()
    return "waited"

url, lease, task = sys.argv[1:]
script = ["Action: wait\\nAction Input: {}", "Final Answer: done"]
with Journal(url, lease_seconds=float(lease)) as journal:
    agent = Agent(ScriptedModel(script if task == "run" else script[1:]), [wait], journal=journal)
    try:
        run = agent.run("?", run_id="r") if task == "run" else agent.resume("r")
        print(run.answer, flush=True)
    except Exception as error:
        print(type(error).__name__, error, flush=True)
"""


class Driver:
    """Another process that drives the run "r"."""

    def __init__(self, url: str, task: str, lease_seconds: float = 60) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", DRIVER, url, str(lease_seconds), task],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )

    def line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def go_on(self) -> str:
        return self._process.communicate("\n", timeout=60)[0].strip()

    def signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def kill(self) -> None:
        self._process.kill()
        self._process.communicate()


def test_a_run_that_is_being_driven_cannot_be_resumed(url: str) -> None:
    first = Driver(url, "run")
    assert first.line() == "waiting"
    second = Driver(url, "resume")
    assert second.line().startswith("LeaseHeld Run 'r' is being driven by")
    assert second.go_on() == ""
    assert first.go_on() == "done"
    assert rows(url, "SELECT owner, fence FROM runs") == [(None, 1)]


def test_a_dead_process_is_not_waited_for(url: str) -> None:
    first = Driver(url, "run")
    assert first.line() == "waiting"
    first.kill()
    assert rows(url, "SELECT status, fence FROM runs") == [("running", 1)]
    second = Driver(url, "resume")
    assert second.line() == "waiting"
    assert second.go_on() == "done"
    assert rows(url, "SELECT status, owner, fence FROM runs") == [("ended", None, 2)]


@pytest.mark.skipif(sys.platform == "win32", reason="SIGSTOP")
def test_whoever_was_silent_too_long_has_lost_the_run(url: str) -> None:
    first = Driver(url, "run", lease_seconds=0.2)
    assert first.line() == "waiting"
    first.signal(signal.SIGSTOP)  # it does not even tell that it lives
    time.sleep(0.3)
    second = Driver(url, "resume")
    assert second.line() == "waiting"
    first.signal(signal.SIGCONT)
    time.sleep(0.2)  # it tells again that it lives: to nobody's harm
    assert first.go_on().startswith("LeaseLost Another process has taken run 'r' over")
    assert second.go_on() == "done"
    assert rows(url, "SELECT number, phase, fence FROM effects ORDER BY number") == [
        (0, "intent", 1), (1, "result", 1), (2, "intent", 1), (3, "result", 2), (4, "intent", 2), (5, "result", 2),
    ]  # fmt: skip


def test_two_that_take_over_at_once(url: str) -> None:
    with Journal(url) as journal:
        world = World(journal, idempotent=True)
        with pytest.raises(Crash):
            world.agent(SCRIPT, wrap=[crash_at(3)]).run("How is it?", run_id="r")
        fingerprint: dict[str, str] = {}
        first = journal.take("r", fingerprint, allow_drift=True)
        with pytest.raises(JournalError, match="is being driven by"):
            journal.take("r", fingerprint, allow_drift=True)
        first.close()
        journal.take("r", fingerprint, allow_drift=True).close()


def test_several_processes_resume_one_run_once(url: str) -> None:
    first = Driver(url, "run")
    assert first.line() == "waiting"
    first.kill()
    drivers = [Driver(url, "resume") for _ in range(3)]
    lines = [driver.line() for driver in drivers]
    assert lines.count("waiting") == 1
    assert sum("LeaseHeld" in line for line in lines) == 2
    ends = [driver.go_on() for driver in drivers]
    assert sorted(ends) == ["", "", "done"]


def test_a_clock_that_steps_back_lets_nobody_in_twice(tmp_path: Path) -> None:
    now = [1_000_000.0]
    store = Store(f"sqlite:///{tmp_path / 'j.db'}", 60, lambda: now[0])
    row = RunRow(run_id="r", question="?", model="m", strategy="react", fingerprint="{}", start="{}")
    first = done(store.begin(row, "elsewhere:1:a"))
    now[0] -= 3600  # the lease looks long now: it is waited for
    with pytest.raises(JournalError, match="try again in 3660 s"):
        store.take("r", "elsewhere:2:b")
    now[0] += 7200
    second = store.take("r", "elsewhere:2:b")
    now[0] -= 7200
    with pytest.raises(LeaseLost):
        append(store, first)
    append(store, second)
    store.close()


def test_a_clock_that_steps_forward_lets_nobody_in_twice(tmp_path: Path) -> None:
    here = Store(f"sqlite:///{tmp_path / 'j.db'}", 60)
    ahead = Store(f"sqlite:///{tmp_path / 'j.db'}", 60, lambda: time.time() + 3600)
    row = RunRow(run_id="r", question="?", model="m", strategy="react", fingerprint="{}", start="{}")
    first = done(here.begin(row, "elsewhere:1:a"))
    second = ahead.take("r", "elsewhere:2:b")  # on this machine an hour has passed
    here.renew([first])
    with pytest.raises(LeaseLost):
        append(here, first)
    append(ahead, second)
    with pytest.raises(JournalError, match="is being driven by elsewhere:2:b"):
        here.take("r", "elsewhere:1:c")
    here.close()
    ahead.close()


def test_a_call_that_takes_longer_than_the_lease_keeps_it(url: str) -> None:
    first = Driver(url, "run", lease_seconds=2)
    assert first.line() == "waiting"
    time.sleep(3)
    second = Driver(url, "resume")
    assert second.line().startswith("LeaseHeld Run 'r' is being driven by")
    assert second.go_on() == ""
    assert first.go_on() == "done"
    assert rows(url, "SELECT owner, fence FROM runs") == [(None, 1)]


def beating() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "agentkit-heartbeat"]


def test_one_thread_tells_that_all_runs_of_a_journal_live_and_ends_when_there_are_none(tmp_path: Path) -> None:
    seen: list[int] = []

    @tool(idempotent=True)
    def wait() -> str:
        """Wait until the lease would have expired."""
        time.sleep(0.4)
        seen.append(len(beating()))
        return "waited"

    before = len(beating())
    with Journal(f"sqlite:///{tmp_path / 'j.db'}", lease_seconds=0.2) as journal:
        assert len(beating()) == before  # from the first run on
        script = ["Action: wait\nAction Input: {}", "Final Answer: done"]
        agents = [Agent(ScriptedModel(script), [wait], journal=journal) for _ in range(5)]
        threads = [threading.Thread(target=agent.run, args=("?",)) for agent in agents]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert seen == [before + 1] * 5 and len(journal.runs("ended")) == 5
        until = time.monotonic() + 5
        while len(beating()) > before and time.monotonic() < until:
            time.sleep(0.01)
        assert len(beating()) == before
        agents[0] = Agent(ScriptedModel(script), [wait], journal=journal)
        assert agents[0].run("?").answer == "done"
    assert len(beating()) == before


@pytest.mark.parametrize("fault", [JournalError("gone"), MemoryError()])
def test_a_database_that_is_gone_for_a_while_does_not_end_the_heartbeat(fault: Exception) -> None:
    others = beating()  # whose runs other tests have left
    beats: list[int] = []
    enough = threading.Event()

    def renew(leases: Sequence[Lease]) -> None:
        beats.append(len(leases))
        if len(beats) == 1:
            raise fault
        enough.set()

    heart = Heartbeat(renew, 0.01)
    heart.add(Lease("r", "me", 1, 1))
    assert enough.wait(5) and beats[:2] == [1, 1]
    heart.stop()
    assert not set(beating()) - set(others)


def test_who_is_gone() -> None:
    assert not owner_is_gone(new_owner())
    assert not owner_is_gone("another machine:1:x") and not owner_is_gone("odd")
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    machine, _, rest = new_owner().partition(":")
    assert owner_is_gone(f"{machine}:{ended.pid}:{rest}")
