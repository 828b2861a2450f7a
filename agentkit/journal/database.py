"""Transactions on the journal's database: SQLite, or whatever SQLAlchemy knows."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import URL, Connection, Engine, QueuePool, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from agentkit.errors import ConfigError, JournalError
from agentkit.journal.tables import METADATA

if TYPE_CHECKING:
    from sqlalchemy.engine.interfaces import DBAPIConnection

__all__ = ["Database", "default_url"]

_BUSY_SECONDS = 30


def default_url() -> str:
    """AGENTKIT_JOURNAL (a URL or the path of a file), else a file in the user's data directory."""
    if chosen := os.environ.get("AGENTKIT_JOURNAL"):
        return chosen if "://" in chosen else f"sqlite:///{Path(chosen).expanduser().absolute()}"
    match sys.platform:
        case "darwin":
            base = Path.home() / "Library" / "Application Support"
        case "win32":
            base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
        case _:
            base = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    return f"sqlite:///{base / 'agentkit' / 'journal.db'}"


class Database:
    """Makes the tables when they are first needed.

    Raises:
        ConfigError: the URL is none, its driver is not installed, or the folder of the file cannot be made.
    """

    def __init__(self, url: str) -> None:
        engine = _engine(url)
        # Made once: an engine with options of its own costs as much as a statement.
        self._engine = engine
        self._synced = engine.execution_options(writes=True, durable=True)
        self._unsynced = engine.execution_options(writes=True, durable=False)
        self._lock = threading.Lock()
        self._has_tables = False

    def close(self) -> None:
        """Close the connections that are not in use."""
        self._engine.dispose()

    @contextmanager
    def reading(self) -> Generator[Connection, None, None]:
        """A connection that sees one state of the database.

        Raises:
            JournalError: it cannot be reached.
        """
        with _clear_errors():
            self._make_tables()
            with self._engine.begin() as connection:
                yield connection

    @contextmanager
    def writing(self, *, durable: bool) -> Generator[Connection, None, None]:
        """One transaction; when `durable`, it survives a power cut once it is over (on SQLite; others always do).

        Raises:
            JournalError: the database cannot be reached or stays locked.
        """
        with _clear_errors():
            self._make_tables()
            with (self._synced if durable else self._unsynced).begin() as connection:
                yield connection

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


def _engine(text: str) -> Engine:
    try:
        url = make_url(text)
        if url.get_backend_name() != "sqlite":
            return create_engine(url, pool_pre_ping=True)
        return _sqlite(url)
    except (ArgumentError, NoSuchModuleError):
        raise ConfigError(f"{text!r} is no database URL: write for example sqlite:///journal.db.") from None
    except ModuleNotFoundError as error:
        raise ConfigError(f"The database driver {error.name!r} is not installed: pip install {error.name}.") from error


def _sqlite(url: URL) -> Engine:
    arguments = {"check_same_thread": False, "timeout": _BUSY_SECONDS}
    if url.database in (None, "", ":memory:"):
        # Each connection would be a database of its own: all threads take turns on one.
        engine = create_engine(url, connect_args=arguments, poolclass=QueuePool, pool_size=1, max_overflow=0)
    else:
        _make_folder(Path(str(url.database)))
        engine = create_engine(url, connect_args=arguments)
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine


def _make_folder(file: Path) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(
            f"Cannot make the folder {file.parent} for the journal ({error.strerror}): "
            "set AGENTKIT_JOURNAL to a file that you may write."
        ) from error


def _prepare(connection: DBAPIConnection, _record: object) -> None:
    connection.isolation_level = None  # the driver would begin transactions too late; _begin does it
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


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
        reason = str(error.orig if isinstance(error, DBAPIError) else "no free connection").partition("\n")[0]
        raise JournalError(
            f"The journal cannot be used just now ({reason}). The run stops here; resume it when the journal is back."
        ) from error
