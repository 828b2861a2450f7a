"""Code as action: programs that call the tools, each call an action like any other."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from agentkit import Agent, ApprovalRequest, Code, ConfigError, IdempotencyKey, Limits, ToolError, tool
from agentkit.events import ActionStarted, Event, Observed, RunEnded
from agentkit.flow import Act, Effect, Flow, Perform
from agentkit.sandbox import Sandbox
from agentkit.testing import ScriptedModel
from agentkit.toolbox import ToolLike


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as made:
        yield made


HEIGHTS = {"Mont Blanc": 4806, "Ben Nevis": 1345}


@tool(read_only=True)
def height(name: str) -> int:
    """How high a mountain is, in metres."""
    try:
        return HEIGHTS[name]
    except KeyError:
        raise ToolError(f"No mountain {name!r}.") from None


def block(program: str) -> str:
    return f"I look.\n```python\n{program}\n```"


def agent(
    sandbox: Sandbox, programs: list[str], tools: list[ToolLike], **options: object
) -> tuple[Agent, ScriptedModel]:
    model = ScriptedModel([block(program) for program in programs])
    return Agent(model, tools, strategy="code", interpreter=sandbox, **options), model  # type: ignore[arg-type]


def events_sync(made: Agent) -> list[Event]:
    return list(made.stream("?"))


def events_async(made: Agent) -> list[Event]:
    async def collect() -> list[Event]:
        return [event async for event in made.astream("?")]

    return asyncio.run(collect())


@pytest.mark.parametrize("events_of", [events_sync, events_async])
def test_a_program_calls_tools_and_answers(sandbox: Sandbox, events_of: Callable[[Agent], list[Event]]) -> None:
    made, _ = agent(
        sandbox,
        ["tall = height(name='Mont Blanc')\nprint(tall)", "final_answer(tall - height('Ben Nevis'))"],
        [height],
    )
    events = events_of(made)
    assert isinstance(events[-1], RunEnded)
    run = events[-1].run
    assert (run.answer, run.value, run.stop_reason) == ("3461", 3461, "answer")
    assert run.usage.tool_calls == 2
    called = [event.action.tool for event in events if isinstance(event, ActionStarted)]
    assert called == ["python", "height", "python", "height"]
    seen = [event.observation.text for event in events if isinstance(event, Observed)]
    assert seen[0] == "4806" and "4806" in seen[1]


def test_a_tool_s_error_is_an_exception_in_the_program(sandbox: Sandbox) -> None:
    program = "try:\n    height('Olympus')\nexcept ToolError as e:\n    final_answer(str(e))"
    made, _ = agent(sandbox, [program], [height])
    answer = made.run("?").answer
    assert answer is not None and "No mountain 'Olympus'" in answer


def test_an_uncaught_error_goes_back_to_the_model(sandbox: Sandbox) -> None:
    made, model = agent(sandbox, ["height('Olympus')", "final_answer(1)"], [height])
    assert made.run("?").answer == "1"
    assert "No mountain 'Olympus'" in model.requests[1].messages[-1].text


def test_arguments_are_checked_as_everywhere(sandbox: Sandbox) -> None:
    made, model = agent(sandbox, ["height(nam='x')", "height(1, 2)", "final_answer(1)"], [height])
    made.run("?")
    assert "there is no argument 'nam'" in model.requests[1].messages[-1].text
    assert "takes 1 arguments" in model.requests[2].messages[-1].text


def test_what_acts_is_asked_for_and_has_its_own_key(sandbox: Sandbox) -> None:
    asked: list[str] = []
    keys: list[str] = []

    @tool(needs_approval=True)
    def book(what: str, key: IdempotencyKey) -> str:
        keys.append(key)
        return f"booked {what}"

    def approve(request: ApprovalRequest) -> bool:
        asked.append(str(request))
        return "boat" not in request.arguments.values()

    program = (
        "print(book('room'))\nprint(book('car'))\n"
        "try:\n    book('boat')\nexcept ToolError as e:\n    print(e)\nfinal_answer('done')"
    )
    made, _ = agent(sandbox, [program], [book], approve=approve)
    made.run("?", run_id="r")
    assert asked == ["book(what='room')", "book(what='car')", "book(what='boat')"]
    assert keys == ["r:1:1", "r:1:2"]


@pytest.mark.parametrize("events_of", [events_sync, events_async])
def test_gather_runs_calls_side_by_side(sandbox: Sandbox, events_of: Callable[[Agent], list[Event]]) -> None:
    barrier = threading.Barrier(3, timeout=10)

    @tool(read_only=True)
    def meet(name: str) -> str:
        barrier.wait()
        return name.upper()

    made, _ = agent(sandbox, ["final_answer(gather([(meet, n) for n in 'abc']))"], [meet])
    events = events_of(made)
    assert isinstance(events[-1], RunEnded) and events[-1].run.value == ["A", "B", "C"]
    assert sum(isinstance(event, Observed) for event in events) == 4


def test_every_call_passes_the_wrappers(sandbox: Sandbox) -> None:
    """A journal around `perform` sees the calls of a program as it sees those of ReAct."""
    seen: list[Act] = []

    def journal(perform: Perform) -> Perform:
        def kept(effect: Effect[object]) -> Flow[object]:
            if isinstance(effect, Act):
                seen.append(effect)
            return perform(effect)

        return kept

    made, _ = agent(sandbox, ["final_answer(height('Ben Nevis'))"], [height], wrap=[journal])
    made.run("?")
    assert [(act.action.tool, act.step, act.call) for act in seen] == [("python", 1, 0), ("height", 1, 1)]


def test_leaving_the_run_while_a_tool_runs_leaves_nothing_behind(sandbox: Sandbox) -> None:
    @tool
    def act(n: int) -> int:
        return n

    before = set(threading.enumerate())
    made, _ = agent(sandbox, ["for n in range(50):\n    act(n)"], [act])
    events = made.stream("?")
    for event in events:
        if isinstance(event, Observed) and event.observation.text == "3":
            break
    events.close()
    until = time.monotonic() + 5
    while time.monotonic() < until and set(threading.enumerate()) - before:
        time.sleep(0.01)
    assert not set(threading.enumerate()) - before


def test_a_text_answer_is_taken_and_prose_is_not(sandbox: Sandbox) -> None:
    model = ScriptedModel(["Let me think.", "Final Answer: about 5"])
    run = Agent(model, [height], strategy=Code(), interpreter=sandbox).run("?")
    assert run.answer == "about 5" and len(run.steps) == 2


def test_limits_hold_for_programs_too(sandbox: Sandbox) -> None:
    made, _ = agent(sandbox, ["x = 1", "x = 2"], [height], limits=Limits(max_steps=2, last_call=False))
    assert made.run("?").stop_reason == "max_steps"


def test_names_that_cannot_be_functions_are_refused(sandbox: Sandbox) -> None:
    for name in ("two words", "python", "gather"):
        with pytest.raises(ConfigError, match="rename"):
            agent(sandbox, [], [tool(name=name)(lambda: None)])
