"""Whole runs with a scripted model: sync, async and streamed are the same run."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from agentkit import Agent, ConfigError, Limits, ModelError, Params, Run, ToolError, TransientError, tool
from agentkit.codec import event_from_json, run_from_json, to_json
from agentkit.events import Event, RunEnded, RunStarted
from agentkit.models import Chunk, Request
from agentkit.models.retry import RetryPolicy
from agentkit.testing import Say, ScriptedModel

AT_ONCE = RetryPolicy(initial=0, jitter=0)


@tool(read_only=True)
def temperature(city: str) -> int:
    """How warm it is, in degrees."""
    try:
        return {"Oslo": 4, "Lima": 21}[city]
    except KeyError:
        raise ToolError(f"No station in {city}. Try Oslo or Lima.") from None


@tool(read_only=True)
async def wind(city: str) -> str:
    """How windy it is."""
    await asyncio.sleep(0)
    return f"calm in {city}"


SCRIPT = [
    'Thought: I look it up.\nAction: temperature\nAction Input: {"city": "Oslo"}',
    "I am not sure what to do.",
    "Action: temperature\nAction Input: Atlantis",
    'Action: wind\nAction Input: {"city": "Oslo"}',
    "Action: fly\nAction Input: {}",
    "Thought: enough\nFinal Answer: 4 degrees and calm",
]


def events_of(agent: Agent) -> list[Event]:
    return list(agent.stream("How is Oslo?"))


def ended(events: list[Event]) -> Run:
    assert isinstance(events[0], RunStarted) and isinstance(events[-1], RunEnded)
    return events[-1].run


async def collect(agent: Agent) -> list[Event]:
    return [event async for event in agent.astream("How is Oslo?")]


@pytest.mark.parametrize("chunk", [None, 1, 7])
def test_sync_async_and_streamed_runs_are_equal(chunk: int | None) -> None:
    def agent() -> Agent:
        return Agent(ScriptedModel(SCRIPT, chunk=chunk), [temperature, wind])

    run = agent().run("How is Oslo?")
    assert run.answer == "4 degrees and calm" and run.stop_reason == "answer"
    assert [step.observation.kind for step in run.steps if step.observation] == [
        "ok",
        "format_error",
        "tool_error",
        "ok",
        "format_error",
    ]
    assert asyncio.run(agent().arun("How is Oslo?")) == run
    assert ended(events_of(agent())) == run
    assert ended(asyncio.run(collect(agent()))) == run


def test_usage_is_counted() -> None:
    model = ScriptedModel([Say(SCRIPT[0]), Say("Final Answer: 4")])
    run = Agent(model, [temperature]).run("?")
    assert run.usage.model_calls == 2 and run.usage.tool_calls == 1
    assert run.usage.input_tokens > run.usage.output_tokens > 0
    assert run.usage.tokens == run.usage.input_tokens + run.usage.output_tokens
    assert run.usage.cost_usd is None and run.usage.seconds > 0


def test_events_and_runs_round_trip_through_json() -> None:
    events = events_of(Agent(ScriptedModel(SCRIPT, chunk=9), [temperature, wind]))
    assert {event.type for event in events} >= {
        "run_started",
        "model_started",
        "text_delta",
        "thought",
        "action",
        "observation",
        "step",
        "format_error",
        "answer",
        "run_ended",
    }
    for event in events:
        assert event_from_json(to_json(event)) == event
    run = ended(events)
    assert run_from_json(to_json(run)) == run
    with pytest.raises(ConfigError, match="no event"):
        event_from_json('{"type": "what"}')


def test_the_system_prompt_tells_the_tools_and_the_question_is_the_user_s() -> None:
    system, question = Agent(ScriptedModel([]), [temperature]).opening("How is Oslo?")
    assert '- temperature: How warm it is, in degrees. Input: {"city": string}' in system.text
    assert question.text.startswith("Question: How is Oslo?")
    assert "\n\n\n" not in system.text and "{{" not in system.text


def test_tools_from_async_code_and_threads() -> None:
    """A sync run inside a running event loop, and an async run of sync tools that block."""
    barrier = threading.Barrier(2, timeout=20)

    @tool(read_only=True)
    def meet(name: str) -> str:
        barrier.wait()
        return f"{name} met"

    async def both() -> list[Run]:
        inner = Agent(ScriptedModel([SCRIPT[3], "Final Answer: x"]), [wind]).run("?")
        assert inner.answer == "x"
        agents = [Agent(ScriptedModel([f"Action: meet\nAction Input: {n}", "Final Answer: ok"]), [meet]) for n in "ab"]
        return list(await asyncio.gather(*(agent.arun("?") for agent in agents)))

    runs = asyncio.run(both())
    assert [run.steps[0].observation.text for run in runs if run.steps[0].observation] == ["a met", "b met"]


def test_conversation_goes_on() -> None:
    model = ScriptedModel([SCRIPT[0], "Final Answer: 4", "Final Answer: 21", "Final Answer: both"])
    agent = Agent(model, [temperature])
    first = agent.run("How warm is Oslo?")
    second = agent.run("And Lima?", history=first)
    third = agent.run("Which did I ask for?", history=second)
    texts = [message.text for message in model.requests[-1].messages]
    assert texts[1] == "How warm is Oslo?" and "Observation: 4" in texts[3] and texts[4] == "Final Answer: 4"
    assert texts[5] == "And Lima?" and texts[7].startswith("Question: Which")
    assert [turn.question for turn in third.history] == ["How warm is Oslo?", "And Lima?"]
    assert run_from_json(to_json(third)) == third


class Weather(BaseModel):
    city: str
    degrees: int


def test_structured_answers_are_checked_and_faults_go_back() -> None:
    model = ScriptedModel(
        [
            "Final Answer: it is cold",
            'Final Answer: {"city": "Oslo", "degrees": "cold"}',
            'Final Answer: ```json\n{"city": "Oslo", "degrees": 4,}\n```',
        ]
    )
    run = Agent(model, answer_type=Weather).run("?")
    assert run.value == Weather(city="Oslo", degrees=4)
    assert [step.decision.type for step in run.steps] == ["malformed", "malformed", "finish"]
    assert "degrees: Input should be a valid integer" in model.requests[2].messages[-1].text
    assert '"degrees"' in model.requests[0].messages[0].text  # the schema is in the prompt


def test_answers_of_simple_types() -> None:
    assert Agent(ScriptedModel(["Final Answer: 42"]), answer_type=int).run("?").value == 42
    assert Agent(ScriptedModel(['Final Answer: ["a", "b"]']), answer_type=list[str]).run("?").value == ["a", "b"]


def test_no_marker_twice_in_a_row_is_an_implicit_answer() -> None:
    run = Agent(ScriptedModel(["It is 4.", "It is 4 degrees."])).run("?")
    assert run.answer == "It is 4 degrees." and run.answer_is_implicit


def test_a_model_that_fails_for_the_moment_is_tried_again() -> None:
    model = ScriptedModel([TransientError("busy"), Say("Final An", error=TransientError("cut")), "Final Answer: 4"])
    events = list(Agent(model, retry=AT_ONCE).stream("?"))
    assert ended(events).answer == "4"
    assert [event.type for event in events].count("model_retried") == 2
    assert ended(events).usage.model_calls == 1


def test_a_fallback_model_answers_when_the_first_cannot() -> None:
    down = ScriptedModel([ModelError("no access")], name="first")
    run = Agent(down, fallback=[ScriptedModel(["Final Answer: 4"], name="second")]).run("?")
    assert run.answer == "4" and run.steps[0].reply.model == "second"


def test_a_model_error_carries_the_run_so_far() -> None:
    model = ScriptedModel([SCRIPT[0], ModelError("access was taken away")])
    agent = Agent(model, [temperature])
    events: list[Event] = []
    with pytest.raises(ModelError, match="taken away") as caught:
        for event in agent.stream("?"):
            events.append(event)
    assert caught.value.run is not None and len(caught.value.run.steps) == 1
    assert caught.value.run.usage.tool_calls == 1
    assert ended(events) == caught.value.run and caught.value.run.stop_reason == "error"


def test_parameters_reach_the_model() -> None:
    model = ScriptedModel(["Final Answer: 4"])
    Agent(model, params={"temperature": "0", "stop": ["END"]}).run("?")
    assert model.requests[0].params == Params(temperature=0.0, stop=("\nObservation:", "END"))
    with pytest.raises(ConfigError, match="Did you mean 'temperature'"):
        Agent(model, params={"temprature": 0})


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        ({"strategy": "tree"}, "Unknown strategy 'tree'"),
        ({"prompt": "nope"}, "no prompt 'nope'"),
        ({"limits": Limits(max_cost_usd=1)}, "price"),
        ({"strategy": "pal", "tools": [temperature]}, "takes no tools"),
        ({"answer_type": object()}, "cannot be validated"),
    ],
)
def test_what_does_not_fit_is_refused_at_once(arguments: dict[str, Any], fault: str) -> None:
    with pytest.raises(ConfigError, match=fault):
        Agent(ScriptedModel([]), **arguments)


def test_a_few_shot_example_that_lacks_something_is_refused(tmp_path: Path) -> None:
    sections = "".join(f"## {part}\n{text}\n" for part, text in PARTS.items())
    (tmp_path / "mine.md").write_text(f"---\nexamples: mine.json\n---\n{sections}")
    (tmp_path / "mine.json").write_text('[{"question": "?", "steps": []}]')
    with pytest.raises(ConfigError, match="examples lacks 'answer'"):
        Agent(ScriptedModel([]), prompt=tmp_path / "mine.md")


PARTS = {
    "instructions": "Answer.",
    "context": "{{tools}} {{examples}}",
    "input data": "{{question}}",
    "output indicator": "",
}


def test_an_empty_question_is_refused() -> None:
    with pytest.raises(ConfigError, match="empty"):
        Agent(ScriptedModel([])).run("  ")


class Counting:
    """A model that knows whether its stream was closed."""

    name = "counting"

    def __init__(self) -> None:
        self.closed = 0

    def stream(self, request: Request, /) -> Iterator[Chunk]:
        try:
            while True:
                yield Chunk("and ")
        finally:
            self.closed += 1

    async def astream(self, request: Request, /) -> AsyncIterator[Chunk]:
        try:
            while True:
                await asyncio.sleep(0)
                yield Chunk("and ")
        finally:
            self.closed += 1


def test_leaving_a_stream_early_stops_the_model() -> None:
    model = Counting()
    stream = Agent(model).stream("?")
    for _ in range(5):
        next(stream)
    stream.close()
    assert model.closed == 1

    async def leave() -> None:
        events = Agent(model).astream("?")
        for _ in range(5):
            await anext(events)
        await events.aclose()

    asyncio.run(leave())
    assert model.closed == 2


def test_one_agent_serves_many_threads() -> None:
    agent = Agent(ScriptedModel(["Final Answer: ok"] * 40), [temperature])
    runs: list[Run] = []
    threads = [threading.Thread(target=lambda: runs.append(agent.run("?"))) for _ in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [run.answer for run in runs] == ["ok"] * 40
