"""Whoever approves may change the call: what runs is what was approved, and the model reads it."""

import asyncio
import logging
from collections.abc import Callable

import pytest

from agentkit import (
    Agent,
    Approval,
    ApprovalRequest,
    BadArguments,
    IdempotencyKey,
    Observation,
    Run,
    ToolError,
    tool,
)
from agentkit.approval import Approver
from agentkit.events import ActionStarted, ApprovalAsked
from agentkit.messages import Action
from agentkit.testing import ScriptedModel
from agentkit.toolbox import AnyTool

BUY = 'Action: buy\nAction Input: {"thing": "boat", "count": 2}'


class Shop:
    def __init__(self) -> None:
        self.sold: list[tuple[str, str, int]] = []
        self.tool: AnyTool = tool(needs_approval=True, preview=self.words)(self.buy)

    def buy(self, thing: str, key: IdempotencyKey, count: int = 1) -> str:
        """Buy."""
        self.sold.append((key, thing, count))
        return f"{count} x {thing}"

    def words(self, thing: str, key: IdempotencyKey, count: int = 1) -> str:
        if count > 9:
            raise ToolError("There are only 9.")
        if thing == "broken":
            raise OSError("no prices")
        return f"{thing}: ${count * 100}"

    def run(self, approve: Approver, *more: str) -> Run:
        return Agent(ScriptedModel([BUY, *more, "Final Answer: ok"]), [self.tool], approve=approve).run("?", run_id="r")


def seen(run: Run, step: int = 0) -> Observation:
    observation = run.steps[step].observation
    assert observation is not None
    return observation


def to(**arguments: str | int) -> Callable[[ApprovalRequest], Approval]:
    return lambda request: Approval(True, arguments=arguments)


def test_what_was_approved_runs_and_is_told() -> None:
    shop = Shop()
    run = shop.run(to(thing="canoe", count="1"))
    assert shop.sold == [("r:1:0", "canoe", 1)]
    assert seen(run).text == (
        '1 x canoe\n(Whoever approved this call changed its input. What was run: buy {"thing":"canoe","count":"1"})'
    )
    assert (seen(run).kind, run.usage.tool_calls) == ("ok", 1)
    assert run.steps[0].decision == Action("buy", {"thing": "boat", "count": 2})  # what the model wanted


def test_events_show_what_is_run() -> None:
    agent = Agent(ScriptedModel([BUY, "Final Answer: ok"]), [Shop().tool], approve=to(thing="canoe"))
    events = list(agent.stream("?"))
    assert ApprovalAsked("buy", True, "", {"thing": "canoe"}) in events
    assert [event.action.input for event in events if isinstance(event, ActionStarted)] == [{"thing": "canoe"}]


def test_arguments_that_do_not_fit_make_it_a_no(caplog: pytest.LogCaptureFixture) -> None:
    shop = Shop()
    with caplog.at_level(logging.WARNING, "agentkit.tool"):
        run = shop.run(to(thing="canoe", size=3))
    assert (seen(run).kind, shop.sold) == ("refused", [])
    assert "does not fit: there is no argument 'size'. Expected" in seen(run).text
    assert "the approver's arguments do not fit" in caplog.text


def test_the_same_arguments_are_no_change() -> None:
    assert seen(Shop().run(to(count="2", thing="boat"))).text == "2 x boat"


def test_an_approver_can_try_an_edit_before_it_answers() -> None:
    told: list[str] = []

    def approve(request: ApprovalRequest) -> Approval:
        told.append(request.preview)
        with pytest.raises(BadArguments, match=r"count: .* valid integer"):
            request.edited({"thing": "boat", "count": "many"})
        with pytest.raises(ToolError, match="only 9"):
            request.edited({"thing": "boat", "count": 10})
        assert request.edited({"thing": "broken"}).preview == ""
        edited = request.edited({"thing": "boat", "count": "3"})
        assert edited.arguments == {"thing": "boat", "count": 3} and edited.key == request.key
        told.append(edited.preview)
        told.append(edited.edited({"thing": "canoe"}).preview)
        assert request.schema["required"] == ["thing"]
        return Approval(True, arguments={"thing": "canoe"})

    shop = Shop()
    shop.run(approve)
    assert told == ["boat: $200", "boat: $300", "canoe: $100"] and shop.sold == [("r:1:0", "canoe", 1)]


def test_a_request_made_by_hand_takes_any_edit() -> None:
    request = ApprovalRequest("t", {"a": 1}, "", "r", 1, "k")
    assert request.edited({"a": 2}).arguments == {"a": 2}


def test_an_edited_answer_of_a_tool_that_ends_the_run_is_left_alone() -> None:
    shop = Shop()
    shop.tool = shop.tool.with_marks(return_direct=True)
    run = Agent(ScriptedModel([BUY]), [shop.tool], approve=to(thing="canoe")).run("?")
    assert run.answer == "1 x canoe"


def test_a_model_that_asks_for_the_same_again_gets_what_was_approved() -> None:
    shop = Shop()
    run = shop.run(to(thing="canoe"), BUY)
    assert seen(run, 1).kind == "repeated" and "1 x canoe" in seen(run, 1).text and len(shop.sold) == 1


def test_without_a_journal_an_answer_cannot_be_put_off(caplog: pytest.LogCaptureFixture) -> None:
    async def later(request: ApprovalRequest) -> Approval:
        await asyncio.sleep(0)
        return Approval.later()

    shop = Shop()
    run = shop.run(later)
    assert (seen(run).kind, shop.sold, run.answer) == ("refused", [], "ok")
    assert "this run cannot wait" in seen(run).text and "no journal" in caplog.text
