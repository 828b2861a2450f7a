"""The retrying and fallback flows, driven by hand."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentkit.errors import (
    AuthError,
    BadRequestError,
    ConfigError,
    ContextOverflowError,
    ModelError,
    ThrottledError,
    TransientError,
)
from agentkit.events import ModelRetried
from agentkit.flow import Flow
from agentkit.models import Chunk, Model, Request
from agentkit.models.retry import RetryPolicy, first_that_answers, retrying
from agentkit.operations import Sleep


def attempts(*outcomes: Exception | str) -> Callable[[], Flow[str]]:
    """Each attempt fails or answers in turn."""
    rest = iter(outcomes)

    def attempt() -> Flow[str]:
        outcome = next(rest)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome
        yield  # a flow is a generator

    return attempt


def waits(flow: Flow[str], sleep: Callable[[float], None] = lambda _: None) -> tuple[list[float], str | Exception]:
    """The seconds slept, and the flow's answer or error."""
    slept: list[float] = []
    told: list[float] = []
    try:
        item = next(flow)
        while True:
            if isinstance(item, Sleep):
                slept.append(item.seconds)
                sleep(item.seconds)
            else:
                assert isinstance(item, ModelRetried)
                told.append(item.delay)
            item = flow.send(None)
    except StopIteration as stop:
        outcome: str | Exception = stop.value
    except Exception as error:
        outcome = error
    assert told == slept
    return slept, outcome


def test_an_answer_needs_no_tenacity_and_no_wait() -> None:
    assert waits(retrying(RetryPolicy(), attempts("yes"), model="m")) == ([], "yes")


def test_the_event_comes_before_the_sleep() -> None:
    flow = retrying(RetryPolicy(jitter=0), attempts(TransientError("busy"), "yes"), model="m")
    assert next(flow) == ModelRetried("m", "busy", 1, 1.0)
    sleep = flow.send(None)
    assert isinstance(sleep, Sleep)
    assert sleep.seconds == 1.0


def test_waits_double_up_to_the_longest() -> None:
    policy = RetryPolicy(attempts=6, initial=1, max=5, jitter=0)
    slept, outcome = waits(retrying(policy, attempts(*[TransientError("busy")] * 6), model="m"))
    assert slept == [1, 2, 4, 5, 5]
    assert str(outcome) == "busy"


@given(st.floats(0, 1), st.integers(0, 2**32), st.integers(2, 6))
def test_jitter_only_shortens_and_repeats_with_its_seed(jitter: float, seed: int, count: int) -> None:
    policy = RetryPolicy(attempts=count, jitter=jitter)

    def run() -> list[float]:
        errors = attempts(*[TransientError("busy")] * count)
        return waits(retrying(policy, errors, model="m", rng=random.Random(seed)))[0]

    slept = run()
    assert slept == run()
    for wait, full in zip(slept, [1, 2, 4, 8, 16], strict=False):
        assert full * (1 - jitter) - 1e-9 <= wait <= full


def test_retry_after_is_honoured_and_jittered_upwards() -> None:
    policy = RetryPolicy(initial=1, jitter=0.5)
    slept, outcome = waits(retrying(policy, attempts(ThrottledError("wait", retry_after=60), "yes"), model="m"))
    assert outcome == "yes"
    assert 60 <= slept[0] <= 60.5


def test_a_wish_beyond_patience_ends_it() -> None:
    error = ThrottledError("wait an hour", retry_after=3600)
    assert waits(retrying(RetryPolicy(), attempts(error), model="m")) == ([], error)


def test_no_sleep_reaches_the_deadline() -> None:
    now = 100.0

    def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds

    last = TransientError("third")
    errors = attempts(TransientError("first"), TransientError("second"), last)
    policy = RetryPolicy(jitter=0)
    flow = retrying(policy, errors, model="m", deadline=106.0, clock=lambda: now)
    assert waits(flow, sleep) == ([1, 2], last)  # the third wait, of 4 seconds, would end at 107
    assert now == 103.0


@pytest.mark.parametrize("error", [AuthError("a"), BadRequestError("b"), ContextOverflowError("c"), ModelError("d")])
def test_only_what_passes_is_tried_again(error: ModelError) -> None:
    assert waits(retrying(RetryPolicy(), attempts(error), model="m")) == ([], error)


def test_one_attempt_never_waits() -> None:
    error = TransientError("busy")
    assert waits(retrying(RetryPolicy(attempts=1), attempts(error), model="m")) == ([], error)


@pytest.mark.parametrize("wrong", [{"attempts": 0}, {"jitter": 1.5}, {"initial": -1.0}, {"max": -1.0}])
def test_a_policy_that_makes_no_sense(wrong: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match="at least 1 attempt"):
        RetryPolicy(**wrong)  # type: ignore[arg-type]  # as wrong as it is meant to be


# --- fallback ---


@dataclass
class Named:
    """A model with a name and nothing else."""

    name: str

    def stream(self, request: Request, /) -> Iterator[Chunk]:
        raise NotImplementedError

    def astream(self, request: Request, /) -> AsyncIterator[Chunk]:
        raise NotImplementedError


def in_turn(*outcomes: Exception | str) -> tuple[list[ModelRetried], str | Exception]:
    models = [Named(f"m{number}") for number in range(len(outcomes))]

    def ask(model: Model) -> Flow[str]:
        return attempts(outcomes[int(model.name[1:])])()

    events: list[ModelRetried] = []
    flow = first_that_answers(models, ask)
    try:
        while True:
            event = next(flow)
            assert isinstance(event, ModelRetried)
            events.append(event)
    except StopIteration as stop:
        return events, stop.value
    except Exception as error:
        return events, error


def test_the_first_that_answers() -> None:
    assert in_turn("yes", "not asked") == ([], "yes")


@pytest.mark.parametrize("error", [TransientError("a"), AuthError("b"), ContextOverflowError("c"), ModelError("d")])
def test_the_next_one_is_asked_and_the_event_says_why(error: ModelError) -> None:
    assert in_turn(error, "yes") == ([ModelRetried("m0", str(error), 1, 0.0)], "yes")


def test_a_refused_request_is_not_passed_on() -> None:
    error = BadRequestError("wrong")
    assert in_turn(error, "not asked") == ([], error)


def test_when_all_fail_the_last_error_tells_of_the_others() -> None:
    last = AuthError("no key")
    events, outcome = in_turn(TransientError("busy"), last)
    assert outcome is last
    assert last.__notes__ == ["Before that: busy"]
    assert len(events) == 1


def test_no_model_at_all() -> None:
    assert isinstance(in_turn()[1], ConfigError)
