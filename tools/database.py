"""The tables of the booking store, and connections to them that are safe for many threads and processes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import date
from typing import TypeVar

from sqlalchemy import JSON, Connection, String
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from agentkit.databases import Place, engine, reason

from .booking import StoreUnavailable

__all__ = ["PLACE", "BookingRow", "Database", "OfferRow", "StockRow"]

_T = TypeVar("_T")
_ATTEMPTS = 10  # of a transaction that another one got ahead of
PLACE = Place("bookings", "AGENTKIT_TRAVEL_DB", "travel.db")


class _Base(DeclarativeBase):
    pass


class OfferRow(_Base):
    """An offer that was shown, under its short id. `identity` is the SHA-256 of what it says."""

    __tablename__ = "offers"
    id: Mapped[str] = mapped_column(String(16), primary_key=True)
    identity: Mapped[str] = mapped_column(String(64), unique=True)
    item: Mapped[dict[str, object]] = mapped_column(JSON)


class StockRow(_Base):
    """Seats or rooms that are still unsold, for what was ever booked; all else has its full capacity."""

    __tablename__ = "stock"
    resource: Mapped[str] = mapped_column(String(100), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    unsold: Mapped[int]


class BookingRow(_Base):
    """A booking; `key` and `cancel_key` are the idempotency keys of the calls that made and cancelled it."""

    __tablename__ = "bookings"
    number: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(String(16), unique=True)
    key: Mapped[str] = mapped_column(String(255), unique=True)
    kind: Mapped[str] = mapped_column(String(8))
    begins: Mapped[date]
    names: Mapped[list[str]] = mapped_column(JSON)
    total: Mapped[int]
    status: Mapped[str] = mapped_column(String(12))
    cancel_key: Mapped[str | None] = mapped_column(String(255))
    item: Mapped[dict[str, object]] = mapped_column(JSON)


class Database:
    """Sessions on a database whose tables are made when they are first needed.

    Raises:
        ConfigError: the URL is none, its driver is not installed, or the folder of the file cannot be made.
    """

    def __init__(self, url: str) -> None:
        # FULL: a booking that was confirmed survives a power cut.
        self._engine = engine(url, PLACE, ("synchronous=FULL",), _begin)
        self._tables_lock = threading.Lock()
        self._has_tables = False

    def close(self) -> None:
        """Close the connections that are not in use."""
        self._engine.dispose()

    @contextmanager
    def reading(self) -> Generator[Session, None, None]:
        """A session that sees one state of the database.

        Raises:
            StoreUnavailable: it cannot be reached.
        """
        with _clear_errors():
            self._make_tables()
            with Session(self._engine) as session:
                yield session

    def writing(self, work: Callable[[Session], _T]) -> _T:
        """Do all of it in one transaction, or nothing.

        It is done again from the start when another transaction inserted the same row first: then the row is found.

        Raises:
            StoreUnavailable: the database cannot be reached or stays locked.
        """
        for _ in range(_ATTEMPTS):
            with _clear_errors():
                self._make_tables()
                try:
                    with Session(self._engine.execution_options(writes=True)) as session, session.begin():
                        return work(session)
                except IntegrityError:
                    continue
        raise StoreUnavailable("Too many bookings at once: try again.", transient=True)

    def _make_tables(self) -> None:
        with self._tables_lock:
            if self._has_tables:
                return
            try:
                self._create()
            except DBAPIError:
                self._create()  # another process made them in between
            self._has_tables = True

    def _create(self) -> None:
        with self._engine.execution_options(writes=True).begin() as connection:
            _Base.metadata.create_all(connection)


def _begin(connection: Connection) -> None:
    # A transaction that reads first and writes later fails at once, without waiting, when another wrote in between.
    writes = connection.get_execution_options().get("writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def _clear_errors() -> Generator[None, None, None]:
    try:
        yield
    except (DBAPIError, PoolTimeout) as error:
        raise StoreUnavailable(
            f"The booking database cannot be used just now ({reason(error)}): nothing was booked; try again later.",
            transient=True,
        ) from error
