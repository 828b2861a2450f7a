"""Effects: what a flow wants done, and how one flow is answered by another.

A *flow* is a generator that does no I/O: it yields **effects** (ask the model, run an action) and events, and is sent
the effects' results. `lower` answers each effect with another flow, down to **operations** (`agentkit.operations`): the
few primitive things that touch the world, which know how to run themselves, sync and async. So everything above the
operations (loop, limits, retries, approval, cut-off, journal) is written once. The idea is httpx's `Auth.auth_flow`,
taken to the end.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Generic, TypeAlias, TypeVar, cast

from agentkit.events import Event
from agentkit.messages import Action, Message, Observation, Reply
from agentkit.models.base import ReplyFormat

__all__ = ["Act", "Ask", "Effect", "Flow", "Perform", "lower", "silent"]

R = TypeVar("R")
T = TypeVar("T")
# Any: a generator's send type is the union of all its effects' results; `Effect.__iter__` keeps each one typed.
Flow: TypeAlias = Generator["Effect[Any] | Event", Any, T]


class Effect(Generic[R]):
    """Something a flow wants done; `result = yield from effect` is typed by R."""

    __slots__ = ()

    def __iter__(self) -> Flow[R]:
        result: R = yield self
        return result


@dataclass(frozen=True, slots=True)
class Ask(Effect[Reply]):
    """Ask the model for its next text.

    Attributes:
        step: the step this text will begin.
        format: what the reply is to look like.
        last: the last call of a run that reached a limit; it is allowed although the limit is reached.
        sample: which of several independent samples this is (PAL's vote); they differ in seed.
    """

    messages: tuple[Message, ...]
    step: int
    format: ReplyFormat
    stop: tuple[str, ...] = ()
    last: bool = False
    sample: int = 0


@dataclass(frozen=True, slots=True)
class Act(Effect[Observation]):
    """Run an action. `step` and `call` (within the step) name it for good: they make its idempotency key."""

    action: Action
    step: int
    call: int = 0


Perform: TypeAlias = Callable[[Effect[Any]], Flow[Any]]


def lower(flow: Flow[T], perform: Perform) -> Flow[T]:
    """The same flow with each of its effects answered by `perform`; events and operations pass through.

    An exception of an answer is thrown into the flow, at the effect it belongs to.
    """
    with closing(flow):
        try:
            item = next(flow)
            while True:
                try:
                    result = (yield from perform(item)) if isinstance(item, (Ask, Act)) else (yield item)
                except Exception as error:
                    item = flow.throw(error)
                else:
                    item = flow.send(result)
        except StopIteration as stop:
            return cast("T", stop.value)


def silent(flow: Flow[T]) -> Flow[T]:
    """The same flow without its events."""
    with closing(flow):
        try:
            item = next(flow)
            while True:
                try:
                    result: object = (yield item) if isinstance(item, Effect) else None
                except Exception as error:
                    item = flow.throw(error)
                else:
                    item = flow.send(result)
        except StopIteration as stop:
            return cast("T", stop.value)
