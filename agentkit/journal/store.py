"""Runs, effects and approvals in an SQL database, each change under the lease of whoever makes it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, cast

from sqlalchemy import Connection, CursorResult, RowMapping, Update, bindparam, case, insert, select, update
from sqlalchemy.exc import IntegrityError

from agentkit.errors import JournalError, LeaseHeld, LeaseLost, RunExists
from agentkit.journal.approvals import Approvals
from agentkit.journal.database import Database
from agentkit.journal.leases import Lease, owner_is_gone
from agentkit.journal.records import Outcome, Phase, Recorded, RunRecord, RunStatus, load
from agentkit.journal.records import now as _now
from agentkit.journal.records import storable as _text
from agentkit.journal.tables import effects, runs

__all__ = ["EffectRow", "RunRow", "Store"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRow:
    """A new run."""

    run_id: str
    question: str
    model: str
    strategy: str
    fingerprint: str
    start: str
    batch: str | None = None
    place: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectRow:
    """One line of the journal; `number` is its place in the run."""

    number: int
    effect: int
    phase: Phase
    kind: Literal["ask", "act"]
    step: int
    call: int = 0
    tool: str | None = None
    key: str | None = None
    outcome: str | None = None
    digest: str | None = None
    payload: str | None = None
    by: str | None = None


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

    def close(self) -> None:
        self._database.close()

    def prepare(self) -> None:
        self._database.prepare()

    def insert_run(self, row: RunRow, owner: str) -> Lease:
        """Begin a run.

        Raises:
            RunExists: there is one of that name.
        """
        now = _now()
        values = _values(row) | {"status": "running", "started_at": now, "updated_at": now}
        lease = {"owner": owner, "fence": 1, "expires_at": self._clock() + self._lease_seconds}
        try:
            with self._database.writing(durable=False) as connection:
                connection.execute(insert(runs).values(values | lease))
        except JournalError as error:
            if isinstance(error.__cause__, IntegrityError):
                raise RunExists(
                    f"There is a run {row.run_id!r} already: resume it, or choose another run_id."
                ) from None
            raise
        return Lease(row.run_id, owner, 1)

    def take(self, run_id: str, owner: str) -> Lease:
        """Take over a run that nobody drives.

        Raises:
            JournalError: there is no such run.
            LeaseHeld: somebody drives it.
        """
        with self._database.writing(durable=False) as connection:
            row = _run(connection, run_id)
            left = cast("float", row["expires_at"]) - self._clock()
            holder = cast("str | None", row["owner"])
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
        return Lease(run_id, owner, fence + 1)

    def append(self, lease: Lease, row: EffectRow, *, durable: bool) -> None:
        """Write a line down, and with it that the holder is alive.

        Raises:
            LeaseLost: somebody else has the run.
        """
        with self._database.writing(durable=durable) as connection:
            self._hold(connection, lease)
            values = _values(row) | {"run_id": lease.run_id, "fence": lease.fence, "at": _now()}
            connection.execute(_NEW_EFFECT, values)

    def end(self, lease: Lease, status: RunStatus, stop_reason: str | None, answer: str | None) -> None:
        """Write down how a run ended, and let go of it, unless somebody else has it by now."""
        ending = {"status": status, "stop_reason": stop_reason, "answer": answer and _text(answer)}
        with self._database.writing(durable=False) as connection:
            connection.execute(_held(lease).values({**ending, **_FREE, "updated_at": _now()}))

    def release(self, lease: Lease) -> None:
        """Let go of a run before its end, unless somebody else has it by now."""
        with self._database.writing(durable=False) as connection:
            status = case((runs.c.status == "running", "interrupted"), else_=runs.c.status)
            connection.execute(_held(lease).values({**_FREE, "status": status}))

    def fingerprint(self, run_id: str) -> str:
        with self._database.reading() as connection:
            return cast("str", _run(connection, run_id)["fingerprint"])

    def start(self, run_id: str) -> str:
        with self._database.reading() as connection:
            return cast("str", _run(connection, run_id)["start"])

    def run(self, run_id: str) -> RunRecord:
        with self._database.reading() as connection:
            return _record(_run(connection, run_id))

    def runs(self, status: RunStatus | None) -> list[RunRecord]:
        """All runs, the latest first."""
        wanted = select(runs).order_by(runs.c.started_at.desc())
        if status is not None:
            wanted = wanted.where(runs.c.status == status)
        with self._database.reading() as connection:
            return [_record(row) for row in connection.execute(wanted).mappings()]

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

    @staticmethod
    def stored(text: str) -> str:
        """A text as it comes back from a column."""
        return _text(text)

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

    def _hold(self, connection: Connection, lease: Lease) -> None:
        ours = {"of_run": lease.run_id, "of_fence": lease.fence, "of_owner": lease.owner}
        beat = {"status": "running", "expires_at": self._clock() + self._lease_seconds, "updated_at": _now()}
        if not _found(connection, _BEAT, ours | beat):
            raise LeaseLost(f"Another process has taken run {lease.run_id!r} over; this one has stopped.")


_FREE: Mapping[str, object] = {"owner": None, "expires_at": 0.0}


def _held(lease: Lease) -> Update:
    return update(runs).where(runs.c.run_id == lease.run_id, runs.c.fence == lease.fence, runs.c.owner == lease.owner)


# Made once: SQLAlchemy takes longer to put a statement together than SQLite to run it.
_NEW_EFFECT = insert(effects)
_BEAT = (
    update(runs)
    .where(
        runs.c.run_id == bindparam("of_run"),
        runs.c.fence == bindparam("of_fence"),
        runs.c.owner == bindparam("of_owner"),
    )
    .values({name: bindparam(name) for name in ("status", "expires_at", "updated_at")})
)


def _found(connection: Connection, statement: Update, values: Mapping[str, object] | None = None) -> bool:
    """Do an UPDATE; whether it found its row."""
    return cast("CursorResult[tuple[()]]", connection.execute(statement, values)).rowcount == 1


def _run(connection: Connection, run_id: str) -> RowMapping:
    row = connection.execute(select(runs).where(runs.c.run_id == run_id)).mappings().first()
    return row or _no_run(run_id)


def _no_run(run_id: str) -> RowMapping:
    raise JournalError(f"The journal knows no run {run_id!r}.")


def _record(row: Mapping[Any, Any]) -> RunRecord:  # Any: a row's columns have several types
    return RunRecord(**{name: row[name] for name in RunRecord.__dataclass_fields__})


def _values(row: RunRow | EffectRow) -> dict[str, object]:
    given = {name: getattr(row, name) for name in row.__dataclass_fields__}
    return {name: _text(value) if isinstance(value, str) else value for name, value in given.items()}
