"""Whole runs in and out of the journal's tables: found, recorded as values, added, rated, thrown away."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any, cast

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    RowMapping,
    Select,
    Table,
    and_,
    delete,
    insert,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError

from agentkit.errors import ConfigError, JournalError
from agentkit.journal.database import Database
from agentkit.journal.recordings import Recording, Row
from agentkit.journal.records import RunRecord, RunStatus, storable
from agentkit.journal.statements import NewRun, new_agent
from agentkit.journal.tables import LINES_OF_A_RUN, agents, approvals, effects, lines, runs
from agentkit.messages import JSON

__all__ = ["Archive", "agent_name"]

# Of whoever drives a run here and now; a recording has none of it.
_LEASE = {"owner": None, "fence": 1, "expires_at": 0.0}
_DATA = {"runs": ("start", "fingerprint", "origin"), "effects": ("payload",)}
_MANY = 500
_RUN = tuple(column.name for column in runs.columns if column is not runs.c.number)


def agent_name(spec: str) -> str:
    """What an agent is called in the table `agents`."""
    return hashlib.sha256(spec.encode("utf-8", "replace")).hexdigest()


class Archive:
    """The runs of one journal.

    Args:
        database: where they are.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    @cached_property
    def _new_run(self) -> NewRun:
        return NewRun(self._database.dialect, _RUN)

    def agent_id(self, spec: str) -> str:
        """The name of an agent, which is written down if it is not there yet.

        Raises:
            JournalError: the database cannot be used.
        """
        name = agent_name(spec)
        with self._database.writing(durable=False) as connection:
            connection.execute(new_agent(self._database.dialect.name), {"agent_id": name, "spec": storable(spec)})
        return name

    def find(
        self,
        status: RunStatus | None = None,
        since: str | None = None,
        limit: int | None = None,
        rating: str | None = None,
    ) -> list[RunRecord]:
        """Runs, the latest first; `since` as the column `started_at` has it."""
        wanted: Select[Any] = select(runs).order_by(runs.c.started_at.desc(), runs.c.run_id)
        for column, value in ((runs.c.status, status), (runs.c.rating, rating)):
            if value is not None:
                wanted = wanted.where(column == value)
        if since is not None:
            wanted = wanted.where(runs.c.started_at >= since)
        with self._database.reading() as connection:
            return [_record(row) for row in connection.execute(wanted.limit(limit)).mappings()]

    def resolve(self, prefix: str) -> str:
        """The one run whose name is this, or begins with it.

        Raises:
            JournalError: there is none, or more than one.
        """
        prefix = storable(prefix)  # a shell gives whatever bytes it was given
        with self._database.reading() as connection:
            if connection.execute(select(runs.c.run_id).where(runs.c.run_id == prefix)).first():
                return prefix
            like = runs.c.run_id.startswith(prefix, autoescape=True)
            found = connection.execute(select(runs.c.run_id).where(like).limit(4)).scalars().all()
        # LIKE ignores case on some databases.
        found = [name for name in found if name.startswith(prefix)] if prefix else []
        if len(found) == 1:
            return cast("str", found[0])
        if not found:
            raise JournalError(f"The journal knows no run {prefix!r}.")
        raise JournalError(f"Several runs begin with {prefix!r}: {', '.join(found[:3])}{' …' * (len(found) > 3)}.")

    def recording(self, run_id: str) -> Recording:
        """All that there is of a run.

        Raises:
            JournalError: there is no such run.
        """
        with self._database.reading() as connection:
            row = connection.execute(select(runs).where(runs.c.run_id == run_id)).mappings().first()
            if row is None:
                raise JournalError(f"The journal knows no run {run_id!r}.")
            spec = connection.execute(select(agents.c.spec).where(agents.c.agent_id == row["agent_id"])).scalar()
            lines = _all(connection, effects, run_id, effects.c.number)
            said = _all(connection, approvals, run_id, approvals.c.key)
        kept = {name: value for name, value in row.items() if name not in (*_LEASE, "agent_id", "number")}
        return Recording(
            _as_data("runs", kept),
            tuple(_as_data("effects", dict(line)) for line in lines),
            tuple(dict(each) for each in said),
            None if spec is None else json.loads(spec),
        )

    def add(self, recording: Recording) -> None:
        """Take a run in, in one transaction.

        Raises:
            ConfigError: there is a run of its name.
        """
        agent = None if recording.agent is None else self.agent_id(_text(recording.agent))
        run = {**_as_text("runs", _columns(runs, recording.run)), **_LEASE, "agent_id": agent}
        if run["status"] == "running":
            run["status"] = "interrupted"  # nobody drives it here
        try:
            with self._database.writing(durable=True) as connection:
                number = self._new_run.insert(connection.exec_driver_sql, tuple(run[name] for name in _RUN))
                written = [_line(number, _as_text("effects", _columns(effects, row))) for row in recording.effects]
                said = [_as_text("approvals", _columns(approvals, row)) for row in recording.approvals]
                for table, values in ((lines, written), (approvals, said)):
                    if values:
                        connection.execute(insert(table), values)
        except JournalError as error:
            if isinstance(error.__cause__, IntegrityError):
                raise ConfigError(f"There is a run {recording.run_id!r} already; take it in by another name.") from None
            raise

    def rate(self, run_id: str, rating: str | None, note: str | None) -> None:
        """Write down what a person thinks of a run.

        Raises:
            JournalError: there is no such run.
        """
        with self._database.writing(durable=False) as connection:
            changed = update(runs).where(runs.c.run_id == run_id)
            changed = changed.values(rating=rating, note=None if note is None else storable(note))
            if connection.execute(changed).rowcount != 1:
                raise JournalError(f"The journal knows no run {run_id!r}.")

    def old(self, statuses: Sequence[RunStatus], before: str | None, keep: int, now: float) -> list[RunRecord]:
        """The runs with one of these statuses, less the latest `keep`, that did not change since `before` and that
        nobody drives; the oldest first."""
        free = and_(runs.c.status.in_(statuses), (runs.c.owner.is_(None)) | (runs.c.expires_at < now))
        wanted = select(runs).where(free).order_by(runs.c.started_at.desc(), runs.c.run_id).offset(keep)
        with self._database.reading() as connection:
            found = [_record(row) for row in connection.execute(wanted).mappings()]
        return [each for each in reversed(found) if before is None or each.updated_at < before]

    def remove(self, names: Iterable[str], now: float) -> int:
        """Throw runs away with all that belongs to them, but those that somebody drives by now; how many went."""
        gone = 0
        every = list(names)
        for first in range(0, len(every), _MANY):
            some = every[first : first + _MANY]
            free = and_(runs.c.run_id.in_(some), (runs.c.owner.is_(None)) | (runs.c.expires_at < now))
            with self._database.writing(durable=False) as connection:
                for number in connection.execute(select(runs.c.number).where(free).with_for_update()).scalars().all():
                    connection.execute(delete(lines).where(*_lines_of(number)))
                    gone += connection.execute(delete(runs).where(runs.c.number == number)).rowcount
        return gone

    def prune(
        self, statuses: Sequence[RunStatus], before: str | None, keep: int, now: float, *, dry_run: bool
    ) -> list[RunRecord]:
        """`old`, which are thrown away, and their room given back to the disk."""
        found = self.old(statuses, before, keep, now)
        if found and not dry_run:
            self.remove((each.run_id for each in found), now)
            try:
                self._database.vacuum()
            except JournalError as error:
                raise JournalError(f"{len(found)} runs were thrown away. {error}") from error
        return found


