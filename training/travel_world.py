"""What a travel task is, and the world that tasks are made up in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random

from agentkit.tools.booking import Flight, Stay
from agentkit.tools.inventory import Inventory
from agentkit.tools.places import City, find_city
from training import travel_wordings as wordings
from training.travel_experts import Expert
from training.words import CITIES, Split

__all__ = ["Prior", "Task", "World"]


@dataclass(frozen=True, slots=True)
class Prior:
    """A booking that exists before the task begins."""

    offer: Flight | Stay
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Task:
    """A question and how an expert goes about it.

    Attributes:
        expert: starts the expert; its argument gives the ids of the prior bookings.
        refusal: approval is refused with this reason; None where it is given.
        broken: the booking system fails with this text.
        faulty: a reply in a wrong format that the model has given first.
    """

    kind: str
    question: str
    expert: Callable[[], Expert]
    priors: tuple[Prior, ...] = ()
    refusal: str | None = None
    broken: str | None = None
    faulty: str | None = None


@dataclass(frozen=True, slots=True)
class World:
    """Where tasks are made up: the clock, the dice, and what can be booked."""

    dice: Random
    split: Split
    today: date
    inventory: Inventory = field(default_factory=Inventory)

    def text(self, options: Mapping[Split, tuple[str, ...]], **slots: object) -> str:
        said = self.dice.choice(options[self.split]).format(**slots)
        said = said[0].upper() + said[1:]
        return self.dice.choice(wordings.FRAMES[self.split]).format(said)

    def city(self) -> City:
        return find_city(self.dice.choice(CITIES[self.split]))

    def route(self) -> tuple[City, City]:
        """Two cities with direct flights between them."""
        while True:
            start, end = self.city(), self.city()
            if start != end and self.inventory.flights(start, end, self.today):
                return start, end

    def day(self) -> tuple[date, str, str]:
        """A day ahead, how a question says it with its preposition, and without."""
        ahead = self.dice.randint(3, 300)
        while (ahead % 5 == 2) != (self.split == "test"):
            ahead = self.dice.randint(3, 300)
        day, weekday = self.today + timedelta(days=ahead), self.dice.randint(2, 6)
        coming = self.today + timedelta(days=weekday)
        forms = [
            (self.today + timedelta(days=1), "tomorrow", "tomorrow"),
            (self.today + timedelta(days=2), "the day after tomorrow", "the day after tomorrow"),
            (coming, f"on {coming:%A}", f"{coming:%A}"),
            (self.today + timedelta(days=ahead % 30 + 2), f"in {ahead % 30 + 2} days", f"in {ahead % 30 + 2} days"),
            (day, f"on {day.day} {day:%B}", f"{day.day} {day:%B}"),
            (day, f"on {day:%B} {day.day}", f"{day:%B} {day.day}"),
            *[(day, f"on {day}", f"{day}")] * 3,
        ]
        return self.dice.choice(forms)
