"""Statements of SQLAlchemy's, compiled once for a database and executed by its driver."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeAlias

from sqlalchemy import Dialect, Insert, Text, bindparam, exists, func, insert, select
from sqlalchemy.sql import ClauseElement
from sqlalchemy.sql.compiler import SQLCompiler

from agentkit.journal.tables import agents, run_numbers, runs

__all__ = ["Bound", "NewRun", "Prepared", "new_agent"]

Bound: TypeAlias = "tuple[object, ...] | dict[str, object]"


class Rows(Protocol):
    """What a statement found."""

    def fetchone(self) -> Any:  # Any: as drivers and SQLAlchemy have it
        ...


class Prepared:
    """A statement with its parameters in a fixed order.

    Args:
        names: the parameters, in the order in which `bind` will get their values: numbers, texts and None only.
    """

    def __init__(self, statement: ClauseElement, dialect: Dialect, names: Sequence[str]) -> None:
        compiled = statement.compile(dialect=dialect, column_keys=list(names))
        assert isinstance(compiled, SQLCompiler)
        self.sql = str(compiled)
        fixed = {name: value for name, value in compiled.params.items() if name not in names}
        self._names = (*names, *fixed)
        self._fixed = tuple(fixed.values())
        self._named = not compiled.positional
        order = tuple(compiled.positiontup or ())
        self._order = None if order == self._names else tuple(self._names.index(name) for name in order)

    def bind(self, values: tuple[object, ...]) -> Bound:
        """The values as the driver takes them."""
        if self._fixed:
            values = (*values, *self._fixed)
        if self._named:
            return dict(zip(self._names, values, strict=True))
        return values if self._order is None else tuple(values[at] for at in self._order)


class NewRun:
    """A row of `runs` with the next number.

    Args:
        columns: those that `insert` will get values for, `run_id` among them.
    """

    def __init__(self, dialect: Dialect, columns: Sequence[str]) -> None:
        self._insert = Prepared(_new_run(dialect.name), dialect, columns)
        wanted = select(runs.c.number).where(runs.c.run_id == bindparam("of_run"))
        self._number = Prepared(wanted, dialect, ("of_run",))
        self._name = columns.index("run_id")

    def insert(self, execute: Callable[[str, Bound], Rows], values: tuple[object, ...]) -> int:
        """Write it, in a transaction of the caller's; its number."""
        execute(self._insert.sql, self._insert.bind(values))
        found = execute(self._number.sql, self._number.bind((values[self._name],))).fetchone()
        assert found is not None
        return int(found[0])


def new_agent(dialect: str) -> Insert:
    """A row of `agents`, where it is not there yet."""
    match dialect:
        case "sqlite":
            from sqlalchemy.dialects import sqlite

            return sqlite.insert(agents).on_conflict_do_nothing()
        case "postgresql":
            from sqlalchemy.dialects import postgresql

            return postgresql.insert(agents).on_conflict_do_nothing()
        case _:
            name, spec = bindparam("agent_id", type_=Text()), bindparam("spec", type_=Text())
            there = exists().where(agents.c.agent_id == name)
            return insert(agents).from_select(["agent_id", "spec"], select(name, spec).where(~there))


def _new_run(dialect: str) -> Insert:
    if dialect == "postgresql":
        return insert(runs).values(number=run_numbers.next_value())
    last = select(func.coalesce(func.max(runs.c.number), 0).label("last")).subquery()  # MySQL wants it inside another
    return insert(runs).values(number=select(last.c.last + 1).scalar_subquery())
