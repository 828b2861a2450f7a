"""At any limit the run ends with one last call that answers from what is known."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator

import pytest

from agentkit import Agent, ConfigError, Limits, Tokens, tool
from agentkit.events import LimitHit, RunEnded
from agentkit.limits import Meter
from agentkit.messages import LimitName
from agentkit.models import Chunk, Request
from agentkit.testing import Say, ScriptedModel


@tool(read_only=True)
def look(n: int) -> str:
    """Look."""
    return f"saw {n}"


def looking(n: int) -> Say:
    return Say(f'Action: look\nAction Input: {{"n": {n}}}', Tokens(100, 20))


@pytest.mark.parametrize(
    ("limits", "reason", "calls"),
    [
        (Limits(max_steps=3), "max_steps", 3),
        (Limits(max_model_calls=2), "max_model_calls", 2),
        (Limits(max_tokens=350), "max_tokens", 3),
        (Limits(max_steps=0), "max_steps", 0),
    ],
)
def test_every_limit_ends_in_an_answer(limits: Limits, reason: LimitName, calls: int) -> None:
    model = ScriptedModel([*(looking(n) for n in range(calls)), "Final Answer: about 2"])
    with model:
        events = list(Agent(model, [look], limits=limits).stream("?"))
    assert isinstance(events[-1], RunEnded)
    run = events[-1].run
    assert (run.answer, run.stop_reason, run.answer_is_implicit) == ("about 2", reason, True)
    assert [event.limit for event in events if isinstance(event, LimitHit)] == [reason]
    assert run.usage.model_calls == calls + 1
    assert "is reached" in model.requests[-1].messages[-1].text


def test_cost_is_a_limit_where_the_price_is_known() -> None:
    model = ScriptedModel([looking(1), "Final Answer: enough"], name="bedrock:amazon.nova-lite-v1:0")
    run = Agent(model, [look], limits=Limits(max_cost_usd=0.000001)).run("?")
    assert run.stop_reason == "max_cost"
    assert run.usage.cost_usd is not None and run.usage.cost_usd > 0


def test_time_is_a_limit_for_a_slow_tool() -> None:
    @tool
    def sleepy() -> str:
        time.sleep(20)
        return "late"

    model = ScriptedModel(["Action: sleepy\nAction Input: {}", "Final Answer: no news"])
    started = time.monotonic()
    run = Agent(model, [sleepy], limits=Limits(seconds=0.3)).run("?")
    assert time.monotonic() - started < 5
    assert run.stop_reason == "timeout" and run.answer == "no news"
    assert run.steps[0].observation is not None and run.steps[0].observation.kind == "timeout"


class Stalling:
    """A model whose stream stalls in the first call and answers in the second."""

    name = "stalling"

    def __init__(self) -> None:
        self.calls = 0

    def stream(self, request: Request, /) -> Iterator[Chunk]:
        self.calls += 1
        yield Chunk("Final Answer: ")
        if self.calls == 1:
            time.sleep(20)
        yield Chunk("late")

    async def astream(self, request: Request, /) -> AsyncIterator[Chunk]:
        self.calls += 1
        yield Chunk("Final Answer: ")
        if self.calls == 1:
            await asyncio.sleep(20)
        yield Chunk("late")


def test_time_is_a_limit_for_a_model_that_stalls() -> None:
    limits = Limits(seconds=0.3)
    started = time.monotonic()
    run = Agent(Stalling(), limits=limits).run("?")
    assert (run.stop_reason, run.answer) == ("timeout", "late")
    run = asyncio.run(Agent(Stalling(), limits=limits).arun("?"))
    assert (run.stop_reason, run.answer) == ("timeout", "late")
    assert time.monotonic() - started < 8


def test_without_the_last_call_the_answer_says_what_was_known() -> None:
    model = ScriptedModel([looking(1)])
    run = Agent(model, [look], limits=Limits(max_steps=1, last_call=False)).run("?")
    assert run.answer == "No answer was reached within the limit of 1 steps. The last observation was: saw 1"
    assert run.stop_reason == "max_steps"


def test_limits_that_cannot_be_are_refused() -> None:
    with pytest.raises(ConfigError, match="max_steps must not be negative"):
        Limits(max_steps=-1)


def test_a_meter_that_is_restored_counts_each_call_once_and_time_never_goes_back() -> None:
    now = [100.0]
    meter = Meter(Limits(seconds=60), lambda: now[0])
    meter.count_call(2, 1)
    meter.restore_time(20.0)  # two calls that ran side by side: the one that is read last had ended first
    meter.restore_time(10.0)
    meter.count_call(2, 2)
    meter.count_call(2, 1)  # cut off, and called again
    assert (meter.tool_calls, meter.usage().seconds, meter.remaining()) == (2, 20.0, 40.0)
    now[0] += 5
    assert (meter.usage().seconds, meter.remaining()) == (25.0, 35.0)
