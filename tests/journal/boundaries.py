"""The boundaries of a journal: where a process that dies leaves it in another state than a moment before."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import TracebackType

from sqlalchemy import Connection, Engine, event, make_url

from agentkit.journal.database import RawTransaction

__all__ = ["at_boundaries"]


def at_boundaries(url: str, pass_one: Callable[[], None]) -> None:
    """In this process, call at each boundary of the journal at `url`: before a transaction begins (all before it is
    committed, and what that announced is done), before it is committed, and right after."""
    database = make_url(url).database

    def boundary(connection: Connection) -> None:
        if connection.get_execution_options().get("writes") and connection.engine.url.database == database:
            pass_one()

    event.listen(Engine, "begin", boundary)
    event.listen(Engine, "commit", boundary)
    enter, leave, execute = RawTransaction.__enter__, RawTransaction.__exit__, RawTransaction.execute

    def entered(self: RawTransaction) -> object:
        pass_one()
        return enter(self)

    def left(
        self: RawTransaction,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        pass_one()
        leave(self, kind, error, trace)
        pass_one()

    def executed(self: RawTransaction, statement: str, values: Sequence[object]) -> int:
        pass_one()
        found = execute(self, statement, values)
        pass_one()
        return found

    RawTransaction.__enter__ = entered  # type: ignore[method-assign, assignment]
    RawTransaction.__exit__ = left  # type: ignore[method-assign]
    RawTransaction.execute = executed  # type: ignore[method-assign]
