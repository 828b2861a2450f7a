"""Group commit: who has something to write queues it, and one writes all that is there, in one transaction.

A thread that waits for its job writes it itself, with all others that are queued by then, unless another thread is at
it: one run alone pays for no other thread. Jobs of event loops are written by a thread of the journal's, which tells
each loop of a whole group at once.
"""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from abc import abstractmethod
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING

from agentkit.errors import AgentkitError, JournalError, JournalUnavailable
from agentkit.hosts import AsyncHost, Host
from agentkit.journal.database import ConnectionGone, Database
from agentkit.operations import Operation

if TYPE_CHECKING:
    from sqlalchemy.engine.interfaces import DBAPICursor

__all__ = ["Job", "Writer"]

log = logging.getLogger("agentkit.journal")

_IDLE_SECONDS = 1.0
_NO_FAULTS: Mapping[Job, AgentkitError] = {}


class Job(Operation[None]):
    """Something to write: all of it or nothing. As an operation: queued, and waited for until it is committed; other
    runs' jobs may be part of the same commit.

    Args:
        durable: it must survive a power cut.

    Raises:
        AgentkitError: it was not committed.
    """

    # Not set for each one: many are made.
    done = False
    error: AgentkitError | None = None
    future: asyncio.Future[None] | None = None

    def __init__(self, writer: Writer, *, durable: bool) -> None:
        self.writer = writer
        self.durable = durable

    def run(self, host: Host) -> None:
        self.writer.write(self)

    async def arun(self, host: AsyncHost) -> None:
        self.writer.queue(self)
        await self.writer.waiting(self)

    def enter(self, queue: deque[Job]) -> None:
        """Take its place in a queue."""
        queue.append(self)

    def single(self) -> tuple[str, Sequence[object], int] | None:
        """The one statement, with its values, that would do (a transaction by itself, on SQLite), and how many rows it
        then changes; None where it takes more than one."""
        return None

    @abstractmethod
    def do(self, cursor: DBAPICursor) -> None:
        """Write it, in a transaction that others write in too; it may be done again in another one.

        Raises:
            AgentkitError: it cannot be written; nothing of it was.
        """

    def refused(self) -> AgentkitError | None:
        """What it means that the database refused it for its contents; None where there is nothing to say."""
        return None

    def committed(self) -> None:
        """Its transaction is committed."""


class Writer:
    """The queue of one journal. Safe to use from any thread."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._reset()

    def _reset(self) -> None:
        self._pid = os.getpid()
        self._queue: deque[Job] = deque()
        self._turn = threading.Lock()  # whoever has it writes
        self._wake = threading.Event()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None

    def write(self, job: Job) -> None:
        """Write it after all that was queued before.

        Raises:
            AgentkitError: it was not committed.
        """
        self.queue(job)
        if not job.done:
            with self._turn:
                if not job.done:
                    self._write()
        if job.error is not None:
            raise job.error

    def queue(self, job: Job) -> None:
        """Have it written after all that was queued before."""
        if self._pid != os.getpid():
            self._reset()  # a fork: threads and locks are the parent's
        job.enter(self._queue)

    async def waiting(self, job: Job) -> None:
        """`write`, in the running event loop, for a job that is queued."""
        job.future = asyncio.get_running_loop().create_future()
        if job.done:  # a thread that waits for a job of its own was quicker
            job.future.cancel()
            if job.error is not None:
                raise job.error
            return
        self._rouse()
        await job.future

    def close(self) -> None:
        """Write what is queued, and let the connection go."""
        if self._pid != os.getpid():
            self._reset()
        with self._turn:
            self._write()
            self._database.let_go()

    def _rouse(self) -> None:
        if not self._wake.is_set():
            self._wake.set()
        if self._thread is None:
            with self._starting:
                if self._thread is None:
                    self._thread = threading.Thread(target=self._serve, name="agentkit-journal", daemon=True)
                    self._thread.start()

    def _serve(self) -> None:
        """Write whenever there is something; a thread that has nothing to do for long ends."""
        while True:
            if not self._wake.wait(_IDLE_SECONDS):
                with self._starting:
                    if not self._wake.is_set():
                        self._thread = None
                        return
            self._wake.clear()
            with self._turn:
                try:
                    self._write()
                except BaseException:  # those who wait have been told, and others will
                    log.exception("writing to the journal failed")

    def _write(self) -> None:
        """Write all that is queued, and tell those who wait."""
        queue = self._queue
        jobs: list[Job] = []
        try:
            jobs.extend(islice(iter(queue.popleft, None), len(queue)))  # at once: no signal comes in between
            if jobs:
                self._group(jobs)
        except BaseException as error:  # this thread was interrupted, or something is wrong with a job
            self._stopped(jobs, error)
            raise
        finally:
            _tell(jobs)

    def _stopped(self, jobs: Sequence[Job], error: BaseException) -> None:
        """Tell all whose transaction did not come to its end, which ends with its connection."""
        for job in jobs:
            if not job.done:
                job.error = JournalError("Writing to the journal was interrupted. The run stops here; resume it.")
                job.error.__cause__ = error
                job.done = True
        self._database.let_go()

    def _group(self, jobs: Sequence[Job]) -> None:
        try:
            faults: Mapping[Job, AgentkitError] = _NO_FAULTS
            if len(jobs) > 1 or not self._alone(jobs[0]):
                faults = self._transaction(jobs)
        except JournalError as error:
            refusal = self._database.is_refusal(error)
            if refusal and len(jobs) > 1:  # one of them is at fault: the others must not suffer
                for job in jobs:
                    self._group([job])
                return
            for job in jobs:
                job.error = (refusal and job.refused()) or _like(error)
                job.done = True
            return
        for job in jobs:
            if (fault := faults.get(job)) is not None:
                job.error = fault
            else:
                job.committed()
            job.done = True

    def _alone(self, job: Job) -> bool:
        """Write one job by one statement; False where that cannot be done, and nothing was."""
        if (single := job.single()) is None:
            return False
        statement, values, rows = single
        return self._database.execute(statement, values, durable=job.durable) == rows

    def _transaction(self, jobs: Sequence[Job], *, again: bool = False) -> Mapping[Job, AgentkitError]:
        """Do them all; what is wrong with those that fail."""
        faults: dict[Job, AgentkitError] = {}
        try:
            with self._database.raw(durable=any(job.durable for job in jobs)) as cursor:
                for job in jobs:
                    try:
                        job.do(cursor)
                    except AgentkitError as fault:
                        faults[job] = fault
        except ConnectionGone:
            if again:
                raise
            return self._transaction(jobs, again=True)
        return faults


def _like(error: JournalError) -> JournalError:
    """An exception of its own for each who waits: they are raised in several places."""
    kind = JournalUnavailable if isinstance(error, JournalUnavailable) else JournalError
    copy = kind(str(error))
    copy.__cause__ = error.__cause__
    return copy


def _tell(jobs: Sequence[Job]) -> None:
    """Wake those who wait in event loops: each loop once."""
    waiting: dict[asyncio.AbstractEventLoop, list[Job]] = {}
    for job in jobs:
        if job.future is not None:
            waiting.setdefault(job.future.get_loop(), []).append(job)
    for loop, of_loop in waiting.items():
        with suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(_resolve, of_loop)


def _resolve(jobs: Sequence[Job]) -> None:
    for job in jobs:
        if job.future is None or job.future.done():
            continue
        if job.error is None:
            job.future.set_result(None)
        else:
            job.future.set_exception(job.error)
