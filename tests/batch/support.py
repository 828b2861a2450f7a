"""A model that remembers nothing, as a batch needs it: any number of runs may ask it at once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator

from agentkit.messages import Tokens
from agentkit.models.base import Chunk, Request

Reply = Callable[[Request], str]


def asked(request: Request) -> str:
    """The question."""
    text = next(message.text for message in request.messages if message.role == "user")
    return text.removeprefix("Question: ").partition("\n")[0]


def echo(request: Request) -> str:
    """Answers with the question's last word."""
    return f"Final Answer: {asked(request).split()[-1]}"


class StatelessModel:
    """Says what a function makes of the conversation.

    Attributes:
        calls: how often it was asked.
        most: how many calls there were at once at most.
    """

    name = "stateless"

    def __init__(self, reply: Reply = echo, *, delay: float | Callable[[Request], float] = 0.0) -> None:
        self._reply = reply
        self._delay = delay
        self.calls = 0
        self.going_on = 0
        self.most = 0

    def stream(self, request: Request, /) -> Iterator[Chunk]:
        time.sleep(self._seconds(request))
        self.calls += 1
        yield self._chunk(request)

    async def astream(self, request: Request, /) -> AsyncIterator[Chunk]:
        self.calls += 1
        self.going_on += 1
        self.most = max(self.most, self.going_on)
        try:
            await asyncio.sleep(self._seconds(request))
            yield self._chunk(request)
        finally:
            self.going_on -= 1

    def _seconds(self, request: Request) -> float:
        return self._delay(request) if callable(self._delay) else self._delay

    def _chunk(self, request: Request) -> Chunk:
        return Chunk(self._reply(request), Tokens(90, 10), "end")
