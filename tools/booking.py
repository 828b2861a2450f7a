"""What can be booked, what was booked, and the protocol that any provider of travel fulfils."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal, Protocol, TypeAlias

from agentkit.errors import ToolError

from .places import City

__all__ = [
    "AlreadyCancelled",
    "Booking",
    "BookingStore",
    "Flight",
    "KeyReused",
    "NotFound",
    "Offer",
    "SoldOut",
    "Stay",
    "StoreUnavailable",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Flight:
    """A seat on one flight on one day.

    Attributes:
        id: what to book it by, such as F203.
        origin: IATA airport code.
        destination: IATA airport code.
        departs: local time at the origin.
        arrives: local time at the destination.
        price: whole US dollars for one passenger.
        left: seats that can still be booked.
    """

    id: str
    origin: str
    destination: str
    departs: datetime
    arrives: datetime
    airline: str
    price: int
    left: int
    kind: Literal["flight"] = "flight"

    @property
    def begins(self) -> date:
        """The day of departure."""
        return self.departs.date()

    def total(self, people: int) -> int:
        """Whole US dollars for so many passengers."""
        return self.price * people

    def places(self, people: int) -> int:
        """Seats that so many passengers take."""
        return people


@dataclass(frozen=True, slots=True, kw_only=True)
class Stay:
    """A room in one hotel for some nights.

    Attributes:
        id: what to book it by, such as H317.
        hotel: its name, unique in the city.
        city: IATA code of the city.
        stars: 2 to 5.
        check_in: the day of the first night.
        price: whole US dollars for one room and night.
        left: rooms that can still be booked for all these nights.
    """

    id: str
    hotel: str
    city: str
    stars: int
    check_in: date
    nights: int
    price: int
    left: int
    kind: Literal["stay"] = "stay"

    @property
    def begins(self) -> date:
        """The day of the first night."""
        return self.check_in

    @property
    def days(self) -> list[date]:
        """The day of each night."""
        return [self.check_in + timedelta(days=n) for n in range(self.nights)]

    def total(self, people: int) -> int:
        """Whole US dollars for the room and all nights; the number of people changes nothing."""
        del people
        return self.price * self.nights

    def places(self, people: int) -> int:
        """Rooms that a booking takes: one, whoever sleeps in it."""
        del people
        return 1


Offer: TypeAlias = Flight | Stay


@dataclass(frozen=True, slots=True, kw_only=True)
class Booking:
    """A booked flight or room.

    Attributes:
        id: such as B482.
        key: the idempotency key of the call that made it.
        item: what was booked, as it was offered.
        names: the passengers, or the guest.
        total: whole US dollars.
    """

    id: str
    key: str
    item: Offer
    names: tuple[str, ...]
    total: int
    status: Literal["confirmed", "cancelled"] = "confirmed"


class NotFound(ToolError):
    """There is no offer or booking with this id."""


class SoldOut(ToolError):
    """Not enough seats or rooms are left; nothing was booked."""

    @classmethod
    def of(cls, item: Offer, wanted: int) -> SoldOut:
        """In words: what is left of an offer, and how much was wanted."""
        if item.left == 0:
            return cls(f"{item.id} is sold out: nothing was booked. Choose another offer.")
        what = ("seat" if isinstance(item, Flight) else "room") + "s" * (item.left > 1)
        return cls(f"{item.id} has only {item.left} {what} left, not {wanted}: nothing was booked. Choose another.")


class AlreadyCancelled(ToolError):
    """The booking was cancelled before, by another call."""


class KeyReused(ToolError):
    """The idempotency key belongs to a booking of something else."""


class StoreUnavailable(ToolError):
    """The database cannot be reached or is locked; nothing was booked."""


class BookingStore(Protocol):
    """A provider of flights and hotel rooms. One class that has these methods makes agentkit's travel tools use it.

    Methods are called from several threads at once. They raise the errors of this module.
    """

    def cities(self) -> Sequence[City]:
        """Where it flies and has hotels."""
        ...

    def flights(self, origin: City, destination: City, day: date) -> Sequence[Flight]:
        """The flights of a day, in any order, also those that are sold out."""
        ...

    def stays(self, city: City, check_in: date, nights: int) -> Sequence[Stay]:
        """Rooms that could be booked for these nights, in any order, also those that are sold out."""
        ...

    def offer(self, offer_id: str) -> Offer:
        """An offer that `flights` or `stays` gave earlier, with what is left of it now.

        Raises:
            NotFound: it gave no such offer.
        """
        ...

    def book(self, offer_id: str, names: Sequence[str], key: str) -> Booking:
        """Book once: the same key again returns the booking it made the first time.

        Raises:
            NotFound, SoldOut, KeyReused: nothing was booked.
        """
        ...

    def booked(self, key: str) -> Booking | None:
        """What a call with this key booked: tells after a crash whether it happened."""
        ...

    def booking(self, booking_id: str) -> Booking:
        """One booking.

        Raises:
            NotFound: there is none with this id.
        """
        ...

    def bookings(self) -> Sequence[Booking]:
        """All bookings, the cancelled ones too, the newest last."""
        ...

    def cancel(self, booking_id: str, key: str) -> Booking:
        """Cancel once and give the seats or the room back; the same key again returns the cancelled booking.

        Raises:
            NotFound, AlreadyCancelled: nothing was changed.
        """
        ...
