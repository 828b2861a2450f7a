"""The clock of the durable contenders, and where their files lie; standard library only."""

import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path


def report(start: Callable[[str], tuple[Callable[[int], object], Callable[[], None]]], file: str = "runs.db") -> None:
    """Run for a while; print CPU seconds a step (the fastest third's median) and bytes a step of the file.

    Args:
        start: given the file, gives what makes one run of so many steps, and what closes all.
    """
    steps = int(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / file)
        run, close = start(path)
        run(steps)
        times: list[float] = []
        until = time.monotonic() + 2.0
        while time.monotonic() < until or len(times) < 3:
            began = time.process_time()
            run(steps)
            times.append(time.process_time() - began)
        close()
        size = 0.0
        with suppress(OSError):
            size = Path(path).stat().st_size / (len(times) + 1) / steps
    fastest = sorted(times)[: max(1, len(times) // 3)]
    print(json.dumps([statistics.median(fastest) / steps, size]))
