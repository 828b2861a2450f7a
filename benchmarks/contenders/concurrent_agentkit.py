"""1,000 runs at once in one event loop, agentkit without a journal."""

import asyncio
from collections.abc import AsyncIterator, Iterator

from crowd import report, texts

from agentkit import Agent, Tokens, tool
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


def make(steps: int, seconds: float) -> Agent:
    return Agent(Scripted(steps, seconds), [add], journal=None)


async def run(agent: Agent) -> None:
    assert (await agent.arun("Add the numbers.")).answer == "done"


report(make, run)
