"""Dates as people write them, read against a given day (the run's clock), never against the machine's."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, timedelta

from agentkit.errors import ToolError

__all__ = ["UnreadableDate", "read_date"]


class UnreadableDate(ToolError):
    """Not a date, or one that can be read in two ways; the message says how to write it."""


_MONTHS = ("january", "february", "march", "april", "may", "june", "july", "august", "september", "october",
           "november", "december")  # fmt: skip
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_COUNTS = {"a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "ten": 10}

_MONTH = "(?P<month>" + "|".join(rf"{name[:3]}(?:{name[3:4]}(?:{name[4:]})?)?" for name in _MONTHS) + r")\.?"
_WEEKDAY = "(?P<weekday>" + "|".join(rf"{name[:3]}(?:{name[3:]})?" for name in _DAYS) + r"|tues|thurs?|weds)\.?"
_DAY = r"(?:the )?(?P<day>\d{1,2})(?:st|nd|rd|th)?"
_YEAR = r"(?:,? (?P<year>\d{4}))?"


def read_date(text: str, today: date) -> date:
    """The day that is meant, seen from `today`.

    - ISO `2026-11-24` (also with a time after it, `2026/11/24`, `20261124`), `24.11.2026`; `24/11/2026` where only one
      reading is possible.
    - `24 Nov`, `November 24th`, `Tue, 24 Nov 2026`: without a year the next such day from today on.
    - `today`, `tomorrow`, `the day after tomorrow`, `in 3 days`, `in two weeks`, `next week`.
    - `friday`, `this friday`: the first Friday after today. `next friday`: the Friday of the next calendar week (weeks
      begin on Monday), so that on a Monday it is eleven days away.

    Raises:
        UnreadableDate: how to write it instead.
    """
    words = " ".join(re.sub(r"\bof\b|\bon\b", " ", text.casefold().replace(",", ", ")).split()).strip(" .,!?'\"")
    for pattern, read in _FORMS:
        if match := re.fullmatch(pattern, words):
            try:
                return read(match.groupdict(), today)
            except (ValueError, OverflowError):
                raise UnreadableDate(f"There is no day {text.strip()!r}: check the day of the month.") from None
    raise UnreadableDate(f"{text.strip()!r} is not a date I can read: write it as {today.isoformat()}.")


_Groups = dict[str, str | None]


def _numbered(found: _Groups, today: date) -> date:
    return date(int(found["year"] or 0), int(found["number"] or 0), int(found["day"] or 0))


def _slashed(found: _Groups, today: date) -> date:
    first, second, year = (int(found[name] or 0) for name in ("first", "second", "year"))
    if first <= 12 and second <= 12 and first != second:
        raise UnreadableDate(
            f"{first}/{second}/{year} can be read in two ways: write {date(year, second, first).isoformat()} "
            f"or {date(year, first, second).isoformat()}."
        )
    return date(year, second, first) if first > 12 or first == second else date(year, first, second)


def _named_month(found: _Groups, today: date) -> date:
    month = next(n for n, name in enumerate(_MONTHS, 1) if name.startswith((found["month"] or "")[:3]))
    day = int(found["day"] or 0)
    result = date(int(found["year"]), month, day) if found["year"] else _next_such_day(today, month, day)
    named = found.get("weekday")
    if named and not _DAYS[result.weekday()].startswith(named[:3]):
        right = _DAYS[result.weekday()].capitalize()
        raise UnreadableDate(f"{result.isoformat()} is a {right}: which do you mean, the date or the day of the week?")
    return result


def _next_such_day(today: date, month: int, day: int) -> date:
    if month == 2 and day == 29:
        leap = next(y for y in range(today.year, today.year + 9) if y % 4 == 0 and (y % 100 != 0 or y % 400 == 0)
                    and date(y, 2, 29) >= today)  # fmt: skip
        return date(leap, 2, 29)
    this_year = date(today.year, month, day)
    return this_year if this_year >= today else date(today.year + 1, month, day)


def _relative(found: _Groups, today: date) -> date:
    count = found["count"] or "1"
    number = _COUNTS.get(count) or int(count)
    return today + timedelta(days=number * (7 if (found["unit"] or "").startswith("week") else 1))


def _weekday(found: _Groups, today: date) -> date:
    wanted = next(n for n, name in enumerate(_DAYS) if name.startswith((found["weekday"] or "")[:3]))
    if found["which"] == "next":
        return today + timedelta(days=7 - today.weekday() + wanted)
    return today + timedelta(days=(wanted - today.weekday() - 1) % 7 + 1)


def _days_on(days: int) -> Callable[[_Groups, date], date]:
    return lambda _, today: today + timedelta(days=days)


_FORMS: tuple[tuple[str, Callable[[_Groups, date], date]], ...] = (
    (r"(?P<year>\d{4})([-/.])(?P<number>\d{1,2})\2(?P<day>\d{1,2})(?:[t ]\d{1,2}:\d\d.*)?", _numbered),
    (r"(?P<year>\d{4})(?P<number>\d\d)(?P<day>\d\d)", _numbered),
    (r"(?P<day>\d{1,2})[.](?P<number>\d{1,2})[.](?P<year>\d{4})", _numbered),
    (r"(?P<first>\d{1,2})([/-])(?P<second>\d{1,2})\2(?P<year>\d{4})", _slashed),
    (rf"(?:{_WEEKDAY},? )?{_DAY}[ -]?{_MONTH}{_YEAR.replace(' (', '[ -]?(')}", _named_month),
    (rf"(?:{_WEEKDAY},? )?{_MONTH} ?{_DAY}{_YEAR}", _named_month),
    (r"today|tonight|now|this (?:morning|afternoon|evening)", _days_on(0)),
    (r"tomorrow(?: (?:morning|afternoon|evening|night))?|tmrw|tomorow", _days_on(1)),
    (r"(?:the )?day after tomorrow|overmorrow", _days_on(2)),
    (r"yesterday", _days_on(-1)),
    (r"next week|(?:a )?week from (?:today|now)", _days_on(7)),
    (rf"in (?P<count>\d{{1,3}}|{'|'.join(_COUNTS)}) (?P<unit>days?|weeks?)(?: time)?", _relative),
    (rf"(?P<count>\d{{1,3}}|{'|'.join(_COUNTS)}) (?P<unit>days?|weeks?) from (?:now|today)", _relative),
    (rf"(?:(?P<which>this|next|the next|coming|this coming) )?{_WEEKDAY}", _weekday),
)
