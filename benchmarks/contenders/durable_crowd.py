"""1,000 runs at once in one event loop, with a journal or without. argv: runs, steps, seconds, "journal" or "none"."""

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from clock import texts

from agentkit import Agent, Tokens, tool
from agentkit.journal import Journal
from agentkit.models import Chunk, Request


class Scripted:
    """Waits, then says what comes next by the length of the conversation."""

    name = "scripted"

    def __init__(self, steps: int, seconds: float) -> None:
        self.script = texts(steps)
        self.seconds = seconds

    def stream(self, request: Request, /) -> Iterator[Chunk]:
        raise NotImplementedError

    async def astream(self, request: Request, /) -> AsyncIterator[Chunk]:
        await asyncio.sleep(self.seconds)
        yield Chunk(self.script[(len(request.messages) - 2) // 2], Tokens(100, 20), "end")


@tool(read_only=True)
async def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


def measure(agent: Agent, runs: int) -> tuple[float, float]:
    async def crowd(count: int) -> None:
        ended = await asyncio.gather(*(agent.arun("Add the numbers.") for _ in range(count)))
        assert {run.answer for run in ended} == {"done"}

    asyncio.run(crowd(10))
    wall, cpu = time.perf_counter(), time.process_time()
    asyncio.run(crowd(runs))
    return time.perf_counter() - wall, time.process_time() - cpu


runs, steps, seconds, kind = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), sys.argv[4]
with tempfile.TemporaryDirectory() as folder, Journal(f"sqlite:///{Path(folder) / 'runs.db'}") as journal:
    model = Scripted(steps, seconds)
    print(json.dumps(measure(Agent(model, [add], journal=journal if kind == "journal" else None), runs)))
