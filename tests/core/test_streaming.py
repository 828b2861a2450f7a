"""While the model writes: it is cut off when it begins to invent, and a read-only tool starts before it is done."""

import asyncio
import time
from collections.abc import Callable, Iterator

import pytest

from agentkit import Agent, Limits, Tokens, tool
from agentkit.events import ActionStarted, Event, Observed, RunEnded, StreamCut, TextDelta
from agentkit.models import Chunk, Request
from agentkit.testing import Say, ScriptedModel

ACTION = 'Thought: I look.\nAction: look\nAction Input: {"at": "sky"}\n'
IMAGINED = "Observation: purple\nThought: I know\nFinal Answer: purple\n" * 20


def events_sync(agent: Agent) -> list[Event]:
    return list(agent.stream("What colour?"))


def events_async(agent: Agent) -> list[Event]:
    async def collect() -> list[Event]:
        return [event async for event in agent.astream("What colour?")]

    return asyncio.run(collect())


DRIVERS = pytest.mark.parametrize("events_of", [events_sync, events_async])
Driver = Callable[[Agent], list[Event]]


@tool(read_only=True)
def look(at: str) -> str:
    """Look."""
    return f"{at} is blue"


@DRIVERS
@pytest.mark.parametrize("honours_stop", [True, False])
def test_a_model_that_invents_the_observation_is_cut_off(events_of: Driver, honours_stop: bool) -> None:
    model = ScriptedModel([Say(ACTION + IMAGINED), "Final Answer: blue"], chunk=5, honours_stop=honours_stop)
    events = events_of(Agent(model, [look]))
    assert isinstance(events[-1], RunEnded)
    run = events[-1].run
    assert run.answer == "blue"
    assert run.steps[0].observation is not None and run.steps[0].observation.text == "sky is blue"
    written = "".join(event.text for event in events if isinstance(event, TextDelta))
    assert "purple" not in written
    if not honours_stop:
        assert run.steps[0].reply.end == "cut"
        cut = next(event for event in events if isinstance(event, StreamCut))
        assert cut.saved_tokens == run.usage.saved_tokens > len(IMAGINED) // 4 - 20
        assert "purple" not in run.steps[0].reply.text and "Obs" not in run.steps[0].reply.text


def test_saved_tokens_are_at_most_what_max_tokens_left() -> None:
    class Silent(ScriptedModel):
        """Does not tell what it would still have written, like every model behind an API."""

        def stream(self, request: Request, /) -> Iterator[Chunk]:  # type: ignore[override]
            yield from super().stream(request)

    model = Silent([Say(ACTION + IMAGINED, Tokens(50, 400)), "Final Answer: blue"], chunk=5, honours_stop=False)
    run = Agent(model, [look], params={"max_tokens": 500}).run("?")
    assert 400 < run.usage.saved_tokens < 500


@DRIVERS
def test_a_read_only_tool_starts_while_the_model_is_still_writing(events_of: Driver) -> None:
    """The tool takes as long as the rest of the model's text: both together take no longer than the text."""
    started: list[float] = []

    @tool(name="look", read_only=True)
    def slow_look(at: str) -> str:
        started.append(time.monotonic())
        time.sleep(0.2)
        return f"{at} is blue"

    babble = "Now I wait for what comes back and think about it for a while longer.\n" * 2
    model = ScriptedModel([ACTION + babble, "Final Answer: blue"], chunk=10, delay=0.02)
    events = events_of(Agent(model, [slow_look]))
    early = next(event for event in events if isinstance(event, ActionStarted))
    assert early.early
    position = events.index(early)
    assert any(isinstance(event, TextDelta) for event in events[position:]), "the model still wrote afterwards"
    assert len(started) == 1, "it ran once"
    observed = next(event for event in events if isinstance(event, Observed))
    assert observed.observation.text == "sky is blue"
    assert isinstance(events[-1], RunEnded) and events[-1].run.usage.tool_calls == 1


@DRIVERS
def test_what_may_act_waits_for_the_whole_text(events_of: Driver) -> None:
    done: list[str] = []

    @tool(name="look")
    def paint(at: str) -> str:
        done.append(at)
        return "painted"

    model = ScriptedModel([ACTION + "and more text\n" * 5, "Final Answer: ok"], chunk=4)
    events = events_of(Agent(model, [paint]))
    action = next(event for event in events if isinstance(event, ActionStarted))
    deltas = [n for n, event in enumerate(events) if isinstance(event, TextDelta)]
    assert not action.early and done == ["sky"]
    assert events.index(action) > max(n for n in deltas if n < events.index(action))


def test_an_early_tool_is_not_run_again_by_the_guard_nor_for_the_same_action() -> None:
    calls: list[str] = []

    @tool(name="look", read_only=True)
    def counted(at: str) -> str:
        calls.append(at)
        return "blue"

    model = ScriptedModel([ACTION + "waiting\n", ACTION + "waiting\n", "Final Answer: blue"], chunk=3)
    run = Agent(model, [counted]).run("?")
    assert calls == ["sky"]
    assert run.steps[1].observation is not None and run.steps[1].observation.kind == "repeated"


def test_an_early_tool_that_fails_or_hangs_is_an_observation_like_any_other() -> None:
    @tool(name="look", read_only=True, timeout=0.1)
    def hanging(at: str) -> str:
        time.sleep(10)
        return "late"

    model = ScriptedModel([ACTION + "waiting\n", "Final Answer: none"], chunk=3)
    run = Agent(model, [hanging], limits=Limits(max_steps=3)).run("?")
    assert run.steps[0].observation is not None and run.steps[0].observation.kind == "timeout"
