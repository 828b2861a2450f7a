"""How soon a read-only tool starts after the last character of its input, while the model is still writing.

    python -m benchmarks.streaming [--rounds 50]

The model streams an action one character at a time and goes on writing for 50 ms; the tool notes when it was called.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import time
from collections.abc import AsyncIterator, Iterator

from agentkit import Agent, Tokens, tool
from agentkit.models import Chunk, Request

ACTION = 'Thought: I look it up first.\nAction: look\nAction Input: {"at": "sky", "long": "' + "x" * 400 + '"}'
AFTER = "\nand then I will see what comes of it" * 3


class Writer:
    """Writes an action and goes on; the second time, the answer."""

    name = "writer"

    def __init__(self) -> None:
        self.complete = 0.0

    def _texts(self, request: Request) -> tuple[str, str]:
        return (ACTION, AFTER) if len(request.messages) == 2 else ("Final Answer: blue", "")

    def stream(self, request: Request, /) -> Iterator[Chunk]:
        text, after = self._texts(request)
        for character in text:
            self.complete = time.perf_counter()
            yield Chunk(character)
        for character in after:
            time.sleep(0.05 / len(after))
            yield Chunk(character)
        yield Chunk("", Tokens(100, 100), "end")

    async def astream(self, request: Request, /) -> AsyncIterator[Chunk]:
        text, after = self._texts(request)
        for character in text:
            self.complete = time.perf_counter()
            yield Chunk(character)
        for character in after:
            await asyncio.sleep(0.05 / len(after))
            yield Chunk(character)
        yield Chunk("", Tokens(100, 100), "end")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=50)
    rounds = parser.parse_args().rounds
    for name in ("sync", "async"):
        delays: list[float] = []
        for _ in range(rounds):
            writer = Writer()

            @tool(read_only=True)
            def look(at: str, long: str) -> str:
                """Look."""
                delays.append(time.perf_counter() - writer.complete)  # noqa: B023 - called within this round
                return "blue"

            agent = Agent(writer, [look], journal=None)
            run = agent.run("?") if name == "sync" else asyncio.run(agent.arun("?"))
            assert run.answer == "blue"
        middle, late = statistics.median(delays) * 1e3, sorted(delays)[int(len(delays) * 0.95)] * 1e3
        print(f"{name:6} the tool starts {middle:.2f} ms after its input (95 %: {late:.2f} ms)")


if __name__ == "__main__":
    main()
