"""The travel tools: search and book flights and hotel rooms, see and cancel bookings.

Their results are short and sorted, with the ids first, so that small models copy them right. Searching changes nothing;
booking and cancelling need approval and do nothing more when they are called again with the same idempotency key.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from functools import cache, partial
from typing import Any, Literal, TypeAlias, assert_never

from agentkit.errors import ToolError
from agentkit.tool import IdempotencyKey, RunContext, Tool, tool

from .arguments import (
    BookingId,
    Day,
    Dollars,
    FlightId,
    HotelId,
    Name,
    NameOrAll,
    Names,
    Nights,
    Place,
    Seats,
    ToCancel,
)
from .booking import Booking, BookingStore, Flight, Offer, SoldOut, Stay
from .dates import read_date
from .places import City, distance_km, find_city

__all__ = [
    "NotBookable",
    "book_flight",
    "book_hotel",
    "cancel_booking",
    "get_booking",
    "list_bookings",
    "search_flights",
    "search_hotels",
    "travel_tools",
]

_DAYS_AHEAD = 364
_MAX_LINES = 10
_VIAS = 8  # cities that are tried for a change of planes


class NotBookable(ToolError):
    """A date outside what can be booked, or something that has already begun."""


class _Desk:
    """The functions of the tools on one store, which is opened when it is first needed."""

    def __init__(self, store: Callable[[], BookingStore]) -> None:
        self._store = store

    def search_flights(
        self,
        origin: Place,
        destination: Place,
        date: Day,
        context: RunContext,
        first: FlightOrder = "cheapest",
        seats: Seats = 1,
        max_price: Dollars = 0,
    ) -> str:
        """Search direct flights of one day. Each line begins with the id for book_flight.

        Args:
            origin: city or airport code to fly from
            destination: city or airport code to fly to
            date: day of departure, such as 2026-11-24 or tomorrow
            first: which flight comes first in the list
            seats: how many seats are needed
            max_price: the most that one seat may cost in USD; 0 for any price
        """
        start, end = self._city(origin), self._city(destination)
        if start == end:
            raise NotBookable(f"Origin and destination are both {start}: give two cities.")
        day = _bookable(read_date(date, _today(context)), context)
        flights = self._store().flights(start, end, day)
        if not flights:
            return self._no_route(start, end, day)
        ahead = [flight for flight in flights if flight.departs > _local_time(start, context)]
        wanted = _Wanted(f"flight from {start} to {end} on {day}", day, seats, max_price)
        in_order = sorted(ahead, key=_ORDERS[first])
        return _found(in_order, wanted)

    def search_hotels(
        self, city: Place, check_in: Day, context: RunContext, nights: Nights = 1, max_price: Dollars = 0
    ) -> str:
        """Search hotel rooms, the cheapest first. Each line begins with the id for book_hotel.

        Args:
            city: city or airport code
            check_in: day of the first night, such as 2026-11-24 or tomorrow
            nights: how many nights
            max_price: the most that one night may cost in USD; 0 for any price
        """
        place = self._city(city)
        day = _bookable(read_date(check_in, _today(context)), context)
        stays = self._store().stays(place, day, nights)
        wanted = _Wanted(f"hotel room in {place} from {day} for {_nights(nights)}", day, 1, max_price)
        return _found(sorted(stays, key=_by_price), wanted)

    def book_flight(self, flight_id: FlightId, passengers: Names, context: RunContext, key: IdempotencyKey) -> str:
        """Book seats on a flight that search_flights showed.

        Args:
            flight_id: the id from search_flights, such as F203
            passengers: the full name of each passenger, as the user gave them
        """
        return self._book(self._ahead(flight_id, "flight", context), passengers, key)

    def book_hotel(self, hotel_id: HotelId, guest: Name, context: RunContext, key: IdempotencyKey) -> str:
        """Book a hotel room that search_hotels showed, for the dates that were searched.

        Args:
            hotel_id: the id from search_hotels, such as H317
            guest: full name of the guest, as the user gave it
        """
        return self._book(self._ahead(hotel_id, "stay", context), [guest], key)

    def get_booking(self, booking_id: BookingId) -> str:
        """Show one booking.

        Args:
            booking_id: the id of the booking, such as B482
        """
        return _booking_line(self._store().booking(booking_id))

    def list_bookings(self, name: NameOrAll = "", include_cancelled: bool = False) -> str:
        """List the bookings, the soonest first.

        Args:
            name: the person whose bookings are listed; left out: everybody's
            include_cancelled: whether to list cancelled bookings too
        """
        found = [b for b in self._store().bookings() if include_cancelled or b.status == "confirmed"]
        if name:
            found = [booking for booking in found if any(_is_part_of(name, each) for each in booking.names)]
        if not found:
            return f"There are no bookings{' for ' if name else ''}{name}."
        return _lines([_booking_line(b) for b in sorted(found, key=lambda b: (b.item.begins, b.id))])

    def cancel_booking(self, booking_id: ToCancel, context: RunContext, key: IdempotencyKey) -> str:
        """Cancel one booking.

        Args:
            booking_id: the id of the booking, such as B482
        """
        store = self._store()
        self._check_ahead(store.booking(booking_id).item, context)
        booking = store.cancel(booking_id, key)
        return f"Cancelled {booking.id}: {_what(booking.item)}, {_names(booking)}, ${booking.total} refunded"

    def flight_preview(self, flight_id: FlightId, passengers: Names, context: RunContext, key: IdempotencyKey) -> str:
        """What book_flight would do, for whoever approves it."""
        return _priced(self._ahead(flight_id, "flight", context), passengers)

    def stay_preview(self, hotel_id: HotelId, guest: Name, context: RunContext, key: IdempotencyKey) -> str:
        """What book_hotel would do."""
        return _priced(self._ahead(hotel_id, "stay", context), [guest])

    def cancel_preview(self, booking_id: ToCancel, context: RunContext, key: IdempotencyKey) -> str:
        """What cancel_booking would cancel."""
        booking = self._store().booking(booking_id)
        self._check_ahead(booking.item, context)
        return f"{_what(booking.item)}, {_names(booking)}"

    def _city(self, text: str) -> City:
        return find_city(text, self._store().cities())

    def _book(self, offer: Offer, names: Sequence[str], key: IdempotencyKey) -> str:
        booking = self._store().book(offer.id, names, key)
        return f"Booked {booking.id}: {_what(booking.item)}, {_names(booking)}, ${booking.total} total"

    def _ahead(self, offer_id: str, kind: Literal["flight", "stay"], context: RunContext) -> Offer:
        """An offer of this kind that has not begun."""
        offer = self._store().offer(offer_id)
        if offer.kind != kind:
            right = "a flight: use book_flight" if offer.kind == "flight" else "a hotel room: use book_hotel"
            raise NotBookable(f"{offer.id} is {right}.")
        self._check_ahead(offer, context)
        return offer

    def _check_ahead(self, item: Offer, context: RunContext) -> None:
        match item:
            case Flight():
                begun = item.departs <= _local_time(self._city(item.origin), context)
            case Stay():
                begun = item.check_in < _today(context)
            case _:
                assert_never(item)
        if begun:
            raise NotBookable(f"{_what(item)} has already begun: it can neither be booked nor cancelled.")

    def _no_route(self, start: City, end: City, day: date) -> str:
        """What to do instead where no direct flight exists: the two legs with the shortest way."""
        others = [city for city in self._store().cities() if city not in (start, end)]
        for via in sorted(others, key=lambda city: distance_km(start, city) + distance_km(city, end))[:_VIAS]:
            if self._store().flights(start, via, day) and self._store().flights(via, end, day):
                legs = f"Search {start.name} to {via.name}, then {via.name} to {end.name}"
                return f"There are no direct flights from {start} to {end}. {legs}."
        return f"There are no flights from {start} to {end}. Try another city nearby."


def _today(context: RunContext) -> date:
    return context.now.date()


def _local_time(city: City, context: RunContext) -> datetime:
    """The run's clock as a clock on a wall of that city shows it."""
    return context.now.astimezone(timezone(timedelta(hours=city.utc_offset))).replace(tzinfo=None)


