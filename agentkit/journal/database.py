"""Transactions on the journal's database: SQLite, or whatever SQLAlchemy knows."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeGuard
from weakref import WeakSet

from sqlalchemy import Connection, Dialect, Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from agentkit.databases import Place, engine, reason
from agentkit.default_journal import OFF, VARIABLE
from agentkit.errors import ConfigError, JournalError, JournalUnavailable
from agentkit.journal.schema import bring_up_to_date

if TYPE_CHECKING:
    from sqlalchemy import PoolProxiedConnection
    from sqlalchemy.engine.interfaces import DBAPIConnection, DBAPICursor, DBAPIModule

__all__ = ["ConnectionGone", "Database", "default_url"]


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
        self.is_sqlite = made.dialect.name == "sqlite"  # only one transaction can write at a time
        self._raw = RawTransaction(made)
        _databases.add(self)

    @property
    def dialect(self) -> Dialect:
        """What statements are to be compiled for."""
        return self._engine.dialect

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

    def raw(self, *, durable: bool) -> RawTransaction:
        """`writing` for one thread at a time, past SQLAlchemy's machinery: its cursor is the driver's own.

        Raises:
            JournalError: the database cannot be reached or stays locked.
        """
        if not self._has_tables:
            with _clear_errors():
                self._make_tables()
        self._raw.durable = durable
        return self._raw

    def execute(self, statement: str, values: Sequence[object], *, durable: bool) -> int:
        """`raw`, on SQLite, for a statement that is a transaction by itself; how many rows it changed.

        Raises:
            JournalError: the database cannot be reached or stays locked.
        """
        return self.raw(durable=durable).execute(statement, values)

    def let_go(self) -> None:
        """Close the connection that `raw` keeps; the next transaction opens another."""
        self._raw.drop()

    def is_refusal(self, error: JournalError) -> bool:
        """Whether the database works, but will not have what was written (a row is there already, say)."""
        dbapi = self._raw.dbapi
        return isinstance(error.__cause__, (dbapi.IntegrityError, dbapi.DataError, dbapi.ProgrammingError))

    def vacuum(self) -> None:
        """Give unused room back to the disk (SQLite; others do so by themselves).

        Raises:
            JournalError: it cannot be done just now.
        """
        if self._engine.dialect.name != "sqlite":
            return
        connection = self._engine.raw_connection()  # SQLAlchemy's own would begin a transaction, which VACUUM forbids
        try:
            connection.cursor().execute("VACUUM")
        except sqlite3.Error as error:
            raise JournalError(f"The journal cannot be made smaller just now ({error}). Nothing is lost.") from error
        finally:
            connection.close()

    def leave_to_parent(self) -> None:
        """In a process that was forked: open connections of its own. The parent goes on using those that are open."""
        self._lock = threading.Lock()
        parents, self._raw = self._raw, RawTransaction(self._engine)
        if not parents.in_memory:  # which is copied as well
            _of_parents.append((self._engine.pool, parents))
            self._engine.dispose(close=False)

    def _make_tables(self) -> None:
        if self._has_tables:
            return
        with self._lock:
            bring_up_to_date(self._synced)
            self._has_tables = True


_databases: WeakSet[Database] = WeakSet()
# Never let go of: that would close the connections.
_of_parents: list[object] = []


def _after_fork() -> None:
    for each in tuple(_databases):
        each.leave_to_parent()


if hasattr(os, "register_at_fork"):  # not on Windows, which forks nothing
    os.register_at_fork(after_in_child=_after_fork)


class ConnectionGone(JournalUnavailable):
    """A kept connection was dead: nothing of the transaction has happened, and a new connection may work."""


class RawTransaction:
    """A transaction on a connection that is kept from one to the next, with one cursor."""

    def __init__(self, made: Engine) -> None:
        self._engine = made
        self._sqlite = made.dialect.name == "sqlite"
        # In memory there is but one connection, which others need as well.
        self.in_memory = self._sqlite and made.url.database in (None, "", ":memory:")
        self._kept = not self.in_memory
        self._proxy: PoolProxiedConnection | None = None
        self._connection: DBAPIConnection | None = None
        self._cursor: DBAPICursor | None = None
        self._used = False
        self._file = made.url.database if self._sqlite and self._kept else None
        self._identity: tuple[int, int] | None = None
        self._is_synced: bool | None = None
        self.dbapi: Any = made.dialect.loaded_dbapi  # Any: a driver's module
        self.durable = False

    def __enter__(self) -> DBAPICursor:
        try:
            cursor = self._connected()
            if self._sqlite:
                cursor.execute("BEGIN IMMEDIATE")
            return cursor
        except (self.dbapi.Error, DBAPIError, PoolTimeout) as error:
            self.drop()
            raise _clear(error) from error

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        assert self._connection is not None
        lost = error is not None and self._is_lost(error)
        try:
            if error is None:
                self._connection.commit()
            elif not lost:
                self._connection.rollback()
        except self.dbapi.Error as failed:
            self.drop()  # its transaction ends with it
            raise _clear(failed) from failed
        was_used, self._used = self._used, True
        if lost:
            self.drop()
        elif not self._kept:
            self._give_back()
        if error is not None and _is_drivers(error, self.dbapi):
            raise (ConnectionGone if lost and was_used else JournalUnavailable)(_why(error)) from error

    def execute(self, statement: str, values: Sequence[object]) -> int:
        """One statement, which is a transaction by itself; how many rows it changed."""
        try:
            cursor = self._connected()
            cursor.execute(statement, values)
        except (self.dbapi.Error, DBAPIError, PoolTimeout) as error:
            self.drop()
            raise _clear(error) from error
        if not self._kept:
            self._give_back()
        return cursor.rowcount

    def drop(self) -> None:
        """Close the connection."""
        proxy = self._proxy
        self._proxy = self._connection = self._cursor = None
        if proxy is not None:
            with suppress(self.dbapi.Error, DBAPIError):
                proxy.invalidate()

    def _connected(self) -> DBAPICursor:
        cursor = self._cursor
        if cursor is None:
            cursor = self._open()
        if self.durable and self._identity != self._identify():
            # SQLite would go on writing to a file that nobody finds any more.
            self.drop()
            cursor = self._open()
        if self._sqlite and self._is_synced is not self.durable:
            cursor.execute(f"PRAGMA synchronous={'FULL' if self.durable else 'NORMAL'}")
            self._is_synced = self.durable
        return cursor

    def _open(self) -> DBAPICursor:
        self._proxy = self._engine.raw_connection()
        self._connection = self._proxy.dbapi_connection
        assert self._connection is not None
        self._cursor = self._connection.cursor()
        self._is_synced = None
        self._used = False
        self._identity = self._identify()
        return self._cursor

    def _identify(self) -> tuple[int, int] | None:
        """Which file it is that stands where the database should be; None where there is none."""
        if self._file is None:
            return None
        try:
            found = os.stat(self._file)  # noqa: PTH116 - four times as fast, before each act
        except OSError:
            return None
        return found.st_dev, found.st_ino

    def _give_back(self) -> None:
        proxy = self._proxy
        self._proxy = self._connection = self._cursor = None
        if proxy is not None:
            proxy.close()

    def _is_lost(self, error: BaseException) -> bool:
        return _is_drivers(error, self.dbapi) and self._engine.dialect.is_disconnect(error, self._connection, None)


def _is_drivers(error: BaseException, dbapi: Any) -> TypeGuard[DBAPIModule.Error]:
    """Whether it is an error of the database's driver."""
    return isinstance(error, dbapi.Error)


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


def _why(error: Exception) -> str:
    told = reason(error) if isinstance(error, (DBAPIError, PoolTimeout)) else str(error).partition("\n")[0]
    cause = error.orig if isinstance(error, DBAPIError) else error
    if getattr(cause, "sqlite_errorcode", None) == sqlite3.SQLITE_NOTADB:
        told = f"its file is no SQLite database; {VARIABLE} names another one"
    return f"The journal cannot be used just now ({told}). The run stops here; resume it when the journal is back."


def _clear(error: Exception) -> JournalUnavailable:
    return JournalUnavailable(_why(error))


@contextmanager
def _clear_errors() -> Generator[None, None, None]:
    try:
        yield
    except (DBAPIError, PoolTimeout) as error:
        raise _clear(error) from error
