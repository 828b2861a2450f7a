"""Bookings in an SQL database: SQLite in the user's data directory by default, any SQLAlchemy URL by choice."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from itertools import count
from typing import Literal, TypeVar, cast

from pydantic import TypeAdapter
from sqlalchemy import ColumnElement, CursorResult, Update, select, tuple_, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from .booking import AlreadyCancelled, Booking, Flight, KeyReused, NotFound, Offer, SoldOut, Stay
from .database import PLACE, BookingRow, Database, OfferRow, StockRow
from .inventory import Inventory, resources
from .places import City

__all__ = ["SqlBookingStore", "default_url"]

_Item = TypeVar("_Item", Flight, Stay)
_ITEM: TypeAdapter[Offer] = TypeAdapter(Flight | Stay)


def default_url() -> str:
    """AGENTKIT_TRAVEL_DB (a URL or the path of a file), else a file in the user's data directory."""
    return PLACE.url()


class SqlBookingStore:
    """Fulfils `BookingStore` with an `Inventory` and a database that records what was taken from it.

    Only what was shown or booked is stored. An offer gets a short id when it is first shown, and keeps it. A booking
    is one transaction: it takes the seats by a conditional UPDATE, so that no seat is sold twice, and stores the
    idempotency key under a unique constraint.

    Args:
        url: of the database (default: `default_url()`); the tables are made when they are first needed.
        inventory: what there is to book.

    Raises:
        ConfigError: the URL cannot be used.
    """

    def __init__(self, url: str | None = None, inventory: Inventory | None = None) -> None:
        self._inventory = inventory or Inventory()
        self._database = Database(url or default_url())

    def close(self) -> None:
        """Close the connections that are not in use."""
        self._database.close()

    def cities(self) -> Sequence[City]:
        """See `BookingStore`."""
        return self._inventory.places

    def flights(self, origin: City, destination: City, day: date) -> Sequence[Flight]:
        """See `BookingStore`."""
        return self._shown(self._inventory.flights(origin, destination, day))

    def stays(self, city: City, check_in: date, nights: int) -> Sequence[Stay]:
        """See `BookingStore`."""
        return self._shown(self._inventory.stays(city, check_in, nights))

    def offer(self, offer_id: str) -> Offer:
        """See `BookingStore`."""
        with self._database.reading() as session:
            item = _offer(session, offer_id)
            return replace(item, left=self._left(session, [item])[0])

    def book(self, offer_id: str, names: Sequence[str], key: str) -> Booking:
        """See `BookingStore`."""
        return self._database.writing(lambda session: self._book(session, offer_id, tuple(names), key))

    def booked(self, key: str) -> Booking | None:
        """See `BookingStore`."""
        with self._database.reading() as session:
            row = _row(session, BookingRow.key == key)
            return _booking(row) if row else None

    def booking(self, booking_id: str) -> Booking:
        """See `BookingStore`."""
        with self._database.reading() as session:
            return _booking(_existing(session, booking_id))

    def bookings(self) -> Sequence[Booking]:
        """See `BookingStore`."""
        with self._database.reading() as session:
            return [_booking(row) for row in session.scalars(select(BookingRow).order_by(BookingRow.number))]

    def cancel(self, booking_id: str, key: str) -> Booking:
        """See `BookingStore`."""
        return self._database.writing(lambda session: _cancel(session, booking_id, key))

    def _book(self, session: Session, offer_id: str, names: tuple[str, ...], key: str) -> Booking:
        item = _offer(session, offer_id)
        if done := _row(session, BookingRow.key == key):
            if (done.item["id"], tuple(done.names)) != (item.id, names):
                raise KeyReused(f"This call has already booked {done.id}: nothing more was booked.")
            return _booking(done)
        for resource, day in sorted(resources(item)):  # one order for all, so that no two bookings wait for each other
            self._take(session, item, resource, day, item.places(len(names)))
        row = BookingRow(
            id=_free_id(session, "B", f"{key} {item.id}", BookingRow.id), key=key, kind=item.kind, begins=item.begins,
            names=list(names), total=item.total(len(names)), status="confirmed", item=_stored(item),
        )  # fmt: skip
        session.add(row)
        session.flush()
        return _booking(row)

    def _take(self, session: Session, item: Offer, resource: str, day: date, wanted: int) -> None:
        if session.get(StockRow, (resource, day)) is None:
            session.add(StockRow(resource=resource, day=day, unsold=self._inventory.capacity(resource, day)))
            session.flush()
        enough = update(StockRow).where(StockRow.resource == resource, StockRow.day == day, StockRow.unsold >= wanted)
        if not _changed(session, enough.values(unsold=StockRow.unsold - wanted)):
            raise SoldOut.of(replace(item, left=self._left(session, [item])[0]), wanted)

    def _shown(self, found: Sequence[_Item]) -> list[_Item]:
        """The same offers with their ids and with what is left of them."""
        identities = [_identity(item) for item in found]
        with self._database.reading() as session:
            known = _ids(session, identities)
            left = self._left(session, found)
        if len(known) < len(found):
            known = self._database.writing(lambda session: _name(session, dict(zip(identities, found, strict=True))))
        return [
            replace(item, id=known[identity], left=n)
            for item, identity, n in zip(found, identities, left, strict=True)
        ]  # fmt: skip

    def _left(self, session: Session, items: Sequence[Offer]) -> list[int]:
        wanted = [pair for item in items for pair in resources(item)]
        pair = tuple_(StockRow.resource, StockRow.day)
        rows = session.execute(select(StockRow.resource, StockRow.day, StockRow.unsold).where(pair.in_(wanted)))
        unsold = {(row.resource, row.day): row.unsold for row in rows}
        return [min(unsold.get(pair, self._inventory.capacity(*pair)) for pair in resources(item)) for item in items]