def _bookable(day: date, context: RunContext) -> date:
    first = _today(context)
    last = first + timedelta(days=_DAYS_AHEAD)
    if first <= day <= last:
        return day
    wrong = "in the past" if day < first else "too far ahead"
    raise NotBookable(f"{day} is {wrong}: today is {first}, choose a date from {first} to {last}.")


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What was searched for: in words, and the limits that an offer has to keep."""

    what: str
    day: date
    places: int
    max_price: float


def _found(offers: Sequence[Offer], wanted: _Wanted) -> str:
    """One line for each offer that fits, in the order given, or what to change."""
    free = [offer for offer in offers if offer.left >= wanted.places]
    fitting = [offer for offer in free if not wanted.max_price or offer.price <= wanted.max_price]
    if fitting:
        return _lines([_offer_line(offer) for offer in fitting])
    what = wanted.what
    if free:
        cheapest = min(free, key=_by_price)
        return f"There is no {what} for at most ${wanted.max_price:g}. The cheapest is {_offer_line(cheapest)}"
    other = f"try another date, such as {wanted.day + timedelta(days=1)}"
    if most := max((offer.left for offer in offers), default=0):
        return f"There is no {what} with {wanted.places} seats left, at most {most}: book fewer together, or {other}."
    return f"There is no {what} {'that is not sold out' if offers else 'any more'}: {other}."


def _by_price(offer: Offer) -> tuple[int, datetime | str]:
    return offer.price, offer.departs.isoformat() if isinstance(offer, Flight) else offer.hotel


FlightOrder: TypeAlias = Literal["cheapest", "earliest", "latest"]
_ORDERS: Mapping[str, Callable[[Flight], Any]] = {
    "cheapest": _by_price,
    "earliest": lambda flight: flight.departs,
    "latest": lambda flight: -flight.departs.timestamp(),
}


def _offer_line(offer: Offer) -> str:
    match offer:
        case Flight():
            return f"{_what(offer)} ${offer.price} {offer.left} seat{_s(offer.left)}"
        case Stay():
            total = f" ${offer.total(1)} total" if offer.nights > 1 else ""
            return f"{_what(offer)} ${offer.price}/night{total} {offer.left} room{_s(offer.left)}"


def _what(item: Offer) -> str:
    match item:
        case Flight():
            later = (item.arrives.date() - item.departs.date()).days
            times = f"{item.departs:%H:%M}-{item.arrives:%H:%M}" + (f"{later:+d}" if later else "")
            return f"{item.id} {item.origin}→{item.destination} {item.begins} {times} {item.airline}"
        case Stay():
            return f"{item.id} {item.hotel} {item.stars}* {item.check_in} {_nights(item.nights)}"


def _priced(offer: Offer, names: Sequence[str]) -> str:
    """What a booking would be; nobody need be asked about one that cannot be made."""
    wanted = offer.places(len(names))
    if offer.left < wanted:
        raise SoldOut.of(offer, wanted)
    return f"{_what(offer)}, {' and '.join(names)}, ${offer.total(len(names))} total"


def _booking_line(booking: Booking) -> str:
    return f"{booking.id} {booking.status}: {_what(booking.item)}, {_names(booking)}, ${booking.total} total"


def _names(booking: Booking) -> str:
    return " and ".join(booking.names)


def _is_part_of(name: str, whole: str) -> bool:
    """Whether "Lovelace" or "ada lovelace" can mean Ada Lovelace."""
    return set(name.casefold().split()) <= set(whole.casefold().split())


def _nights(nights: int) -> str:
    return f"{nights} night{_s(nights)}"


def _s(count: int) -> str:
    return "" if count == 1 else "s"


def _lines(lines: Sequence[str]) -> str:
    more = [f"... and {len(lines) - _MAX_LINES} more"] if len(lines) > _MAX_LINES else []
    return "\n".join([*lines[:_MAX_LINES], *more])


def travel_tools(store: BookingStore | Callable[[], BookingStore]) -> list[Tool[..., str]]:
    """The seven travel tools on a store of bookings.

    Args:
        store: anything that fulfils `BookingStore`, or a function that opens it when it is first needed.
    """
    desk = _Desk(cache(store) if callable(store) else lambda: store)
    searching = tool(read_only=True, retry=1, timeout=30)
    looking = tool(read_only=True, repeatable=True, retry=1, timeout=30)
    acting = partial(tool, needs_approval=True, idempotent=True, retry=2, timeout=60)
    return [
        searching(desk.search_flights),
        searching(desk.search_hotels),
        acting(preview=desk.flight_preview)(desk.book_flight),
        acting(preview=desk.stay_preview)(desk.book_hotel),
        looking(desk.get_booking),
        looking(desk.list_bookings),
        acting(preview=desk.cancel_preview)(desk.cancel_booking),
    ]


def _default_store() -> BookingStore:
    from .store import SqlBookingStore  # loads SQLAlchemy

    return SqlBookingStore()


(
    search_flights,
    search_hotels,
    book_flight,
    book_hotel,
    get_booking,
    list_bookings,
    cancel_booking,
) = travel_tools(_default_store)
