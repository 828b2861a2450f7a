"""What a commit costs at the least: one row of 200 characters a step, in SQLite's WAL. argv: steps, NORMAL or FULL."""

import sqlite3
import sys
from collections.abc import Callable
from itertools import count

from durable_clock import report


def start(path: str) -> tuple[Callable[[int], object], Callable[[], None]]:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute(f"PRAGMA synchronous={sys.argv[2]}")
    connection.execute("CREATE TABLE effects (number INTEGER PRIMARY KEY, payload TEXT)")
    number = count()

    def run(steps: int) -> None:
        for _ in range(steps):
            connection.execute("INSERT INTO effects VALUES (?, ?)", (next(number), "x" * 200))

    return run, connection.close


report(start)
