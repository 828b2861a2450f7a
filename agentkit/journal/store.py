"""Runs, effects and approvals in an SQL database, each change under the lease of whoever makes it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import Connection, CursorResult, RowMapping, Update, bindparam, select, update

from agentkit.errors import JournalError, LeaseHeld, LeaseLost, RunExists
from agentkit.flow import Flow
from agentkit.journal.approvals import Approvals
from agentkit.journal.archive import Archive
from agentkit.journal.database import Database
from agentkit.journal.heartbeat import Heartbeat
from agentkit.journal.leases import Lease, busy, owner_is_gone
from agentkit.journal.lines import Lines, Pen
from agentkit.journal.records import Outcome, Phase, Recorded, RunRecord, load, now, storable
from agentkit.journal.statements import Bound, NewRun, Prepared, new_agent
from agentkit.journal.tables import effects, runs
from agentkit.journal.writer import Job, Writer

if TYPE_CHECKING:
    from sqlalchemy.engine.interfaces import DBAPICursor

__all__ = ["RunRow", "Store"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRow:
    """A new run."""

    run_id: str
    question: str
    model: str
    strategy: str
    fingerprint: str
    start: str
    agent_id: str | None = None
    origin: str | None = None
    batch: str | None = None
    place: int | None = None


class _Begin(Job):
    """A run, driven by its owner from the start; and before it, its agent, if the journal may not know that yet."""

    def __init__(self, store: Store, row: RunRow, owner: str, expires: float, agent: tuple[str, Bound] | None) -> None:
        super().__init__(store.writer, durable=False)
        self._store = store
        self._row = row
        self._agent = agent
        self._values = (*_values(row).values(), "running", now(), now(), owner, 1, expires)
        self.number = 0

    def do(self, cursor: DBAPICursor) -> None:
        if self._agent is not None:
            cursor.execute(*self._agent)

        def execute(statement: str, values: Bound) -> DBAPICursor:
            cursor.execute(statement, values)
            return cursor

        self.number = self._store.new_run.insert(execute, self._values)

    def refused(self) -> RunExists:
        return RunExists(f"There is a run {self._row.run_id!r} already: resume it, or choose another run_id.")


class Store:
    """All access to the tables.

    Args:
        lease_seconds: how long a holder may be silent before another may take its run over.
        clock: seconds since 1970.
    """

    def __init__(self, url: str, lease_seconds: float, clock: Callable[[], float] = time.time) -> None:
        self._database = Database(url)
        self._lease_seconds = lease_seconds
        self._clock = clock
        self.approvals = Approvals(self._database, self._hold)
        self.archive = Archive(self._database)
        self.writer = Writer(self._database)
        dialect = self._database.dialect
        self.new_run = NewRun(dialect, [*RunRow.__dataclass_fields__, *_BEGINNING])
        self._new_agent = Prepared(new_agent(dialect.name), dialect, ("agent_id", "spec"))
        self._pen = Pen(self.writer, dialect, lease_seconds, clock, one_writes=self._database.is_sqlite)
        self.heartbeat = Heartbeat(self.renew, lease_seconds / 3)

    def close(self) -> None:
        self.heartbeat.stop()
        self.writer.close()
        self._database.close()

    def prepare(self) -> None:
        self._database.prepare()

    def begin(self, row: RunRow, owner: str, spec: str | None = None) -> Flow[Lease]:
        """Begin a run.

        Args:
            spec: its agent, where the journal may not know it yet.

        Raises:
            RunExists: there is one of that name.
        """
        expires = self._clock() + self._lease_seconds
        new = self._new_agent
        agent = None if spec is None else (new.sql, new.bind((row.agent_id, storable(spec))))
        beginning = _Begin(self, row, owner, expires, agent)
        try:
            yield from beginning
        except GeneratorExit:  # the task is cancelled while the run is being written down
            with suppress(JournalError):
                self.release(Lease(row.run_id, owner, 1, beginning.number))
            raise
        return Lease(row.run_id, owner, 1, beginning.number)

    def take(self, run_id: str, owner: str) -> Lease:
        """Take over a run that nobody drives.

        Raises:
            JournalError: there is no such run.
            LeaseHeld: somebody drives it.
        """
        with self._database.writing(durable=False) as connection:
            row = _run(connection, run_id, lock=True)  # its last holder's commit may be under way
            left = cast("float", row["expires_at"]) - self._clock()
            holder = cast("str | None", row["owner"])
            if holder in busy:  # whatever the clock says
                raise LeaseHeld(
                    f"Run {run_id!r} was left while its last action goes on in a thread of this process: resume it "
                    "when that has ended.",
                    max(left, 0.0),
                )
            if holder is not None and left > 0 and not owner_is_gone(holder):
                raise LeaseHeld(
                    f"Run {run_id!r} is being driven by {holder}. If that process is gone, try again in {left:.0f} s.",
                    left,
                )
            fence = cast("int", row["fence"])
            changed = {"owner": owner, "fence": fence + 1, "expires_at": self._clock() + self._lease_seconds}
            # As it was read: a holder that tells that it lives, or takes over, in between keeps it.
            seen = runs.c.fence == fence, runs.c.expires_at == row["expires_at"]
            free = update(runs).where(runs.c.run_id == run_id, *seen)
            if not _found(connection, free.values(changed)):
                raise LeaseHeld(f"Another process took run {run_id!r} over just now.")
        return Lease(run_id, owner, fence + 1, cast("int", row["number"]))

    def lines(self, lease: Lease, *, begun: bool = False) -> Lines:
        """To write lines to a run; `begun`: just now."""
        return Lines(self._pen, lease, begun=begun)

    def release(self, lease: Lease) -> None:
        """Let go of a run before its end, unless somebody else has it by now."""
        self.lines(lease).leave()

    def row(self, run_id: str) -> RowMapping:
        """All that the table `runs` has of a run.

        Raises:
            JournalError: there is no such run.
        """
        with self._database.reading() as connection:
            return _run(connection, run_id)

    def run(self, run_id: str) -> RunRecord:
        return _record(self.row(run_id))

    def fingerprints(self, batch: str) -> list[str]:
        """Those of the agents that began the runs of a batch, each once."""
        with self._database.reading() as connection:
            wanted = select(runs.c.fingerprint).where(runs.c.batch == batch).distinct()
            return list(connection.execute(wanted).scalars())

    def places(self, batch: str, first: int, last: int) -> list[RowMapping]:
        """`place`, `question` and `status` of the runs of a batch between two places, these included."""
        columns = select(runs.c.place, runs.c.question, runs.c.status)
        wanted = columns.where(runs.c.batch == batch, runs.c.place.between(first, last))
        with self._database.reading() as connection:
            return list(connection.execute(wanted).mappings())

    def recorded(self, run_id: str) -> tuple[list[Recorded], int]:
        """The effects of a run, in order, each as its last line has it; and the number of the next line."""
        wanted = select(effects).where(effects.c.run_id == run_id).order_by(effects.c.number)
        found: dict[int, Recorded] = {}
        number = 0
        with self._database.reading() as connection:
            rows = connection.execute(wanted).mappings().all()
        for row in rows:
            effect, phase = cast("int", row["effect"]), cast("Phase", row["phase"])
            known = found.get(effect) or Recorded(
                row["kind"], row["step"], row["call"], effect, row["digest"] or "", phase
            )
            outcome = load(Outcome, row["payload"]) if phase == "result" else None
            found[effect] = replace(known, phase=phase, outcome=outcome)
            number = cast("int", row["number"]) + 1
        return list(found.values()), number

    def open_question(self, run_id: str) -> tuple[RowMapping, int] | None:
        """The line with which a run asks a person, if nothing has come of it; and the number of the run's next line."""
        wanted = select(effects).where(effects.c.run_id == run_id)
        with self._database.reading() as connection:
            _run(connection, run_id)
            asked = wanted.where(effects.c.phase == "unknown").order_by(effects.c.number.desc()).limit(1)
            row = connection.execute(asked).mappings().first()
            if row is None:
                return None
            later = wanted.where(effects.c.number > row["number"]).order_by(effects.c.number)
            after = connection.execute(later).mappings().all()
        if any(each["effect"] == row["effect"] for each in after):
            return None
        return row, cast("int", (after[-1] if after else row)["number"]) + 1

    def renew(self, leases: Sequence[Lease]) -> None:
        """Write down that the holder of these is alive; of one that somebody else has by now, nothing."""
        expires = self._clock() + self._lease_seconds
        held = [{"of_run": each.run_id, "of_fence": each.fence, "of_owner": each.owner} for each in leases]
        with self._database.writing(durable=False) as connection:
            connection.execute(_ALIVE, [{**each, "expires_at": expires} for each in held])

    def _hold(self, connection: Connection, lease: Lease) -> None:
        ours = {"of_run": lease.run_id, "of_fence": lease.fence, "of_owner": lease.owner}
        beat = {"status": "running", "expires_at": self._clock() + self._lease_seconds, "updated_at": now()}
        if not _found(connection, _BEAT, ours | beat):
            raise LeaseLost(f"Another process has taken run {lease.run_id!r} over; this one has stopped.")


