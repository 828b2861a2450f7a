"""A whole agent over Bedrock's wire: cut off, throttled, stalled, replaced."""

from __future__ import annotations

import asyncio
import time

import pytest

from agentkit.agent import Agent
from agentkit.errors import AuthError
from agentkit.events import Event, ModelRetried, StreamCut
from agentkit.limits import Limits
from agentkit.messages import Run
from agentkit.models.retry import RetryPolicy
from agentkit.tool import tool
from tests.support import bedrock_script as script
from tests.support.bedrock import BedrockEndpoint
from tests.support.bedrock_script import Answer, Break, Scripted
from tests.support.models import bedrock_at

QUICK = RetryPolicy(initial=0.001)
STEP = 'Thought: I add.\nAction: add\nAction Input: {"a": 1, "b": 2}'
INVENTED = f"{STEP}\nObservation: 4\nThought: I see." + " And so on." * 500
FINAL = "Thought: I know.\nFinal Answer: 3"


@tool(read_only=True)
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


def run(agent: Agent) -> tuple[Run, list[Event]]:
    events: list[Event] = []
    stream = agent.stream("What is 1 + 2?")
    while True:
        try:
            events.append(next(stream))
        except StopIteration as stop:
            return stop.value, events


def test_stop_texts_end_a_step() -> None:
    with BedrockEndpoint([Answer(INVENTED), Answer(FINAL)]) as endpoint:
        done, events = run(Agent(bedrock_at(endpoint), [add]))
    assert done.answer == "3"
    assert done.steps[0].observation is not None
    assert done.steps[0].observation.text == "3"
    assert done.steps[0].reply.end == "stop"
    assert not [event for event in events if isinstance(event, StreamCut)]
    assert done.usage.model_calls == 2
    assert done.usage.cost_usd is not None


@pytest.mark.parametrize("how", ["sync", "async"])
def test_a_model_that_refuses_stop_texts_is_cut_off(how: str) -> None:
    answers = [Answer(INVENTED, delay=0.01), Answer(FINAL)]
    with BedrockEndpoint(answers, refuse={"stopSequences"}) as endpoint:
        agent = Agent(bedrock_at(endpoint), [add], params={"max_tokens": 3000})
        done = agent.run("What is 1 + 2?") if how == "sync" else asyncio.run(agent.arun("What is 1 + 2?"))
        assert endpoint.requests[1].done.wait(20)
    assert done.answer == "3"
    assert done.steps[0].reply.end == "cut"
    assert done.usage.saved_tokens > 2000
    assert endpoint.requests[1].closed_early
    assert endpoint.requests[1].chunks_written < 300
    assert [("stopSequences" in asked.inference) for asked in endpoint.requests] == [True, False, False]


def test_throttling_and_a_cut_stream_on_the_way() -> None:
    answers: list[Scripted] = [
        script.THROTTLED,
        Answer(STEP, broken=Break(2, "cut")),
        Answer(STEP),
        script.UNAVAILABLE,
        Answer(FINAL),
    ]
    with BedrockEndpoint(answers) as endpoint:
        done, events = run(Agent(bedrock_at(endpoint), [add], retry=QUICK))
    assert done.answer == "3"
    assert [event.attempt for event in events if isinstance(event, ModelRetried)] == [1, 2, 1]
    assert done.usage.model_calls == 2


def test_a_stalled_model_does_not_outlast_the_runs_time() -> None:
    answers = [Answer(STEP, broken=Break(1, "stall", 60)), Answer(FINAL)]
    with BedrockEndpoint(answers) as endpoint:
        started = time.monotonic()
        done, _ = run(Agent(bedrock_at(endpoint, read_timeout=60), [add], limits=Limits(seconds=0.5)))
        assert time.monotonic() - started < 30
        assert endpoint.requests[0].done.wait(20)
    assert (done.stop_reason, done.answer) == ("timeout", "3")
    assert endpoint.requests[0].closed_early


def test_a_fallback_model_answers() -> None:
    with BedrockEndpoint([script.NO_MODEL_ACCESS] * 2) as denied, BedrockEndpoint([Answer(STEP), Answer(FINAL)]) as up:
        agent = Agent(bedrock_at(denied), [add], fallback=[bedrock_at(up, "amazon.nova-pro-v1:0")])
        done, events = run(agent)
    assert done.answer == "3"
    assert len([event for event in events if isinstance(event, ModelRetried)]) == 2


def test_what_cannot_be_retried_ends_the_run_with_what_is_known() -> None:
    answers: list[Scripted] = [Answer(STEP), script.EXPIRED_TOKEN]
    with BedrockEndpoint(answers) as endpoint, pytest.raises(AuthError, match="have expired") as raised:
        Agent(bedrock_at(endpoint), [add]).run("What is 1 + 2?")
    assert raised.value.run is not None
    assert len(raised.value.run.steps) == 1
    assert raised.value.run.stop_reason == "error"
