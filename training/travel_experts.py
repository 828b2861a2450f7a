"""How an expert solves travel tasks: generators that write a step, read its observation, and decide by plain rules."""

from __future__ import annotations

import json
import re
from collections.abc import Generator
from typing import Any, TypeAlias

__all__ = [
    "HOTEL",
    "OFFER",
    "Expert",
    "act",
    "ask_flight",
    "book_flight",
    "booking",
    "cancelled",
    "counted",
    "final",
    "listed",
    "outcome",
    "reason",
    "search_flight",
    "search_stay",
    "searched",
    "yes_or_no",
]

Expert: TypeAlias = "Generator[str, str, str]"
"""Yields what the model should write, is sent each observation, and returns the last thing to write."""


def act(thought: str, tool: str, **arguments: object) -> str:
    given = {name: value for name, value in arguments.items() if value is not None}
    return f"Thought: {thought}\nAction: {tool}\nAction Input: {json.dumps(given, ensure_ascii=False)}"


def final(thought: str, answer: str) -> str:
    return f"Thought: {thought}\nFinal Answer: {answer}"


def listed(words: list[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def counted(people: list[str]) -> str:
    """Names with their numbers: the last one says how many they are, which is then copied and not counted."""
    return ", ".join(f"{n} {name}" for n, name in enumerate(people, 1))


OFFER = re.compile(r"^(?P<id>[FH]\d+) .*?\$(?P<price>\d+)", re.MULTILINE)
_FLIGHT = re.compile(r"^(?P<id>F\d+) \S+ \S+ (?P<departs>\d\d:\d\d)-\S+ (?P<airline>.+) \$(?P<price>\d+)")
HOTEL = re.compile(r"^(?P<id>H\d+) (?P<hotel>.+) \d\* .*\$(?P<price>\d+)/night")


_REASONS = (
    (r"^\w+ (?:failed|was not run): ", ""),
    (r": today is .*", ""),
    (r": use list_bookings.*", ""),
    (r" Some that there are: .*", ""),
    (r"There is no (?:flight|hotel room) .* for at most (\$\d+)\. The cheapest is ([FH]\d+) .*?(\$\d+).*",
     r"none costs at most \1. The cheapest is \2 at \3"),
    (r"There is no (?:flight|hotel room) .* with (\d+) seats left, at most (\d+): .*",
     r"none has \1 seats left, at most \2"),
    (r"There is no (?:flight|hotel room) .* that is not sold out: .*", "all are sold out"),
)  # fmt: skip


def reason(observation: str) -> str:
    """Why nothing came of it, in the tool's own words as far as they matter."""
    text = observation.split("\n", maxsplit=1)[0]
    for pattern, short in _REASONS:
        text = re.sub(pattern, short, text)
    return text[0].lower() + text[1:].rstrip(".")


def search_flight(thought: str, o: str, d: str, when: str, first: str = "cheapest", seats: int = 1,
                  max_price: int | None = None) -> str:  # fmt: skip
    """Order and seats are always written: whether to write them is nothing to decide."""
    return act(thought, "search_flights", origin=o, destination=d, date=when, first=first, seats=seats,
               max_price=max_price)  # fmt: skip


def searched(thought: str, o: str, d: str, when: str, **more: Any) -> Generator[str, str, tuple[str, str]]:
    """Search flights; a misspelt city is corrected once when there is one suggestion. Gives the observation and the
    destination as it was written at last.

    Args:
        more: see `search_flight`.
    """
    seen = yield search_flight(thought, o, d, when, **more)
    if found := re.search(r"There is no city '(.+)' here\. Did you mean ([^,]+?) \(\w+\)\?", seen):
        wrong, right = found[1], found[2]
        o, d = (right if each == wrong else each for each in (o, d))
        again = f"{wrong} is unknown. It is {right}."
        seen = yield search_flight(again, o, d, when, **more)
    return seen, d


def booking(offer: re.Match[str], why: str, tool: str, **arguments: object) -> Generator[str, str, str]:
    """Book the first offer; gives the observation."""
    what = "flight_id" if tool == "book_flight" else "hotel_id"
    thought = f"{offer['id']} is {why} at ${offer['price']}. Book it."
    return (yield act(thought, tool, **{what: offer["id"]}, **arguments))


def outcome(seen: str, said: str) -> str:
    """The last words after a booking was tried. {b} and {total} in `said` are filled in."""
    if found := re.match(r"Booked (B\d+): .*\$(\d+) total", seen):
        return final("It is booked.", said.format(b=found[1], total=found[2]))
    return final("It was not booked.", f"Nothing was booked: {reason(seen)}.")


def book_flight(o: str, d: str, when: str, people: list[str], why: str, **more: Any) -> Expert:
    who = listed(people)
    thought = f"Find {why}, then book for {counted(people)}."
    seen, d = yield from searched(thought, o, d, when, seats=len(people), **more)
    if legs := re.search(r"Search (.+) to (.+), then \2 to (.+)\.", seen):
        return (yield from _two_legs(legs, when, people))
    if not (offer := OFFER.match(seen)):
        return final("There is nothing to book.", f"Nothing was booked: {reason(seen)}.")
    seen = yield from booking(offer, why, "book_flight", passengers=people)
    return outcome(seen, f"Booked {{b}}: {offer['id']} from {o} to {d} for {who}, ${{total}}.")


def _two_legs(legs: re.Match[str], when: str, people: list[str]) -> Expert:
    """No direct flight: the cheapest over the city that the tool names."""
    who = listed(people)
    ids: list[str] = []
    for start, end in ((legs[1], legs[2]), (legs[2], legs[3])):
        thought = f"Not direct. Find the cheapest {start} to {end}, then book for {counted(people)}."
        seen = yield search_flight(thought, start, end, when, seats=len(people))
        if not (offer := OFFER.match(seen)):
            done = f"Only {ids[0]} was booked" if ids else "Nothing was booked"
            return final("There is nothing to book.", f"{done}: {reason(seen)}.")
        seen = yield from booking(offer, "the cheapest", "book_flight", passengers=people)
        if not (booked := re.match(r"Booked (B\d+)", seen)):
            return outcome(seen, "")
        ids.append(booked[1])
    return final("Both are booked.", f"Booked {ids[0]} and {ids[1]}: {legs[1]} to {legs[3]} over {legs[2]} for {who}.")


def ask_flight(o: str, d: str, when: str, why: str, **more: Any) -> Expert:
    seen, _ = yield from searched(f"Find {why}, only to tell.", o, d, when, **more)
    if not (offer := _FLIGHT.match(seen)):
        return final("Nothing was found.", f"No flight: {reason(seen)}.")
    about = f"{offer['id']} at {offer['departs']} with {offer['airline']}, ${offer['price']}"
    return final("Tell the first.", f"{why[0].upper()}{why[1:]} is {about}.")


def yes_or_no(o: str, d: str, when: str, why: str, **more: Any) -> Expert:
    seen, _ = yield from searched(f"See whether there is {why}, only to tell.", o, d, when, **more)
    if offer := _FLIGHT.match(seen):
        return final("There is one.", f"Yes: {offer['id']} at {offer['departs']}, ${offer['price']}.")
    return final("There is none.", f"No: {reason(seen)}.")


def search_stay(thought: str, city: str, day: str, nights: int) -> str:
    return act(thought, "search_hotels", city=city, check_in=day, nights=nights if nights > 1 else None)


def cancelled(seen: str) -> str:
    if found := re.match(r"Cancelled (B\d+): .*\$(\d+) refunded", seen):
        return final("It is cancelled.", f"Cancelled {found[1]}, ${found[2]} refunded.")
    return final("It was not cancelled.", f"Nothing was cancelled: {reason(seen)}.")
