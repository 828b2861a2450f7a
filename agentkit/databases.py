"""SQLAlchemy engines that are safe for many threads and processes, and where their files lie when nobody says.

What the journal and the booking store share; each has its own tables and its own words for what goes wrong.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import URL, Connection, Engine, QueuePool, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError

from agentkit.errors import ConfigError

if TYPE_CHECKING:
    from sqlalchemy.engine.interfaces import DBAPIConnection
    from sqlalchemy.exc import TimeoutError as PoolTimeout

__all__ = ["Place", "engine", "named_url", "reason"]

_BUSY_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Place:
    """Where a database of agentkit's is when no URL is given.

    Attributes:
        what: what is in it, for errors.
        variable: the environment variable that names another place: a URL, or the path of a file.
        file: the file's name in the user's data directory.
    """

    what: str
    variable: str
    file: str

    def url(self) -> str:
        """What the variable says, else a file in the user's data directory.

        Raises:
            ConfigError: the user has none.
        """
        if chosen := os.environ.get(self.variable):
            return named_url(chosen)
        try:
            return named_url(str(_data_directory() / "agentkit" / self.file))
        except RuntimeError:
            raise ConfigError(
                f"This user has no home directory: set {self.variable} to a file for the {self.what}."
            ) from None


def named_url(place: str) -> str:
    """The URL of a database that is named by one, or by the path of a file: it means the same file in whatever folder
    this process may be later."""
    if "://" not in place:
        return _url_of(Path(place).expanduser().absolute())
    head, mark, file = place.partition(":///")
    if not mark or not head.startswith("sqlite") or file.startswith((":memory:", "file:", "/")) or not file:
        return place
    return f"{head}{mark}{_url_of(Path.cwd()).partition(':///')[2]}/{file}"


def _url_of(file: Path) -> str:
    return URL.create("sqlite", database=str(file)).render_as_string(hide_password=False)  # "?" and "%" quoted


def _data_directory() -> Path:
    match sys.platform:
        case "darwin":
            return Path.home() / "Library" / "Application Support"
        case "win32":
            return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
        case _:
            return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")


def engine(text: str, place: Place, pragmas: Sequence[str], begin: Callable[[Connection], None]) -> Engine:
    """An engine for a URL. On SQLite `pragmas` hold for each connection (in WAL), and `begin` begins transactions.

    Raises:
        ConfigError: no database URL, a driver that is not installed, or a folder that cannot be made.
    """
    try:
        url = make_url(text)
        if url.get_backend_name() != "sqlite":
            return create_engine(url, pool_pre_ping=True)
        return _sqlite(url, place, pragmas, begin)
    except (ArgumentError, NoSuchModuleError):
        raise ConfigError(f"{text!r} is no database URL: write for example sqlite:///{place.file}.") from None
    except ModuleNotFoundError as error:
        raise ConfigError(f"The database driver {error.name!r} is not installed: pip install {error.name}.") from error


def _sqlite(url: URL, place: Place, pragmas: Sequence[str], begin: Callable[[Connection], None]) -> Engine:
    arguments: dict[str, object] = {"check_same_thread": False}
    if "timeout" not in url.query:  # how long to wait for another's lock, in seconds: sqlite:///FILE?timeout=5
        arguments["timeout"] = _BUSY_SECONDS
    if url.database in (None, "", ":memory:"):
        # Each connection would be a database of its own: all threads take turns on one.
        made = create_engine(url, connect_args=arguments, poolclass=QueuePool, pool_size=1, max_overflow=0)
    else:
        _make_file(Path(str(url.database)), place)
        made = create_engine(url, connect_args=arguments)

    def prepare(connection: DBAPIConnection, _record: object) -> None:
        connection.isolation_level = None  # the driver would begin transactions too late; `begin` does it
        cursor = connection.cursor()
        for pragma in ("journal_mode=WAL", *pragmas):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    event.listen(made, "connect", prepare)
    event.listen(made, "begin", begin)
    return made


def _make_file(file: Path, place: Place) -> None:
    """Folders and file that are not there, for this user's eyes alone; SQLite gives its other files the same mode."""
    missing = [folder for folder in file.parents if not folder.exists()]
    try:
        for folder in reversed(missing):
            folder.mkdir(mode=0o700, exist_ok=True)
        if not file.exists():
            os.close(os.open(file, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        raise ConfigError(
            f"Cannot make {error.filename or file} for the {place.what} ({error.strerror}): "
            f"set {place.variable} to a file that you may write."
        ) from error


def reason(error: DBAPIError | PoolTimeout) -> str:
    """Why a database cannot be used just now, in one line."""
    return str(error.orig if isinstance(error, DBAPIError) else "no free connection").partition("\n")[0]
