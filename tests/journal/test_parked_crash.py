"""A booking that waits for approval is killed (SIGKILL) wherever it hurts: it is made once, as it was approved."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import cast

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.skipif(sys.platform == "win32", reason="forks and SIGKILL")
@pytest.mark.timeout(240)
def test_a_parked_booking_that_is_killed_anywhere_is_made_once(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "tests.journal.parked_run", tmp_path],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        cwd=ROOT,
    )
    told = cast("dict[str, object]", json.loads(ended.stdout))
    whole = cast("dict[str, list[list[object]]]", told["whole"])
    assert [booking[1:3] + booking[4:5] for booking in whole["bookings"]] == [["trip:1:0", ["Bea Lee"], "confirmed"]]
    boundaries = cast("list[object]", told["boundaries"])
    # 2 model calls and an action, each with intent and result; the question, its answer, the beginning of the call;
    # the run's beginning, its parking, its taking over and its end.
    assert len(boundaries) >= 2 * (2 * (2 + 1) + 3 + 4)
    assert [number for number, left in enumerate(boundaries) if left != whole] == []
