"""The scripted model of agentkit and of the bare loop: both pay the same for it."""

from collections.abc import AsyncIterator, Iterator

from clock import texts

from agentkit.messages import Tokens
from agentkit.models import Chunk, Request

SCRIPTS = {steps: texts(steps) for steps in (5, 50, 200)}


class Scripted:
    """Says what comes next by the length of the conversation, so that one agent can run many times."""

    name = "scripted"
    script: list[str]

    def stream(self, request: Request, /) -> Iterator[Chunk]:
        return iter((Chunk(self.script[(len(request.messages) - 2) // 2], Tokens(100, 20), "end"),))

    def astream(self, request: Request, /) -> AsyncIterator[Chunk]:
        raise NotImplementedError
