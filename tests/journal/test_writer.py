"""Group commit: many runs share transactions, and one that fails does not take the others along."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from agentkit import Agent, ConfigError
from agentkit.journal import Journal, LeaseLost
from agentkit.journal.database import Database, RawTransaction
from agentkit.journal.leases import Lease
from agentkit.journal.store import RunRow, Store
from agentkit.journal.writer import Job, Writer
from agentkit.testing import ScriptedModel
from tests.journal.support import SCRIPT, World, append, done, rows


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    opened = Store(url, 60)
    yield opened
    opened.close()


def begin(store: Store, *run_ids: str) -> list[Lease]:
    row = RunRow(run_id="", question="?", model="m", strategy="react", fingerprint="{}", start="{}")
    return [done(store.begin(replace(row, run_id=run_id), "elsewhere:1:a")) for run_id in run_ids]


def test_of_a_group_only_those_fail_that_have_lost_their_run(
    url: str, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    leases = begin(store, "a", "b", "c")
    leases[1] = Lease("b", "elsewhere:1:a", 0, leases[1].number)  # another has it by now
    entered, transactions = threading.Barrier(len(leases)), 0
    enqueue, enter = Writer.queue, RawTransaction.__enter__

    def together(self: Writer, job: Job) -> None:
        enqueue(self, job)
        entered.wait(20)  # all are queued before the first of them writes

    def counted(self: RawTransaction) -> object:
        nonlocal transactions
        transactions += 1
        return enter(self)

    ended: dict[str, str] = {}

    def write(lease: Lease) -> None:
        try:
            append(store, lease)
            ended[lease.run_id] = "written"
        except LeaseLost:
            ended[lease.run_id] = "lost"

    monkeypatch.setattr(Writer, "queue", together)
    monkeypatch.setattr(RawTransaction, "__enter__", counted)
    threads = [threading.Thread(target=write, args=(lease,)) for lease in leases]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert ended == {"a": "written", "b": "lost", "c": "written"} and transactions == 1
    assert rows(url, "SELECT run_id FROM effects ORDER BY run_id") == [("a",), ("c",)]


def test_a_row_that_the_database_refuses_fails_alone(url: str) -> None:
    with Journal(url) as journal:
        agent = Agent(ScriptedModel(["Final Answer: 1"] * 20), journal=journal)

        async def main() -> list[object]:
            names = ["r1", "r2", "r1", "r3", "r2", "r4"]
            return await asyncio.gather(*(agent.arun("?", run_id=name) for name in names), return_exceptions=True)

        ended = asyncio.run(main())
    assert [isinstance(each, ConfigError) for each in ended] == [False, False, True, False, True, False]
    assert rows(url, "SELECT run_id, status FROM runs ORDER BY run_id") == [(f"r{n}", "ended") for n in range(1, 5)]


def test_runs_of_one_event_loop_share_transactions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    transactions = 0
    raw = Database.raw

    def counted(self: Database, *, durable: bool) -> RawTransaction:
        nonlocal transactions
        transactions += 1
        return raw(self, durable=durable)

    monkeypatch.setattr(Database, "raw", counted)
    with Journal(f"sqlite:///{tmp_path / 'j.db'}") as journal:
        world = World(journal)

        async def main() -> None:
            agents = [world.agent(SCRIPT) for _ in range(50)]
            await asyncio.gather(*(agent.arun("?", run_id=f"r{n}") for n, agent in enumerate(agents)))

        asyncio.run(main())
    assert sorted(world.posted) == sorted(f"r{n}:2:0" for n in range(50))
    assert transactions < 50 * 8 / 2  # a run alone takes 8


def test_results_that_can_be_had_again_wait_for_the_next_intent(url: str) -> None:
    with Journal(url) as journal:
        world = World(journal, url)
        events = world.agent(SCRIPT).stream("How is it?", run_id="r")
        for event in events:
            if event.type == "step":
                break
        counted = "SELECT count(*) FROM effects"
        assert rows(url, counted) == [(3,)]  # the result of the look waits
        events.close()
        assert rows(url, counted) == [(4,)]
