"""Group commit: many runs share transactions, and one that fails does not take the others along."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import create_engine, text

from agentkit import Agent, ConfigError
from agentkit.journal import Journal, JournalError, LeaseLost
from agentkit.journal.database import Database, RawTransaction
from agentkit.journal.leases import Lease
from agentkit.journal.store import RunRow, Store
from agentkit.journal.writer import Job, Writer
from agentkit.testing import ScriptedModel
from tests.journal.support import SCRIPT, World, append, done, rows

if TYPE_CHECKING:
    from sqlalchemy.engine.interfaces import DBAPICursor

ROW = RunRow(run_id="", question="?", model="m", strategy="react", fingerprint="{}", start="{}")


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    opened = Store(url, 60)
    yield opened
    opened.close()


def begin(store: Store, *run_ids: str) -> list[Lease]:
    return [done(store.begin(replace(ROW, run_id=run_id), "elsewhere:1:a")) for run_id in run_ids]


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


class Row(Job):
    """Writes a row of its own; then something may happen, in the middle of the group."""

    def __init__(self, store: Store, name: str, happens: Callable[[], object] | None = None) -> None:
        super().__init__(store.writer, durable=True)
        self._name = name
        self._happens = happens

    def do(self, cursor: DBAPICursor) -> None:
        cursor.execute("INSERT INTO agents (agent_id, spec) VALUES (?, '{}')", (self._name,))
        if self._happens is not None:
            self._happens()


class Stopped(BaseException):
    """As a thread may be stopped from outside."""


def fail(error: BaseException) -> None:
    raise error


def ctrl_c() -> None:
    signal.raise_signal(signal.SIGINT)


async def awaited(jobs: Sequence[Job]) -> list[BaseException | None]:
    """What those who wait in an event loop are told of a group that is queued at once."""
    for job in jobs:
        job.writer.queue(job)
    waiting = [job.writer.waiting(job) for job in jobs]
    return await asyncio.wait_for(asyncio.gather(*waiting, return_exceptions=True), 20)


def is_told(error: BaseException | None) -> bool:
    return isinstance(error, JournalError) and "interrupted. The run stops here; resume it." in str(error)


def check_that_nothing_of_it_is_left(store: Store, url: str, leases: Sequence[Lease]) -> None:
    """Of the group nothing is committed, and all of it can be written now, by threads and by event loops."""
    written = "SELECT run_id FROM effects UNION ALL SELECT agent_id FROM agents"
    assert rows(url, written) == []
    for lease in leases:
        append(store, lease)
    assert asyncio.run(awaited([Row(store, "c"), Row(store, "d")])) == [None, None]
    assert rows(url, f"{written} ORDER BY 1") == [("a",), ("b",), ("c",), ("d",)]
    assert rows(url, "PRAGMA integrity_check") == [("ok",)]


@pytest.fixture
def on_sqlite(tmp_path: Path) -> Iterator[tuple[Store, str]]:
    url = f"sqlite:///{tmp_path / 'j.db'}?timeout=1"
    with closing(Store(url, 60)) as store:
        yield store, url


@pytest.mark.parametrize(
    ("happens", "kind"),
    [
        (ctrl_c, KeyboardInterrupt),
        (partial(fail, SystemExit(1)), SystemExit),
        (partial(fail, OverflowError("too large")), OverflowError),
    ],
)
def test_of_a_group_that_a_thread_could_not_write_each_is_told(
    on_sqlite: tuple[Store, str],
    monkeypatch: pytest.MonkeyPatch,
    happens: Callable[[], object],
    kind: type[BaseException],
) -> None:
    """The main thread writes, also for threads and tasks of an event loop, which wait for it."""
    store, url = on_sqlite
    leases = begin(store, "a", "b")
    queued, in_loop, writing = threading.Semaphore(0), threading.Event(), threading.Event()
    told: dict[str, BaseException | None] = {}
    queue = Writer.queue

    def held(self: Writer, job: Job) -> None:
        queue(self, job)
        if threading.current_thread() is not threading.main_thread():
            queued.release()
            assert writing.wait(20)  # it is the main thread that has the turn

    def in_a_thread(lease: Lease) -> None:
        try:
            append(store, lease)
            told[lease.run_id] = None
        except JournalError as error:
            told[lease.run_id] = error

    async def in_a_loop() -> None:
        jobs = {name: Row(store, name) for name in ("c", "d")}
        for job in jobs.values():
            queue(store.writer, job)
            queued.release()
        await asyncio.to_thread(writing.wait, 20)
        waiting = [asyncio.ensure_future(store.writer.waiting(job)) for job in jobs.values()]
        asyncio.get_running_loop().call_soon(in_loop.set)  # after the first steps of both
        told.update(zip(jobs, await asyncio.gather(*waiting, return_exceptions=True), strict=True))

    def interrupt() -> None:
        writing.set()
        assert in_loop.wait(20)
        happens()

    threads = [threading.Thread(target=in_a_thread, args=(lease,)) for lease in leases]
    threads.append(threading.Thread(target=lambda: asyncio.run(in_a_loop())))
    with monkeypatch.context() as patch:
        patch.setattr(Writer, "queue", held)
        for thread in threads:
            thread.start()
        for _ in "abcd":
            assert queued.acquire(timeout=20)
        with pytest.raises(kind):
            store.writer.write(Row(store, "mine", interrupt))
        for thread in threads:
            thread.join(20)
    assert sorted(told) == ["a", "b", "c", "d"] and all(map(is_told, told.values()))
    assert len({id(error) for error in told.values()}) == 4  # each raises one of its own
    check_that_nothing_of_it_is_left(store, url, leases)


@pytest.mark.parametrize("error", [Stopped(), SystemExit(1), OverflowError("too large")])
def test_of_a_group_that_the_journals_thread_could_not_write_each_is_told(
    on_sqlite: tuple[Store, str], error: BaseException
) -> None:
    store, url = on_sqlite
    leases = begin(store, "a", "b")

    async def main() -> None:
        group = [Row(store, "c"), Row(store, "mine", partial(fail, error)), Row(store, "d")]
        assert list(map(is_told, await awaited(group))) == [True] * 3
        assert await awaited([Row(store, "next")]) == [None]  # the thread goes on

    asyncio.run(main())
    engine = create_engine(url)
    with engine.begin() as connection:
        assert connection.execute(text("DELETE FROM agents WHERE agent_id = 'next'")).rowcount == 1
    engine.dispose()
    check_that_nothing_of_it_is_left(store, url, leases)


def test_a_thread_that_is_interrupted_before_its_commit_locks_nobody_out(
    on_sqlite: tuple[Store, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    store, url = on_sqlite
    leases = begin(store, "a", "b")

    def interrupted(*_: object) -> None:
        ctrl_c()

    with monkeypatch.context() as patch:
        patch.setattr(RawTransaction, "__exit__", interrupted)
        with pytest.raises(KeyboardInterrupt):
            store.writer.write(Row(store, "mine"))
    with closing(Store(url, 60)) as another_process:
        begin(another_process, "other")
    check_that_nothing_of_it_is_left(store, url, leases)


def test_a_journal_in_memory_outlives_a_group_that_was_interrupted() -> None:
    with closing(Store("sqlite://", 60)) as store:
        (lease,) = begin(store, "a")
        with pytest.raises(KeyboardInterrupt):
            store.writer.write(Row(store, "mine", ctrl_c))
        append(store, lease)
        assert len(store.archive.recording("a").effects) == 1
