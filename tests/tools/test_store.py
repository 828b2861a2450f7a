"""The booking store: short ids, one booking for one key, cancelling, what is left, restarts and other databases."""

from __future__ import annotations

import re
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from agentkit.errors import ConfigError
from agentkit.tools.booking import (
    AlreadyCancelled,
    BookingStore,
    Flight,
    KeyReused,
    NotFound,
    SoldOut,
    Stay,
    StoreUnavailable,
)
from agentkit.tools.inventory import Inventory
from agentkit.tools.places import find_city
from agentkit.tools.store import SqlBookingStore, default_url

LONDON, PARIS, LISBON = find_city("London"), find_city("Paris"), find_city("Lisbon")
DAY = date(2026, 11, 24)


@pytest.fixture
def any_store(url: str) -> Iterator[SqlBookingStore]:
    store = SqlBookingStore(url)
    yield store
    store.close()


def flight_with(store: BookingStore, seats: int) -> Flight:
    """A flight that still has at least so many seats."""
    return next(f for f in store.flights(LONDON, find_city("New York"), DAY) if f.left >= seats)


def room(store: BookingStore) -> Stay:
    return next(s for s in store.stays(LISBON, DAY, 3) if s.left)


def test_fulfils_the_protocol(store: SqlBookingStore) -> None:
    provider: BookingStore = store
    assert LONDON in provider.cities()


def test_offers_keep_short_ids(any_store: SqlBookingStore) -> None:
    first = any_store.flights(LONDON, PARIS, DAY)
    stays = any_store.stays(LISBON, DAY, 2)
    assert first == any_store.flights(LONDON, PARIS, DAY)
    assert stays == any_store.stays(LISBON, DAY, 2)
    assert all(re.fullmatch(r"F\d{3}", flight.id) for flight in first)
    assert all(re.fullmatch(r"H\d{3}", stay.id) for stay in stays)
    assert any_store.offer(first[0].id) == first[0]
    assert any_store.offer(stays[0].id) == stays[0]


def test_ids_are_the_same_in_every_database(tmp_path: Path) -> None:
    found: list[list[str]] = []
    for name in ("a", "b"):
        with closing(SqlBookingStore(f"sqlite:///{tmp_path / name}.db")) as store:
            found.append([flight.id for flight in store.flights(LONDON, PARIS, DAY)])
    assert found[0] == found[1]


def test_ids_are_unique_when_three_digits_run_out(store: SqlBookingStore) -> None:
    days = [DAY + timedelta(days=n) for n in range(200)]
    ids = [flight.id for day in days for flight in store.flights(LONDON, find_city("New York"), day)]
    assert len(ids) > 900
    assert len(set(ids)) == len(ids)
    assert max(map(len, ids)) == 5


@pytest.mark.parametrize(
    "written", ["F203", " f203 ", "F 203", "f-203", "#203", "203", "flight F203 LHR→JFK 2026-11-24"]
)
def test_ids_are_read_forgivingly(store: SqlBookingStore, written: str) -> None:
    flight = flight_with(store, 1)
    assert store.offer(written.replace("203", flight.id[1:])).id == flight.id


def test_digits_alone_may_be_ambiguous(store: SqlBookingStore) -> None:
    flights = {f.id[1:] for n in range(60) for f in store.flights(LONDON, PARIS, DAY + timedelta(days=n))}
    stays = {s.id[1:] for n in range(60) for s in store.stays(LISBON, DAY + timedelta(days=n), 1)}
    digits = min(flights & stays)
    with pytest.raises(NotFound, match=f"may mean F{digits} or H{digits}: write the whole id"):
        store.offer(digits)


def test_booking_takes_seats_and_cancelling_gives_them_back(any_store: SqlBookingStore) -> None:
    flight = flight_with(any_store, 3)
    booking = any_store.book(flight.id, ["Ann Lee", "Bo Berg"], "run:1:0")
    assert booking.total == 2 * flight.price
    assert booking.names == ("Ann Lee", "Bo Berg")
    assert replace(booking.item, left=0) == replace(flight, left=0)
    assert any_store.offer(flight.id).left == flight.left - 2
    assert any_store.booking(booking.id) == booking
    assert any_store.booked("run:1:0") == booking
    assert any_store.booked("run:2:0") is None

    cancelled = any_store.cancel(booking.id, "run:3:0")
    assert cancelled == replace(booking, status="cancelled")
    assert any_store.offer(flight.id).left == flight.left
    assert any_store.bookings() == [cancelled]


def test_the_same_key_books_once(any_store: SqlBookingStore) -> None:
    flight = flight_with(any_store, 2)
    first = any_store.book(flight.id, ["Ann Lee"], "key")
    assert any_store.book(flight.id, ["Ann Lee"], "key") == first
    assert any_store.book(flight.id.lower(), ["Ann Lee"], "key") == first
    assert any_store.offer(flight.id).left == flight.left - 1
    assert len(any_store.bookings()) == 1
    with pytest.raises(KeyReused, match=f"already booked {first.id}"):
        any_store.book(flight.id, ["Bo Berg"], "key")
    assert any_store.book(flight.id, ["Ann Lee"], "another key").id != first.id


