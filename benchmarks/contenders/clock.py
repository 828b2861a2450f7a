"""The clock all contenders share; standard library only."""

import json
import statistics
import sys
import time
from collections.abc import Callable


def texts(steps: int) -> list[str]:
    """What the model says: `steps - 1` actions with ever new numbers, then the answer."""
    actions = [
        f'Thought: I add the next two numbers.\nAction: add\nAction Input: {{"a": {n}, "b": 1}}'
        for n in range(steps - 1)
    ]
    return [*actions, "Thought: That is all.\nFinal Answer: done"]


def report(run: Callable[[int], object]) -> None:
    """Repeat `run(steps)` for a while and print CPU seconds per step: the median of the fastest third of the runs,
    since a noisy machine only ever makes a run slower."""
    steps = int(sys.argv[1])
    run(steps)
    times: list[float] = []
    until = time.monotonic() + 1.5
    while time.monotonic() < until or len(times) < 3:
        started = time.process_time()
        run(steps)
        times.append(time.process_time() - started)
    fastest = sorted(times)[: max(1, len(times) // 3)]
    print(json.dumps(statistics.median(fastest) / steps))
