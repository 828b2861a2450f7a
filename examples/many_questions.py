"""Many questions, one agent: in order, within a budget, and going on where they were left.

Run it twice: python examples/many_questions.py [FOLDER] (offline, the model follows a script)
The budget of the first time is enough for some of the questions. The second time has more: what is done comes from the
journal, and the model is asked for the rest alone.
"""

from __future__ import annotations

import asyncio
import re
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from agentkit import Agent, Budget, Tokens, tool
from agentkit.journal import Journal
from agentkit.models import Chunk, Request

PRICES = {"lamp": 40, "chair": 75, "desk": 210, "shelf": 95}


@tool(read_only=True)
def price(item: str) -> int:
    """What an item costs, in euros."""
    return PRICES[item]


class Script:
    """A model that follows a script, told by the conversation alone: any number of runs may ask it at once."""

    name = "script"
    asked = 0

    def stream(self, request: Request, /) -> Iterator[Chunk]:
        yield self._chunk(request)

    async def astream(self, request: Request, /) -> AsyncIterator[Chunk]:
        await asyncio.sleep(0.05)
        yield self._chunk(request)

    def _chunk(self, request: Request) -> Chunk:
        self.asked += 1
        count, item = re.findall(r"(\d+) (\w+?)s\b", request.messages[1].text)[-1]
        seen = re.match(r"Observation: (\d+)", request.messages[-1].text)
        if seen is None:
            return Chunk(f'Action: price\nAction Input: {{"item": "{item}"}}', Tokens(100, 20), "end")
        return Chunk(f"Final Answer: {int(count) * int(seen[1])} euros", Tokens(120, 10), "end")


def questions() -> Iterator[str]:
    """As they might come from a file or a database: one at a time."""
    for count in range(2, 7):
        for item in ("lamp", "chair", "desk"):
            yield f"What do {count} {item}s cost?"


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(tempfile.gettempdir()) / "agentkit-batch"
    model = Script()
    with Journal(f"sqlite:///{folder / 'journal.db'}") as journal:
        begun = any(run.run_id.startswith("prices/") for run in journal.runs())
        budget = Budget(max_tokens=None if begun else 2_000)
        batch = Agent(model, [price], journal=journal).batch(
            questions(), concurrency=4, budget=budget, batch_id="prices"
        )
        for result in batch:
            print(f"{result.place:2} {result.question:28} {result.answer or result.status}")
    summary = batch.summary
    print(f"answered: {summary.answered}, from the journal: {summary.from_journal}, not run: {summary.not_run}")
    print(f"model calls now: {model.asked}, tokens in all: {summary.tokens}")


if __name__ == "__main__":
    main()
