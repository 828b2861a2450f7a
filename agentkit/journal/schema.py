"""Brings the tables of a journal up to date. Alembic is loaded only where there is something to migrate."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Column, Connection, Engine, MetaData, String, Table, func, insert, inspect, select
from sqlalchemy.exc import DBAPIError

from agentkit.errors import JournalError
from agentkit.journal.tables import METADATA

__all__ = ["HEAD", "bring_up_to_date"]

# The revision of agentkit.journal.tables, and those before it (agentkit/journal/migrations/versions).
HEAD = "0004"
_BEFORE = ("0001", "0002", "0003")

_ADVISORY_LOCK = 0x61676B6A  # any number that nobody else takes
_version = Table("alembic_version", MetaData(), Column("version_num", String(32), primary_key=True))


def bring_up_to_date(engine: Engine) -> None:
    """Make the tables where there are none, and migrate those of an earlier agentkit; one process at a time does it.

    Raises:
        JournalError: the tables are those of a later agentkit.
    """
    with engine.connect() as connection:
        if _found(connection) == HEAD:
            return
    try:
        _change(engine)
    except DBAPIError:
        _change(engine)  # where there is no lock, another process may have been at it


def _change(engine: Engine) -> None:
    with _alone(engine) as connection:
        found = _found(connection)
        if found == HEAD:
            return
        if found is None:
            METADATA.create_all(connection)
            _stamp(connection, HEAD)
            return
        if found not in _BEFORE:
            raise JournalError(
                f"The journal was written by a newer agentkit: its tables are of revision {found}, and this one knows "
                f"{HEAD}. Upgrade agentkit, or name another journal."
            )
        _migrate(connection)


def _found(connection: Connection) -> str | None:
    """The revision of the tables; None where there are none."""
    tables = inspect(connection)
    if tables.has_table(_version.name):
        return connection.execute(select(_version.c.version_num)).scalar() or _BEFORE[0]
    return _BEFORE[0] if tables.has_table("runs") else None  # before there were revisions


def _stamp(connection: Connection, revision: str) -> None:
    _version.create(connection, checkfirst=True)
    connection.execute(insert(_version).values(version_num=revision))


def _migrate(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config

    if not inspect(connection).has_table(_version.name):
        _stamp(connection, _BEFORE[0])
    config = Config(attributes={"connection": connection})
    folder = str(Path(__file__).parent / "migrations")
    config.set_main_option("script_location", folder.replace("%", "%%"))
    command.upgrade(config, "head")


@contextmanager
def _alone(engine: Engine) -> Generator[Connection, None, None]:
    """A transaction that no other process changes tables beside."""
    with engine.connect() as connection:
        if connection.dialect.name != "sqlite":
            with connection.begin():
                if connection.dialect.name == "postgresql":
                    connection.execute(select(func.pg_advisory_xact_lock(_ADVISORY_LOCK)))
                yield connection
            return
        # SQLite changes a table by copying it and dropping the old one, which must not delete what refers to it.
        _foreign_keys(connection, "OFF")
        try:
            with connection.begin():
                yield connection
        finally:
            _foreign_keys(connection, "ON")


def _foreign_keys(connection: Connection, state: str) -> None:
    """Past SQLAlchemy, which would begin a transaction, in which SQLite ignores this."""
    bare = connection.connection.dbapi_connection
    assert bare is not None
    cursor = bare.cursor()
    cursor.execute(f"PRAGMA foreign_keys={state}")
    cursor.close()
