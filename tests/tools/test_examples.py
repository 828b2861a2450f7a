"""The examples of own providers run offline and show what they promise."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("example", "shows"),
    [
        ("own_booking_store.py", ("Booked B1: LYS", "Little Air", "names=('Ann Lee',)")),
        ("own_search_backend.py", ("1. dependencies (file://", "docs/dependencies.md says why.")),
    ],
)
def test_example(example: str, shows: tuple[str, ...]) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", ROOT / "examples" / example],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=True,
    )
    assert all(text in done.stdout for text in shows)
    assert done.stderr == ""