_BEGINNING = ("status", "started_at", "updated_at", "owner", "fence", "expires_at")

# Made once: SQLAlchemy takes longer to put a statement together than SQLite to run it.
_BEAT = (
    update(runs)
    .where(
        runs.c.run_id == bindparam("of_run"),
        runs.c.fence == bindparam("of_fence"),
        runs.c.owner == bindparam("of_owner"),
    )
    .values({name: bindparam(name) for name in ("status", "expires_at", "updated_at")})
)


_ALIVE = (
    update(runs)
    .where(
        runs.c.run_id == bindparam("of_run"),
        runs.c.fence == bindparam("of_fence"),
        runs.c.owner == bindparam("of_owner"),
    )
    .values(expires_at=bindparam("expires_at"))
)


def _found(connection: Connection, statement: Update, values: Mapping[str, object] | None = None) -> bool:
    """Do an UPDATE; whether it found its row."""
    return cast("CursorResult[tuple[()]]", connection.execute(statement, values)).rowcount == 1


def _run(connection: Connection, run_id: str, *, lock: bool = False) -> RowMapping:
    wanted = select(runs).where(runs.c.run_id == run_id)
    row = connection.execute(wanted.with_for_update() if lock else wanted).mappings().first()
    return row or _no_run(run_id)


def _no_run(run_id: str) -> RowMapping:
    raise JournalError(f"The journal knows no run {run_id!r}.")


def _record(row: Mapping[Any, Any]) -> RunRecord:  # Any: a row's columns have several types
    return RunRecord(**{name: row[name] for name in RunRecord.__dataclass_fields__})


def _values(row: RunRow) -> dict[str, object]:
    given = {name: getattr(row, name) for name in row.__dataclass_fields__}
    return {name: storable(value) if isinstance(value, str) else value for name, value in given.items()}
