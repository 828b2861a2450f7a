"""Word problems with the program that solves each, in one style: a variable for each quantity, then `return`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from training.pal_more_wordings import MORE
from training.pal_wordings import WORDINGS
from training.words import FIRST_NAMES, THINGS, Split, number

__all__ = ["KINDS", "Problem", "problem"]

Slots = dict[str, object]


@dataclass(frozen=True, slots=True)
class Problem:
    """A question, and a program in the style that the model is taught."""

    kind: str
    question: str
    program: str


@dataclass(frozen=True, slots=True)
class _Kind:
    """How the numbers are drawn, and the program's lines; both fill the same slots as the wordings."""

    draw: Callable[[Random, Split], Slots]
    program: str


_FRACTIONS = {
    "half": "1 / 2", "a third": "1 / 3", "a quarter": "1 / 4", "three quarters": "3 / 4", "two thirds": "2 / 3",
    "a fifth": "1 / 5", "two fifths": "2 / 5", "three fifths": "3 / 5",
}  # fmt: skip
_BOXES = ("boxes", "bags", "crates", "packs", "trays", "baskets", "jars")
_UNITS = {
    ("kilometres", "metres"): 1000, ("hours", "minutes"): 60, ("kilograms", "grams"): 1000, ("minutes", "seconds"): 60,
    ("metres", "centimetres"): 100, ("days", "hours"): 24, ("weeks", "days"): 7, ("feet", "inches"): 12,
    ("litres", "millilitres"): 1000,
}  # fmt: skip


def _drawn(**ranges: tuple[int, int] | tuple[int, int, int]) -> Callable[[Random, Split], Slots]:
    return lambda dice, split: {name: number(dice, split, *bounds) for name, bounds in ranges.items()}


def _fraction(dice: Random, _: Split) -> Slots:
    words = dice.choice(list(_FRACTIONS))
    return {"part": words, "fraction": _FRACTIONS[words]}


def _unit(dice: Random, _: Split) -> Slots:
    (large, small), factor = dice.choice(list(_UNITS.items()))
    return {"large": large, "small": small, "factor": factor}


def _day(dice: Random, split: Split) -> date:
    """Days of the month are split: the test has the 2nd, 7th, 12th ..."""
    while True:
        found = date(2020, 1, 1) + timedelta(days=dice.randrange(3650))
        if (found.day % 5 == 2) == (split == "test"):
            return found


def _start(dice: Random, split: Split) -> Slots:
    found = _day(dice, split)
    return {"start": found, "y": found.year, "m": found.month, "d": found.day}


def _two_days(dice: Random, split: Split) -> Slots:
    first, second = sorted((_day(dice, split), _day(dice, split)))
    numbers = {"y": first.year, "m": first.month, "d": first.day, "y2": second.year, "m2": second.month}
    return {"start": first, "end": second, **numbers, "d2": second.day}


def _both(*draws: Callable[[Random, Split], Slots]) -> Callable[[Random, Split], Slots]:
    def draw(dice: Random, split: Split) -> Slots:
        return {key: value for each in draws for key, value in each(dice, split).items()}

    return draw


def _cents(low: int, high: int) -> Callable[[Random, Split], Slots]:
    return lambda dice, split: {"price": f"{number(dice, split, low, high)}.{dice.choice(('50', '25', '75', '20'))}"}


