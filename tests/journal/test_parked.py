"""Approval that outlives the process: a run is parked, a person answers in the journal, and the run goes on."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Annotated

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import AfterValidator
from sqlalchemy import create_engine, text

from agentkit import (
    Agent,
    Approval,
    ApprovalRequest,
    BadArguments,
    ConfigError,
    IdempotencyKey,
    Limits,
    Run,
    Secret,
    ToolError,
    approve_all,
    tool,
)
from agentkit.approval import Approver, OnApproval
from agentkit.codec import event_from_json, to_json
from agentkit.events import ApprovalAsked, ApprovalWaits
from agentkit.flow import Perform
from agentkit.journal import Journal, JournalError, PendingApproval
from agentkit.journal.leases import new_owner, user
from agentkit.journal.records import json_text
from agentkit.journal.secrets import Masks
from agentkit.journal.store import RunRow, Store
from agentkit.messages import JSON
from agentkit.operations import drive
from agentkit.schema import Arguments
from agentkit.testing import ScriptedModel
from agentkit.toolbox import AnyTool
from agentkit.tools.store import SqlBookingStore
from agentkit.tools.travel import travel_tools
from tests.journal.booking_run import QUESTION, reply
from tests.journal.support import Crash, crash_at, done, rows

PAY = 'Action: pay\nAction Input: {"amount": 5, "to": "Ann"}'
SCRIPT = [PAY, "Final Answer: paid"]


def positive(amount: int) -> int:
    if amount <= 0:
        raise ValueError("must be more than nothing")
    return amount


class Bank:
    """One tool that acts, and what it did: key -> (amount, to)."""

    def __init__(self, journal: Journal, *, idempotent: bool = False) -> None:
        self.journal = journal
        self.paid: list[tuple[str, int, str]] = []
        marked = tool(needs_approval=True, idempotent=idempotent, preview=self.words)
        self.tools: list[AnyTool] = [marked(self.pay)]
        self.closed = ""

    def pay(self, amount: Annotated[int, AfterValidator(positive)], key: IdempotencyKey, to: str = "Bob") -> str:
        """Pay."""
        self.paid.append((key, amount, to))
        return f"paid {amount} to {to}"

    def words(self, amount: int, key: IdempotencyKey, to: str = "Bob") -> str:
        if self.closed:
            raise ToolError(self.closed)
        return f"{amount} dollars for {to}"

    def agent(
        self,
        replies: Sequence[str],
        approve: Approver | None = None,
        on_approval: OnApproval = "park",
        limits: Limits | None = None,
        wrap: Sequence[Callable[[Perform], Perform]] = (),
    ) -> Agent:
        return Agent(
            ScriptedModel(replies),
            self.tools,
            approve=approve,
            on_approval=on_approval,
            limits=limits,
            wrap=wrap,
            journal=self.journal,
        )

    def parked(self) -> Run:
        run = self.agent(SCRIPT[:1]).run("Pay Ann", run_id="r")
        assert (run.stop_reason, run.answer, self.paid) == ("needs_approval", None, [])
        return run


def change(url: str, sql: str, **values: object) -> None:
    """What somebody does to the database by hand."""
    engine = create_engine(url)
    with engine.begin() as connection:
        assert connection.execute(text(sql), values).rowcount == 1
    engine.dispose()


@pytest.fixture
def journal(request: pytest.FixtureRequest) -> Iterator[Journal]:
    """On each database for a test that looks into it, in memory for the others."""
    url: str = request.getfixturevalue("url") if "url" in request.fixturenames else "sqlite://"
    with Journal(url) as opened:
        yield opened


def test_a_parked_run_has_done_nothing_and_tells_what_it_would_do(journal: Journal, url: str) -> None:
    bank = Bank(journal)
    run = bank.parked()
    assert run.run_id == "r" and run.steps == () and run.usage.model_calls == 1 and run.usage.tool_calls == 0
    assert journal.run("r").status == "needs_approval"
    (waits,) = journal.pending()
    assert journal.pending("r") == [waits]
    assert (waits.run_id, waits.question, waits.step, waits.key) == ("r", "Pay Ann", 1, "r:1:0")
    assert (waits.tool, waits.arguments, waits.preview) == ("pay", {"amount": 5, "to": "Ann"}, "5 dollars for Ann")
    assert waits.asked_at.startswith("20") and waits.schema["required"] == ["amount"]
    assert rows(url, "SELECT granted, called_at FROM approvals") == [(None, None)]
    with pytest.raises(JournalError, match="knows no run 'x'"):
        journal.pending("x")


def test_while_it_waits_resuming_gives_the_same_run_and_asks_no_model(journal: Journal, url: str) -> None:
    bank = Bank(journal)
    run = bank.parked()
    asked = rows(url, "SELECT * FROM approvals")
    assert bank.agent([]).resume("r") == run
    assert asyncio.run(bank.agent([]).aresume("r")) == run
    assert bank.agent([], on_approval="ask").resume("r") == run  # nobody to ask: it goes on waiting, and is no "no"
    bank.closed = "The bank has closed."
    assert bank.agent([]).resume("r") == run
    assert rows(url, "SELECT * FROM approvals") == asked and bank.paid == []


@pytest.mark.parametrize("is_async", [False, True])
def test_a_yes_runs_the_call_once_with_its_key(journal: Journal, url: str, is_async: bool) -> None:
    bank = Bank(journal)
    bank.parked()
    assert journal.approve("r", reason="He is nice.", by="Eve").tool == "pay"
    assert journal.pending() == [] and journal.run("r").status == "interrupted"
    assert rows(url, 'SELECT granted, reason, "by", called_at FROM approvals') == [(1, "He is nice.", "Eve", None)]
    agent = bank.agent(SCRIPT[1:])
    run = asyncio.run(agent.aresume("r")) if is_async else agent.resume("r")
    assert (run.answer, bank.paid) == ("paid", [("r:1:0", 5, "Ann")])
    assert run.steps[0].observation is not None and run.steps[0].observation.text == "paid 5 to Ann"
    assert rows(url, "SELECT granted FROM approvals WHERE called_at IS NOT NULL") == [(1,)]
    assert bank.agent([]).resume("r") == run and len(bank.paid) == 1


def test_a_no_is_what_the_model_reads(journal: Journal) -> None:
    bank = Bank(journal)
    bank.parked()
    journal.deny("r", reason="Ann has been paid.")
    model = ScriptedModel(["Final Answer: not paid"])
    run = Agent(model, bank.tools, journal=journal).resume("r")
    assert "pay was not run: approval was refused. Ann has been paid." in model.requests[0].messages[-1].text
    assert (run.answer, bank.paid) == ("not paid", [])


def test_a_yes_with_other_arguments_runs_those_and_the_model_reads_it(journal: Journal, url: str) -> None:
    bank = Bank(journal)
    bank.parked()
    journal.approve("r", {"amount": 3, "to": "Ann"})
    model = ScriptedModel(SCRIPT[1:])
    events = list(drive(Agent(model, bank.tools, journal=journal).resume_flow("r")))
    assert bank.paid == [("r:1:0", 3, "Ann")]
    read = model.requests[0].messages[-1].text
    assert (
        'paid 3 to Ann\n(Whoever approved this call changed its input. What was run: pay {"amount":3,"to":"Ann"})'
        in read
    )
    assert ApprovalAsked("pay", True, "", {"amount": 3, "to": "Ann"}) in events
    found = rows(url, 'SELECT arguments, edited, "by" FROM approvals')
    assert found == [('{"amount":5,"to":"Ann"}', '{"amount":3,"to":"Ann"}', user())]


def test_arguments_that_do_not_fit_are_refused_at_once(journal: Journal) -> None:
    bank = Bank(journal)
    bank.parked()
    with pytest.raises(BadArguments, match=r"amount: .*valid integer.* Expected \{\"amount\": integer"):
        journal.approve("r", {"amount": "much"})
    with pytest.raises(BadArguments, match="no argument 'sum'"):
        journal.approve("r", {"amount": 3, "sum": 3})
    assert len(journal.pending()) == 1
    # What only the tool itself can tell is refused when the run goes on, in words for the model.
    journal.approve("r", {"amount": -3})
    run = bank.agent(["Final Answer: not paid"]).resume("r")
    assert run.steps[0].observation is not None and run.steps[0].observation.kind == "refused"
    assert "does not fit: amount: must be more than nothing (you gave -3)" in run.steps[0].observation.text
    assert bank.paid == []


def test_arguments_that_change_nothing_are_not_told(journal: Journal) -> None:
    bank = Bank(journal)
    bank.parked()
    journal.approve("r", {"to": "Ann", "amount": "5"})
    run = bank.agent(SCRIPT[1:]).resume("r")
    assert run.steps[0].observation is not None and run.steps[0].observation.text == "paid 5 to Ann"


def test_the_first_of_two_answers_counts_and_the_second_is_told(journal: Journal, url: str) -> None:
    bank = Bank(journal)
    bank.parked()
    told: list[str] = []
    together = threading.Barrier(2)

    def answer(how: Callable[[Journal], PendingApproval]) -> None:
        with Journal(url) as own:
            own.runs()
            together.wait()
            try:
                how(own)
            except JournalError as error:
                told.append(str(error))

    def yes(own: Journal) -> PendingApproval:
        return own.approve("r", by="Ann")

    def no(own: Journal) -> PendingApproval:
        return own.deny("r", "too dear", by="Bob")

    threads = [threading.Thread(target=answer, args=(how,)) for how in (yes, no)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(told) == 1
    first = "denied by Bob" if "Bob" in told[0] else "approved by Ann"
    assert f"pay of run 'r' was {first} at 20" in told[0]
    bank.agent(SCRIPT[1:]).resume("r")
    assert len(bank.paid) == ("Ann" in first)


@pytest.mark.parametrize("granted", [True, False])
def test_an_answer_that_comes_while_the_run_is_being_parked(journal: Journal, granted: bool) -> None:
    bank = Bank(journal)
    for event in bank.agent(SCRIPT[:1]).stream("Pay Ann", run_id="r"):
        if isinstance(event, ApprovalWaits):
            journal.approve("r") if granted else journal.deny("r")
    assert journal.run("r").status == "interrupted" and not journal.pending()
    assert bank.agent(SCRIPT[1:]).resume("r").answer == "paid" and len(bank.paid) == granted


def test_waiting_takes_no_time_of_the_run(journal: Journal) -> None:
    bank = Bank(journal)
    limits = Limits(seconds=1.5)
    assert bank.agent(SCRIPT[:1], limits=limits).run("Pay Ann", run_id="r").stop_reason == "needs_approval"
    time.sleep(1.6)
    journal.approve("r")
    assert bank.agent(SCRIPT[1:], limits=limits).resume("r").stop_reason == "answer"
    assert len(bank.paid) == 1


DEAR = '{"amount":500,"to":"Eve"}'


@pytest.mark.parametrize(
    ("column", "value"), [("arguments", DEAR), ("edited", DEAR), ("tool", "give"), ("seal", None), ("by", "Eve")]
)
def test_an_answer_that_was_changed_by_hand_does_not_count(
    journal: Journal, url: str, column: str, value: str | None
) -> None:
    bank = Bank(journal)
    bank.parked()
    journal.approve("r")
    change(url, f'UPDATE approvals SET "{column}" = :value', value=value)
    assert bank.agent([]).resume("r").stop_reason == "needs_approval"
    assert bank.paid == []
    (anew,) = journal.pending("r")
    assert (anew.tool, anew.arguments) == ("pay", {"amount": 5, "to": "Ann"})
    journal.approve("r")
    assert bank.agent(SCRIPT[1:]).resume("r").answer == "paid"
    assert bank.paid == [("r:1:0", 5, "Ann")]


def test_a_yes_that_was_written_by_hand_does_not_count(journal: Journal, url: str) -> None:
    bank = Bank(journal)
    bank.parked()
    change(url, "UPDATE approvals SET granted = :yes, reason = ''", yes=True)
    assert bank.agent([]).resume("r").stop_reason == "needs_approval"
    assert bank.paid == [] and len(journal.pending()) == 1


def test_a_question_that_was_changed_by_hand_cannot_be_answered(journal: Journal, url: str) -> None:
    bank = Bank(journal)
    bank.parked()
    change(url, "UPDATE approvals SET arguments = :other", other='{"amount":1,"to":"Ann"}')
    with pytest.raises(JournalError, match="not the one that was asked"):
        journal.approve("r")
    assert bank.agent([]).resume("r").stop_reason == "needs_approval"
    assert journal.pending()[0].arguments == {"amount": 5, "to": "Ann"}
    change(url, "UPDATE approvals SET arguments = :other", other="{")
    with pytest.raises(JournalError, match="are no JSON"):
        journal.pending()


def test_a_yes_is_for_these_arguments_alone(journal: Journal) -> None:
    bank = Bank(journal)
    bank.agent(['Action: pay\nAction Input: {"amount": 5}']).run("Pay somebody", run_id="r")
    journal.approve("r")

    @tool(needs_approval=True)
    def pay(amount: int, key: IdempotencyKey, to: str = "Eve") -> str:
        """Pay."""
        bank.paid.append((key, amount, to))
        return "paid"

    def clean(arguments: dict[str, object]) -> dict[str, object]:
        return {"to": "Eve", **arguments}

    changed = replace(pay, arguments=Filled(pay.arguments, clean))
    other = Agent(ScriptedModel(SCRIPT[1:]), [changed], on_approval="park", journal=journal)
    assert other.resume("r", allow_drift=True).stop_reason == "needs_approval"
    assert bank.paid == [] and [each.arguments for each in journal.pending()] == [{"to": "Eve", "amount": 5}]
    journal.approve("r")
    assert other.resume("r", allow_drift=True).answer == "paid"
    assert bank.paid == [("r:1:0", 5, "Eve")]


class Filled(Arguments):
    """Arguments that a later version of a tool fills in otherwise."""

    def __init__(self, inner: Arguments, fill: Callable[[dict[str, object]], dict[str, object]]) -> None:
        self._inner, self._fill = inner, fill

    @cached_property
    def schema(self) -> dict[str, JSON]:
        return self._inner.schema

    @cached_property
    def injected(self) -> dict[str, type]:
        return self._inner.injected

    def convert(self, given: Mapping[str, JSON]) -> dict[str, object]:
        return self._fill(self._inner.convert(given))


def test_a_crash_between_yes_and_call_loses_neither(journal: Journal) -> None:
    bank = Bank(journal)
    bank.parked()
    journal.approve("r")
    with pytest.raises(Crash):
        bank.agent([], wrap=[crash_at(0)]).resume("r")  # before the journal is asked what was said
    assert bank.agent(SCRIPT[1:]).resume("r").answer == "paid"
    assert len(bank.paid) == 1


@pytest.mark.parametrize("idempotent", [False, True])
def test_a_crash_in_the_approved_call_is_as_after_any_approval(journal: Journal, idempotent: bool) -> None:
    bank = Bank(journal, idempotent=idempotent)
    bank.parked()
    journal.approve("r")
    with pytest.raises(Crash):
        bank.agent([], wrap=[crash_at(0, after=True)]).resume("r")
    run = bank.agent(SCRIPT[1:]).resume("r")
    assert run.stop_reason == ("answer" if idempotent else "needs_attention")
    assert len(bank.paid) == 1 + idempotent and len({key for key, *_ in bank.paid}) == 1


def test_what_was_parked_cannot_have_happened_whatever_has_changed(journal: Journal) -> None:
    bank = Bank(journal)
    bank.parked()
    assert bank.agent([]).resume("r", allow_drift=True).stop_reason == "needs_approval"
    journal.approve("r")
    assert bank.agent(SCRIPT[1:]).resume("r", allow_drift=True).answer == "paid"


def test_a_question_that_no_run_asks_any_more_does_not_wait(journal: Journal) -> None:
    bank = Bank(journal)
    bank.parked()
    free = [each.with_marks(needs_approval=False) for each in bank.tools]
    agent = Agent(ScriptedModel(SCRIPT[1:]), free, journal=journal)
    assert agent.resume("r", allow_drift=True).answer == "paid"
    assert bank.paid == [("r:1:0", 5, "Ann")]
    assert journal.pending() == []
    with pytest.raises(JournalError, match="No call of run 'r' waits"):
        journal.approve("r")


def test_an_approver_is_asked_first_and_may_put_it_off(journal: Journal) -> None:
    bank = Bank(journal)
    asked: list[str] = []

    def later(request: ApprovalRequest) -> Approval:
        asked.append(str(request))
        return Approval.later()

    async def later_too(request: ApprovalRequest) -> Approval:
        await asyncio.sleep(0)
        return later(request)

    assert bank.agent(SCRIPT[:1], later, "ask").run("Pay Ann", run_id="r").stop_reason == "needs_approval"
    assert asyncio.run(bank.agent([], later_too, "ask").aresume("r")).stop_reason == "needs_approval"
    assert asked == ["pay(amount=5, to='Ann')"] * 2 and len(journal.pending()) == 1
    # One who answers when the run is resumed answers the question that waits.
    assert bank.agent(SCRIPT[1:], approve_all).resume("r").answer == "paid"
    assert journal.pending() == [] and len(bank.paid) == 1
    with pytest.raises(JournalError, match="was approved by"):
        journal.approve("r")


def test_an_approver_that_answers_is_not_parked(journal: Journal) -> None:
    bank = Bank(journal)
    assert bank.agent(SCRIPT, approve_all).run("Pay Ann").answer == "paid"
    assert bank.agent([PAY, "Final Answer: no"], lambda request: False).run("Pay Ann").answer == "no"
    assert len(bank.paid) == 1 and journal.pending() == []


def test_where_nobody_can_be_reached_the_question_waits(journal: Journal) -> None:
    def unreachable(request: ApprovalRequest) -> bool:
        raise ConnectionError("no line")

    bank = Bank(journal)
    assert bank.agent(SCRIPT[:1], unreachable).run("Pay Ann", run_id="r").stop_reason == "needs_approval"
    refused = bank.agent([PAY, "Final Answer: no"], unreachable, "ask").run("Pay Ann")
    assert refused.steps[0].observation is not None and refused.steps[0].observation.kind == "refused"
    assert bank.agent([], unreachable, "ask").resume("r").stop_reason == "needs_approval"


def test_the_journal_s_answer_counts_when_it_was_first(journal: Journal) -> None:
    bank = Bank(journal)
    bank.parked()

    def slow(request: ApprovalRequest) -> Approval:
        journal.deny("r", "I was faster.")
        return Approval(True)

    run = bank.agent(["Final Answer: not paid"], slow).resume("r")
    assert run.steps[0].observation is not None and "I was faster." in run.steps[0].observation.text
    assert bank.paid == []


def test_a_live_answer_tells_who_and_what(journal: Journal, url: str) -> None:
    bank = Bank(journal)

    async def approve(request: ApprovalRequest) -> Approval:
        await asyncio.sleep(0)
        return Approval(True, arguments={"amount": 4, "to": "Ann"}, by="Carl")

    run = asyncio.run(bank.agent(SCRIPT, approve, "ask").arun("Pay Ann", run_id="r"))
    assert (run.answer, bank.paid) == ("paid", [("r:1:0", 4, "Ann")])
    assert rows(url, 'SELECT edited, "by" FROM approvals') == [('{"amount":4,"to":"Ann"}', "Carl")]
    assert bank.agent([], on_approval="ask").resume("r") == run


def test_the_events_of_a_parked_run(journal: Journal) -> None:
    bank = Bank(journal)
    events = list(bank.agent(SCRIPT[:1]).stream("Pay Ann", run_id="r"))
    waits = ApprovalWaits("pay", {"amount": 5, "to": "Ann"}, "5 dollars for Ann", "r:1:0", 1)
    assert events[-2] == waits and events[-1].type == "run_ended"
    assert event_from_json(to_json(waits)) == waits


def test_parking_needs_a_journal() -> None:
    with pytest.raises(ConfigError, match="needs a journal"):
        Agent(ScriptedModel([]), on_approval="park", journal=None)
    with pytest.raises(ConfigError, match="needs a journal"):  # AGENTKIT_JOURNAL is off
        Agent(ScriptedModel([]), on_approval="park").run("Pay Ann")
    with Journal("sqlite://") as journal, pytest.raises(ConfigError, match="'ask' or 'park'"):
        Agent(ScriptedModel([]), on_approval="wait", journal=journal)  # type: ignore[arg-type]


def test_where_several_wait_the_key_names_one(journal: Journal, url: str) -> None:
    """Programs can ask for several calls at once."""
    Bank(journal).parked()
    store = Store(url, 60)
    lease = store.take("r", new_owner())
    second = ApprovalRequest("pay", {"amount": 6}, "Pay.", "r", 1, "r:1:1")
    assert (
        store.approvals.of(lease, lambda _, given: json_text(given), str).keep(second, Approval.later())
        == Approval.later()
    )
    done(iter(store.lines(lease).end("needs_approval", "needs_approval", None)))
    store.close()
    with pytest.raises(ConfigError, match=r"name the key of one: r:1:0 \(pay\), r:1:1 \(pay\)"):
        journal.approve("r")
    journal.approve("r", key="r:1:1")
    assert journal.run("r").status == "needs_approval"
    journal.approve("r")
    assert journal.run("r").status == "interrupted"


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text("aé😀\x00\ud800", max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=40, deadline=None)
@given(asked=st.dictionaries(st.text(max_size=5), ANY_JSON), edited=st.dictionaries(st.text(max_size=5), ANY_JSON))
def test_any_arguments_wait_and_come_back(asked: dict[str, JSON], edited: dict[str, JSON]) -> None:
    store = Store("sqlite://", 60)
    row = RunRow(run_id="r", question="?", model="m", strategy="react", fingerprint="{}", start="{}")
    kept = store.approvals.of(done(store.begin(row, new_owner())), lambda _, given: json_text(given), str)
    request = ApprovalRequest("t", asked, "", "r", 1, "r:1:0")
    assert kept.known(request) is None
    assert kept.keep(request, Approval.later()) == kept.known(request) == Approval.later()
    assert kept.known(replace(request, arguments={**asked, "more": 1})) is None
    store.approvals.answer("r", None, Approval(True, "because", edited, "Ann"), Masks(None))
    found = kept.known(request)
    assert found is not None and found.arguments is not None and (found.granted, found.by) == (True, "Ann")
    assert json_text(found.arguments) == json_text(edited)
    assert kept.keep(request, Approval(False)) == found  # the first answer counts
    assert store.approvals.let_go("r", "r:1:0") is True
    store.close()


def test_what_cannot_be_answered_says_so(journal: Journal) -> None:
    with pytest.raises(JournalError, match="knows no run 'x'"):
        journal.approve("x")
    bank = Bank(journal)
    bank.parked()
    with pytest.raises(JournalError, match="No call of run 'r' waits"):
        journal.deny("r", key="r:7:0")


PROGRAM = """```python
first = look()
pay(5, "Ann")
pay(6, "Bob")
final_answer(first)
```"""


@pytest.mark.parametrize("is_async", [False, True])
def test_programs_wait_at_each_call_that_needs_approval(journal: Journal, is_async: bool) -> None:
    bank = Bank(journal)
    looks: list[int] = []

    @tool(read_only=True)
    def look() -> str:
        """Look around."""
        looks.append(1)
        return "quiet"

    def resumed(replies: Sequence[str], run_id: str = "") -> Run:
        tools = [*bank.tools, look]
        model = ScriptedModel(replies)
        with Agent(model, tools, strategy="code", on_approval="park", journal=journal) as agent:
            if run_id:
                return asyncio.run(agent.aresume(run_id)) if is_async else agent.resume(run_id)
            return agent.run("Pay both", run_id="r")

    assert resumed([PROGRAM]).stop_reason == "needs_approval"
    assert [each.arguments for each in journal.pending()] == [{"amount": 5, "to": "Ann"}]
    journal.approve("r", {"amount": 4, "to": "Ann"})
    assert resumed([], "r").stop_reason == "needs_approval"
    assert [each.arguments for each in journal.pending()] == [{"amount": 6, "to": "Bob"}]
    assert bank.paid == [("r:1:2", 4, "Ann")] and resumed([], "r").stop_reason == "needs_approval"
    journal.approve("r")
    run = resumed([], "r")
    assert (run.answer, run.stop_reason) == ("quiet", "answer")
    assert bank.paid == [("r:1:2", 4, "Ann"), ("r:1:3", 6, "Bob")] and len(looks) == 1


def test_a_program_that_catches_everything_still_waits(journal: Journal) -> None:
    bank = Bank(journal)
    program = """```python
try:
    pay(5, "Ann")
except Exception as error:
    final_answer(f"caught {error}")
pay(6, "Bob")
```"""
    agent = Agent(ScriptedModel([program]), bank.tools, strategy="code", on_approval="park", journal=journal)
    with agent:
        assert agent.run("Pay", run_id="r").stop_reason == "needs_approval"
    assert [each.key for each in journal.pending()] == ["r:1:1"] and bank.paid == []


TOKEN = "ghp_0123456789abcdefghijABCDEFGHIJ"


def test_secrets_of_a_question_are_not_in_the_journal(tmp_path: Path) -> None:
    def words(to: str, password: str, note: str) -> str:
        return f"log in as {to} with {password}"

    @tool(needs_approval=True, preview=words)
    def log_in(to: str, password: Annotated[str, Secret()], note: str) -> str:
        """Log in."""
        return f"in as {to} with {password}"

    wanted = f'Action: log_in\nAction Input: {{"to": "Ann", "password": "mellon friend", "note": "{TOKEN}"}}'
    answers: list[Approval] = [Approval.later(), Approval(True, f"because of {TOKEN}")]
    seen: list[ApprovalRequest] = []

    def approve(request: ApprovalRequest) -> Approval:
        seen.append(request)
        return answers.pop(0)

    with Journal(f"sqlite:///{tmp_path / 'journal.db'}") as journal:
        for run_id in ("parked", "asked"):
            model = ScriptedModel([wanted, "Final Answer: ok"])
            Agent(model, [log_in], approve=approve, journal=journal).run("Log in", run_id=run_id)
        (waits,) = journal.pending()
        assert waits.arguments == {"to": "Ann", "password": "***", "note": "***"}
        with pytest.raises(ConfigError, match="looks like a secret"):
            journal.approve("parked", {"to": "Ann", "password": "***", "note": TOKEN})
        with pytest.raises(ConfigError, match="log_in marks as secret"):
            journal.approve("parked", {"to": "Ann", "password": "mellon", "note": "***"})
        # What the journal does not have, the resumed run cannot do.
        journal.approve("parked")
        agent = Agent(ScriptedModel([]), [log_in], journal=journal)
        assert agent.resume("parked").stop_reason == "needs_attention"
    assert [request.arguments["password"] for request in seen] == ["mellon friend"] * 2
    for path in tmp_path.iterdir():
        assert b"mellon" not in path.read_bytes() and TOKEN.encode() not in path.read_bytes()


@pytest.mark.parametrize("is_async", [False, True])
def test_each_booking_of_a_trip_waits_and_is_made_once(url: str, tmp_path: Path, is_async: bool) -> None:
    """The travel tools, with their own store, and another agent for each part as in another process."""
    store = SqlBookingStore(f"sqlite:///{tmp_path / 'travel.db'}")

    def agent(journal: Journal) -> Agent:
        return Agent(ScriptedModel([reply] * 20), travel_tools(store), on_approval="park", journal=journal)

    with Journal(url) as journal:
        assert agent(journal).run(QUESTION, run_id="trip").stop_reason == "needs_approval"
    answered = 0
    while True:
        with Journal(url) as journal:
            for waits in journal.pending():
                assert waits.preview.startswith("F") or "nights" in waits.preview or "2 nights" in waits.preview
                journal.approve(waits.run_id)
                answered += 1
            run = asyncio.run(agent(journal).aresume("trip")) if is_async else agent(journal).resume("trip")
            if run.stop_reason == "answer":
                break
    assert answered == 4 and [b.status for b in store.bookings()] == ["confirmed", "cancelled", "confirmed"]
    store.close()
