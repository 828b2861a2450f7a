"""What many runs may use together, and what they have used."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from agentkit.errors import ConfigError
from agentkit.messages import LimitName

__all__ = ["Budget", "Ledger"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """How much all runs of a batch may use together. None means no limit.

    When it is used up, the runs that are going on end by one last call each, and no other begins.

    Attributes:
        max_tokens: input and output tokens.
        max_cost_usd: US dollars; needs models whose prices are known.
        seconds: wall clock, from when the batch begins or goes on.
    """

    max_tokens: int | None = None
    max_cost_usd: float | None = None
    seconds: float | None = None

    def __post_init__(self) -> None:
        for name in ("max_tokens", "max_cost_usd", "seconds"):
            value = getattr(self, name)
            if value is not None and value < 0:
                raise ConfigError(f"{name} must not be negative, and is {value}.")


class Ledger:
    """What the runs of a batch have used so far. All of them are driven in one thread.

    Attributes:
        tokens, cost: what runs in this process have used.
        others: tokens and US dollars that runs elsewhere have used, as far as is known.
        deadline: when the time is up, on `clock`.
    """

    __slots__ = ("_clock", "budget", "cost", "deadline", "others", "tokens")

    def __init__(self, budget: Budget, clock: Callable[[], float] = time.monotonic) -> None:
        self.budget = budget
        self._clock = clock
        self.deadline = None if budget.seconds is None else clock() + budget.seconds
        self.tokens, self.cost = 0, 0.0
        self.others: tuple[int, float] = (0, 0.0)

    def add(self, tokens: int, cost: float) -> None:
        self.tokens += tokens
        self.cost += cost

    def exceeded(self) -> tuple[LimitName, str] | None:
        """What is used up first, with the words for it."""
        budget, (tokens, cost) = self.budget, self.others
        if budget.max_tokens is not None and self.tokens + tokens >= budget.max_tokens:
            return "max_tokens", f"{budget.max_tokens} tokens of the batch"
        if budget.max_cost_usd is not None and self.cost + cost >= budget.max_cost_usd:
            return "max_cost", f"{budget.max_cost_usd} US dollars of the batch"
        if self.deadline is not None and self._clock() >= self.deadline:
            return "timeout", f"{budget.seconds:g} seconds of the batch"
        return None
