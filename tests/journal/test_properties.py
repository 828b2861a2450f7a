"""For any script of model and tools: a run == the same run resumed after a cut at any effect == its replay, from the
journal, from its recording, from the recording's file, and from another journal that took it in."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agentkit import Agent, Approval, ApprovalRequest, IdempotencyKey, Limits, ModelError, Run, ToolError, tool
from agentkit.codec import to_json
from agentkit.flow import Effect, Flow, Perform
from agentkit.journal import Journal, Recording
from agentkit.journal.lines import Lines
from agentkit.journal.records import Outcome, comes_back, dump, load
from agentkit.messages import Observation, Reply, Tokens, Usage
from agentkit.models import Request
from agentkit.models.retry import RetryPolicy
from agentkit.testing import ScriptedModel, replay
from agentkit.toolbox import AnyTool
from tests.journal.support import Crash

QUESTION = "What now?"
NO_KEY = IdempotencyKey("")


class Twice(BaseException):
    """What must not happen twice did."""


@dataclass
class World:
    """Where tools act: one that looks, one that is idempotent, one that is not and can tell what it did."""

    log: dict[str, str] = field(default_factory=dict[str, str])

    def tools(self) -> list[AnyTool]:
        def count(more: int, key: IdempotencyKey) -> int:
            """Count on."""
            if more < 0:
                raise ToolError("Not below zero.")
            self.log.setdefault(key, f"count {more}")
            return len(self.log)

        def send(text: str, key: IdempotencyKey) -> str:
            """Send: not to be called twice."""
            if key in self.log:
                raise Twice(key)
            self.log[key] = f"send {text}"
            return self.log[key]

        def look(at: str = "all") -> str:
            """Look."""
            return f"{at}: {len(self.log)}"

        def note(data: object, key: IdempotencyKey) -> object:
            """Note, and give what JSON cannot hold."""
            self.log.setdefault(key, f"note {data!r}")
            return {"half \ud800": data, "raw": b"\xff", "pair": (1, (2,))}

        def pay(amount: int, to: str = "Bob", key: IdempotencyKey = NO_KEY) -> str:
            """Pay, if a person agrees."""
            self.log.setdefault(key, f"pay {amount} to {to}")
            return f"paid {amount}"

        idempotent, reconciled = tool(idempotent=True), tool(reconcile=self.log.get)
        approved = tool(needs_approval=True, idempotent=True)
        looking = tool(read_only=True, repeatable=True)
        return [idempotent(count), reconciled(send), looking(look), idempotent(note), approved(pay)]


def decide(request: ApprovalRequest) -> Approval:
    """A person's answer: no, yes, another call, or nobody is there."""
    match request.arguments["amount"]:
        case 0:
            return Approval(False, "No \0 half \ud800 😀")
        case 1:
            return Approval(True)
        case 2:
            return Approval(True, arguments={"amount": 3, "to": "Zoë \ud800"})
        case _:
            raise OSError("The line is dead.")


STEPS = st.one_of(
    st.integers(-1, 3).map(lambda n: f'Thought: on\nAction: count\nAction Input: {{"more": {n}}}'),
    st.text("aé\n😀\x00", max_size=5).map(lambda text: f"Action: send\nAction Input: {text}"),
    st.sampled_from(
        [
            "1e22",
            "1e400",
            "-0.0",
            "NaN",
            str(10**30),
            '{"k\\u0000": [1.5, {"\\ud83d": 2}]}',
            '"\\ud800"',
            "[[], {}, null]",
        ]
    ).map(lambda data: f'Action: note\nAction Input: {{"data": {data}}}'),
    st.integers(0, 3).map(lambda amount: f'Action: pay\nAction Input: {{"amount": {amount}}}'),
    st.sampled_from(["all", "here"]).map(lambda at: f'Action: look\nAction Input: {{"at": "{at}"}}'),
    st.sampled_from(
        ["Action: count\nAction Input: {}", "Action: fly\nAction Input: {}", "I do not know.", "Action: count", ""]
    ),
    st.sampled_from(["Final Answer: enough", "Final Answer: half \ud800 and \0"]),
)
LIMITS = st.builds(
    Limits,
    max_steps=st.sampled_from([None, 1, 3]),
    max_model_calls=st.sampled_from([None, 0, 2]),
    max_tokens=st.sampled_from([None, 400]),
    last_call=st.booleans(),
)


