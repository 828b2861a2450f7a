"""Batches of scripted questions: time, and memory that must not grow with their number.

    python -m benchmarks.batch [--counts 1000 5000 10000]

Each run asks the model, calls a tool, asks again and answers; eight run at once; each row is a process of its own.
"journal" writes every run to SQLite; "again" is the same batch once more, all of it from the journal.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile

from benchmarks.durable import measured

COUNTS = (1_000, 5_000, 10_000)


def row(name: str, count: int, mode: str, *folder: str) -> None:
    wall, cpu, peak, before, size = measured(sys.executable, "batch_agentkit.py", count, mode, *folder)
    memory = f"{peak:9.1f} MB{peak - before:+9.1f} MB"
    stored = f"{size:9.1f} MB" if size else ""
    print(f"{name:12}{count:8,}{wall:9.2f} s{cpu:9.2f} s{cpu / count * 1e6:9.0f} us{memory}{stored}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--counts", type=int, nargs="+", default=COUNTS)
    counts: list[int] = parser.parse_args().counts
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    print(f"{'':12}{'runs':>8}{'wall':>11}{'CPU':>11}{'CPU a run':>12}{'peak':>12}{'in it':>12}{'on disk':>12}")
    for count in counts:
        row("no journal", count, "none")
    for count in counts:
        with tempfile.TemporaryDirectory() as folder:
            row("journal", count, "begin", folder)
            row("again", count, "go_on", folder)
    print(f"load {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
