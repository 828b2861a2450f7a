"""Tasks with hotels and with bookings that exist, and questions that need no tool, each with its expert."""

from __future__ import annotations

import re

from agentkit.tools.booking import Flight, Stay
from agentkit.tools.places import City
from training import travel_wordings as wordings
from training.travel_experts import (
    HOTEL,
    OFFER,
    Expert,
    act,
    booking,
    cancelled,
    counted,
    final,
    outcome,
    reason,
    search_flight,
    search_stay,
)  # fmt: skip
from training.travel_world import Prior, Task, World
from training.words import names

__all__ = [
    "make_ask_hotel",
    "make_book_hotel",
    "make_cancel",
    "make_cancel_for",
    "make_flight_and_hotel",
    "make_get",
    "make_list_bookings",
    "make_list_for",
    "make_small_talk",
]


def _stay_slots(world: World) -> tuple[City, str, str, int, str]:
    city, (_, when, day), nights = world.city(), world.day(), world.dice.randint(1, 7)
    if when.startswith("on "):
        when = world.dice.choice((when, f"from {day}"))
    return city, when, day, nights, f"{nights} night{'' if nights == 1 else 's'}"


def make_ask_hotel(kind: str, world: World) -> Task:
    city, when, day, nights, told = _stay_slots(world)
    question = world.text(wordings.OTHER[kind], d=city.name, when=when, nights=told)

    def expert() -> Expert:
        seen = yield search_stay("Find the cheapest hotel, only to tell.", city.name, day, nights)
        if not (offer := HOTEL.match(seen)):
            return final("Nothing was found.", f"No hotel: {reason(seen)}.")
        return final("Tell the first.", f"The cheapest is {offer['id']} {offer['hotel']}, ${offer['price']} a night.")

    return Task(kind, question, expert)


def make_book_hotel(kind: str, world: World) -> Task:
    city, when, day, nights, told = _stay_slots(world)
    who = names(world.dice, world.split)[0]
    question = world.text(wordings.OTHER[kind], d=city.name, when=when, nights=told, who=who)
    refusal = "No hotel, please." if world.dice.random() < 0.08 else None

    def expert() -> Expert:
        seen = yield search_stay(f"Find the cheapest hotel, then book for {who}.", city.name, day, nights)
        if not (offer := OFFER.match(seen)):
            return final("There is nothing to book.", f"Nothing was booked: {reason(seen)}.")
        seen = yield from booking(offer, "the cheapest", "book_hotel", guest=who)
        return outcome(seen, f"Booked {{b}}: {offer['id']} in {city.name} for {who}, ${{total}}.")

    return Task(kind, question, expert, refusal=refusal)


def make_flight_and_hotel(kind: str, world: World) -> Task:
    (o, d), (_, when, day), who = world.route(), world.day(), names(world.dice, world.split)[0]
    nights = world.dice.randint(1, 7)
    told = f"{nights} night{'' if nights == 1 else 's'}"
    question = world.text(wordings.OTHER[kind], o=o.name, d=d.name, when=when, who=who, nights=told)

    def expert() -> Expert:
        thought = f"Flight and hotel. Find the cheapest flight, then book for {counted([who])}."
        seen = yield search_flight(thought, o.name, d.name, day)
        if not (offer := OFFER.match(seen)):
            return final("There is nothing to book.", f"Nothing was booked: {reason(seen)}.")
        seen = yield from booking(offer, "the cheapest", "book_flight", passengers=[who])
        if not (flight := re.match(r"Booked (B\d+)", seen)):
            return outcome(seen, "")
        seen = yield search_stay(
            f"The flight is booked. Find the cheapest hotel, then book for {who}.", d.name, day, nights
        )
        if not (offer := OFFER.match(seen)):
            return final("There is nothing to book.", f"Only {flight[1]} was booked: {reason(seen)}.")
        seen = yield from booking(offer, "the cheapest", "book_hotel", guest=who)
        return outcome(seen, f"Booked {flight[1]} for the flight and {{b}} for the hotel, for {who}.")

    return Task(kind, question, expert)


