"""A resumed run is the same run: what the journal has is not done again, and all that counts is as it was."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import NoReturn

import pytest

from agentkit import Agent, ConfigError, Limits, Pal, RunContext, Tokens, tool
from agentkit.events import Event, RunStarted
from agentkit.flow import Act, Effect, Flow, Perform
from agentkit.journal import Journal, JournalError
from agentkit.operations import drive, ended
from agentkit.testing import Say, ScriptedModel
from agentkit.toolbox import AnyTool
from tests.journal.support import SCRIPT, Crash, World, crash_at, rows


@pytest.fixture
def journal() -> Iterator[Journal]:
    with Journal("sqlite://") as opened:
        yield opened


def forbidden() -> NoReturn:
    raise AssertionError("called again")


def test_a_run_that_has_ended_comes_back_without_any_call(journal: Journal) -> None:
    world = World(journal)
    run = world.agent(SCRIPT).run("How is it?", run_id="r")
    again = world.agent([]).resume("r")
    assert again == run and again.run_id == run.run_id
    assert (world.looks, world.posted) == (1, ["r:2:0"])


def test_a_run_that_has_its_answer_is_read_and_neither_held_nor_written(url: str) -> None:
    with Journal(url) as journal:
        world = World(journal)
        run = world.agent(SCRIPT).run("How is it?", run_id="r")
        before = rows(url, "SELECT * FROM runs"), rows(url, "SELECT * FROM lines")
        first, second = (drive(world.agent([]).resume_flow("r")) for _ in range(2))
        next(first)
        assert ended(second) == run and ended(first) == run  # side by side
        assert (rows(url, "SELECT * FROM runs"), rows(url, "SELECT * FROM lines")) == before


def test_a_run_that_has_its_answer_does_not_go_on_with_another_agent(journal: Journal) -> None:
    world = World(journal)
    world.agent(["Final Answer: fine"]).run("How is it?", run_id="r")
    agent = Agent(ScriptedModel(SCRIPT), world.tools, journal=journal, answer_type=int)
    with pytest.raises(ConfigError, match=r"it has ended, and goes on"):
        agent.resume("r", allow_drift=True)
    assert world.looks == 0 and journal.run("r").answer == "fine"


def test_sync_and_async_resume_are_the_same(journal: Journal) -> None:
    world = World(journal)
    with pytest.raises(Crash):
        world.agent(SCRIPT, wrap=[crash_at(2)]).run("How is it?", run_id="r")
    assert asyncio.run(world.agent(SCRIPT[1:]).aresume("r")).answer == "fine"


def test_question_history_and_clock_are_those_of_the_beginning(journal: Journal) -> None:
    clocks: list[datetime] = []

    @tool(repeatable=True, read_only=True)
    def now(context: RunContext) -> str:
        """What time it is."""
        clocks.append(context.now)
        return "now"

    before = Agent(ScriptedModel(["Final Answer: blue"])).run("Which colour?")
    script = ["Action: now\nAction Input: {}", "Action: now\nAction Input: {}", "Final Answer: now"]
    with pytest.raises(Crash):
        Agent(ScriptedModel(script), [now], journal=journal, wrap=[crash_at(2)]).run(
            "When?", history=before, run_id="r"
        )
    model = ScriptedModel(script[1:])
    run = Agent(model, [now], journal=journal).resume("r")
    assert run.question == "When?" and run.history == (before.turn,)
    assert len(clocks) == 2 and clocks[0] == clocks[1]
    said = [message.text for message in model.requests[0].messages]
    assert "Which colour?" in said[1] and "blue" in said[2] and "When?" in said[3]


@pytest.mark.parametrize("effect", range(5))
def test_usage_counts_what_was_replayed(journal: Journal, effect: int) -> None:
    script = [Say(text, Tokens(100 + n, 10 + n, n)) for n, text in enumerate(SCRIPT)]
    whole = World(None).agent(ScriptedModel(script)).run("How is it?")
    world = World(journal, idempotent=True)
    with pytest.raises(Crash):
        world.agent(ScriptedModel(script), wrap=[crash_at(effect)]).run("How is it?", run_id="r")
    run = world.agent(ScriptedModel(script[(effect + 1) // 2 :])).resume("r")
    assert run.usage == whole.usage
    assert run.usage.model_calls == 3 and run.usage.tool_calls == 2 and run.usage.input_tokens == 303


def test_limits_hold_over_a_crash(journal: Journal) -> None:
    world, limits = World(journal, idempotent=True), Limits(max_model_calls=2)
    with pytest.raises(Crash):
        world.agent(SCRIPT, limits=limits, wrap=[crash_at(3)]).run("How is it?", run_id="r")
    with ScriptedModel(["Final Answer: as far as I know"]) as model:
        run = world.agent(model, limits=limits).resume("r")
    assert (run.stop_reason, run.answer) == ("max_model_calls", "as far as I know")


def test_a_limit_that_was_reached_is_in_the_journal(journal: Journal) -> None:
    world = World(journal)
    run = world.agent([*SCRIPT[:2], "Final Answer: late"], limits=Limits(max_tokens=1)).run("How is it?", run_id="r")
    assert run.stop_reason == "max_tokens"
    assert world.agent([], limits=Limits(max_tokens=1)).resume("r") == run


def test_time_goes_on_from_where_it_was(journal: Journal) -> None:
    world = World(journal)
    script = ScriptedModel(SCRIPT, delay=0.3)
    with pytest.raises(Crash):
        world.agent(script, limits=Limits(seconds=60), wrap=[crash_at(2)]).run("How is it?", run_id="r")
    run = world.agent(["Final Answer: late"], limits=Limits(seconds=0.2)).resume("r")
    assert run.stop_reason == "timeout" and run.usage.seconds > 0.3


def test_events_of_what_is_replayed_are_those_of_the_loop(journal: Journal) -> None:
    world = World(journal)
    first = list(world.agent(SCRIPT).stream("How is it?", run_id="r"))
    again = list(drive(world.agent([]).resume_flow("r")))
    made_by_calls = {"model_started", "text_delta", "stream_cut", "action"}
    assert [_timeless(event) for event in again] == [
        _timeless(event) for event in first if event.type not in made_by_calls
    ]


def _timeless(event: Event) -> Event:
    return replace(event, at="") if isinstance(event, RunStarted) else event


def renamed(world: World) -> Agent:
    return world.agent(ScriptedModel([], name="other"))


def other_marks(world: World) -> Agent:
    return World(world.journal, idempotent=True).agent([])


def one_more_tool(world: World) -> Agent:
    world.tools.append(tool(forbidden))
    return world.agent([])


def one_tool_less(world: World) -> Agent:
    world.tools.pop()
    return world.agent([])


def other_answer(world: World) -> Agent:
    return Agent(ScriptedModel([]), world.tools, answer_type=int, journal=world.journal)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (renamed, r"changed: model \(scripted → other\)"),
        (other_marks, r"changed: tool post \(changed\)"),
        (one_more_tool, r"changed: tool forbidden \(new\)"),
        (one_tool_less, r"changed: tool post \(gone\)"),
        (other_answer, r"changed: answer_type \(changed\)"),
    ],
)
def test_a_changed_agent_is_refused_and_told_what_changed(
    journal: Journal, change: Callable[[World], Agent], says: str
) -> None:
    world = World(journal)
    run = world.agent(SCRIPT).run("How is it?", run_id="r")
    with pytest.raises(ConfigError, match=says):
        change(world).resume("r")
    if change not in (other_answer, one_tool_less):
        assert change(World(journal)).resume("r", allow_drift=True).answer == run.answer


def test_a_changed_prompt_is_refused(journal: Journal, tmp_path: Path) -> None:
    world = World(journal)
    world.agent(SCRIPT).run("How is it?", run_id="r")
    (tmp_path / "observations.md").write_text("## no result\n\nIt is done.\n", encoding="utf-8")
    prompt = {"observations": str(tmp_path / "observations.md")}
    agent = Agent(ScriptedModel([]), world.tools, prompt=prompt, journal=journal)
    with pytest.raises(ConfigError, match=r"changed: prompts \(changed\)"):
        agent.resume("r")
    assert agent.resume("r", allow_drift=True).answer == "fine"


def test_a_run_that_would_take_another_way_is_refused_even_with_drift(journal: Journal) -> None:
    world = World(journal)
    world.agent(SCRIPT).run("How is it?", run_id="r")
    agent = world.agent([], limits=Limits(max_steps=1))
    with pytest.raises(ConfigError, match="at step 2 it wants something else, unlike the journal"):
        agent.resume("r")
    with pytest.raises(ConfigError, match="at step 2 it wants something else, unlike the journal"):
        agent.resume("r", allow_drift=True)
    with pytest.raises(ConfigError, match="at step 3 it wants something else, unlike the journal"):
        one_tool_less(world).resume("r", allow_drift=True)
    assert journal.run("r").status == "ended"


def test_what_wrappers_did_is_in_the_journal(journal: Journal) -> None:
    calls: list[Effect[object]] = []

    def louder(perform: Perform) -> Perform:
        def inner(effect: Effect[object]) -> Flow[object]:
            calls.append(effect)
            result = yield from perform(effect)
            return replace(result, text=result.text.upper()) if isinstance(effect, Act) else result

        return inner

    world = World(journal)
    run = world.agent(SCRIPT, wrap=[louder]).run("How is it?", run_id="r")
    assert run.steps[0].observation is not None and run.steps[0].observation.text == "QUIET"
    calls.clear()
    assert world.agent([], wrap=[louder]).resume("r") == run and calls == []


@pytest.mark.parametrize("samples", [1, 3])
def test_programs_whose_value_is_the_answer(journal: Journal, samples: int) -> None:
    program = "```python\ndef solution():\n    return 6 * 7\n```"
    with Agent(ScriptedModel([program] * 3), strategy=Pal(samples=samples), journal=journal) as agent:
        run = agent.run("6 * 7?", run_id="r")
        assert run.value == 42
        assert agent.resume("r") == run


def test_infinite_numbers_and_half_characters_come_back(journal: Journal) -> None:
    @tool
    def odd() -> dict[str, object]:
        """Odd data."""
        return {"high": float("inf"), "text": "é\x00"}

    @tool
    def half() -> str:
        """No Unicode text."""
        return "\ud800 half"

    tools: list[AnyTool] = [odd, half]
    script = ["Action: odd\nAction Input: {}", "Action: half\nAction Input: {}", "Final Answer: ok"]
    run = Agent(ScriptedModel(script), tools, journal=journal).run("\udfff?", run_id="r")
    assert run.steps[0].observation is not None
    assert run.steps[0].observation.value == {"high": float("inf"), "text": "é\x00"}
    assert Agent(ScriptedModel([]), tools, journal=journal).resume("r") == run


def test_what_cannot_be_resumed_says_so(journal: Journal) -> None:
    with pytest.raises(JournalError, match="knows no run 'r'"):
        World(journal).agent([]).resume("r")
    with pytest.raises(ConfigError, match=r"journal=Journal\(\)"):
        World(None).agent([]).resume("r")
