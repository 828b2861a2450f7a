"""agentkit, with everything as it is by default."""

from collections.abc import AsyncIterator, Iterator

from clock import report, texts

from agentkit import Agent, Limits, Tokens, tool
from agentkit.models import Chunk, Request


class Scripted:
    """Says what comes next by the length of the conversation, so that one agent can run many times."""

    name = "scripted"
    script: list[str]

    def stream(self, request: Request, /) -> Iterator[Chunk]:
        return iter((Chunk(self.script[(len(request.messages) - 2) // 2], Tokens(100, 20), "end"),))

    def astream(self, request: Request, /) -> AsyncIterator[Chunk]:
        raise NotImplementedError


@tool(read_only=True)
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


def run(steps: int) -> None:
    model.script = scripts[steps]
    assert agent.run("Add the numbers.").answer == "done"


model = Scripted()
agent = Agent(model, [add], limits=Limits(max_steps=500))
scripts = {steps: texts(steps) for steps in (5, 50, 200)}
report(run)