def _priors(world: World, least: int = 1) -> tuple[Prior, ...]:
    found: list[Prior] = []
    for _ in range(world.dice.randint(least, 3)):
        (o, d), (day, _, _) = world.route(), world.day()
        offers: list[Flight | Stay] = [each for each in world.inventory.flights(o, d, day) if each.left]
        if world.dice.random() < 0.3:
            offers = [each for each in world.inventory.stays(d, day, world.dice.randint(1, 4)) if each.left]
        if offers:
            found.append(Prior(world.dice.choice(offers), tuple(names(world.dice, world.split))))
    return tuple(found) or _priors(world, least)


def make_list_bookings(kind: str, world: World) -> Task:
    question = world.text(wordings.OTHER[kind])

    def expert() -> Expert:
        seen = yield act("Look at the bookings.", "list_bookings")
        ids = re.findall(r"^(B\d+)", seen, re.MULTILINE)
        answer = f"You have {', '.join(ids)}." if ids else "You have no bookings."
        return final("Tell all." if ids else "There are none.", answer)

    return Task(kind, question, expert, priors=() if world.dice.random() < 0.2 else _priors(world))


def _known_or_not(world: World, priors: tuple[Prior, ...]) -> str:
    """The placeholder of a prior booking's id, or an id that does not exist."""
    return "{ids[0]}" if priors else f"B{world.dice.randint(100, 999)}"


def _booked_or_not(world: World, priors: tuple[Prior, ...], stranger: float) -> str:
    """Who has one of the prior bookings, or, with this probability, somebody who may have none."""
    who = priors[world.dice.randrange(len(priors))].names[0]
    return names(world.dice, world.split)[0] if world.dice.random() < stranger else who


def make_get(kind: str, world: World) -> Task:
    priors = () if world.dice.random() < 0.2 else _priors(world)
    wanted = _known_or_not(world, priors)
    question = world.text(wordings.OTHER[kind], b=wanted)

    def expert() -> Expert:
        seen = yield act("Look it up.", "get_booking", booking_id=wanted)
        if found := re.match(r"(B\d+) (\w+): ([FH]\d+) .*, (.+), \$(\d+) total", seen):
            return final("Tell it.", f"{found[1]} is {found[2]}: {found[3]} for {found[4]}, ${found[5]}.")
        return final("It was not found.", f"Not found: {reason(seen)}.")

    return Task(kind, question, expert, priors)


def make_cancel(kind: str, world: World) -> Task:
    priors = () if world.dice.random() < 0.2 else _priors(world)
    wanted = _known_or_not(world, priors)
    question = world.text(wordings.OTHER[kind], b=wanted)
    refusal = world.dice.choice(("Keep it.", "No, wait.")) if priors and world.dice.random() < 0.15 else None

    def expert() -> Expert:
        return cancelled((yield act(f"Cancel {wanted}.", "cancel_booking", booking_id=wanted)))

    return Task(kind, question, expert, priors, refusal=refusal)


def make_cancel_for(kind: str, world: World) -> Task:
    priors = _priors(world, 2)
    who = _booked_or_not(world, priors, 0.15)
    question = world.text(wordings.OTHER[kind], who=who)

    def expert() -> Expert:
        seen = yield act(f"Find the booking of {who}, then cancel it.", "list_bookings", name=who)
        if not (found := re.match(r"B\d+", seen)):
            return final(f"{who} has none.", f"Nothing was cancelled: {reason(seen)}.")
        return cancelled((yield act(f"{found[0]} is for {who}. Cancel it.", "cancel_booking", booking_id=found[0])))

    return Task(kind, question, expert, priors)


def make_list_for(kind: str, world: World) -> Task:
    priors = _priors(world)
    who = _booked_or_not(world, priors, 0.2)
    question = world.text(wordings.OTHER[kind], who=who)

    def expert() -> Expert:
        seen = yield act(f"Look at the bookings of {who}, only to tell.", "list_bookings", name=who)
        ids = re.findall(r"^(B\d+)", seen, re.MULTILINE)
        return final("Tell all." if ids else "There are none.", f"{who} has {', '.join(ids) or 'no bookings'}.")

    return Task(kind, question, expert, priors)


def make_small_talk(kind: str, world: World) -> Task:
    question, answer = world.dice.choice(wordings.SMALL_TALK[world.split])

    def expert() -> Expert:
        yield from ()
        return final("No tool is needed.", answer)

    return Task(kind, question, expert)
