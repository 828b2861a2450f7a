"""Trying a model call again, and going on with another model: flows around a call's flow, without I/O of their own."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from agentkit.errors import BadRequestError, ConfigError, ModelError, TransientError
from agentkit.events import ModelRetried
from agentkit.flow import Flow
from agentkit.models.base import Model
from agentkit.operations import Sleep

__all__ = ["RetryPolicy", "first_that_answers", "retrying"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """When and how often a model call is tried again.

    Attributes:
        attempts: how many in all; 1 never tries again.
        initial: seconds before the second attempt; doubled for each one after.
        max: most seconds between two attempts, when the provider names none.
        jitter: how much of a wait is random, from 0 to 1, so that many runs do not all come back at once.
        patience: give up when the provider asks to wait longer than this many seconds.
    """

    attempts: int = 5
    initial: float = 1.0
    max: float = 30.0
    jitter: float = 0.5
    patience: float = 120.0

    def __post_init__(self) -> None:
        if self.attempts < 1 or not 0 <= self.jitter <= 1 or min(self.initial, self.max, self.patience) < 0:
            raise ConfigError("A RetryPolicy needs at least 1 attempt, jitter from 0 to 1, and no negative time.")


def retrying(
    policy: RetryPolicy,
    attempt: Callable[[], Flow[T]],
    *,
    model: str,
    deadline: float | None = None,
    clock: Callable[[], float] = time.monotonic,
    rng: random.Random | None = None,
) -> Flow[T]:
    """Run attempts until one is answered. Only a `TransientError` is worth another; all others pass.

    Args:
        attempt: makes the flow of one attempt.
        model: the model's name, for the event that goes before each wait.
        deadline: the run's end on `clock`, in seconds; a wait that would reach it is not begun.
        rng: where the jitter comes from.

    Raises:
        TransientError: the last attempt's, when attempts, time or patience are used up.
    """
    number = 1
    while True:
        try:
            return (yield from attempt())
        except TransientError as error:
            delay = _delay(policy, error, number, rng or random.Random())  # noqa: S311 - jitter, not a secret
            if delay is None or (deadline is not None and clock() + delay >= deadline):
                raise
            reason = str(error)
        yield ModelRetried(model, reason, number, delay)
        yield from Sleep(delay)
        number += 1


def _delay(policy: RetryPolicy, error: TransientError, number: int, rng: random.Random) -> float | None:
    """Seconds until the next attempt; None when there is to be none."""
    from tenacity import RetryCallState, Retrying, stop_after_attempt, wait_exponential

    state = RetryCallState(Retrying(), None, (), {})
    state.attempt_number = number
    asked = error.retry_after or 0.0
    if stop_after_attempt(policy.attempts)(state) or asked > policy.patience:
        return None
    wait = wait_exponential(multiplier=policy.initial, max=policy.max)(state)
    own = wait * (1 - policy.jitter * rng.random())
    return own if own > asked else asked + policy.initial * policy.jitter * rng.random()


def first_that_answers(models: Sequence[Model], ask: Callable[[Model], Flow[T]]) -> Flow[T]:
    """Ask the models in turn until one answers.

    The next one is asked when a model keeps failing, when its credentials or access are missing, and when the
    conversation is too long for it. A request that a model refuses (`BadRequestError`) is an error at once: the mistake
    is in the request, and another model's answer would only hide it.

    Raises:
        ModelError: the last model's, with the others' as notes.
    """
    failures: list[ModelError] = []
    for model in models:
        if failures:
            yield ModelRetried(models[len(failures) - 1].name, str(failures[-1]), 1, 0.0)
        try:
            return (yield from ask(model))
        except BadRequestError:
            raise
        except ModelError as error:
            failures.append(error)
    if not failures:
        raise ConfigError("There is no model to ask.")
    for failure in failures[:-1]:
        failures[-1].add_note(f"Before that: {failure}")
    raise failures[-1]
