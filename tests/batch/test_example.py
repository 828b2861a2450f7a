"""The example of a batch that goes on."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def run(folder: Path) -> str:
    return subprocess.run(
        [sys.executable, "-W", "error", ROOT / "examples" / "many_questions.py", folder],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=True,
    ).stdout


def test_the_second_time_does_the_rest(tmp_path: Path) -> None:
    first, second, third = (run(tmp_path) for _ in range(3))
    found = re.search(r"answered: (\d+), from the journal: 0, not run: (\d+)", first)
    assert found
    answered, left = map(int, found.groups())
    assert answered >= 5 and left >= 3 and "not_run" in first
    ended = 15 - left  # some by their last call
    assert f"from the journal: {ended}, not run: 0\nmodel calls now: {2 * left}," in second
    assert "from the journal: 15, not run: 0\nmodel calls now: 0," in third
    assert "14 What do 6 desks cost?        1260 euros" in second
