"""Travel tasks of many kinds, each with the expert who solves it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from random import Random
from typing import Any

from agentkit.tools.inventory import Inventory
from training import travel_wordings as wordings
from training.booking_tasks import (
    make_ask_hotel,
    make_book_hotel,
    make_cancel,
    make_cancel_for,
    make_flight_and_hotel,
    make_get,
    make_list_bookings,
    make_list_for,
    make_small_talk,
)  # fmt: skip
from training.travel_experts import (
    OFFER,
    Expert,
    ask_flight,
    book_flight,
    booking,
    counted,
    final,
    listed,
    outcome,
    reason,
    search_flight,
    searched,
    yes_or_no,
)  # fmt: skip
from training.travel_world import Task, World
from training.words import Split, names, number

__all__ = ["KINDS", "Task", "task"]


def _flight(world: World, kind: str) -> tuple[str, str, dict[str, Any]]:
    """Which flight is wanted: in words, as the expert's argument, as the tool's."""
    order = kind.rsplit(maxsplit=1)[-1]
    if order == "under":
        most = number(world.dice, world.split, 60, 900, world.dice.choice((1, 5, 10)))
        what = world.dice.choice(wordings.WHAT["under"][world.split]).format(n=most)
        more: dict[str, Any] = {"max_price": most}
        why = f"one for at most ${most}"
    else:
        what, more, why = world.dice.choice(wordings.WHAT[order][world.split]), {}, f"the {order}"
    if order in ("earliest", "latest"):
        more["first"] = order
    return what, why, more


def _people(world: World) -> list[str]:
    return names(world.dice, world.split, world.dice.choice((1, 1, 1, 1, 2, 2, 3)))


def _make_book(kind: str, world: World) -> Task:
    (o, d), (_, when, day), people = world.route(), world.day(), _people(world)
    what, why, more = _flight(world, kind)
    question = world.text(wordings.BOOK_FLIGHT, what=what, o=o.name, d=d.name, when=when, who=listed(people))
    return Task(kind, question, lambda: book_flight(o.name, d.name, day, people, why, **more))


def _make_ask(kind: str, world: World) -> Task:
    (o, d), (_, when, day) = world.route(), world.day()
    what, why, more = _flight(world, kind)
    who = names(world.dice, world.split)[0]
    question = world.text(wordings.ASK_FLIGHT, what=what, o=o.name, d=d.name, when=when, who=who)
    return Task(kind, question, lambda: ask_flight(o.name, d.name, day, why, **more))


def _make_refused(kind: str, world: World) -> Task:
    base = _make_book("book cheapest", world)
    reasons = ("Too expensive.", "Not today.", "Wait until I have asked my boss.", "", "I changed my mind.")
    return Task(kind, base.question, base.expert, refusal=world.dice.choice(reasons))


def _make_broken(kind: str, world: World) -> Task:
    base = (_make_book if world.dice.random() < 0.6 else _make_ask)("book cheapest", world)
    texts = ("The booking database cannot be reached.", "The booking system is being serviced.")
    return Task(kind, base.question, base.expert, broken=world.dice.choice(texts))


def _make_faulty(kind: str, world: World) -> Task:
    base = (_make_book if world.dice.random() < 0.6 else _make_ask)("book cheapest", world)
    texts = (
        "I will search for flights now.",
        "Thought: I search.\nAction: search_flights\nAction Input: {\"origin\": ",
        "Thought: I look for flights.\nAction: find_flights\nAction Input: {}",
        "Thought: I search.\nAction: search_flights\nAction Input: {\"from\": \"there\"}",
    )  # fmt: skip
    return Task(kind, base.question, base.expert, faulty=world.dice.choice(texts))


def _make_wrong_day(kind: str, world: World) -> Task:
    (o, d), people = world.route(), _people(world)
    past = world.today - timedelta(days=world.dice.randint(2, 900))
    far = world.today + timedelta(days=world.dice.randint(400, 900))
    two_ways = f"{world.dice.randint(1, 6)}/{world.dice.randint(7, 12)}/{world.today.year + 1}"
    day = str(world.dice.choice((past, far, two_ways)))
    slots = {"o": o.name, "d": d.name, "when": f"on {day}", "who": listed(people)}
    book = world.dice.random() < 0.6
    what, why, more = _flight(world, "cheapest")
    question = world.text(wordings.BOOK_FLIGHT if book else wordings.ASK_FLIGHT, what=what, **slots)
    if book:
        return Task(kind, question, lambda: book_flight(o.name, d.name, day, people, why, **more))
    return Task(kind, question, lambda: ask_flight(o.name, d.name, day, why, **more))


def _misspelt(dice: Random, name: str) -> str:
    at = dice.randrange(1, len(name) - 1)
    return dice.choice((name[:at] + name[at + 1 :], name[:at] + name[at] + name[at:]))


def _make_unknown_city(kind: str, world: World) -> Task:
    (o, d), (_, when, day), people = world.route(), world.day(), _people(world)
    invented = ("Atlantis", "Gondor", "Zubrowka", "Springfield", "Narnia", "Elbonia") if world.split == "train" else (
        "Mordor", "Lilliput", "Utopia"
    )  # fmt: skip
    other = world.dice.choice(invented) if world.dice.random() < 0.3 else _misspelt(world.dice, d.name)
    book = world.dice.random() < 0.6
    what, why, more = _flight(world, "cheapest")
    slots = {"o": o.name, "d": other, "when": when, "who": listed(people)}
    question = world.text(wordings.BOOK_FLIGHT if book else wordings.ASK_FLIGHT, what=what, **slots)
    if book:
        return Task(kind, question, lambda: book_flight(o.name, other, day, people, why, **more))
    return Task(kind, question, lambda: ask_flight(o.name, other, day, why, **more))


def _make_sold_out(kind: str, world: World) -> Task:
    """More people than there are seats, or a day on which all is sold."""
    while True:
        (o, d), (day, when, said) = world.route(), world.day()
        most = max(flight.left for flight in world.inventory.flights(o, d, day))
        if most < 4:
            break
    people = names(world.dice, world.split, max(most, 0) + 1)
    what, why, more = _flight(world, "cheapest")
    question = world.text(wordings.BOOK_FLIGHT, what=what, o=o.name, d=d.name, when=when, who=listed(people))
    return Task(kind, question, lambda: book_flight(o.name, d.name, said, people, why, **more))


def _make_indirect(kind: str, world: World) -> Task:
    """Cities without direct flights, for which the tool names a way."""
    (_, when, day), people = world.day(), names(world.dice, world.split)
    while True:
        o, d = world.city(), world.city()
        if o != d and not world.inventory.flights(o, d, world.today):
            break
    question = world.text(
        wordings.BOOK_FLIGHT, what=world.dice.choice(wordings.WHAT["cheapest"][world.split]), o=o.name, d=d.name,
        when=when, who=listed(people),
    )  # fmt: skip
    return Task(kind, question, lambda: book_flight(o.name, d.name, day, people, "the cheapest"))


def _make_list_flights(kind: str, world: World) -> Task:
    (o, d), (_, when, day) = world.route(), world.day()
    question = world.text(wordings.OTHER[kind], o=o.name, d=d.name, when=when)

    def expert() -> Expert:
        seen, _ = yield from searched("Find the flights, only to tell.", o.name, d.name, day)
        found = [f"{each['id']} ${each['price']}" for each in OFFER.finditer(seen)]
        if not found:
            return final("Nothing was found.", f"No flight: {reason(seen)}.")
        return final("Tell all.", f"The flights are {', '.join(found)}.")

    return Task(kind, question, expert)


def _make_under(kind: str, world: World) -> Task:
    (o, d), (_, when, day) = world.route(), world.day()
    most = number(world.dice, world.split, 60, 900, world.dice.choice((1, 5, 10)))
    question = world.text(wordings.OTHER[kind], o=o.name, d=d.name, when=when, n=most)
    return Task(kind, question, lambda: yes_or_no(o.name, d.name, day, f"one for at most ${most}", max_price=most))


def _make_seats(kind: str, world: World) -> Task:
    (o, d), (_, when, day) = world.route(), world.day()
    many = world.dice.randint(2, 9)
    question = world.text(wordings.OTHER[kind], o=o.name, d=d.name, when=when, n=many)
    return Task(kind, question, lambda: yes_or_no(o.name, d.name, day, f"one with {many} seats", seats=many))


def _make_return(kind: str, world: World) -> Task:
    (o, d), people = world.route(), names(world.dice, world.split)
    (first, when, day), (second, back, back_day) = world.day(), world.day()
    while second <= first:
        (first, when, day), (second, back, back_day) = world.day(), world.day()
    question = world.text(wordings.OTHER[kind], o=o.name, d=d.name, when=when, back=back, who=listed(people))

    def expert() -> Expert:
        ids: list[str] = []
        for way, (start, end, on) in (("out", (o.name, d.name, day)), ("back", (d.name, o.name, back_day))):
            where = "Out is booked." if ids else "Out and back."
            thought = f"{where} Find the cheapest {way}, then book for {counted(people)}."
            seen = yield search_flight(thought, start, end, on, seats=len(people))
            if not (offer := OFFER.match(seen)):
                done = f"Only {ids[0]} was booked" if ids else "Nothing was booked"
                return final("There is nothing to book.", f"{done}: {reason(seen)}.")
            seen = yield from booking(offer, f"the cheapest {way}", "book_flight", passengers=people)
            if not (booked := re.match(r"Booked (B\d+)", seen)):
                return outcome(seen, "")
            ids.append(booked[1])
        return final("Both are booked.", f"Booked {ids[0]} out and {ids[1]} back for {listed(people)}.")

    return Task(kind, question, expert)


KINDS: Mapping[str, tuple[Callable[[str, World], Task], float]] = {
    "book cheapest": (_make_book, 12), "book earliest": (_make_book, 7), "book latest": (_make_book, 5),
    "book under": (_make_book, 7), "ask cheapest": (_make_ask, 7), "ask earliest": (_make_ask, 6),
    "ask latest": (_make_ask, 4), "ask under": (_make_ask, 5), "list flights": (_make_list_flights, 5),
    "under?": (_make_under, 5), "seats?": (_make_seats, 3), "refused": (_make_refused, 3), "failure": (_make_broken, 2),
    "format error": (_make_faulty, 2), "wrong date": (_make_wrong_day, 4), "unknown city": (_make_unknown_city, 5),
    "sold out": (_make_sold_out, 3), "no direct flight": (_make_indirect, 4), "return": (_make_return, 4),
    "ask hotel": (make_ask_hotel, 5), "book hotel": (make_book_hotel, 5),
    "flight and hotel": (make_flight_and_hotel, 4), "list bookings": (make_list_bookings, 3), "get": (make_get, 3),
    "cancel": (make_cancel, 4), "cancel for": (make_cancel_for, 6), "small talk": (make_small_talk, 2),
    "list for": (make_list_for, 0),
}  # fmt: skip
"""How a task of each kind is made, and how often in a hundred or so of the test; 0: only trained."""

_EMPHASIS: Mapping[str, float] = {
    "cancel for": 2, "return": 2.5, "list flights": 1.6, "sold out": 2, "book earliest": 1.3, "book latest": 1.3,
    "ask under": 1.3, "small talk": 2, "no direct flight": 1.3, "under?": 1.2,
}  # fmt: skip
"""How many times as often what is hard is trained as it is tested."""
_TRAINED_ONLY = 3.0


def task(dice: Random, split: Split, today: date, inventory: Inventory, kind: str | None = None) -> Task:
    """A task from this split."""
    if kind is None:
        kind = dice.choices(list(KINDS), [_weight(each, split) for each in KINDS])[0]
    return KINDS[kind][0](kind, World(dice, split, today, inventory))


def _weight(kind: str, split: Split) -> float:
    weight = KINDS[kind][1]
    return weight if split == "test" else (weight or _TRAINED_ONLY) * _EMPHASIS.get(kind, 1)
