"""Agents with a journal, on a small world that tells what was done to it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import count
from typing import TypeVar, Unpack, cast

from sqlalchemy import create_engine, text

from agentkit import Agent, IdempotencyKey, Limits, tool
from agentkit.flow import Effect, Flow, Perform
from agentkit.journal import Journal
from agentkit.journal.leases import Lease
from agentkit.journal.store import Store
from agentkit.models import Model
from agentkit.operations import drive
from agentkit.testing import ScriptedModel
from agentkit.tool import ToolOptions
from agentkit.toolbox import AnyTool

T = TypeVar("T")
SCRIPT = [
    "Thought: look\nAction: look\nAction Input: {}",
    'Thought: tell\nAction: post\nAction Input: {"text": "hello"}',
    "Thought: enough\nFinal Answer: fine",
]


def rows(url: str, query: str) -> list[tuple[object, ...]]:
    """What a person's own query finds, over a connection that is not the journal's."""
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            return [tuple(row) for row in connection.execute(text(query))]
    finally:
        engine.dispose()


def append(store: Store, lease: Lease) -> None:
    """A first line of a run, under a lease."""
    lines = store.lines(lease)
    lines.append(lines.line(0, 0, "intent", (1, 0, None)), durable=True)


class World:
    """Two tools, and what they did: `looks`, and the key of each `post`.

    With a url, each looks into the journal when it is called: `seen_by_tools`.
    """

    def __init__(self, journal: Journal | None, url: str = "", **marks: Unpack[ToolOptions]) -> None:
        self.journal = journal
        self.url = url
        self.looks = 0
        self.posted: list[str] = []
        self.seen_by_tools: list[tuple[object, ...]] = []
        self.tools: list[AnyTool] = [tool(read_only=True)(self.look), tool(**marks)(self.post)]

    def look(self) -> str:
        """Look around."""
        self.looks += 1
        self._note("look")
        return "quiet"

    def post(self, text: str, key: IdempotencyKey) -> str:
        """Tell the world."""
        self._note("post")
        self.posted.append(key)
        return f"posted {text}"

    def agent(
        self,
        replies: Sequence[str | Exception] | Model,
        limits: Limits | None = None,
        wrap: Sequence[Callable[[Perform], Perform]] = (),
    ) -> Agent:
        model = ScriptedModel(replies) if isinstance(replies, Sequence) else replies
        return Agent(model, self.tools, journal=self.journal, limits=limits, wrap=wrap)

    def _note(self, name: str) -> None:
        if self.url:
            last = rows(self.url, "SELECT number, phase FROM effects ORDER BY number DESC LIMIT 1")
            self.seen_by_tools.append((name, *last[0]))


def done(flow: Flow[T]) -> T:
    """What a flow gives in the end."""
    driven = drive(flow)
    while True:
        try:
            next(driven)
        except StopIteration as stop:
            return cast("T", stop.value)


class Crash(BaseException):
    """The process dies: nothing below catches it, and no result is written."""


def crash_at(number: int, *, after: bool = False) -> Callable[[Perform], Perform]:
    """A wrapper in which a run dies at its effect of this number, before it is performed or right after."""

    def wrapper(perform: Perform) -> Perform:
        counted = count()

        def inner(effect: Effect[object]) -> Flow[object]:
            at = next(counted)
            if at == number and not after:
                raise Crash
            result = yield from perform(effect)
            if at == number:
                raise Crash
            return result

        return inner

    return wrapper