KINDS: Mapping[str, _Kind] = {
    "boxes": _Kind(_drawn(a=(3, 90), b=(4, 60)), "{boxes} = {a}\n{things}_per_box = {b}\nreturn {boxes} * {things}_per_box"),
    "left": _Kind(_drawn(a=(60, 400), b=(5, 59)), "{things} = {a}\ngone = {b}\nreturn {things} - gone"),
    "left twice": _Kind(
        _drawn(a=(100, 400), b=(5, 49), c=(5, 49)), "{things} = {a}\ngone = {b} + {c}\nreturn {things} - gone"
    ),
    "wage": _Kind(_drawn(a=(9, 60), b=(3, 80)), "dollars_per_hour = {a}\nhours = {b}\nreturn dollars_per_hour * hours"),
    "distance": _Kind(_drawn(a=(30, 280), b=(2, 14)), "speed = {a}\nhours = {b}\nreturn speed * hours"),
    "duration": _Kind(_drawn(a=(60, 990, 10), b=(20, 120)), "distance = {a}\nspeed = {b}\nreturn distance / speed"),
    "percent": _Kind(_drawn(a=(3, 95), b=(40, 4000, 10)), "number = {b}\npercent = {a}\nreturn number * percent / 100"),
    "discount": _Kind(
        _drawn(a=(20, 900), b=(5, 70, 5)), "price = {a}\npercent = {b}\nreturn price - price * percent / 100"
    ),
    "increase": _Kind(
        _drawn(a=(20, 900), b=(3, 40)), "price = {a}\npercent = {b}\nreturn price + price * percent / 100"
    ),
    "interest": _Kind(
        _drawn(a=(200, 9000, 100), b=(2, 9), c=(2, 12)),
        "amount = {a}\npercent = {b}\nyears = {c}\nreturn amount * percent / 100 * years",
    ),
    "change": _Kind(
        _both(_drawn(a=(2, 9), c=(50, 200, 10)), _cents(1, 5)),
        "{things} = {a}\nprice = {price}\npaid = {c}\nreturn paid - {things} * price",
    ),
    "share": _Kind(_drawn(a=(40, 600), b=(3, 12)), "{things} = {a}\npeople = {b}\nreturn {things} / people"),
    "remainder": _Kind(_drawn(a=(40, 600), b=(3, 12)), "{things} = {a}\npeople = {b}\nreturn {things} % people"),
    "part sold": _Kind(
        _both(_drawn(a=(3, 60), b=(6, 48), c=(15, 95)), _fraction),
        "{boxes} = {a}\n{things}_per_box = {b}\n{things} = {boxes} * {things}_per_box\nsold = {things} * {fraction}\n"
        "cents = {c}\nreturn sold * cents / 100",
    ),
    "part": _Kind(_both(_drawn(a=(60, 600)), _fraction), "{things} = {a}\nused = {things} * {fraction}\nreturn {things} - used"),
    "unit down": _Kind(_both(_drawn(a=(2, 90)), _unit), "{large} = {a}\nreturn {large} * {factor}"),
    "unit up": _Kind(_both(_drawn(a=(120, 9000, 10)), _unit), "{small} = {a}\nreturn {small} / {factor}"),
    "average": _Kind(
        _drawn(a=(40, 100), b=(40, 100), c=(40, 100)), "numbers = [{a}, {b}, {c}]\nreturn sum(numbers) / len(numbers)"
    ),
    "area": _Kind(_drawn(a=(4, 90), b=(3, 70)), "length = {a}\nwidth = {b}\nreturn length * width"),
    "perimeter": _Kind(_drawn(a=(4, 90), b=(3, 70)), "length = {a}\nwidth = {b}\nreturn 2 * (length + width)"),
    "date after": _Kind(
        _both(_drawn(a=(5, 120)), _start),
        'start = date({y}, {m}, {d})\nend = start + timedelta(days={a})\nreturn end.strftime("%Y-%m-%d")',
    ),
    "days between": _Kind(
        _two_days, "start = date({y}, {m}, {d})\nend = date({y2}, {m2}, {d2})\nreturn (end - start).days"
    ),
    "age": _Kind(_drawn(a=(6, 60), b=(2, 30), c=(2, 20)), "age = {a}\nother = age + {b}\nyears = {c}\nreturn other + years"),
    "recipe": _Kind(
        _drawn(a=(100, 900, 10), b=(2, 6), c=(7, 40)), "grams = {a}\npeople = {b}\nguests = {c}\nreturn grams / people * guests"
    ),
    "growth": _Kind(
        _drawn(a=(500, 9000, 100), b=(2, 12), c=(2, 9)),
        "number = {a}\npercent = {b}\nyears = {c}\nreturn number * (1 + percent / 100) ** years",
    ),
    "together": _Kind(
        _drawn(a=(4, 40), b=(4, 40), c=(2, 30)), "first = {a}\nsecond = {b}\nhours = {c}\nreturn (first + second) * hours"
    ),
    "fuel": _Kind(
        _both(_drawn(a=(4, 12), b=(100, 990, 10)), _cents(1, 2)),
        "litres_per_100_km = {a}\ndistance = {b}\nprice = {price}\nreturn distance / 100 * litres_per_100_km * price",
    ),
    "entrance": _Kind(
        _drawn(a=(2, 30), b=(11, 40), c=(2, 40), e=(3, 10)),
        "adults = {a}\nadult_price = {b}\nchildren = {c}\nchild_price = {e}\n"
        "return adults * adult_price + children * child_price",
    ),
    "percent change": _Kind(_drawn(a=(20, 400), b=(401, 900)), "before = {a}\nafter = {b}\nreturn (after - before) / before * 100"),
    "savings": _Kind(
        _drawn(a=(6, 90), b=(4, 50), c=(11, 99)), "dollars_per_week = {a}\nweeks = {b}\nspent = {c}\nreturn dollars_per_week * weeks - spent"
    ),
    "pages": _Kind(_drawn(a=(120, 900), b=(8, 60)), "pages = {a}\npages_per_day = {b}\nreturn math.ceil(pages / pages_per_day)"),
    "profit": _Kind(
        _drawn(a=(5, 90), b=(2, 20), c=(21, 60)), "{things} = {a}\ncost = {b}\nprice = {c}\nreturn {things} * (price - cost)"
    ),
    "more": _Kind(_drawn(a=(5, 200), b=(3, 90)), "first = {a}\nsecond = first + {b}\nreturn first + second"),
    "times": _Kind(_drawn(a=(5, 200), b=(2, 9)), "first = {a}\nsecond = first * {b}\nreturn first + second"),
    "hens": _Kind(
        _drawn(a=(11, 60), b=(2, 9), c=(11, 90)),
        "eggs = {a}\neaten = {b}\nsold = eggs - eaten\ncents = {c}\nreturn sold * cents / 100",
    ),
    "overtime": _Kind(
        _drawn(a=(10, 45), b=(20, 40), c=(3, 12)),
        "dollars_per_hour = {a}\nhours = {b}\novertime = {c}\nreturn dollars_per_hour * hours + dollars_per_hour * 1.5 * overtime",
    ),
}  # fmt: skip


