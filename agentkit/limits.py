"""Run-wide limits: how far a run may go, what it has used, and the wrapper around `perform` that stops it there."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from agentkit.budget import Ledger
from agentkit.errors import ConfigError, LimitReached
from agentkit.flow import Ask, Effect, Flow, Perform
from agentkit.messages import LimitName, Reply, Usage

__all__ = ["LimitReached", "Limits", "Meter", "limited"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How far one run may go. None means no limit. At a limit the agent makes one last call that must answer.

    Attributes:
        max_steps: turns of the loop.
        max_model_calls: calls of a model (a retried call counts once).
        max_tokens: input and output tokens together.
        max_cost_usd: US dollars; needs a model whose price is known.
        seconds: wall clock; also cuts tool calls and model calls short.
        last_call: make the last call at a limit; without it the answer says what was known.
        last_call_seconds: how long that call may take when the time is already up.
        history_tokens: how much of the earlier conversation is kept (estimated), newest first.
        context_tokens: how much of this run's conversation is sent to the model (estimated), newest first; by default
            what fits the window of a model that tells it.
    """

    max_steps: int | None = 15
    max_model_calls: int | None = None
    max_tokens: int | None = None
    max_cost_usd: float | None = None
    seconds: float | None = None
    last_call: bool = True
    last_call_seconds: float = 30.0
    history_tokens: int = 8_000
    context_tokens: int | None = None

    def __post_init__(self) -> None:
        for name in ("max_steps", "max_model_calls", "max_tokens", "max_cost_usd", "seconds"):
            value = getattr(self, name)
            if value is not None and value < 0:
                raise ConfigError(f"{name} must not be negative, and is {value}.")


class Meter:
    """What one run has used so far.

    Args:
        ledger: what the runs of a batch share; each counts there too.
    """

    __slots__ = (
        "_called",
        "_clock",
        "_ledger",
        "_seconds",
        "_started",
        "cached",
        "calls",
        "cost",
        "deadline",
        "input",
        "output",
        "priced",
        "saved",
    )

    def __init__(
        self, limits: Limits, clock: Callable[[], float] = time.monotonic, ledger: Ledger | None = None
    ) -> None:
        self._clock = clock
        self._ledger = ledger
        self._started = clock()
        self._seconds = limits.seconds
        self.deadline = self._latest()
        self.input = self.output = self.cached = self.saved = self.calls = 0
        self._called: set[tuple[int, int]] = set()
        self.cost = 0.0
        self.priced = True

    def add(self, reply: Reply) -> None:
        self.input += reply.tokens.input
        self.output += reply.tokens.output
        self.cached += reply.tokens.cached
        self.saved += reply.saved_tokens
        if reply.cost_usd is None:
            self.priced = False
        else:
            self.cost += reply.cost_usd
        if self._ledger is not None:
            self._ledger.add(reply.tokens.input + reply.tokens.output, reply.cost_usd or 0.0)

    @property
    def tool_calls(self) -> int:
        return len(self._called)

    def count_call(self, step: int, call: int) -> None:
        """A tool is called. By name, so that calls side by side, or one that a crash cut off, count once each."""
        self._called.add((step, call))

    def has_called(self, step: int, call: int) -> bool:
        return (step, call) in self._called

    def remaining(self) -> float | None:
        """Seconds until the run's time is up."""
        return None if self.deadline is None else max(0.0, self.deadline - self._clock())

    def grant(self, seconds: float) -> None:
        """Give the last call its own time when the run's is nearly or wholly used up."""
        if self.deadline is not None:
            self.deadline = max(self.deadline, self._clock() + seconds)

    @property
    def seconds(self) -> float:
        """How long the run has taken."""
        return self._clock() - self._started

    def usage(self) -> Usage:
        return Usage(
            input_tokens=self.input,
            output_tokens=self.output,
            cached_tokens=self.cached,
            saved_tokens=self.saved,
            model_calls=self.calls,
            tool_calls=self.tool_calls,
            cost_usd=self.cost if self.priced and self.calls else None,
            seconds=self.seconds,
        )

    def restore(self, usage: Usage) -> None:
        """Go on from here: a run that is resumed has used this much, time included. Its tool calls are counted one by
        one."""
        if self._ledger is not None:
            self._ledger.add(usage.tokens - self.input - self.output, (usage.cost_usd or 0.0) - self.cost)
        self.input, self.output, self.cached = usage.input_tokens, usage.output_tokens, usage.cached_tokens
        self.saved, self.calls = usage.saved_tokens, usage.model_calls
        self.cost = usage.cost_usd or 0.0
        self.priced = usage.cost_usd is not None or not usage.model_calls
        self.restore_time(usage.seconds)

    def restore_time(self, seconds: float) -> None:
        """At least this much time has been used: of calls side by side, the one that is read last may be earlier."""
        self._started = min(self._started, self._clock() - seconds)
        self.deadline = self._latest()

    def _latest(self) -> float | None:
        """When the time is up: the run's own, or that of all runs of the batch."""
        ends = [] if self._seconds is None else [self._started + self._seconds]
        if self._ledger is not None and self._ledger.deadline is not None:
            ends.append(self._ledger.deadline)
        return min(ends, default=None)

    def exceeded(self, limits: Limits) -> tuple[LimitName, str] | None:
        """The first limit that is used up, with the words for it."""
        if limits.max_model_calls is not None and self.calls >= limits.max_model_calls:
            return "max_model_calls", f"{limits.max_model_calls} model calls"
        if limits.max_tokens is not None and self.input + self.output >= limits.max_tokens:
            return "max_tokens", f"{limits.max_tokens} tokens"
        if limits.max_cost_usd is not None and self.cost >= limits.max_cost_usd:
            return "max_cost", f"{limits.max_cost_usd} US dollars"
        if self.deadline is not None and self._clock() >= self.deadline:
            return "timeout", "the time of the batch" if limits.seconds is None else f"{limits.seconds:g} seconds"
        return None if self._ledger is None else self._ledger.exceeded()


def limited(perform: Perform, limits: Limits, meter: Meter) -> Perform:
    """Count what the effects use, and raise LimitReached in place of a model call that is over a limit."""

    def ask(effect: Ask) -> Flow[Reply]:
        if effect.last:
            meter.grant(limits.last_call_seconds)
        elif over := meter.exceeded(limits):
            raise LimitReached(*over)
        meter.calls += 1
        reply: Reply = yield from perform(effect)
        meter.add(reply)
        return reply

    def within(effect: Effect[Any]) -> Flow[Any]:
        return ask(effect) if isinstance(effect, Ask) else perform(effect)

    return within
