"""The crash that the example invites to try by hand."""

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