def test_the_same_key_cancels_once(any_store: SqlBookingStore) -> None:
    flight = flight_with(any_store, 1)
    booking = any_store.book(flight.id, ["Ann Lee"], "key")
    assert any_store.cancel(booking.id, "cancel") == any_store.cancel(booking.id, "cancel")
    assert any_store.offer(flight.id).left == flight.left
    with pytest.raises(AlreadyCancelled, match="cancelled before"):
        any_store.cancel(booking.id, "another key")


def test_a_stay_takes_a_room_on_each_of_its_nights(any_store: SqlBookingStore) -> None:
    stay = room(any_store)
    before = {day: left(any_store, stay.hotel, day) for day in stay.days}
    booking = any_store.book(stay.id, ["Ann Lee"], "key")
    assert booking.total == 3 * stay.price
    assert {day: left(any_store, stay.hotel, day) for day in stay.days} == {d: n - 1 for d, n in before.items()}
    any_store.cancel(booking.id, "cancel")
    assert {day: left(any_store, stay.hotel, day) for day in stay.days} == before


def left(store: BookingStore, hotel: str, day: date) -> int:
    return next(s.left for s in store.stays(LISBON, day, 1) if s.hotel == hotel)


def test_a_stay_that_lacks_one_night_takes_none(any_store: SqlBookingStore) -> None:
    stay = room(any_store)
    last = next(s for s in any_store.stays(LISBON, stay.days[-1], 1) if s.hotel == stay.hotel)
    for n in range(last.left):
        any_store.book(last.id, ["Bo Berg"], f"fill {n}")
    nights = {day: left(any_store, stay.hotel, day) for day in stay.days}
    with pytest.raises(SoldOut, match=f"{stay.id} is sold out: nothing was booked"):
        any_store.book(stay.id, ["Ann Lee"], "key")
    assert {day: left(any_store, stay.hotel, day) for day in stay.days} == nights
    assert any_store.booked("key") is None


def test_too_many_passengers(any_store: SqlBookingStore) -> None:
    flight = flight_with(any_store, 1)
    with pytest.raises(SoldOut, match=rf"has only {flight.left} seats? left, not {flight.left + 1}"):
        any_store.book(flight.id, ["Ann Lee"] * (flight.left + 1), "key")
    assert any_store.offer(flight.id).left == flight.left


def test_unknown_ids(store: SqlBookingStore) -> None:
    with pytest.raises(NotFound, match="no offer F999: search first"):
        store.book("F999", ["Ann Lee"], "key")
    with pytest.raises(NotFound, match="no booking B999: use list_bookings"):
        store.cancel("b999", "key")


def test_bookings_survive_a_restart(url: str) -> None:
    with closing(SqlBookingStore(url)) as store:
        flight = flight_with(store, 1)
        booking = store.book(flight.id, ["Ann Lee"], "key")
    with closing(SqlBookingStore(url)) as store:
        assert store.bookings() == [booking]
        assert store.book(flight.id, ["Ann Lee"], "key") == booking
        assert store.offer(flight.id).left == flight.left - 1


def test_another_inventory(sqlite_url: str) -> None:
    with closing(SqlBookingStore(sqlite_url, Inventory(seed="other", places=(LONDON, PARIS)))) as store:
        assert store.cities() == (LONDON, PARIS)
        assert {f.price for f in store.flights(LONDON, PARIS, DAY)} != {
            f.price for f in Inventory().flights(LONDON, PARIS, DAY)
        }


def test_memory_is_shared_between_threads() -> None:
    with closing(SqlBookingStore("sqlite://")) as store:
        flight = flight_with(store, 1)
        thread = threading.Thread(target=store.book, args=(flight.id, ["Ann Lee"], "key"))
        thread.start()
        thread.join()
        assert len(store.bookings()) == 1


def test_sqlite_files_are_in_wal_mode(sqlite_url: str) -> None:
    with closing(SqlBookingStore(sqlite_url)) as store, closing(sqlite3.connect(sqlite_url[10:])) as connection:
        store.bookings()
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_a_database_that_cannot_be_used_says_so(tmp_path: Path) -> None:
    (tmp_path / "notes.db").write_text("this is no database" * 100)
    with (
        closing(SqlBookingStore(f"sqlite:///{tmp_path / 'notes.db'}")) as store,
        pytest.raises(StoreUnavailable, match=r"cannot be used just now \(file is not a database\)"),
    ):
        store.bookings()


def test_urls_that_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for url, says in {
        "travel": "is no database URL",
        "nosuch://x": "is no database URL",
        "oracle://x": "driver .* is not installed",
        f"sqlite:///{tmp_path}/file/travel.db": "set AGENTKIT_TRAVEL_DB",
    }.items():
        with pytest.raises(ConfigError, match=says):
            SqlBookingStore(url)


def test_where_the_default_database_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.delenv("AGENTKIT_TRAVEL_DB", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert default_url() == f"sqlite:///{tmp_path}/agentkit/travel.db"
    monkeypatch.setattr("sys.platform", "darwin")
    assert default_url().endswith("/Library/Application Support/agentkit/travel.db")
    monkeypatch.setenv("AGENTKIT_TRAVEL_DB", str(tmp_path / "mine.db"))
    assert default_url() == f"sqlite:///{tmp_path}/mine.db"
    monkeypatch.setenv("AGENTKIT_TRAVEL_DB", "postgresql://host/db")
    assert default_url() == "postgresql://host/db"
