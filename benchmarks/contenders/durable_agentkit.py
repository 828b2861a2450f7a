"""agentkit with a journal. argv: steps, and "reads" (a read-only tool: NORMAL) or "acts" (one that acts: FULL)."""

import sys
from collections.abc import Callable

from clock import texts
from durable_clock import report
from scripted import Scripted

from agentkit import Agent, Limits, tool
from agentkit.journal import Journal


@tool(read_only=sys.argv[2] == "reads")
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


def start(path: str) -> tuple[Callable[[int], object], Callable[[], None]]:
    journal = Journal(f"sqlite:///{path}")
    model = Scripted()
    model.script = texts(int(sys.argv[1]))
    agent = Agent(model, [add], limits=Limits(max_steps=500), journal=journal)

    def run(_: int) -> None:
        assert agent.run("Add the numbers.").answer == "done"

    return run, journal.close


report(start)
