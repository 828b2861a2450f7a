"""Asking the model: one streamed call, read as it comes.

The stream is closed as soon as the model begins to invent what comes after its step, and a read-only tool starts as
soon as its input is complete.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Protocol

from agentkit.act import Acting, begin_early
from agentkit.conversation import estimate_tokens
from agentkit.errors import LimitReached, ModelError
from agentkit.events import ModelStarted, StreamCut, TextDelta
from agentkit.flow import Ask, Flow
from agentkit.guard import Guard
from agentkit.hosts import Stream
from agentkit.limits import Meter
from agentkit.messages import Action, Reply, Tokens
from agentkit.models.base import Chunk, Model, Params, ReplyFormat, Request
from agentkit.models.retry import RetryPolicy, first_that_answers, retrying
from agentkit.operations import Close, Next, Open
from agentkit.parse import Cut, Ready, Sign

__all__ = ["Asking", "ask"]


class TextReader(Protocol):
    """Reads a reply as it streams; see `agentkit.parse`."""

    @property
    def text(self) -> str: ...

    def feed(self, chunk: str) -> Sign | None: ...


@dataclass(slots=True)
class Asking:
    """What the model calls of one run share."""

    models: tuple[Model, ...]
    params: Params
    retry: RetryPolicy
    meter: Meter
    guard: Guard
    acting: Acting
    reader: Callable[[ReplyFormat], TextReader]
    cost: Callable[[str, Tokens], float | None]
    config: Mapping[str, object] | None = None


def ask(effect: Ask, asking: Asking) -> Flow[Reply]:
    """The model's reply.

    Raises:
        LimitReached: the run's time was up before the reply was complete.
        ModelError: no model answered.
    """
    request = Request(
        effect.messages, _variant(asking.params, effect.stop, effect.sample), effect.format, asking.config
    )

    try:
        return (yield from _call(asking.models[0], request, effect, asking))
    except ModelError as error:
        failed: list[ModelError] = [error]
    except TimeoutError:
        raise LimitReached("timeout", "time") from None

    # Only now what it takes to go on: most calls never come here.
    def ask_one(model: Model) -> Flow[Reply]:
        def attempt() -> Flow[Reply]:
            if failed:
                raise failed.pop()  # the first attempt has been made, and counts
            return (yield from _call(model, request, effect, asking))

        return retrying(asking.retry, attempt, model=model.name, deadline=asking.meter.deadline)

    try:
        return (yield from first_that_answers(asking.models, ask_one))
    except TimeoutError:
        raise LimitReached("timeout", "time") from None


@lru_cache(maxsize=256)
def _variant(params: Params, stop: tuple[str, ...], sample: int) -> Params:
    """The agent's parameters for one call: the strategy's stop texts with the user's, and a seed for each sample."""
    seed = None if params.seed is None else params.seed + sample
    return replace(params, stop=(*stop, *params.stop), seed=seed)


def _call(model: Model, request: Request, effect: Ask, asking: Asking) -> Flow[Reply]:
    yield ModelStarted(model.name, asking.meter.calls)
    stream, first = yield Open(model, request, asking.meter.remaining())
    try:
        reply = yield from _read(stream, first, model, request, effect, asking)
    except Exception:
        yield Close(stream)
        raise
    cost = asking.cost(model.name, reply.tokens)
    return reply if cost is None else replace(reply, cost_usd=cost)


def _read(
    stream: Stream, first: Chunk | None, model: Model, request: Request, effect: Ask, asking: Asking
) -> Flow[Reply]:
    if first is not None and first.end is not None and first.tokens is not None:
        # The whole reply at once: nothing to cut, nothing to start early.
        yield TextDelta(first.text)
        yield Close(stream)
        return Reply(first.text, first.tokens, model.name, first.end)
    reader = asking.reader(effect.format)
    parts: list[str] = []
    last = Chunk()
    chunk = first
    while chunk is not None:
        last = Chunk("", chunk.tokens or last.tokens, chunk.end or last.end)
        if chunk.text:
            parts.append(chunk.text)
            yield TextDelta(chunk.text)
            sign = reader.feed(chunk.text)
            if isinstance(sign, Ready):
                yield from _start(sign.action, effect, asking)
            elif isinstance(sign, Cut):
                yield Close(stream)
                tokens = last.tokens or _estimate(request, "".join(parts))
                saved = _saved(stream, request.params, tokens)
                yield StreamCut(saved)
                return Reply(reader.text, tokens, model.name, "cut", saved)
        chunk = yield Next(stream, asking.meter.remaining())
    yield Close(stream)
    text = "".join(parts)
    return Reply(text, last.tokens or _estimate(request, text), model.name, last.end or "end")


def _start(action: Action, effect: Ask, asking: Asking) -> Flow[None]:
    if not effect.last and not asking.guard.knows(action):
        yield from begin_early(action, effect.step, asking.acting)


def _saved(stream: Stream, params: Params, tokens: Tokens) -> int:
    unwritten = stream.unwritten_tokens()
    if unwritten is not None:
        return unwritten
    return max(0, params.max_tokens - tokens.output) if params.max_tokens is not None else 0


def _estimate(request: Request, written: str) -> Tokens:
    """For a stream that ended before it told its usage: limits must still count."""
    return Tokens(sum(estimate_tokens(message.text) for message in request.messages), estimate_tokens(written))
