"""The travel tools on a provider of your own: one class, here an airline with two flights a day, in plain dicts.

Run it: python examples/own_booking_store.py (offline; the model follows a script).
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, time

from agentkit import Agent
from agentkit.approval import approve_all
from agentkit.testing import ScriptedModel
from agentkit.tools.booking import AlreadyCancelled, Booking, Flight, KeyReused, NotFound, SoldOut, Stay
from agentkit.tools.places import City
from agentkit.tools.travel import travel_tools

LYON = City("LYS", "Lyon", "France", 45.76, 4.84, 1)
NICE = City("NCE", "Nice", "France", 43.70, 7.27, 1)


class LittleAirline:
    """Two flights a day between Lyon and Nice, and no hotels. Fulfils `agentkit.tools.booking.BookingStore`."""

    def __init__(self) -> None:
        self._offers: dict[str, Flight] = {}
        self._bookings: dict[str, Booking] = {}
        self._cancelled_by: dict[str, str] = {}
        self._lock = threading.Lock()  # tools run in threads

    def cities(self) -> Sequence[City]:
        return LYON, NICE

    def flights(self, origin: City, destination: City, day: date) -> Sequence[Flight]:
        with self._lock:
            return [self._flight(origin, destination, day, hour, price) for hour, price in ((9, 80), (18, 65))]

    def stays(self, city: City, check_in: date, nights: int) -> Sequence[Stay]:
        return []

    def offer(self, offer_id: str) -> Flight:
        with self._lock:
            return self._offer(offer_id)

    def book(self, offer_id: str, names: Sequence[str], key: str) -> Booking:
        with self._lock:
            offer = self._offer(offer_id)
            if done := self._booked(key):
                if (done.item.id, done.names) != (offer.id, tuple(names)):
                    raise KeyReused(f"This call has already booked {done.id}: nothing more was booked.")
                return done
            if offer.left < len(names):
                raise SoldOut(f"{offer.id} has {offer.left} seats left: nothing was booked.")
            self._offers[offer.id] = replace(offer, left=offer.left - len(names))
            booking = Booking(id=f"B{len(self._bookings) + 1}", key=key, item=offer, names=tuple(names),
                              total=offer.total(len(names)))  # fmt: skip
            self._bookings[booking.id] = booking
            return booking

    def booked(self, key: str) -> Booking | None:
        with self._lock:
            return self._booked(key)

    def booking(self, booking_id: str) -> Booking:
        with self._lock:
            return self._booking(booking_id)

    def bookings(self) -> Sequence[Booking]:
        with self._lock:
            return list(self._bookings.values())

    def cancel(self, booking_id: str, key: str) -> Booking:
        with self._lock:
            booking = self._booking(booking_id)
            if booking.status == "cancelled":
                if self._cancelled_by[booking_id] != key:
                    raise AlreadyCancelled(f"{booking_id} was cancelled before.")
                return booking
            flight = self._offers[booking.item.id]
            self._offers[flight.id] = replace(flight, left=flight.left + len(booking.names))
            self._cancelled_by[booking_id] = key
            self._bookings[booking_id] = replace(booking, status="cancelled")
            return self._bookings[booking_id]

    def _flight(self, origin: City, destination: City, day: date, hour: int, price: int) -> Flight:
        flight_id = f"{origin.code}{day:%m%d}{hour:02}"
        flight = Flight(id=flight_id, origin=origin.code, destination=destination.code, airline="Little Air",
                        departs=datetime.combine(day, time(hour)), arrives=datetime.combine(day, time(hour + 1)),
                        price=price, left=4)  # fmt: skip
        return self._offers.setdefault(flight_id, flight)

    def _offer(self, offer_id: str) -> Flight:
        if offer_id not in self._offers:
            raise NotFound(f"There is no flight {offer_id}: search first.")
        return self._offers[offer_id]

    def _booked(self, key: str) -> Booking | None:
        return next((booking for booking in self._bookings.values() if booking.key == key), None)

    def _booking(self, booking_id: str) -> Booking:
        if booking_id not in self._bookings:
            raise NotFound(f"There is no booking {booking_id}.")
        return self._bookings[booking_id]


def main() -> None:
    airline = LittleAirline()
    model = ScriptedModel(
        [
            "Thought: I look for flights.\nAction: search_flights\n"
            'Action Input: {"origin": "lyon", "destination": "nice", "date": "tomorrow"}',
            # The second reply needs the id that the search gave: it is read from the conversation.
            lambda request: (
                "Thought: The first one is the cheapest.\nAction: book_flight\nAction Input: "
                f'{{"flight_id": "{_first_id(request.messages[-1].text)}", "passengers": ["Ann Lee"]}}'
            ),
            "Thought: Done.\nFinal Answer: You fly with Little Air at 18:00.",
        ]
    )
    agent = Agent(model, travel_tools(airline), approve=approve_all)
    run = agent.run("Book the cheapest flight from Lyon to Nice tomorrow for Ann Lee.")
    for step in run.steps:
        print(step.observation.text if step.observation else "")
    print(run.answer)
    print(airline.bookings())


def _first_id(conversation: str) -> str:
    return next(word for word in conversation.split() if word.startswith("LYS") and len(word) == 9)


if __name__ == "__main__":
    main()
