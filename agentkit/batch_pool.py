"""The runs of a batch that are going on, waiting and done: bounded, put in order, within one budget.

All of it lives in one event loop; `Batch` exchanges questions for results with it, from there or from another thread.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias, TypeVar, cast

from agentkit.assembly import Assembly, Start
from agentkit.budget import Ledger
from agentkit.errors import ConfigError, JournalUnavailable, ModelError
from agentkit.hosts import Workers
from agentkit.messages import Run, Usage
from agentkit.operations import adrive, aended, drive

if TYPE_CHECKING:
    from agentkit.journal import Journal
    from agentkit.journal.records import RunStatus

__all__ = [
    "BatchResult",
    "BatchStatus",
    "BatchSummary",
    "Engine",
    "Item",
    "Job",
    "LocalRunner",
    "Order",
    "Pool",
    "Runner",
    "Tally",
]

R = TypeVar("R")
BatchStatus: TypeAlias = Literal["answered", "limit", "waiting", "failed", "not_run"]
Order: TypeAlias = Literal["input", "completed"]
NO_JOURNAL = "A batch_id is for going on later, which needs a journal: Agent(…, journal=Journal())."
AHEAD = 256
"""How many runs may be begun after one that is not done yet, or not yet taken (at least four times those at once)."""


@dataclass(frozen=True, slots=True)
class BatchResult:
    """What became of one question.

    Attributes:
        place: of the question, from 0.
        status: "answered"; "limit": a limit was reached, and the answer is made from what was known; "waiting": for a
            person (`run.stop_reason` is "needs_approval" or "needs_attention"); "failed": see `error`; "not_run": the
            budget was used up before it began.
        run: the run; None when it was not run, and when it failed before its first step was over.
        error: what it failed with.
        from_journal: it had ended in an earlier go, and nothing was done for it now.
    """

    place: int
    question: str
    run_id: str
    status: BatchStatus
    run: Run | None = None
    error: Exception | None = None
    from_journal: bool = False

    @property
    def answer(self) -> str | None:
        """The answer, if there is one."""
        return None if self.run is None else self.run.answer


@dataclass(frozen=True, slots=True)
class BatchSummary:
    """How many runs ended in which way (see `BatchResult`), and what all of them have used, earlier goes included.

    Attributes:
        from_journal: how many of them had ended in an earlier go.
        cost_usd: US dollars; None when the price of a model is not known.
        seconds: since the batch began, or went on.
    """

    answered: int = 0
    limit: int = 0
    waiting: int = 0
    failed: int = 0
    not_run: int = 0
    from_journal: int = 0
    tokens: int = 0
    cost_usd: float | None = None
    seconds: float = 0.0

    @property
    def done(self) -> int:
        """How many questions have a result."""
        return self.answered + self.limit + self.waiting + self.failed + self.not_run


@dataclass(slots=True)
class Tally:
    """Counts results as runs end."""

    counts: dict[BatchStatus, int] = field(default_factory=dict["BatchStatus", int])
    from_journal: int = 0
    tokens: int = 0
    cost: float = 0.0
    priced: bool = True
    failures: list[BatchResult] = field(default_factory=list[BatchResult])
    started: float = field(default_factory=time.monotonic)

    def add(self, result: BatchResult) -> None:
        self.counts[result.status] = self.counts.get(result.status, 0) + 1
        self.from_journal += result.from_journal
        if result.status == "failed":
            self.failures.append(result)
        usage = Usage() if result.run is None else result.run.usage
        self.tokens += usage.tokens
        self.cost += usage.cost_usd or 0.0
        self.priced = self.priced and (usage.cost_usd is not None or not usage.model_calls)

    def summary(self) -> BatchSummary:
        cost = self.cost if self.priced else None
        seconds = time.monotonic() - self.started
        return BatchSummary(
            **self.counts, from_journal=self.from_journal, tokens=self.tokens, cost_usd=cost, seconds=seconds
        )


@dataclass(frozen=True, slots=True)
class Item:
    """One question, and how its run stands in the journal, if it has one."""

    place: int
    question: str
    run_id: str
    known: RunStatus | None = None


class Runner(Protocol):
    """Makes the runs."""

    async def answer(self, item: Item, /) -> Run: ...

    async def aclose(self) -> None: ...


class Engine(Protocol):
    """Where runs are made, when that is not here: see `agentkit.batch_ray`."""

    def begin(self, job: Job, /) -> Runner:
        """Get ready.

        Raises:
            ConfigError: this batch cannot be run there.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """All that is fixed when a batch begins; `named` by whoever began it, so that it must be resumable."""

    assembly: Assembly
    batch_id: str
    named: bool = False
    concurrency: int
    ledger: Ledger
    order: Order = "input"
    engine: Engine | None = None
    allow_drift: bool = False
    config: Mapping[str, object] | None = None
    tally: Tally = field(default_factory=Tally)


class LocalRunner:
    """Makes the runs in the running event loop."""

    def __init__(self, job: Job) -> None:
        self._job = job

    async def answer(self, item: Item, /) -> Run:
        job = self._job
        now = datetime.now().astimezone()
        start = Start(item.question, (), item.run_id, now, job.config, job.batch_id, item.place)
        known = item.known is not None
        return await aended(adrive(job.assembly.ensure(start, known=known, allow_drift=job.allow_drift)))

    async def aclose(self) -> None:
        pass


