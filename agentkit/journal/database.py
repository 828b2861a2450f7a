"""Transactions on the journal's database: SQLite, or whatever SQLAlchemy knows."""

from __future__ import annotations

import os
import threading
from collections.abc import Generator
from contextlib import contextmanager

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from agentkit.databases import Place, engine, reason
from agentkit.default_journal import OFF, VARIABLE
from agentkit.errors import ConfigError, JournalUnavailable
from agentkit.journal.tables import METADATA

__all__ = ["Database", "default_url"]


PLACE = Place("journal", VARIABLE, "journal.db")


def default_url() -> str:
    """AGENTKIT_JOURNAL (a URL or the path of a file), else a file in the user's data directory.

    Raises:
        ConfigError: AGENTKIT_JOURNAL is "off".
    """
    if os.environ.get(VARIABLE) == OFF:
        raise ConfigError(f"{VARIABLE} is {OFF!r}, and no other journal is named: give Journal a URL.")
    return PLACE.url()


class Database:
    """Makes the tables when they are first needed.

    Raises:
        ConfigError: the URL is none, its driver is not installed, or the folder of the file cannot be made.
    """

    def __init__(self, url: str) -> None:
        made = engine(url, PLACE, ("foreign_keys=ON",), _begin)
        # Made once: an engine with options of its own costs as much as a statement.
        self._engine = made
        self._synced = made.execution_options(writes=True, durable=True)
        self._unsynced = made.execution_options(writes=True, durable=False)
        self._lock = threading.Lock()
        self._has_tables = False

    def close(self) -> None:
        """Close the connections that are not in use."""
        self._engine.dispose()

    @contextmanager
    def reading(self) -> Generator[Connection, None, None]:
        """A connection that sees one state of the database.

        Raises:
            JournalUnavailable: it cannot be reached.
        """
        with _clear_errors():
            self._make_tables()
            with self._engine.begin() as connection:
                yield connection

    @contextmanager
    def writing(self, *, durable: bool) -> Generator[Connection, None, None]:
        """One transaction; when `durable`, it survives a power cut once it is over (on SQLite; others always do).

        Raises:
            JournalUnavailable: the database cannot be reached or stays locked.
        """
        with _clear_errors():
            self._make_tables()
            with (self._synced if durable else self._unsynced).begin() as connection:
                yield connection

    def prepare(self) -> None:
        """Make the tables, and see that they can be written.

        Raises:
            JournalError: they cannot.
        """
        with self.writing(durable=False):
            pass

    def _make_tables(self) -> None:
        if self._has_tables:
            return
        with self._lock:
            try:
                self._create()
            except DBAPIError:
                self._create()  # another process made them in between
            self._has_tables = True

    def _create(self) -> None:
        with self._synced.begin() as connection:
            METADATA.create_all(connection)


def _begin(connection: Connection) -> None:
    options = connection.get_execution_options()
    if not options.get("writes"):
        connection.exec_driver_sql("BEGIN")
        return
    # FULL syncs the log with this commit, and all commits before it; NORMAL leaves that to the next one that is FULL.
    wanted = "FULL" if options.get("durable") else "NORMAL"
    if connection.info.get("synchronous") != wanted:
        connection.exec_driver_sql(f"PRAGMA synchronous={wanted}")
        connection.info["synchronous"] = wanted
    # A transaction that reads first and writes later fails at once, without waiting, when another wrote in between.
    connection.exec_driver_sql("BEGIN IMMEDIATE")


@contextmanager
def _clear_errors() -> Generator[None, None, None]:
    try:
        yield
    except (DBAPIError, PoolTimeout) as error:
        raise JournalUnavailable(
            f"The journal cannot be used just now ({reason(error)}). "
            "The run stops here; resume it when the journal is back."
        ) from error
