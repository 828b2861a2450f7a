"""agentkit, with everything as it is by default but the journal."""

from clock import report
from scripted import SCRIPTS, Scripted

from agentkit import Agent, Limits, tool


@tool(read_only=True)
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


def run(steps: int) -> None:
    model.script = SCRIPTS[steps]
    assert agent.run("Add the numbers.").answer == "done"


model = Scripted()
agent = Agent(model, [add], limits=Limits(max_steps=500), journal=None)
report(run)