def _all(connection: Connection, table: Table, run_id: str, order: Column[Any]) -> Sequence[RowMapping]:
    of_run: ColumnElement[bool] = table.c.run_id == run_id
    return connection.execute(select(table).where(of_run).order_by(order)).mappings().all()


def _columns(table: Table, row: Row) -> dict[str, Any]:
    """The row with a value for each column; a newer journal may have had others."""
    return {column.name: row.get(column.name) for column in table.columns if column is not runs.c.number}


def _line(number: int, row: Mapping[str, Any]) -> dict[str, Any]:
    """A row of the view `effects` as the line that it shows."""
    kept = {each.name: row[each.name] for each in lines.columns if each.name != "id"}
    acts = row["kind"] == "act"
    return {**kept, "id": number * LINES_OF_A_RUN + row["number"], "tool": (row["tool"] or "") if acts else None}


def _lines_of(number: int) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return lines.c.id >= number * LINES_OF_A_RUN, lines.c.id < (number + 1) * LINES_OF_A_RUN


def _as_data(table: str, row: Mapping[str, Any]) -> dict[str, Any]:
    """A row whose JSON texts are read."""
    try:
        read = {name: json.loads(row[name]) for name in _DATA[table] if row[name] is not None}
    except ValueError as error:
        raise JournalError(f"The journal holds a damaged {table} row: {error}.") from None
    return {**row, **read}


def _as_text(table: str, row: Mapping[str, Any]) -> dict[str, Any]:
    texts = {name: _text(row[name]) for name in _DATA.get(table, ()) if row[name] is not None}
    return {**row, **texts}


def _text(value: JSON) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _record(row: RowMapping) -> RunRecord:
    return RunRecord(**{name: row[name] for name in RunRecord.__dataclass_fields__})
