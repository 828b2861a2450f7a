"""A booking run is killed (SIGKILL) wherever it hurts and resumed: exactly the bookings of a run that was not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import cast

import pytest

ROOT = Path(__file__).parents[2]
KILLS = int(os.environ.get("AGENTKIT_KILLS", "15"))  # at random moments; 500 for the full test (docs/durability.md)
SEED = os.environ.get("AGENTKIT_KILLS_SEED", "1")


@pytest.mark.skipif(sys.platform == "win32", reason="forks and SIGKILL")
@pytest.mark.parametrize("database", ["sqlite", "postgres"])
@pytest.mark.timeout(600 + 5 * KILLS)
def test_a_booking_run_that_is_killed_and_resumed_books_exactly_once(
    tmp_path: Path, database: str, request: pytest.FixtureRequest
) -> None:
    server: list[str] = [request.getfixturevalue("postgres_server")] if database == "postgres" else []
    ended = subprocess.run(
        [sys.executable, "-m", "tests.journal.booking_run", tmp_path, str(KILLS), SEED, *server],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        cwd=ROOT,
    )
    told = cast("dict[str, object]", json.loads(ended.stdout))
    whole = cast("dict[str, list[list[object]]]", told["whole"])
    assert [booking[1] for booking in whole["bookings"]] == ["trip:2:0", "trip:4:0", "trip:6:0"]
    assert [booking[4] for booking in whole["bookings"]] == ["confirmed", "cancelled", "confirmed"]
    boundaries = cast("list[object]", told["boundaries"])
    # The intents of 8 model calls and 7 actions, the results of the 4 actions that change something, 3 approvals; the
    # run's beginning and its end. The other results are committed with what comes next.
    assert len(boundaries) >= 2 * (8 + 7 + 4 + 3 + 2)
    assert [number for number, left in enumerate(boundaries) if left != whole] == []
    assert [number for number, left in enumerate(cast("list[object]", told["random"])) if left != whole] == []


@pytest.mark.skipif(sys.platform == "win32", reason="forks and SIGKILL")
@pytest.mark.timeout(600 + 5 * KILLS)
def test_programs_that_are_killed_and_resumed_book_exactly_once(tmp_path: Path) -> None:
    every = 1 if KILLS >= 500 else 5
    ended = subprocess.run(
        [sys.executable, "-m", "tests.journal.booking_programs", tmp_path, str(every)],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        cwd=ROOT,
    )
    told = cast("dict[str, dict[str, object]]", json.loads(ended.stdout))
    bookings = cast("list[list[object]]", told["whole"]["bookings"])
    assert [(key, status) for _, key, _, _, status, _ in bookings] == [
        ("trip:2:1", "confirmed"), ("trip:2:2", "cancelled"), ("trip:3:1", "confirmed"),
    ]  # fmt: skip
    # The intents of 3 model calls, 3 programs and 7 calls, the results of the 4 that
    # act, 4 approvals; the run's beginning and its end: each commit has two or three boundaries.
    assert len(told["killed"]) * every >= 2 * (3 + 3 + 7 + 4 + 4 + 2)
    assert [number for number, left in told["killed"].items() if left != told["whole"]] == []