class Cut:
    """Dies at one effect, counted over all resumes, before it is performed or after."""

    def __init__(self, number: int, *, after: bool) -> None:
        self.number, self.after, self.passed = number, after, 0

    def __call__(self, perform: Perform) -> Perform:
        def inner(effect: Effect[object]) -> Flow[object]:
            at, self.passed = self.passed, self.passed + 1
            if at == self.number and not self.after:
                raise Crash
            result = yield from perform(effect)
            if at == self.number:
                raise Crash
            return result

        return inner


def model(replies: Sequence[str]) -> ScriptedModel:
    """Says what comes next in the script by the number of what it said before, which it reads in the conversation."""

    def say(request: Request) -> str:
        said = sum(message.role == "assistant" for message in request.messages)
        if said >= len(replies):
            raise ModelError("The line is dead.")
        return replies[said]

    return ScriptedModel([say] * 100)


def agent(world: World, replies: Sequence[str], limits: Limits, journal: Journal | None, *cut: Cut) -> Agent:
    retry = RetryPolicy(attempts=1)
    tools = world.tools()
    return Agent(model(replies), tools, limits=limits, journal=journal, wrap=cut, retry=retry, approve=decide)


def outcome(agent: Agent, run_id: str | None) -> Run | str:
    """The run, or the error it ends with; begun, or carried on where a run_id says which."""
    try:
        return agent.run(QUESTION, run_id="r") if run_id is None else agent.resume(run_id)
    except ModelError as error:
        return error.run or str(error)


def same(one: Run | str, other: Run | str) -> bool:
    """Whether they are equal as JSON tells them: NaN is NaN, and half a character is what can be kept of it."""
    return one == other or _timeless(one) == _timeless(other)


def _timeless(run: Run | str) -> str:
    return re.sub(r'"seconds":[^,}]*', "", to_json(run))


def _nothing(_: Lines) -> None: ...


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    replies=st.lists(STEPS, min_size=1, max_size=5),
    limits=LIMITS,
    cut=st.integers(0, 10),
    second=st.integers(0, 3),
    after=st.booleans(),
    killed=st.booleans(),
)
def test_run_resume_and_replay_are_the_same(
    replies: list[str], limits: Limits, cut: int, second: int, after: bool, killed: bool
) -> None:
    bare = World()
    whole = outcome(agent(bare, replies, limits, None), None)
    world = World()
    with Journal("sqlite://", lease_seconds=1e-6 if killed else 60) as journal, pytest.MonkeyPatch.context() as patch:
        if killed:  # nothing is told the journal on the way out: what waited to be committed is lost
            patch.setattr(Lines, "leave", _nothing)
        cuts = [Cut(cut, after=after), Cut(second, after=not after)]
        run: Run | str | None = None
        for each in cuts:
            try:
                run = outcome(agent(world, replies, limits, journal, each), "r" if each is cuts[1] else None)
                break
            except Crash:
                continue
        if run is None:
            run = outcome(agent(world, replies, limits, journal), "r")
        assert same(run, whole)
        assert world.log == bare.log
        if isinstance(run, Run) and run.stop_reason != "error":
            silent = Agent(ScriptedModel([]), World().tools(), limits=limits, journal=journal)
            assert same(silent.resume("r"), run)
            recording = journal.recording("r")
            assert same(replay(recording), run) and same(replay(recording, silent), run)
            loaded = Recording.from_json(recording.to_json())
            with Journal("sqlite://") as elsewhere:
                elsewhere.add(loaded)
                assert same(replay(loaded), run) and same(replay(elsewhere.recording("r")), run)


DATA = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.just("\ud800")),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.text(max_size=3), inner, max_size=3),
        st.tuples(inner),
        st.dictionaries(st.integers(), inner, max_size=2),
    ),
    max_leaves=8,
)
TEXT = st.one_of(st.text(), st.just("half \udfff"))
USAGE = st.one_of(
    st.none(), st.builds(Usage, *[st.integers(0, 2**53)] * 6, st.none() | st.floats(0, 1e6), st.just(0.5))
)
SEEN = st.builds(Observation, TEXT, st.sampled_from(["ok", "tool_error"]), DATA, st.booleans())
SAID = st.builds(Reply, TEXT, st.builds(Tokens, st.integers(0, 99), st.integers(0, 99)), st.text(), st.just("cut"))


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.builds(Outcome, USAGE, SAID), st.builds(Outcome, USAGE, st.none(), SEEN)))
def test_what_is_not_read_back_would_come_back_as_it_is(outcome: Outcome) -> None:
    text = dump(outcome)
    if comes_back(outcome):
        assert load(Outcome, text) == outcome
    assert dump(load(Outcome, text)) == text
