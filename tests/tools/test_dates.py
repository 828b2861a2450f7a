"""Dates as people write them, seen from Monday, 23 November 2026."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentkit.tools.dates import UnreadableDate, read_date

MONDAY = date(2026, 11, 23)
DATES = st.dates(date(2000, 1, 1), date(2099, 12, 31))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-24", "2026-11-24"),
        ("2026-11-24T08:15:00Z", "2026-11-24"),
        ("2026/1/2", "2026-01-02"),
        ("20261124", "2026-11-24"),
        ("24.11.2026", "2026-11-24"),
        ("24/11/2026", "2026-11-24"),
        ("11/24/2026", "2026-11-24"),
        ("5/5/2027", "2027-05-05"),
        ("24 Nov", "2026-11-24"),
        ("24nov", "2026-11-24"),
        ("on the 24th of November", "2026-11-24"),
        ("Nov. 24", "2026-11-24"),
        ("November 24th, 2026", "2026-11-24"),
        ("Tue, 24 Nov 2026", "2026-11-24"),
        ("Tuesday 24 November", "2026-11-24"),
        ("24-Nov-2026", "2026-11-24"),
        ("23 nov", "2026-11-23"),
        ("22 nov", "2027-11-22"),
        ("sept 3", "2027-09-03"),
        ("29 Feb", "2028-02-29"),
        ("today", "2026-11-23"),
        ("Tonight", "2026-11-23"),
        ("Tomorrow!", "2026-11-24"),
        ("tomorrow morning", "2026-11-24"),
        ("the day after tomorrow", "2026-11-25"),
        ("yesterday", "2026-11-22"),
        ("in 3 days", "2026-11-26"),
        ("in a week", "2026-11-30"),
        ("two weeks from now", "2026-12-07"),
        ("next week", "2026-11-30"),
        ("friday", "2026-11-27"),
        ("this Fri", "2026-11-27"),
        ("Next Friday", "2026-12-04"),
        ("monday", "2026-11-30"),
        ("next monday", "2026-11-30"),
        ("sunday", "2026-11-29"),
        ("next sunday", "2026-12-06"),
    ],
)
def test_spellings(text: str, expected: str) -> None:
    assert read_date(text, MONDAY).isoformat() == expected


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("whenever", "write it as 2026-11-23"),
        ("", "write it as 2026-11-23"),
        ("next summer", "write it as 2026-11-23"),
        ("30 Feb", "There is no day '30 Feb'"),
        ("2026-13-45", "There is no day"),
        ("0/0/2027", "There is no day"),
        ("3/4/2027", "write 2027-04-03 or 2027-03-04"),
        ("Monday, 24 Nov 2026", "2026-11-24 is a Tuesday"),
    ],
)
def test_what_is_no_date_gets_a_hint(text: str, says: str) -> None:
    with pytest.raises(UnreadableDate, match=says):
        read_date(text, MONDAY)


@given(DATES, DATES)
def test_full_dates_do_not_depend_on_today(day: date, today: date) -> None:
    shapes = ("%Y-%m-%d", "%Y%m%d", "%d.%m.%Y", "%d %B %Y", "%B %d, %Y", "%a, %d %b %Y", "%A %d %B %Y", "%d-%b-%Y")
    for shape in shapes:
        assert read_date(day.strftime(shape), today) == day
        assert read_date(f"  {day.strftime(shape).upper()} ", today) == day


@given(DATES, DATES)
def test_a_date_without_its_year_is_the_next_one(day: date, today: date) -> None:
    found = read_date(day.strftime("%d %b"), today)
    assert (found.month, found.day) == (day.month, day.day)
    assert found >= today
    if (day.month, day.day) != (2, 29):
        assert found - today <= timedelta(days=366)


@given(DATES, st.integers(0, 6), st.sampled_from(["%A", "%a"]))
def test_days_of_the_week(today: date, ahead: int, shape: str) -> None:
    name = (today + timedelta(days=ahead)).strftime(shape)
    coming, following = read_date(name, today), read_date(f"next {name}", today)
    assert coming.strftime(shape) == following.strftime(shape) == name
    assert 1 <= (coming - today).days <= 7
    assert following.isocalendar().week == (today + timedelta(days=7)).isocalendar().week


@given(st.text(max_size=30) | st.from_regex(r"[0-9]{1,4}[-/. ][0-9]{1,2}[-/. ][0-9]{1,4}", fullmatch=True), DATES)
def test_any_text_gives_a_date_or_a_clear_error(text: str, today: date) -> None:
    try:
        assert isinstance(read_date(text, today), date)
    except UnreadableDate as error:
        hint = str(error)
        assert ":" in hint
