"""The made-up world: the same everywhere, plausible, and with seats that run out."""

from __future__ import annotations

import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from agentkit.tools.inventory import Inventory, resources
from agentkit.tools.places import CITIES, City, distance_km, find_city

ROOT = Path(__file__).parents[2]
INVENTORY = Inventory()
DAYS = st.dates(date(2020, 1, 1), date(2090, 12, 31))
LONDON, NEW_YORK = find_city("London"), find_city("New York")


@given(st.sampled_from(CITIES), st.sampled_from(CITIES), DAYS)
def test_flights_are_plausible(origin: City, destination: City, day: date) -> None:
    flights = INVENTORY.flights(origin, destination, day)
    km = distance_km(origin, destination)
    assert bool(flights) == (120 <= km <= 14_000)
    assert len({flight.departs for flight in flights}) == len(flights) <= 5
    for flight in flights:
        assert flight.begins == day
        ahead = timedelta(hours=destination.utc_offset - origin.utc_offset)
        hours = (flight.arrives - flight.departs - ahead) / timedelta(hours=1)
        ground = 0.2 if km < 400 else 0.0  # hours: of a short flight, taxiing and steps of five minutes are much
        assert km / 1000 < hours - 0.3 < km / 400 + ground
        assert 19 <= flight.price <= 3000
        assert 0 <= flight.left <= 9


@given(st.sampled_from(CITIES), DAYS, st.integers(1, 30))
def test_stays_are_plausible(city: City, check_in: date, nights: int) -> None:
    stays = INVENTORY.stays(city, check_in, nights)
    assert 4 <= len({stay.hotel for stay in stays}) == len(stays) <= 6
    for stay in stays:
        assert len(resources(stay)) == len(stay.days) == nights
        assert stay.left == min(INVENTORY.capacity(stay.hotel, day) for day in stay.days)
        assert 25 <= stay.price <= 500


def test_almost_all_pairs_have_direct_flights() -> None:
    pairs = [(a, b) for a in CITIES for b in CITIES if a != b]
    served = [pair for pair in pairs if INVENTORY.flights(*pair, date(2026, 11, 24))]
    assert 0.85 < len(served) / len(pairs) < 1


def test_seats_run_out_now_and_then() -> None:
    days = [date(2026, 1, 1) + timedelta(days=n) for n in range(365)]
    left = [flight.left for day in days for flight in INVENTORY.flights(LONDON, NEW_YORK, day)]
    assert 0.03 < left.count(0) / len(left) < 0.1
    assert set(left) == set(range(10))


def test_another_process_finds_the_same() -> None:
    program = (
        "from agentkit.tools.inventory import Inventory; from agentkit.tools.places import find_city; import datetime\n"
        "print(Inventory().flights(find_city('London'), find_city('New York'), datetime.date(2026, 11, 24)))"
    )
    other = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)
    assert other.stdout.strip() == str(INVENTORY.flights(LONDON, NEW_YORK, date(2026, 11, 24)))


def test_another_seed_gives_another_world() -> None:
    day = date(2026, 11, 24)
    assert Inventory("other").flights(LONDON, NEW_YORK, day) != INVENTORY.flights(LONDON, NEW_YORK, day)


def test_low_cost_airlines_stay_near_home() -> None:
    day = date(2026, 11, 24)
    far = {flight.airline for city in CITIES for flight in INVENTORY.flights(LONDON, city, day)
           if distance_km(LONDON, city) > 5000}  # fmt: skip
    assert "easyJet" not in far
    assert "British Airways" in far
