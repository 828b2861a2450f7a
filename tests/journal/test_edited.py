"""A parked call with other arguments: checked by its tool, told what it would do, and kept with the answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated

import pytest
from pydantic import AfterValidator

from agentkit import (
    Agent,
    Approval,
    ApprovalRequest,
    BadArguments,
    ConfigError,
    IdempotencyKey,
    Secret,
    ToolError,
    tool,
)
from agentkit.approval import OnApproval
from agentkit.journal import Journal, JournalError, PendingApproval
from agentkit.messages import JSON
from agentkit.schema import RunContext
from agentkit.testing import ScriptedModel
from agentkit.toolbox import Toolbox
from tests.journal.support import rows

PAY = 'Action: pay\nAction Input: {"amount": 5, "to": "Ann"}'
TOKEN = "ghp_0123456789abcdefghijABCDEFGHIJ"
KEPT = "SELECT granted, preview, edited, edited_preview FROM approvals"
Seen = list[tuple[str, RunContext, str]]


def positive(amount: int) -> int:
    if amount <= 0:
        raise ValueError("must be more than nothing")
    return amount


class Bank:
    """One tool; what its preview and its function saw."""

    def __init__(self) -> None:
        self.seen: Seen = []
        self.fault: Exception | None = None
        self.tools = Toolbox([tool(needs_approval=True, preview=self.words)(self.pay)])

    def pay(
        self, amount: Annotated[int, AfterValidator(positive)], to: str, context: RunContext, key: IdempotencyKey
    ) -> str:
        """Pay."""
        self.seen.append((f"paid {amount} to {to}", context, key))
        return "paid"

    def words(self, amount: int, to: str, context: RunContext, key: IdempotencyKey) -> str:
        if self.fault is not None:
            raise self.fault
        self.seen.append((f"{amount!r} for {to}", context, key))
        return f"{amount!r} for {to}"

    def agent(
        self,
        journal: Journal,
        replies: Sequence[str],
        approve: Callable[[ApprovalRequest], Approval] | None = None,
    ) -> Agent:
        on_approval: OnApproval = "park" if approve is None else "ask"
        return Agent(
            ScriptedModel(replies), self.tools.values(), approve=approve, on_approval=on_approval, journal=journal
        )

    def parked(self, journal: Journal) -> PendingApproval:
        assert self.agent(journal, [PAY]).run("Pay Ann", run_id="r").stop_reason == "needs_approval"
        self.seen.clear()
        return journal.waiting("r")


def test_an_edit_is_told_as_its_call_would_be_run(url: str) -> None:
    bank = Bank()
    with Journal(url) as journal:
        waiting = bank.parked(journal)
        changed = journal.edited(waiting, {"amount": "7", "to": "Bea"}, bank.tools)
        assert (changed.arguments, changed.preview) == ({"amount": "7", "to": "Bea"}, "7 for Bea")
        assert rows(url, KEPT) == [(None, "5 for Ann", None, None)] and journal.waiting("r") == waiting
        journal.approve("r", changed.arguments, preview=changed.preview, shown=waiting)
        assert rows(url, KEPT) == [(1, "5 for Ann", '{"amount":"7","to":"Bea"}', "7 for Bea")]
        (row,) = journal.recording("r").approvals
        assert row["edited_preview"] == "7 for Bea"
        assert bank.agent(journal, ["Final Answer: done"]).resume("r").answer == "done"
    previewed, paid = bank.seen
    assert (previewed[0], paid[0]) == ("7 for Bea", "paid 7 to Bea")
    assert previewed[1:] == paid[1:] and previewed[2] == "r:1:0"  # the same step, clock and key
    assert isinstance(paid[1].now, datetime)


def test_a_call_that_is_approved_as_it_was_asked_keeps_no_second_preview(url: str) -> None:
    bank = Bank()
    with Journal(url) as journal:
        waiting = bank.parked(journal)
        journal.approve("r", preview="something", shown=waiting)
    assert rows(url, KEPT) == [(1, "5 for Ann", None, None)]


def test_what_the_tool_itself_refuses_is_refused_before_anything_is_kept(url: str) -> None:
    bank = Bank()
    with Journal(url) as journal:
        waiting = bank.parked(journal)
        with pytest.raises(BadArguments, match="must be more than nothing"):
            journal.edited(waiting, {"amount": -3, "to": "Ann"}, bank.tools)
        for tools in (None, bank.tools):
            with pytest.raises(BadArguments, match="valid integer"):
                journal.edited(waiting, {"amount": "much", "to": "Ann"}, tools)
        assert journal.edited(waiting, {"amount": -3, "to": "Ann"}).preview == ""  # the schema alone cannot tell
        bank.fault = ToolError("The bank has closed.")
        with pytest.raises(ToolError, match=r"^The bank has closed\.$"):
            journal.edited(waiting, {"amount": 3, "to": "Ann"}, bank.tools)
        bank.fault = ZeroDivisionError("zero")
        with pytest.raises(ToolError, match=r"The preview of pay failed \(ZeroDivisionError: zero\)\."):
            journal.edited(waiting, {"amount": 3, "to": "Ann"}, bank.tools)
        with pytest.raises(ConfigError, match="no tool 'pay' any more: there are none"):
            journal.edited(waiting, {"amount": 3, "to": "Ann"}, Toolbox())
        with pytest.raises(ConfigError, match="looks like a secret"):
            journal.edited(waiting, {"amount": 3, "to": TOKEN}, bank.tools)
        assert journal.waiting("r") == waiting
    assert rows(url, KEPT) == [(None, "5 for Ann", None, None)] and bank.seen == []


def test_an_answer_is_only_for_the_call_that_was_shown(url: str) -> None:
    """The tool reads the same words otherwise by now: the run asks anew while a person thinks about the first call."""
    bank = Bank()
    with Journal(url) as journal:
        waiting = bank.parked(journal)

        @tool(needs_approval=True)
        def pay(amount: Annotated[int, AfterValidator(lambda amount: amount * 100)], to: str) -> str:
            """Pay in cents."""
            return "paid"

        agent = Agent(ScriptedModel([]), [pay], on_approval="park", journal=journal)
        assert agent.resume("r", allow_drift=True).stop_reason == "needs_approval"
        assert journal.waiting("r").arguments == {"amount": 500, "to": "Ann"}
        for answer in (journal.approve, journal.deny):
            with pytest.raises(JournalError, match=r"asks for another call by now\. Look at it"):
                answer("r", shown=waiting)
        assert rows(url, "SELECT granted FROM approvals") == [(None,)]
        journal.approve("r", shown=journal.waiting("r"))


def test_the_one_call_that_waits() -> None:
    bank = Bank()
    with Journal("sqlite://") as journal:
        with pytest.raises(JournalError, match="knows no run 'r'"):
            journal.waiting("r")
        waiting = bank.parked(journal)
        assert journal.pending() == [waiting] == [journal.waiting("r", "r:1:0")]
        with pytest.raises(JournalError, match="waits for approval"):
            journal.waiting("r", "r:9:0")
        journal.deny("r", "No.", by="Eve")
        with pytest.raises(JournalError, match=r"was denied by Eve at .* \(No\.\)"):
            journal.waiting("r")


def test_what_a_live_approver_was_told_of_an_edit_is_kept(url: str) -> None:
    bank = Bank()

    def approve(request: ApprovalRequest) -> Approval:
        changed = request.edited({"amount": 6, "to": "Ann"})
        return Approval(True, arguments={"amount": 6, "to": "Ann"}, preview=changed.preview)

    with Journal(url) as journal:
        assert bank.agent(journal, [PAY, "Final Answer: done"], approve).run("Pay", run_id="r").answer == "done"
    assert rows(url, KEPT) == [(1, "5 for Ann", '{"amount":6,"to":"Ann"}', "6 for Ann")]


@pytest.mark.parametrize("marked", [str, str | None, list[str]])
def test_secrets_of_an_edit_are_not_in_the_journal(url: str, marked: object) -> None:
    word = "mellon friend"
    value: JSON = [word] if marked == list[str] else word

    def words(to: str, password: object) -> str:
        return f"{to} with {TOKEN}"

    def log_in(to: str, password: object) -> str:
        """Log in."""
        return "in"

    log_in.__annotations__["password"] = Annotated[marked, Secret()]
    tools = Toolbox([tool(needs_approval=True, preview=words)(log_in)])
    wanted = 'Action: log_in\nAction Input: {"to": "Ann", "password": ' + ("[]" if marked == list[str] else '""') + "}"
    with Journal(url) as journal:
        agent = Agent(ScriptedModel([wanted]), tools.values(), on_approval="park", journal=journal)
        assert agent.run("Log in", run_id="r").stop_reason == "needs_approval"
        waiting = journal.waiting("r")
        given: dict[str, JSON] = {"to": "Bea", "password": value}
        calls: list[Callable[[], object]] = [
            lambda: journal.edited(waiting, given, tools),
            lambda: journal.approve("r", given),
        ]
        for call in calls:
            with pytest.raises(ConfigError, match="log_in marks as secret cannot be given here"):
                call()
        if marked != list[str]:  # what stands in the place of a secret is a text
            changed = journal.edited(waiting, {**waiting.arguments, "to": "Bea"}, tools)
            journal.approve("r", changed.arguments, preview=changed.preview)
            assert rows(url, "SELECT edited_preview FROM approvals") == [("Bea with ***",)]
    assert word not in str(rows(url, "SELECT * FROM approvals"))