def opened(assembly: Assembly) -> Journal | None:
    """The journal of an agent, opened if that is still to be done. It blocks."""
    try:
        next(drive(assembly.opened()))
    except StopIteration as stop:
        return cast("Journal | None", stop.value)
    raise AssertionError("opening a journal tells of no events")


class Pool:
    """Runs at most so many at once, and gives their results back."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._window = max(AHEAD, 4 * job.concurrency)
        self._runner: Runner = LocalRunner(job)
        self._workers = Workers()
        self._journal: Journal | None = None
        self._known = False
        self._waiting: deque[Item] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self._done: dict[int, BatchResult] = {}
        self._next = 0
        self._last = self._closed = False
        self._fatal: Exception | None = None
        self._changed = asyncio.Event()

    def begin(self) -> None:
        """Get ready. It blocks: not for an event loop.

        Raises:
            ConfigError: another agent began this batch, or the engine cannot run it.
        """
        job = self._job
        job.tally.started = time.monotonic()
        self._journal = journal = opened(job.assembly)
        if journal is not None:
            fingerprint = None if job.allow_drift else job.assembly.fingerprint
            self._known = journal.has_batch(job.batch_id, fingerprint)
        elif job.named:
            raise ConfigError(NO_JOURNAL)
        if job.engine is not None:
            self._runner = job.engine.begin(job)

    async def in_thread(self, function: Callable[[], R]) -> R:
        """Call what blocks."""
        return await asyncio.wrap_future(self._workers.submit(function))

    @property
    def is_resumable(self) -> bool:
        """Whether the runs are written down."""
        return self._journal is not None

    @property
    def over(self) -> bool:
        """Whether every question's result has been given."""
        return self._last and not (self._waiting or self._tasks or self._done)

    @property
    def room(self) -> int:
        """How many questions it would take now; none rather than a few."""
        if self._last:
            return 0
        open_window = self._window - len(self._waiting) - len(self._tasks) - len(self._done)
        room = min(2 * self._job.concurrency - len(self._waiting), open_window)
        return room if room > self._job.concurrency // 2 else 0

    async def exchange(self, items: Sequence[Item], last: bool) -> list[BatchResult]:
        """Give questions, get results; waits until there are some, or room for more questions.

        Raises:
            ConfigError: the journal has another question at a place.
            JournalUnavailable: no run can go on.
        """
        if items and self._known:
            items = await self.in_thread(lambda: self._looked_up(items))
        self._last = self._last or last
        self._waiting.extend(items)
        self._start()
        while not (ready := self._ready()):
            if self._fatal is not None:
                raise self._fatal
            if self.over or self.room:
                break
            self._changed.clear()
            await self._changed.wait()
        return ready

    async def aclose(self) -> None:
        """End what is going on."""
        self._closed = True
        self._waiting.clear()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._runner.aclose()
        self._workers.close()

    def _looked_up(self, items: Sequence[Item]) -> list[Item]:
        assert self._journal is not None
        found = self._journal.places(self._job.batch_id, {item.place: item.question for item in items})
        return [replace(item, known=found.get(item.place)) for item in items]

    def _start(self) -> None:
        while self._waiting and len(self._tasks) < self._job.concurrency and not (self._fatal or self._closed):
            item = self._waiting.popleft()
            if item.known != "ended" and self._job.ledger.exceeded():
                self._put(BatchResult(item.place, item.question, item.run_id, "not_run"))
                continue
            task = asyncio.ensure_future(self._answer(item))
            self._tasks.add(task)
            task.add_done_callback(self._ended)

    async def _answer(self, item: Item) -> None:
        try:
            run = await self._runner.answer(item)
        except JournalUnavailable as error:  # nor can any other run be written down
            self._fatal = error
        except Exception as error:
            self._put(failed(item, error))
        except asyncio.CancelledError as error:
            if self._closed:
                raise
            self._put(failed(item, RuntimeError(f"The run was cancelled: {error!r}")))
        except BaseException as error:  # SystemExit would end the event loop, and nobody would hear of it
            self._fatal = RuntimeError(f"Run {item.run_id} ended in {error!r}.")
            self._fatal.__cause__ = error
        else:
            self._put(answered(item, run))

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._start()
        self._changed.set()

    def _put(self, result: BatchResult) -> None:
        self._job.tally.add(result)
        self._done[result.place] = result
        self._changed.set()

    def _ready(self) -> list[BatchResult]:
        if self._job.order == "completed":
            ready = list(self._done.values())
            self._done.clear()
            return ready
        ready = list[BatchResult]()
        while (result := self._done.pop(self._next, None)) is not None:
            ready.append(result)
            self._next += 1
        return ready


def failed(item: Item, error: Exception) -> BatchResult:
    """The result of a run that an exception ended."""
    run = error.run if isinstance(error, ModelError) else None
    return BatchResult(item.place, item.question, item.run_id, "failed", run, error)


def answered(item: Item, run: Run) -> BatchResult:
    """The result of a run that has ended."""
    status: BatchStatus = "limit"
    if run.stop_reason == "answer":
        status = "answered"
    elif run.stop_reason in ("needs_approval", "needs_attention"):
        status = "waiting"
    known = item.known == "ended"
    return BatchResult(item.place, item.question, item.run_id, status, run, from_journal=known)
