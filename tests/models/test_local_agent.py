"""The embedded model through the whole loop: how good its answers are is not asked, that a run is well-formed is."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from itertools import pairwise

import pytest

from agentkit.agent import Agent
from agentkit.limits import Limits
from agentkit.messages import Malformed, Run
from agentkit.models.local import LocalModel, installed
from agentkit.tool import tool

pytestmark = pytest.mark.skipif(not installed(), reason="the local model is not installed: run-agent model fetch")

PEOPLE = {"Oslo": 717_710, "Bergen": 291_940}


@tool(read_only=True)
def population(city: str) -> int:
    """How many people live in a city."""
    return PEOPLE.get(city, 0)


@pytest.fixture
def agent() -> Iterator[Agent]:
    with Agent(LocalModel(notice=False), [population], limits=Limits(max_steps=3)) as agent:
        yield agent


def check(run: Run) -> None:
    assert run.answer
    assert run.stop_reason in ("answer", "max_steps")
    assert not [step for step in run.steps if isinstance(step.decision, Malformed)]
    assert run.usage.model_calls == len(run.steps)
    for earlier, later in pairwise(step.reply.tokens for step in run.steps):
        assert later.cached >= earlier.input - 5  # all but how the reply began: only what is new is read


@pytest.mark.parametrize("question", ["How many people live in Oslo?", "Bergen or Oslo: which one is larger?"])
def test_react_runs_end_with_an_answer_and_without_a_format_error(agent: Agent, question: str) -> None:
    check(agent.run(question))


def test_an_async_run(agent: Agent) -> None:
    check(asyncio.run(agent.arun("How many people live in Oslo?")))


def test_pal_ends_cleanly() -> None:
    with Agent(LocalModel(notice=False), strategy="pal", limits=Limits(max_steps=2)) as agent:
        run = agent.run("What is 17 times 23?")
    assert run.answer
    assert run.steps[0].reply.text.startswith("```python\n")
