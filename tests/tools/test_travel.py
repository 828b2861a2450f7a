"""The travel tools as a model calls them: forgiving arguments, short sorted results, approval, and the run's clock."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from agentkit.agent import Agent
from agentkit.approval import ApprovalRequest
from agentkit.errors import BadArguments, ToolError
from agentkit.messages import JSON
from agentkit.testing import ScriptedModel
from agentkit.tool import IdempotencyKey, RunContext
from agentkit.tools.places import find_city
from agentkit.tools.store import SqlBookingStore
from agentkit.tools.travel import travel_tools

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
FLIGHT = re.compile(r"F\d+ LHR→JFK 2026-11-24 \d\d:\d\d-\d\d:\d\d(\+1)? [\w ]+ \$(?P<price>\d+) (1 seat|[2-9] seats)")
Call = Callable[..., str]


@pytest.fixture
def call(store: SqlBookingStore) -> Call:
    """Calls a tool as an agent does: checks the arguments and fills in key and clock."""
    tools = {tool.name: tool for tool in travel_tools(store)}
    calls = iter(range(1000))

    def run(name: str, /, *, now: datetime = NOW, key: str = "", **arguments: JSON) -> str:
        tool = tools[name]
        context = RunContext("run", 1, now, IdempotencyKey(key or f"run:{next(calls)}:0"))
        return tool(**tool.inject(tool.check(arguments), context))

    return run


def first_id(lines: str) -> str:
    return lines.split(maxsplit=1)[0]


def test_flights_are_short_lines_sorted_by_price(call: Call) -> None:
    lines = call("search_flights", origin="london, uk", destination=" nyc ", date="tomorrow").splitlines()
    matches = [FLIGHT.fullmatch(line) for line in lines]
    prices = [int(match["price"]) for match in matches if match]
    assert len(prices) == len(lines) > 2
    assert prices == sorted(prices)


def test_every_way_to_say_it_finds_the_same(call: Call) -> None:
    expected = call("search_flights", origin="LHR", destination="JFK", date="2026-11-27")
    for origin, destination, day in (
        ("London", "New York", "friday"),
        ("lgw", "NEWARK", "27 Nov"),
        ("London (LHR)", "New York, USA", "Fri, 27 November 2026"),
    ):
        assert call("search_flights", origin=origin, destination=destination, date=day) == expected


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"max_price": 20}, r"at most \$20\. The cheapest is F\d+ LHR→JFK"),
        ({"max_price": "$1.50"}, r"at most \$1\.5\. The cheapest"),
        ({"destination": "AKL"}, r"no direct flights from London \(LHR\) to Auckland \(AKL\)\. Search London to \w+, "),
    ],
)
def test_no_results_say_what_to_change(call: Call, arguments: dict[str, JSON], says: str) -> None:
    found = call("search_flights", **{"origin": "LHR", "destination": "JFK", "date": "2026-11-24", **arguments})
    assert re.search(says, found)
    assert "\n" not in found


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"origin": "Lodnon"}, "Did you mean London"),
        ({"destination": "heathrow"}, "both London"),
        ({"date": "2024-05-01"}, "in the past: today is 2026-11-23, choose a date from 2026-11-23 to 2027-11-22"),
        ({"date": "yesterday"}, "in the past"),
        ({"date": "2028-01-01"}, "too far ahead"),
        ({"date": "soon"}, "write it as 2026-11-23"),
        ({"seats": 12}, "seats: Input should be less than or equal to 9"),
    ],
)
def test_bad_wishes_are_refused_with_a_hint(call: Call, arguments: dict[str, JSON], says: str) -> None:
    with pytest.raises(ToolError, match=says):
        call("search_flights", **{"origin": "LHR", "destination": "JFK", "date": "tomorrow", **arguments})


def test_the_clock_is_the_runs_and_local_to_the_origin(call: Call) -> None:
    shown = call("search_flights", origin="Tokyo", destination="Seoul", date="2026-11-23", now=NOW)
    assert all(line.split()[3][:5] > "18:00" for line in shown.splitlines())  # 09:00 UTC is 18:00 in Tokyo
    later = NOW + timedelta(days=30)
    assert "2026-12-24" in call("search_flights", origin="LHR", destination="JFK", date="tomorrow", now=later)


def test_flights_that_have_left_are_not_shown(call: Call) -> None:
    late = NOW.replace(hour=23, minute=30)
    found = call("search_flights", origin="LHR", destination="JFK", date="today", now=late)
    assert found.endswith("on 2026-11-23 any more: try another date, such as 2026-11-24.")


def test_the_order_is_chosen(call: Call) -> None:
    def departures(**order: str) -> list[str]:
        found = call("search_flights", origin="LHR", destination="JFK", date="2026-11-24", **order)
        return [line.split()[3] for line in found.splitlines()]

    assert departures(first="earliest") == sorted(departures())
    assert departures(first="latest") == sorted(departures(), reverse=True)
    assert departures(first="cheapest") == departures()
    with pytest.raises(BadArguments, match="'cheapest', 'earliest' or 'latest'"):
        departures(first="best")


def test_only_flights_with_enough_seats(call: Call) -> None:
    lines = call("search_flights", origin="LHR", destination="JFK", date="2026-11-24", seats=5).splitlines()
    assert all(int(line.split()[-2]) >= 5 for line in lines)
    refused = call("search_flights", origin="LIS", destination="MAD", date="2026-11-24", seats=9)
    assert "with 9 seats left, at most 8: book fewer together, or try another date" in refused


def test_book_show_list_cancel(call: Call) -> None:
    assert call("list_bookings") == "There are no bookings."
    found = call("search_flights", origin="LHR", destination="JFK", date="2026-11-24", seats=2)
    offer = found.splitlines()[0].split(" $")[0]
    booked = call("book_flight", flight_id=f" {first_id(found).lower()} ", passengers="Ann Lee and Bo Berg")
    match = re.fullmatch(rf"Booked (B\d+): {offer}, Ann Lee and Bo Berg, \$\d+ total", booked)
    assert match
    line = booked.removeprefix("Booked ").replace(":", " confirmed:", 1)
    assert call("get_booking", booking_id=match[1].lower()) == line == call("list_bookings")
    assert call("cancel_booking", booking_id=match[1]).startswith(f"Cancelled {match[1]}: {offer}")
    assert call("list_bookings") == "There are no bookings."
    assert "cancelled:" in call("list_bookings", include_cancelled=True)
    with pytest.raises(ToolError, match="cancelled before"):
        call("cancel_booking", booking_id=match[1])


def test_the_bookings_of_one_person(call: Call) -> None:
    (hotel, *_) = call("search_hotels", city="Paris", check_in="2026-12-01").splitlines()
    (flight, *_) = call("search_flights", origin="LHR", destination="JFK", date="2026-11-24", seats=2).splitlines()
    call("book_hotel", hotel_id=first_id(hotel), guest="Ann Lee")
    booked = call("book_flight", flight_id=first_id(flight), passengers=["Bo Berg", "Ann Lee"])
    assert len(call("list_bookings", name="Ann Lee").splitlines()) == 2
    for name in ("Bo Berg", " bo  BERG ", "Berg", "'Bo'"):
        assert call("list_bookings", name=name).split()[0] == booked.split()[1].rstrip(":")
    assert call("list_bookings", name="Bo Lee") == "There are no bookings for Bo Lee."
    assert call("list_bookings", name="") == call("list_bookings", name=None) == call("list_bookings")
    with pytest.raises(BadArguments, match="'me' is not a person's name; leave it out to list all bookings"):
        call("list_bookings", name="me")


def test_hotels(call: Call) -> None:
    found = call("search_hotels", city="Lisboa", check_in="24 Nov", nights=3)
    line = r"H\d+ \w+ Lisbon [2-5]\* 2026-11-24 3 nights \$(\d+)/night \$(\d+) total \d rooms?"
    matches = [re.fullmatch(line, text) for text in found.splitlines()]
    prices = [(int(match[1]), int(match[2])) for match in matches if match]
    assert len(prices) == len(matches)
    assert prices == sorted(prices)
    assert all(total == 3 * price for price, total in prices)
    booked = call("book_hotel", hotel_id=found.splitlines()[0], guest="Ann Lee")
    assert re.fullmatch(rf"Booked B\d+: {re.escape(found.split(' $')[0])}, Ann Lee, \${prices[0][1]} total", booked)


def test_the_soonest_booking_is_listed_first_and_long_lists_are_cut(call: Call) -> None:
    for n in range(12):
        city = find_city("London" if n % 2 else "Paris").code
        found = call("search_hotels", city=city, check_in=f"2026-12-{20 - n}")
        call("book_hotel", hotel_id=first_id(found), guest="Ann Lee")
    lines = call("list_bookings").splitlines()
    days = [re.findall(r"2026-12-\d\d", line)[0] for line in lines[:-1]]
    assert days == sorted(days)
    assert lines[10:] == ["... and 2 more"]


@pytest.mark.parametrize(
    ("passengers", "says"),
    [
        ([], "names of the people who travel are missing; ask the user"),
        ("", "names of the people who travel are missing; ask the user"),
        (["passenger 1"], "'passenger 1' is not a person's name; ask the user"),
        (["the user"], "is not a person's name"),
        (["me"], "is not a person's name"),
        (["Rome"], "'Rome' is a place and not a person's name"),
        (["Ann Lee", "?"], "is not a person's name"),
        ("Lee, Ann", "write full names in a list"),
        (3, "should be a valid list"),
        ([["Ann"]], "should be a valid string"),
    ],
)
def test_real_names_are_wanted(call: Call, store: SqlBookingStore, passengers: JSON, says: str) -> None:
    flight = first_id(call("search_flights", origin="LHR", destination="JFK", date="2026-11-24"))
    with pytest.raises(BadArguments, match=says):
        call("book_flight", flight_id=flight, passengers=passengers)
    assert store.bookings() == []


@pytest.mark.parametrize(
    "passengers", ["Ann Lee, Bo Berg", "Ann Lee & Bo Berg", ["  Ann  Lee", "'Bo Berg'"], '["Ann Lee", "Bo Berg"]']
)
def test_names_are_read_forgivingly(call: Call, store: SqlBookingStore, passengers: JSON) -> None:
    flight = first_id(call("search_flights", origin="LHR", destination="JFK", date="2026-11-24", seats=2))
    call("book_flight", flight_id=flight, passengers=passengers)
    assert store.bookings()[0].names == ("Ann Lee", "Bo Berg")


def test_the_wrong_kind_of_id(call: Call) -> None:
    flight = first_id(call("search_flights", origin="LHR", destination="JFK", date="2026-11-24"))
    hotel = first_id(call("search_hotels", city="LHR", check_in="2026-11-24"))
    with pytest.raises(ToolError, match="is a flight: use book_flight"):
        call("book_hotel", hotel_id=flight, guest="Ann Lee")
    with pytest.raises(ToolError, match="is a hotel room: use book_hotel"):
        call("book_flight", flight_id=hotel, passengers=["Ann Lee"])
    with pytest.raises(ToolError, match="no offer F999: search first"):
        call("book_flight", flight_id="F999", passengers=["Ann Lee"])


def test_what_has_begun_stays_as_it_is(call: Call) -> None:
    found = call("search_flights", origin="LHR", destination="JFK", date="2026-11-24", seats=2)
    booked = call("book_flight", flight_id=first_id(found), passengers=["Ann Lee"])
    after = NOW + timedelta(days=2)
    with pytest.raises(ToolError, match="already begun"):
        call("book_flight", flight_id=first_id(found), passengers=["Ann Lee"], now=after)
    with pytest.raises(ToolError, match="already begun"):
        call("cancel_booking", booking_id=booked.split()[1].rstrip(":"), now=after)


def test_the_same_key_says_the_same_and_books_once(call: Call, store: SqlBookingStore) -> None:
    flight = first_id(call("search_flights", origin="LHR", destination="JFK", date="2026-11-24", seats=2))
    first = call("book_flight", flight_id=flight, passengers=["Ann Lee"], key="run:7:0")
    assert call("book_flight", flight_id=flight, passengers=["Ann Lee"], key="run:7:0") == first
    assert len(store.bookings()) == 1
    booking = store.bookings()[0].id
    gone = call("cancel_booking", booking_id=booking, key="run:8:0")
    assert call("cancel_booking", booking_id=booking, key="run:8:0") == gone


def test_marks(store: SqlBookingStore) -> None:
    marks = {tool.name: tool.marks for tool in travel_tools(store)}
    acting = {"book_flight", "book_hotel", "cancel_booking"}
    assert {name for name, mark in marks.items() if mark.needs_approval and mark.idempotent} == acting
    assert {name for name, mark in marks.items() if mark.read_only} == set(marks) - acting


def test_the_model_sees_neither_key_nor_clock(store: SqlBookingStore) -> None:
    for tool in travel_tools(store):
        properties = tool.schema["parameters"]["properties"]
        assert isinstance(properties, dict)
        assert not {"key", "context", "self"} & set(properties)
        assert all(isinstance(shape, dict) and shape["description"] for shape in properties.values())
        assert tool.description.endswith(".")


@pytest.mark.parametrize("agreed", [True, False])
def test_an_agent_books_only_what_is_approved(store: SqlBookingStore, agreed: bool) -> None:
    day = datetime.now(UTC).date() + timedelta(days=9)
    flight = next(f for f in store.flights(find_city("Rome"), find_city("Athens"), day) if f.left)
    asked: list[str] = []

    def approve(request: ApprovalRequest, /) -> bool:
        asked.append(str(request))
        return agreed

    wanted = json.dumps({"flight_id": flight.id, "passengers": ["Ann Lee"]})
    script = [f"Thought: book it\nAction: book_flight\nAction Input: {wanted}", "Final Answer: done"]
    with ScriptedModel(script) as model:
        run = Agent(model, travel_tools(store), approve=approve).run("Book it for Ann Lee")
    assert asked == [f"book_flight(flight_id={flight.id!r}, passengers=['Ann Lee'])"]
    assert [booking.item.id for booking in store.bookings()] == ([flight.id] if agreed else [])
    assert run.answer == "done"
