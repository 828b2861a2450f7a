"""After a crash between intent and result: what runs again, what is asked, and what waits for a person."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator

import pytest

from agentkit import Agent, Approval, ApprovalRequest, ConfigError, IdempotencyKey, Observation, approve_all, tool
from agentkit.journal import Journal, JournalError
from agentkit.testing import ScriptedModel
from agentkit.tool import Reconcile, ReconcileAnswer
from agentkit.toolbox import AnyTool
from tests.journal.support import SCRIPT, Crash, World, crash_at

POST = 3  # the number of the effect that changes something


@pytest.fixture
def journal() -> Iterator[Journal]:
    with Journal("sqlite://") as opened:
        yield opened


def crashed(world: World, *, after: bool = True) -> None:
    with pytest.raises(Crash):
        world.agent(SCRIPT, wrap=[crash_at(POST, after=after)]).run("How is it?", run_id="r")


def test_what_is_idempotent_runs_again_with_the_same_key(journal: Journal) -> None:
    world = World(journal, idempotent=True)
    crashed(world)
    assert world.agent(SCRIPT[2:]).resume("r").answer == "fine"
    assert world.posted == ["r:2:0", "r:2:0"]


def test_what_is_read_only_runs_again(journal: Journal) -> None:
    world = World(journal)
    with pytest.raises(Crash):
        world.agent(SCRIPT, wrap=[crash_at(1, after=True)]).run("How is it?", run_id="r")
    assert world.agent(SCRIPT[1:]).resume("r").answer == "fine"
    assert (world.looks, world.posted) == (2, ["r:2:0"])


@pytest.mark.parametrize("after", [False, True])
def test_any_other_waits_for_a_person(journal: Journal, after: bool) -> None:
    world = World(journal)
    crashed(world, after=after)
    for _ in range(2):  # and goes on waiting
        run = world.agent([]).resume("r")
        assert (run.stop_reason, run.answer, len(run.steps)) == ("needs_attention", None, 1)
        assert run.usage.model_calls == 2 and run.run_id == "r"
    assert journal.run("r").status == "needs_attention"
    assert len(world.posted) == after
    attention = journal.attention("r")
    assert attention is not None
    assert (attention.tool, attention.input, attention.key) == ("post", {"text": "hello"}, "r:2:0")


def test_a_person_says_what_happened(journal: Journal) -> None:
    world = World(journal)
    crashed(world)
    assert asyncio.run(world.agent([]).aresume("r")).stop_reason == "needs_attention"
    journal.resolve("r", result="It was posted.")
    assert journal.attention("r") is None
    run = world.agent(SCRIPT[2:]).resume("r")
    assert (run.answer, run.stop_reason) == ("fine", "answer")
    assert run.steps[1].observation == Observation("It was posted.")
    assert world.posted == ["r:2:0"] and run.usage.tool_calls == 2


def test_a_person_says_that_it_failed(journal: Journal) -> None:
    world = World(journal)
    crashed(world)
    world.agent([]).resume("r")
    journal.resolve("r", result=Observation("The wire is cut.", "tool_error"))
    run = world.agent(["Final Answer: it failed"]).resume("r")
    assert run.steps[1].observation is not None and run.steps[1].observation.failed


def test_a_person_says_do_it_and_a_second_crash_asks_again(journal: Journal) -> None:
    world = World(journal)
    crashed(world, after=False)
    world.agent([]).resume("r")
    journal.resolve("r", retry=True)
    with pytest.raises(Crash):
        world.agent([], wrap=[crash_at(0, after=True)]).resume("r")
    assert world.agent([]).resume("r").stop_reason == "needs_attention"
    assert world.posted == ["r:2:0"]
    journal.resolve("r", result="posted hello")
    assert world.agent(SCRIPT[2:]).resume("r").answer == "fine"
    assert world.posted == ["r:2:0"]


def test_resolve_tells_what_is_wrong(journal: Journal) -> None:
    world = World(journal)
    world.agent(SCRIPT).run("How is it?", run_id="r")
    with pytest.raises(ConfigError, match="either"):
        journal.resolve("r")
    with pytest.raises(ConfigError, match="either"):
        journal.resolve("r", result="x", retry=True)
    with pytest.raises(JournalError, match="'r' needs no attention"):
        journal.resolve("r", retry=True)
    with pytest.raises(JournalError, match="knows no run 'x'"):
        journal.resolve("x", retry=True)


def reconciling(world: World, reconcile: Reconcile) -> None:
    world.tools[1] = tool(reconcile=reconcile)(world.post)


def told(world: World) -> Reconcile:
    return lambda key: f"posted, as {key}" if key in world.posted else None


def told_as_observation(world: World) -> Reconcile:
    return lambda key: Observation(f"posted, as {key}", value=1) if key in world.posted else None


def told_later(world: World) -> Reconcile:
    async def reconcile(key: IdempotencyKey) -> ReconcileAnswer:
        await asyncio.sleep(0)
        return f"posted, as {key}" if key in world.posted else None

    return reconcile


@pytest.mark.parametrize("how", [told, told_as_observation, told_later])
@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("is_async", [False, True])
def test_a_tool_that_can_tell_is_asked(
    journal: Journal, how: Callable[[World], Reconcile], after: bool, is_async: bool
) -> None:
    world = World(journal)
    reconciling(world, how(world))
    crashed(world, after=after)
    agent = world.agent(SCRIPT[2:])
    run = asyncio.run(agent.aresume("r")) if is_async else agent.resume("r")
    assert run.answer == "fine" and world.posted == ["r:2:0"]
    assert run.usage.tool_calls == 2
    seen = run.steps[1].observation
    assert seen is not None and seen.text == ("posted, as r:2:0" if after else "posted hello")


def broken(key: IdempotencyKey) -> str:
    raise OSError(f"no line, {key}")


def not_text(key: IdempotencyKey) -> bool:
    return bool(key)


@pytest.mark.parametrize("reconcile", [broken, not_text])
def test_a_tool_that_cannot_tell_waits_for_a_person(journal: Journal, reconcile: Reconcile) -> None:
    world = World(journal)
    reconciling(world, reconcile)
    crashed(world)
    assert world.agent([]).resume("r").stop_reason == "needs_attention"


class Clerk:
    """Agrees, and dies before or after saying so; counts how often it was asked."""

    def __init__(self, *, dies: bool) -> None:
        self.asked = 0
        self.dies = dies

    def __call__(self, request: ApprovalRequest) -> Approval:
        self.asked += 1
        if self.dies:
            raise Crash
        return Approval(True, "go on")


def paying(journal: Journal, replies: list[str], paid: list[str], clerk: Clerk, *, dies: bool = False) -> Agent:
    def pay(amount: int, key: IdempotencyKey) -> str:
        """Pay."""
        if dies:
            raise Crash
        paid.append(key)
        return "paid"

    tools: list[AnyTool] = [tool(needs_approval=True)(pay)]
    return Agent(ScriptedModel(replies), tools, approve=clerk, journal=journal)


PAY = ['Action: pay\nAction Input: {"amount": 5}', "Final Answer: ok"]


def test_what_nobody_had_agreed_to_cannot_have_happened(journal: Journal) -> None:
    paid: list[str] = []
    with pytest.raises(Crash):
        paying(journal, PAY, paid, Clerk(dies=True)).run("?", run_id="r")
    clerk = Clerk(dies=False)
    assert paying(journal, PAY[1:], paid, clerk).resume("r").answer == "ok"
    assert paid == ["r:1:0"] and clerk.asked == 1


def test_what_was_agreed_to_is_not_asked_again(journal: Journal) -> None:
    paid: list[str] = []
    with pytest.raises(Crash):
        paying(journal, PAY, paid, Clerk(dies=False), dies=True).run("?", run_id="r")
    clerk = Clerk(dies=False)
    assert paying(journal, [], paid, clerk).resume("r").stop_reason == "needs_attention"
    journal.resolve("r", retry=True)
    assert paying(journal, PAY[1:], paid, clerk).resume("r").answer == "ok"
    assert paid == ["r:1:0"] and clerk.asked == 0


def test_a_tool_that_needs_approval_by_now_may_have_run_without(journal: Journal) -> None:
    world = World(journal)
    crashed(world)
    stricter = World(journal, needs_approval=True)
    agent = Agent(ScriptedModel([]), stricter.tools, approve=approve_all, journal=journal)
    assert agent.resume("r", allow_drift=True).stop_reason == "needs_attention"
    assert stricter.posted == []


def test_an_async_approver_is_written_down_too(journal: Journal) -> None:
    async def agree(request: ApprovalRequest) -> bool:
        await asyncio.sleep(0)
        return True

    world = World(journal, needs_approval=True)
    agent = Agent(ScriptedModel(SCRIPT), world.tools, approve=agree, journal=journal)
    assert asyncio.run(agent.arun("How is it?", run_id="r")).answer == "fine"
    again = Agent(ScriptedModel(SCRIPT), world.tools, approve=agree, journal=journal)
    assert again.run("How is it?", run_id="s").answer == "fine"
    assert world.posted == ["r:2:0", "s:2:0"]


def test_without_a_crash_nothing_is_different(journal: Journal) -> None:
    world, bare = World(journal, needs_approval=True), World(None, needs_approval=True)
    runs = [
        Agent(ScriptedModel(SCRIPT), each.tools, approve=approve_all, journal=each.journal).run("How is it?")
        for each in (world, bare)
    ]
    assert runs[0] == runs[1]
