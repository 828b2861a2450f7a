"""Many questions, one agent: `Agent.batch`. What it promises: docs/batch.md."""

from __future__ import annotations

import secrets
import sys
from collections.abc import AsyncGenerator, Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from typing import TypeAlias, get_args

from agentkit.assembly import Assembly
from agentkit.batch_pool import (
    NO_JOURNAL,
    BatchResult,
    BatchStatus,
    BatchSummary,
    Engine,
    Item,
    Job,
    Order,
    Pool,
    Tally,
)
from agentkit.budget import Budget, Ledger
from agentkit.errors import ConfigError
from agentkit.hosts import Host

__all__ = ["Batch", "BatchResult", "BatchStatus", "BatchSummary"]

LONGEST_ID = 180
"""Characters; with a place behind it, it must fit where the journal keeps a run's name."""
Config: TypeAlias = "Mapping[str, object] | None"


class Batch:
    """The runs of many questions: `for result in batch`, or `async for`. It begins with the loop, and ends with it.

    Questions are taken from their iterable as they are needed, in the thread that loops, and results are let go of when
    they have been given: a batch of any length needs the memory of a few hundred runs at most.

    Leaving the loop (by `break`, Ctrl-C, cancelling) ends the runs that are going on. Where there is a journal, all
    that was done stays there, and a batch with the same `batch_id` and the same questions goes on from it.

    Attributes:
        batch_id: the name under which it can go on; its runs are called `batch_id/place`.
    """

    def __init__(  # noqa: PLR0913 - as `Agent.batch`
        self,
        assembly: Assembly,
        questions: Iterable[str],
        *,
        concurrency: int = 8,
        budget: Budget | None = None,
        batch_id: str | None = None,
        order: Order = "input",
        engine: Engine | None = None,
        allow_drift: bool = False,
        config: Config = None,
    ) -> None:
        if isinstance(questions, str):
            raise ConfigError("questions is one text: a batch takes a list (or any other iterable) of them.")
        if concurrency < 1 or concurrency != int(concurrency):
            raise ConfigError(f"concurrency must be a whole number, at least 1, not {concurrency}.")
        if order not in get_args(Order):
            raise ConfigError(f"order must be 'input' or 'completed', not {order!r}.")
        if batch_id is not None:
            _check_id(batch_id, assembly)
        self._named = batch_id is not None
        self.batch_id = batch_id or secrets.token_hex(6)
        self._assembly = assembly
        self._questions = questions
        self._concurrency = int(concurrency)
        self._budget = budget or Budget()
        self._order: Order = order
        self._engine = engine
        self._allow_drift = allow_drift
        self._config = config
        self._tally = Tally()
        self._pool: Pool | None = None

    @property
    def summary(self) -> BatchSummary:
        """How many runs have ended in which way by now, and what they have used."""
        return self._tally.summary()

    @property
    def is_resumable(self) -> bool:
        """Whether its runs are written down; known when the loop has begun."""
        return self._pool is not None and self._pool.is_resumable

    @property
    def failures(self) -> list[BatchResult]:
        """The results by now that have an error, in the order of the questions."""
        return sorted(self._tally.failures, key=lambda result: result.place)

    def __iter__(self) -> Generator[BatchResult, None, None]:
        pool, questions = self._taken()
        with self._resumable(), Host() as host:
            try:
                pool.begin()
                while not pool.over:
                    yield from host.spawn(pool.exchange(*_more(questions, pool.room))).result()
            finally:
                if not sys.is_finalizing():  # then the loop's thread is no more
                    host.spawn(pool.aclose()).result()

    async def __aiter__(self) -> AsyncGenerator[BatchResult, None]:
        pool, questions = self._taken()
        with self._resumable():
            try:
                await pool.in_thread(pool.begin)
                while not pool.over:
                    for result in await pool.exchange(*_more(questions, pool.room)):
                        yield result
            finally:
                await pool.aclose()

    def _taken(self) -> tuple[Pool, Iterator[Item]]:
        if self._pool is not None:
            raise ConfigError("This batch has been looped over: make another one, with the same batch_id to go on.")
        self._pool = Pool(self._job())
        return self._pool, (self._item(place, question) for place, question in enumerate(self._questions))

    def _item(self, place: int, question: object) -> Item:
        if not isinstance(question, str) or not question.strip():
            raise ConfigError(f"The question at place {place} is {'empty' if question == '' else repr(question)[:60]}.")
        return Item(place, question, f"{self.batch_id}/{place}")

    def _job(self) -> Job:
        ledger = Ledger(self._budget)
        return Job(
            assembly=replace(self._assembly, ledger=ledger),
            batch_id=self.batch_id,
            named=self._named,
            concurrency=self._concurrency,
            ledger=ledger,
            order=self._order,
            engine=self._engine,
            allow_drift=self._allow_drift,
            config=self._config,
            tally=self._tally,
        )

    @contextmanager
    def _resumable(self) -> Generator[None, None, None]:
        try:
            yield
        except (Exception, KeyboardInterrupt) as error:
            if self.is_resumable and not isinstance(error, ConfigError):
                error.add_note(f"The batch can go on: agent.batch(…, batch_id={self.batch_id!r})")
            raise


def _more(questions: Iterator[Item], room: int) -> tuple[list[Item], bool]:
    """The next questions, and whether they are the last."""
    items = list(islice(questions, room))
    return items, len(items) < room


def _check_id(batch_id: str, assembly: Assembly) -> None:
    if not batch_id.strip() or len(batch_id) > LONGEST_ID or not batch_id.isprintable():
        raise ConfigError(f"batch_id must be 1 to {LONGEST_ID} printable characters, not {batch_id[:LONGEST_ID]!r}.")
    if assembly.journal is None:
        raise ConfigError(NO_JOURNAL)
