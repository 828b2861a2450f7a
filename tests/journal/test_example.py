"""What the examples invite to try by hand: a crash, and an approval that comes later."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def tried(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", ROOT / "examples" / "crash_and_resume.py", folder],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
    )


def test_the_first_time_it_dies_then_it_carries_on(tmp_path: Path) -> None:
    first, second, third = (tried(tmp_path / "crash") for _ in range(3))
    assert first.returncode == -signal.SIGKILL and first.stdout.count("model: asked") == 2
    assert second.returncode == 0 and second.stdout.count("model: asked") == 1
    assert third.returncode == 0 and third.stdout.count("model: asked") == 0
    assert second.stdout.count("booking B") == third.stdout.count("booking B") == 1
    assert "key trip:2:0" in third.stdout and "answer: Booked B" in third.stdout


def approved(folder: Path, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", ROOT / "examples" / "approve_later.py", *words],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "FOLDER": str(folder)},
        check=False,
    )
    return done.stdout or done.stderr


def test_one_process_asks_another_approves_and_a_third_books(tmp_path: Path) -> None:
    asked = approved(tmp_path)
    assert "stopped: needs_approval" in asked and "'passengers': ['Ann Lee']" in asked and "booking" not in asked
    assert "booking" not in approved(tmp_path, "approve", "Bea Lee")
    for _ in range(2):
        done = approved(tmp_path)
        assert "stopped: answer" in done and done.count("booking B") == 1 and "for Bea Lee, key trip:2:0" in done


def test_a_person_says_no(tmp_path: Path) -> None:
    approved(tmp_path)
    approved(tmp_path, "deny", "Too early.")
    done = approved(tmp_path)
    assert "approval was refused. Too early." in done and "booking" not in done
    assert "python examples/approve_later.py approve" in approved(tmp_path, "perhaps")
