"""A batch of scripted questions: batch_agentkit.py COUNT none|begin|go_on [FOLDER].

Prints wall seconds, CPU seconds, the peak of memory (MB) and how much of that was there before the batch began, and the
journal's size (MB). `go_on` is the batch of an earlier `begin` once more: all of it comes from the journal.
"""

import gc
import json
import resource
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from agentkit import Agent, Tokens, tool
from agentkit.journal import Journal
from agentkit.models import Chunk, Request


class Scripted:
    """Looks once, then answers."""

    name = "scripted"

    def stream(self, request: Request, /) -> Iterator[Chunk]:
        raise NotImplementedError

    async def astream(self, request: Request, /) -> AsyncIterator[Chunk]:
        looked = len(request.messages) > 2
        text = "Final Answer: done" if looked else 'Thought: add\nAction: add\nAction Input: {"a": 1, "b": 2}'
        yield Chunk(text, Tokens(100, 20), "end")


@tool(read_only=True)
async def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


def peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    count, mode = int(sys.argv[1]), sys.argv[2]
    file = Path(sys.argv[3]) / "journal.db" if mode != "none" else None
    journal = None if file is None else Journal(f"sqlite:///{file}")
    agent = Agent(Scripted(), [add], journal=journal)
    assert sum(1 for _ in agent.batch(["Warm up."])) == 1
    gc.collect()
    before, wall, cpu = peak(), time.perf_counter(), time.process_time()
    batch = agent.batch((f"Question {n}" for n in range(count)), batch_id=None if file is None else "b")
    for result in batch:
        assert result.answer == "done"
    told = [time.perf_counter() - wall, time.process_time() - cpu, peak(), before]
    assert batch.summary.answered == count
    assert batch.summary.from_journal == (count if mode == "go_on" else 0)
    if journal is not None:
        journal.close()
    size = 0 if file is None else sum(each.stat().st_size for each in file.parent.iterdir())
    print(json.dumps([*told, size / 1e6]))


main()
