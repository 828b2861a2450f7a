"""The lines that one run writes. Results wait for the next intent, so that both are one commit.

Nothing happens between a result and the next intent, for the loop is pure: a crash there loses what can be had again
(a model's reply, what a read-only tool found), or, where a tool acted, nothing, for its result does not wait.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from itertools import chain
from typing import TYPE_CHECKING, TypeAlias, cast

from sqlalchemy import Dialect, bindparam, case, insert, update

from agentkit.errors import JournalError, LeaseLost
from agentkit.journal.leases import Lease, has_left
from agentkit.journal.records import Phase, RunStatus, now, storable
from agentkit.journal.statements import Prepared
from agentkit.journal.tables import LINES_OF_A_RUN, lines, runs
from agentkit.journal.writer import Job, Writer

if TYPE_CHECKING:
    from sqlalchemy.engine.interfaces import DBAPICursor

__all__ = ["Lines", "Pen"]

Line: TypeAlias = "tuple[object, ...]"
# A holder that wrote this part of its lease ago need not tell again that it lives.
_STILL_FRESH = 0.1


class Pen:
    """What the runs of one journal write with: its queue, its clock, and its statements.

    Args:
        one_writes: the database lets one transaction write at a time, so that what a statement finds stays true.
    """

    def __init__(
        self, writer: Writer, dialect: Dialect, lease_seconds: float, clock: Callable[[], float], *, one_writes: bool
    ) -> None:
        self.writer = writer
        self.clock = clock
        self.lease_seconds = lease_seconds
        # Compiled once: SQLAlchemy takes longer to put a statement together than SQLite to run it.
        ours = (
            runs.c.run_id == bindparam("of_run"),
            runs.c.fence == bindparam("of_fence"),
            runs.c.owner == bindparam("of_owner"),
        )
        of = ("of_run", "of_fence", "of_owner")

        def changing(*names: str, **fixed: object) -> Prepared:
            values: dict[str, object] = {**{name: bindparam(name) for name in names}, **fixed}
            return Prepared(update(runs).where(*ours).values(values), dialect, (*names, *of))

        free = {"owner": None, "expires_at": 0.0}
        self.line = Prepared(insert(lines), dialect, [column.name for column in lines.columns])
        self.begin = changing("status", "expires_at", "updated_at")
        self.beat = changing("expires_at", "updated_at")
        self.end = changing("status", "stop_reason", "answer", "updated_at", **free)
        left = case((runs.c.status == "running", "interrupted"), else_=runs.c.status)
        self.leave = changing("updated_at", status=left, **free)
        # Some lines and the check in one statement, which is a transaction by itself: most steps of a run are that.
        self.single = {count: _single(count) for count in range(1, 4)} if one_writes else {}


def _single(count: int) -> str:
    """To insert so many lines if the run is still ours: their values, then its name, fence and owner."""
    line = f"({', '.join('?' * len(lines.columns))})"
    ours = "EXISTS (SELECT 1 FROM runs WHERE run_id = ? AND fence = ? AND owner = ?)"
    return f"INSERT INTO lines SELECT * FROM (VALUES {', '.join([line] * count)}) WHERE {ours}"  # noqa: S608 - no input


class Lines:
    """Writes lines to a run under its lease. Safe to use from any thread.

    Args:
        begun: the run's row tells already that it is driven, as of now.
    """

    def __init__(self, pen: Pen, lease: Lease, *, begun: bool = False) -> None:
        self.pen = pen
        self.lease = lease
        self.ours = (storable(lease.run_id), lease.fence, lease.owner)
        self.begun = begun
        self.fresh_until = time.monotonic() + pen.lease_seconds * _STILL_FRESH if begun else 0.0
        self.owes_disk = False
        self._first = lease.number * LINES_OF_A_RUN
        self._lock = threading.Lock()
        self._waiting: list[Line] = []

    def line(
        self,
        number: int,
        effect: int,
        phase: Phase,
        what: tuple[int, int, str | None],
        told: tuple[str | None, str | None, str | None] = (None, None, None),
        by: str | None = None,
    ) -> Line:
        """A row of the table `lines` as of now. Texts must be storable.

        Args:
            number: its place in the run.
            what: step, call and tool.
            told: outcome, digest and payload.

        Raises:
            JournalError: the run has more lines than the table can hold of one.
        """
        if number >= LINES_OF_A_RUN:
            raise JournalError(f"Run {self.lease.run_id!r} has {LINES_OF_A_RUN} lines in the journal, and is full.")
        return (self._first + number, effect, phase, *what, *told, self.lease.fence, by, now())

    def later(self, line: Line) -> None:
        """Have it written with the next line, or when the run is let go of."""
        with self._lock:
            self._waiting.append(line)

    def write(self, line: Line, *, durable: bool, by_the_end: bool = False) -> Job:
        """To write it, and what has waited: an operation.

        Args:
            durable: it must survive a power cut once it is written.
            by_the_end: it must survive one once the run is let go of.

        Raises:
            JournalError: the database cannot be used. LeaseLost: somebody else has the run.
        """
        return _Append(self, [line], durable=durable, by_the_end=by_the_end)

    def append(self, line: Line, *, durable: bool) -> None:
        """`write`, in this thread."""
        self.pen.writer.write(self.write(line, durable=durable))

    def end(self, status: RunStatus, stop_reason: str | None, answer: str | None) -> Job:
        """To write down how the run ended, and let go of it, unless somebody else has it by now: an operation."""
        return _End(self, (status, stop_reason, answer and storable(answer)))

    def leave(self) -> None:
        """Let go of the run before its end, unless somebody else has it by now."""
        try:
            self.pen.writer.write(_End(self, None))
        except JournalError:
            has_left(self.lease.owner)
            raise

    def take_along(self, job: _Job, queue: deque[Job]) -> None:
        """Queue a job with all that has waited. (One at a time: no result may come after what followed from it.)"""
        with self._lock:
            if self._waiting:
                job.rows[:0] = self._waiting
                self._waiting.clear()
            queue.append(job)


class _Job(Job):
    """Lines of a run, and what they do to its row."""

    def __init__(self, of: Lines, rows: list[Line], *, durable: bool) -> None:
        super().__init__(of.pen.writer, durable=durable)
        self.of = of
        self.rows = rows

    def enter(self, queue: deque[Job]) -> None:
        self.of.take_along(self, queue)

    def insert(self, cursor: DBAPICursor) -> None:
        line = self.of.pen.line
        cursor.executemany(line.sql, cast("Sequence[Sequence[object]]", [line.bind(row) for row in self.rows]))

    def lost(self) -> LeaseLost:
        return LeaseLost(f"Another process has taken run {self.of.lease.run_id!r} over; this one has stopped.")


class _Append(_Job):
    """Lines, and with them that the run's holder is alive."""

    _beat = False

    def __init__(self, of: Lines, rows: list[Line], *, durable: bool, by_the_end: bool) -> None:
        super().__init__(of, rows, durable=durable)
        self._by_the_end = by_the_end

    def single(self) -> tuple[str, Sequence[object], int] | None:
        run, count = self.of, len(self.rows)
        statement = run.pen.single.get(count)
        if statement is None or time.monotonic() >= run.fresh_until:
            return None
        return statement, [*chain(*self.rows, run.ours)], count

    def do(self, cursor: DBAPICursor) -> None:
        run, pen = self.of, self.of.pen
        single = self.single()
        self._beat = single is None
        if single is not None:
            statement, values, count = single
            cursor.execute(statement, values)
            if cursor.rowcount != count:
                raise self.lost()
            return
        expires = pen.clock() + pen.lease_seconds
        if run.begun:
            cursor.execute(pen.beat.sql, pen.beat.bind((expires, now(), *run.ours)))
        else:
            cursor.execute(pen.begin.sql, pen.begin.bind(("running", expires, now(), *run.ours)))
        if cursor.rowcount != 1:
            raise self.lost()
        self.insert(cursor)

    def committed(self) -> None:
        run = self.of
        run.owes_disk = self._by_the_end or (run.owes_disk and not self.durable)
        if self._beat:
            run.begun = True
            run.fresh_until = time.monotonic() + run.pen.lease_seconds * _STILL_FRESH


class _End(_Job):
    """The last lines of a run, and that nobody drives it any more; without an ending it is left before its end."""

    def __init__(self, of: Lines, ending: tuple[str | None, ...] | None) -> None:
        super().__init__(of, [], durable=of.owes_disk)
        self._ending = ending

    def do(self, cursor: DBAPICursor) -> None:
        run, pen = self.of, self.of.pen
        if self._ending is None:
            cursor.execute(pen.leave.sql, pen.leave.bind((now(), *run.ours)))
        else:
            cursor.execute(pen.end.sql, pen.end.bind((*self._ending, now(), *run.ours)))
        if not self.rows:
            return
        if cursor.rowcount != 1:
            raise self.lost()
        self.insert(cursor)