def _offer(session: Session, offer_id: str) -> Offer:
    wanted = _meant(offer_id, "FH")
    match session.scalars(select(OfferRow).where(OfferRow.id.in_(wanted))).all():
        case [row]:
            return replace(_ITEM.validate_python(row.item), id=row.id)
        case []:
            raise NotFound(f"There is no offer {wanted[0]}: search first, then book with an id from the results.")
        case _:
            raise NotFound(f"{offer_id} may mean {' or '.join(wanted)}: write the whole id.")


def _row(session: Session, condition: ColumnElement[bool]) -> BookingRow | None:
    return session.scalars(select(BookingRow).where(condition)).first()


def _existing(session: Session, booking_id: str) -> BookingRow:
    wanted = _meant(booking_id, "B")
    row = _row(session, BookingRow.id == wanted[0])
    if row is None:
        raise NotFound(f"There is no booking {wanted[0]}: use list_bookings to see the ids.")
    return row


def _meant(text: str, letters: str) -> list[str]:
    """The ids that may be meant by what a model wrote: "f 203", "203", "flight F203 LHR→JFK"."""
    if found := re.search(rf"\b([{letters}])[\s#:-]*(\d{{3,}})\b", text.upper()):
        return [found[1] + found[2]]
    digits = text.strip(" #")
    return [letter + digits for letter in letters] if digits.isdecimal() else [text.strip()]


def _booking(row: BookingRow) -> Booking:
    status = cast("Literal['confirmed', 'cancelled']", row.status)
    item = _ITEM.validate_python(row.item)
    return Booking(id=row.id, key=row.key, item=item, names=tuple(row.names), total=row.total, status=status)


def _cancel(session: Session, booking_id: str, key: str) -> Booking:
    row = _existing(session, booking_id)
    confirmed = update(BookingRow).where(BookingRow.number == row.number, BookingRow.status == "confirmed")
    changed = _changed(session, confirmed.values(status="cancelled", cancel_key=key))
    session.refresh(row)
    booking = _booking(row)
    if not changed:
        if row.cancel_key != key:
            raise AlreadyCancelled(f"{row.id} was cancelled before: there is nothing to cancel.")
        return booking
    for resource, day in sorted(resources(booking.item)):
        places = booking.item.places(len(booking.names))
        back = update(StockRow).where(StockRow.resource == resource, StockRow.day == day)
        session.execute(back.values(unsold=StockRow.unsold + places))
    return booking


def _changed(session: Session, statement: Update) -> bool:
    """Do an UPDATE; whether it found its row."""
    done = cast("CursorResult[tuple[()]]", session.execute(statement, execution_options={"synchronize_session": False}))
    return done.rowcount == 1


def _stored(item: Offer) -> dict[str, object]:
    return cast("dict[str, object]", _ITEM.dump_python(item, mode="json"))


def _identity(item: Offer) -> str:
    says = json.dumps(_stored(replace(item, id="", left=0)), sort_keys=True)
    return hashlib.sha256(says.encode()).hexdigest()


def _ids(session: Session, identities: Sequence[str]) -> dict[str, str]:
    rows = session.execute(select(OfferRow.identity, OfferRow.id).where(OfferRow.identity.in_(identities)))
    return {row.identity: row.id for row in rows}


def _name(session: Session, found: dict[str, _Item]) -> dict[str, str]:
    """Short ids for these offers: those they have, and new ones for the rest."""
    known = _ids(session, list(found))
    for identity, item in found.items():
        if identity not in known:
            known[identity] = _free_id(session, "F" if isinstance(item, Flight) else "H", identity, OfferRow.id)
            session.add(OfferRow(id=known[identity], identity=identity, item=_stored(item)))
            session.flush()
    return known


def _free_id(session: Session, letter: str, seed: str, column: InstrumentedAttribute[str]) -> str:
    """The shortest of the ids that follow from the seed which is not taken."""
    ids = _ids_from(letter, seed)
    return next(i for i in ids if session.execute(select(column).where(column == i)).first() is None)


def _ids_from(letter: str, seed: str) -> Iterator[str]:
    """Three digits while there are free ones, then more: short ids are easy to copy, for people and small models."""
    for attempt in count():
        smallest = 10 ** (2 + attempt // 4)
        number = int.from_bytes(hashlib.sha256(f"{seed} {attempt}".encode()).digest()[:8])
        yield f"{letter}{smallest + number % (9 * smallest)}"
