"""The measure for many runs at once; standard library only."""

import asyncio
import gc
import json
import sys
import time
import tracemalloc
from collections.abc import Awaitable, Callable
from typing import Any

from clock import texts

__all__ = ["report", "texts"]


def report(make: Callable[[int, float], Any], run: Callable[[Any], Awaitable[None]]) -> None:
    """Print [wall seconds, bytes a run] for argv: runs, steps, seconds the model sleeps."""
    runs, steps, seconds = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    agent = make(steps, seconds)

    async def crowd(count: int) -> float:
        started = time.perf_counter()
        await asyncio.gather(*(run(agent) for _ in range(count)))
        return time.perf_counter() - started

    async def weighed(count: int) -> int:
        tasks = [asyncio.ensure_future(run(agent)) for _ in range(count)]
        await asyncio.sleep(seconds * (steps - 0.5))  # all of them are in their last model call
        held = tracemalloc.get_traced_memory()[0]
        await asyncio.gather(*tasks)
        return held

    asyncio.run(crowd(10))
    wall = asyncio.run(crowd(runs))
    gc.collect()
    tracemalloc.start()
    agent = make(steps, 1.0)
    before = tracemalloc.get_traced_memory()[0]
    seconds = 1.0
    held = asyncio.run(weighed(runs)) - before
    print(json.dumps([wall, held / runs]))
