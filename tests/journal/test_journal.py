"""A run is written down as it happens; nothing that is used is not in the journal before."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from agentkit import Agent, ConfigError, IdempotencyKey, Limits, ModelError, approve_all, tool
from agentkit.journal import Journal, JournalError
from agentkit.journal.database import RawTransaction
from agentkit.testing import ScriptedModel
from tests.journal.support import SCRIPT, World, rows

ROOT = Path(__file__).parents[2]


def test_intents_stand_before_what_they_announce_and_results_before_they_are_used(url: str) -> None:
    with Journal(url) as journal:
        world = World(journal, url)
        run = world.agent(SCRIPT).run("How is it?", run_id="r")
        assert run.answer == "fine"
        found = rows(url, "SELECT number, effect, phase, kind, step, tool, key, outcome FROM effects ORDER BY number")
        assert found == [
            (0, 0, "intent", "ask", 1, None, None, None),
            (1, 0, "result", "ask", 1, None, None, "ok"),
            (2, 1, "intent", "act", 1, "look", "r:1:0", None),
            (3, 1, "result", "act", 1, "look", "r:1:0", "ok"),
            (4, 2, "intent", "ask", 2, None, None, None),
            (5, 2, "result", "ask", 2, None, None, "ok"),
            (6, 3, "intent", "act", 2, "post", "r:2:0", None),
            (7, 3, "result", "act", 2, "post", "r:2:0", "ok"),
            (8, 4, "intent", "ask", 3, None, None, None),
            (9, 4, "result", "ask", 3, None, None, "ok"),
        ]
    # What the tools themselves saw in the journal when they were called: their intent, and not yet a result.
    assert world.seen_by_tools == [("look", 2, "intent"), ("post", 6, "intent")]


def test_the_run_table_tells_how_it_went(url: str) -> None:
    with Journal(url) as journal:
        World(journal).agent(SCRIPT).run("How is it?", run_id="r")
        record = journal.run("r")
        assert (record.status, record.stop_reason, record.answer) == ("ended", "answer", "fine")
        assert (record.question, record.model, record.strategy) == ("How is it?", "scripted", "react")
        assert journal.runs("ended") == [record] and journal.runs("running") == []


def test_a_run_id_is_used_once() -> None:
    with Journal("sqlite://") as journal:
        Agent(ScriptedModel(["Final Answer: 1"]), journal=journal).run("?", run_id="r")
        with pytest.raises(ConfigError, match="a run 'r' already: resume it"):
            Agent(ScriptedModel(["Final Answer: 1"]), journal=journal).run("?", run_id="r")


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(ConfigError, match="journal must be a Journal"):
        Agent(ScriptedModel([]), journal="sqlite:///j.db")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="more than 0"):
        Journal("sqlite://", lease_seconds=float("nan"))
    with pytest.raises(ConfigError, match="no JSON text"):
        Journal("sqlite://", origin="mine")
    with Journal("sqlite://") as journal:
        World(journal).agent(SCRIPT[2:]).run("How is it?")
        for wrong in ("ended", ["over"]):
            with pytest.raises(ConfigError, match=r"There is no status .* needs_approval"):
                journal.prune(statuses=wrong)  # type: ignore[arg-type]
        with pytest.raises(ConfigError, match="no status 'over'"):
            journal.runs("over")  # type: ignore[arg-type]
        with pytest.raises(ConfigError, match="below 0"):
            journal.runs(limit=-1)
        with pytest.raises(ConfigError, match="below 0"):
            journal.prune(keep=-1)
        assert journal.prune(timedelta.max) == [] and len(journal.runs()) == 1


@pytest.mark.parametrize("name", [" ", "a\nb", "a\0b", "half \ud800", "x" * 201])
def test_a_name_that_could_not_be_found_again_is_refused(name: str) -> None:
    with Journal("sqlite://") as journal:
        agent = World(journal).agent(SCRIPT[2:] * 3)
        agent.run("How is it?", run_id="r")
        with pytest.raises(ConfigError, match="run_id must be 1 to 200 printable characters"):
            agent.run("How is it?", run_id=name)
        with pytest.raises(ConfigError, match="run_id must be 1 to 200 printable characters"):
            agent.fork("r", at=1, run_id=name)
        assert [run.run_id for run in journal.runs()] == ["r"]


def test_long_names_are_kept(url: str) -> None:
    with Journal(url) as journal:
        model = ScriptedModel(SCRIPT[2:], name="m" * 300)
        assert Agent(model, journal=journal).run("How is it?", run_id="é" * 200).answer == "fine"
        assert Agent(model, journal=journal).resume("é" * 200).answer == "fine"


def test_an_approval_is_written_down_with_its_arguments_before_the_tool_runs(url: str) -> None:
    asked: list[object] = []

    @tool(needs_approval=True)
    def pay(amount: int, key: IdempotencyKey) -> str:
        """Pay."""
        asked.extend(row[0] for row in rows(url, "SELECT arguments FROM approvals WHERE granted"))
        return "paid"

    with Journal(url) as journal:
        model = ScriptedModel(['Action: pay\nAction Input: {"amount": 5}', "Final Answer: ok"])
        Agent(model, [pay], approve=approve_all, journal=journal).run("?", run_id="r")
        assert asked == ['{"amount":5}']
        assert rows(url, "SELECT key, step, tool FROM approvals") == [("r:1:0", 1, "pay")]


def test_a_failed_model_leaves_a_run_that_can_be_resumed() -> None:
    with Journal("sqlite://") as journal:
        world = World(journal)
        with pytest.raises(ModelError):
            world.agent([*SCRIPT[:2], ModelError("gone")]).run("How is it?", run_id="r")
        assert journal.run("r").status == "error"
        assert world.agent(SCRIPT[2:]).resume("r").answer == "fine"
        assert journal.run("r").status == "ended" and world.posted == ["r:2:0"]


def test_a_run_that_is_left_is_let_go_of() -> None:
    with Journal("sqlite://") as journal:
        world = World(journal)
        events = world.agent(SCRIPT).stream("How is it?", run_id="r")
        for event in events:
            if event.type == "step":
                break
        events.close()
        assert journal.run("r").status == "interrupted"
        assert world.agent(SCRIPT[1:]).resume("r").answer == "fine"


def test_a_cancelled_task_lets_go_of_its_run(url: str) -> None:
    with Journal(url) as journal:
        world = World(journal)

        async def main() -> None:
            slow = world.agent(ScriptedModel(SCRIPT, delay=30))
            task = asyncio.create_task(slow.arun("How is it?", run_id="r"))
            while not journal.runs("running"):
                await asyncio.sleep(0.01)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            while journal.run("r").status == "running":
                await asyncio.sleep(0.01)
            assert (await world.agent(SCRIPT).aresume("r")).answer == "fine"

        asyncio.run(main())


def test_a_task_cancelled_while_its_run_begins_lets_go_of_it(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with Journal(url) as journal:
        world = World(journal)
        journal.prepare()
        leave, committed = RawTransaction.__exit__, threading.Event()

        def slow(self: RawTransaction, *error: Any) -> None:
            leave(self, *error)
            if not committed.is_set():
                committed.set()
                time.sleep(0.2)  # the run is there, and its task does not know yet

        async def main() -> None:
            monkeypatch.setattr(RawTransaction, "__exit__", slow)
            task = asyncio.create_task(world.agent(SCRIPT).arun("How is it?", run_id="r"))
            await asyncio.to_thread(committed.wait, 10)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert journal.run("r").status == "interrupted"
            assert (await world.agent(SCRIPT).aresume("r")).answer == "fine"

        asyncio.run(main())


def test_one_journal_serves_many_runs_at_once(url: str) -> None:
    with Journal(url) as journal:
        world = World(journal)

        async def main() -> None:
            agents = [world.agent(SCRIPT) for _ in range(20)]
            runs = await asyncio.gather(*(agent.arun("How is it?", run_id=f"r{n}") for n, agent in enumerate(agents)))
            assert {run.answer for run in runs} == {"fine"}

        asyncio.run(main())
        assert sorted(world.posted) == sorted(f"r{n}:2:0" for n in range(20))


def test_the_journal_is_loaded_when_it_is_used() -> None:
    code = (
        "import sys, agentkit; assert 'agentkit.journal' not in sys.modules\n"
        "from agentkit.journal import Journal; assert 'sqlalchemy' not in sys.modules\n"
        "Journal('sqlite://'); assert 'sqlalchemy' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


@pytest.mark.parametrize(
    ("url", "says"), [("nonsense", "is no database URL"), ("sqlite:////proc/nowhere/j.db", "Cannot make /proc/nowhere")]
)
def test_a_url_that_cannot_be_used_is_refused_at_once(url: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        Journal(url)


def test_a_journal_that_cannot_be_written_stops_the_run_before_it_acts(tmp_path: Path) -> None:
    file = tmp_path / "journal.db"
    with Journal(f"sqlite:///{file}") as journal:
        world = World(journal)
        agent = world.agent(SCRIPT, limits=Limits(max_steps=5))
        events = agent.stream("How is it?", run_id="r")
        for event in events:
            if event.type == "step":
                break
        journal.close()
        for path in tmp_path.iterdir():
            path.unlink()
        file.write_bytes(b"not a database" * 1000)
        with pytest.raises(JournalError, match="cannot be used just now"):
            list(events)
    assert world.posted == []


@pytest.mark.parametrize("name", ["a?b.db", "a%20b.db", "a b#c.db", "é.db", "q?timeout=1.db"])
def test_a_file_may_be_called_anything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("AGENTKIT_JOURNAL", str(tmp_path / name))
    with Journal() as journal:
        assert journal.runs() == []
        assert {file.name for file in tmp_path.iterdir()} >= {name}


def test_the_file_is_where_the_environment_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENTKIT_JOURNAL", str(tmp_path / "deep" / "j.db"))
    with Journal() as journal:
        assert journal.runs() == []
    assert (tmp_path / "deep" / "j.db").exists()
    monkeypatch.delenv("AGENTKIT_JOURNAL")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    if sys.platform == "linux":
        Journal().close()
        assert (tmp_path / "data" / "agentkit").is_dir()
