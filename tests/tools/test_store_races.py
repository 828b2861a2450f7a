"""Many buyers at once: the last seat is sold once, one key books once, whatever the database."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import date
from pathlib import Path
from threading import Barrier

from agentkit.tools.booking import Flight, SoldOut
from agentkit.tools.places import find_city
from agentkit.tools.store import SqlBookingStore

DAY = date(2026, 11, 24)
BUYERS = 50
ROOT = Path(__file__).parents[2]


def flight_with_seats(store: SqlBookingStore) -> Flight:
    flights = store.flights(find_city("London"), find_city("New York"), DAY)
    return max(flights, key=lambda flight: flight.left)


def buy(store: SqlBookingStore, flight: Flight, key: str, together: Barrier) -> str:
    together.wait()
    try:
        return store.book(flight.id, ["Ann Lee"], key).id
    except SoldOut:
        return "sold out"


def test_the_last_seat_is_sold_once_to_50_threads(url: str) -> None:
    with closing(SqlBookingStore(url)) as store:
        flight = flight_with_seats(store)
        store.book(flight.id, ["Bo Berg"] * (flight.left - 1), "all but one")
        together = Barrier(BUYERS)
        with ThreadPoolExecutor(BUYERS) as pool:
            bought = [pool.submit(buy, store, flight, f"key {n}", together) for n in range(BUYERS)]
        outcomes = [future.result() for future in bought]
        assert outcomes.count("sold out") == BUYERS - 1
        assert store.offer(flight.id).left == 0
        assert len(store.bookings()) == 2


def test_50_threads_with_one_key_book_once(url: str) -> None:
    with closing(SqlBookingStore(url)) as store:
        flight = flight_with_seats(store)
        # From now on the flight has a row of its own, so that nothing but the key stands between the buyers.
        store.book(flight.id, ["Bo Berg"], "another key")
        together = Barrier(BUYERS)
        with ThreadPoolExecutor(BUYERS) as pool:
            bought = [pool.submit(buy, store, flight, "one key", together) for _ in range(BUYERS)]
        assert len({future.result() for future in bought}) == 1
        assert [booking.key for booking in store.bookings()] == ["another key", "one key"]
        assert store.offer(flight.id).left == flight.left - 2


def test_50_threads_search_at_once(url: str) -> None:
    with closing(SqlBookingStore(url)) as store:
        with ThreadPoolExecutor(BUYERS) as pool:
            found = [pool.submit(store.flights, find_city("Rome"), find_city("Cairo"), DAY) for _ in range(BUYERS)]
        first = store.flights(find_city("Rome"), find_city("Cairo"), DAY)
    assert all(future.result() == first for future in found)


BUYER = """
import sys
from agentkit.tools.booking import SoldOut
from agentkit.tools.store import SqlBookingStore
url, flight, name = sys.argv[1:]
store = SqlBookingStore(url)
input()
sold = 0
for n in range(9):
    try:
        sold += store.book(flight, ["Ann Lee"], f"{name} {n}").status == "confirmed"
    except SoldOut:
        pass
store.close()
print(sold)
"""


def test_several_processes_sell_each_seat_once(url: str) -> None:
    with closing(SqlBookingStore(url)) as store:
        flight = flight_with_seats(store)
        buyers = [
            subprocess.Popen(
                [sys.executable, "-c", BUYER, url, flight.id, f"process {n}"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                cwd=ROOT,
            )
            for n in range(4)
        ]
        for buyer in buyers:
            assert buyer.stdin is not None
            buyer.stdin.write("\n")
            buyer.stdin.flush()
        sold = [int(buyer.communicate(timeout=60)[0]) for buyer in buyers]
        assert sum(sold) == flight.left
        assert len(store.bookings()) == flight.left
        assert store.offer(flight.id).left == 0
