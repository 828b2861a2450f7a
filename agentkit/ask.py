"""Asking the model: one streamed call, read as it comes.

The stream is closed as soon as the model begins to invent what comes after its step, and a read-only tool starts as
soon as its input is complete.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from agentkit.act import Acting, begin_early
from agentkit.conversation import estimate_tokens
from agentkit.errors import LimitReached
from agentkit.events import ModelStarted, StreamCut, TextDelta
from agentkit.flow import Ask, Flow
from agentkit.guard import Guard
from agentkit.hosts import Stream
from agentkit.limits import Meter
from agentkit.messages import Action, Reply, ReplyEnd, Tokens
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
    request = Request(effect.messages, _params(effect, asking.params), effect.format, asking.config)

    def ask_one(model: Model) -> Flow[Reply]:
        def attempt() -> Flow[Reply]:
            return _call(model, request, effect, asking)

        return retrying(asking.retry, attempt, model=model.name, deadline=asking.meter.deadline)

    try:
        return (yield from first_that_answers(asking.models, ask_one))
    except TimeoutError:
        raise LimitReached("timeout", "time") from None


def _params(effect: Ask, params: Params) -> Params:
    if not effect.stop and not effect.sample:
        return params
    seed = None if params.seed is None else params.seed + effect.sample
    return replace(params, stop=(*effect.stop, *params.stop), seed=seed)


def _call(model: Model, request: Request, effect: Ask, asking: Asking) -> Flow[Reply]:
    yield ModelStarted(model.name, asking.meter.calls)
    stream = yield from Open(model, request)
    try:
        reply = yield from _read(stream, model, request, effect, asking)
    except Exception:
        yield from Close(stream)
        raise
    cost = asking.cost(model.name, reply.tokens)
    return reply if cost is None else replace(reply, cost_usd=cost)


def _read(stream: Stream, model: Model, request: Request, effect: Ask, asking: Asking) -> Flow[Reply]:
    reader: TextReader | None = None
    parts: list[str] = []
    last = Chunk()
    while (chunk := (yield from Next(stream, asking.meter.remaining()))) is not None:
        last = Chunk("", chunk.tokens or last.tokens, chunk.end or last.end)
        if not chunk.text:
            continue
        yield TextDelta(chunk.text)
        if not parts and chunk.end is not None:
            parts.append(chunk.text)  # the whole reply at once: nothing to cut, nothing to start early
            continue
        parts.append(chunk.text)
        reader = reader or asking.reader(effect.format)
        sign = reader.feed(chunk.text)
        if isinstance(sign, Ready):
            yield from _start(sign.action, effect, asking)
        elif isinstance(sign, Cut):
            yield from Close(stream)
            written = "".join(parts)
            tokens = last.tokens or _estimate(request, written)
            saved = _saved(stream, request.params, tokens)
            yield StreamCut(saved)
            return Reply(reader.text, tokens, model.name, "cut", saved)
    yield from Close(stream)
    text = "".join(parts)
    end: ReplyEnd = last.end or "end"
    return Reply(text, last.tokens or _estimate(request, text), model.name, end)


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