def problem(dice: Random, split: Split, kind: str | None = None) -> Problem:
    """A problem with its program, all from this split."""
    kind = kind or dice.choice(list(KINDS))
    who, other = dice.sample(FIRST_NAMES[split], 2)
    words: Slots = {"who": who, "other": other, "things": dice.choice(THINGS[split]), "boxes": dice.choice(_BOXES)}
    slots = words | KINDS[kind].draw(dice, split)
    spoken = {name: _spoken(value, dice) for name, value in slots.items()}
    wordings = WORDINGS[kind][split] + (MORE[kind] if split == "train" else ())
    question = dice.choice(wordings).format_map(spoken)
    question = question[0].upper() + question[1:]
    lines = KINDS[kind].program.format_map({**slots, "things": _identifier(slots["things"])}).splitlines()
    return Problem(kind, question, "\n".join(["def solution():", *(f"    {line}" for line in lines)]))


def _spoken(value: object, dice: Random) -> str:
    """A value as a question says it: large numbers with a comma at times."""
    if isinstance(value, date):
        return dice.choice(
            [value.isoformat(), f"{value.day} {value:%B} {value.year}", f"{value:%B} {value.day}, {value.year}"]
        )
    return f"{value:,}" if isinstance(value, int) and value >= 1000 and dice.random() < 0.4 else str(value)


def _identifier(value: object) -> str:
    return re.sub(r"\W", "_", str(value))
