"""A run as a value: saved, loaded, taken in elsewhere, replayed, forked, compared."""

from __future__ import annotations

import json
import resource
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from agentkit import Agent, ConfigError, Limits, ModelError, Run, approve_all, tool
from agentkit.errors import AgentkitError
from agentkit.journal import Journal, JournalError, Recording
from agentkit.journal.replaying import Replay, ReplayDiffers
from agentkit.messages import JSON
from agentkit.strategies import Pal, Plan, React
from agentkit.testing import ScriptedModel, replay
from agentkit.toolbox import Toolbox
from tests.journal.support import SCRIPT, World, rows

RECORDED = Path(__file__).with_name("recorded_run.json")
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(st.characters(codec="utf-8")),
    lambda part: st.lists(part, max_size=3) | st.dictionaries(st.text(max_size=5), part, max_size=3),
    max_leaves=8,
)


@pytest.fixture
def journal() -> Iterator[Journal]:
    with Journal("sqlite://") as opened:
        yield opened


def recorded(journal: Journal) -> tuple[Run, Recording]:
    run = World(journal).agent(SCRIPT).run("How is it?", run_id="r")
    return run, journal.recording("r")


def test_a_recording_is_the_same_after_a_file_and_another_journal(journal: Journal, tmp_path: Path, url: str) -> None:
    run, recording = recorded(journal)
    recording.save(tmp_path / "run.json")
    loaded = Recording.load(tmp_path / "run.json")
    assert loaded == recording
    with Journal(url) as other:
        other.add(loaded)
        assert other.recording("r") == recording
        assert World(other).agent([]).resume("r") == run
        with pytest.raises(ConfigError, match="There is a run 'r' already"):
            other.add(loaded)


@given(payload=VALUES, text=st.text(st.characters(codec="utf-8")))
@settings(max_examples=60, deadline=None)
def test_the_file_keeps_every_value(payload: JSON, text: str) -> None:
    with Journal("sqlite://") as journal:
        _, recording = recorded(journal)
    row = {**recording.effects[-1], "payload": {"reply": {"text": text}}, "by": text}
    changed = Recording(
        {**recording.run, "question": text, "origin": payload}, (*recording.effects[:-1], row), (), {"any": payload}
    )
    assert Recording.from_json(changed.to_json()) == changed


@pytest.mark.parametrize(
    ("text", "said"),
    [("[]", "no recorded run"), ("{", "no recorded run"), ('{"format": "x"}', "'x'"), ("{}", "lacks 'format'")],
)
def test_what_is_no_recording_is_refused(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "run.json").write_text(text)
    with pytest.raises(ConfigError, match=said):
        Recording.load(tmp_path / "run.json")
    with pytest.raises(ConfigError, match="Cannot read"):
        Recording.load(tmp_path / "none.json")


def test_approvals_of_another_run_are_no_part_of_it(journal: Journal) -> None:
    World(journal, needs_approval=True).agent(SCRIPT).run("How is it?", run_id="r")
    told = json.loads(journal.recording("r").to_json())
    (asked,) = told["approvals"]
    for approvals in ([{**asked, "run_id": "x"}], [asked, asked]):
        with pytest.raises(ConfigError, match="approvals are not those of one run"):
            Recording.from_json(json.dumps({**told, "approvals": approvals}))
    assert Recording.from_json(json.dumps(told)) == journal.recording("r")


def long_text(_: Recording) -> str:
    return "x" * 100_000


def test_a_file_is_written_whole_or_not_at_all(journal: Journal, tmp_path: Path) -> None:
    _, recording = recorded(journal)
    file = tmp_path / "run.json"
    recording.save(file)
    file.chmod(0o640)
    (tmp_path / "link.json").symlink_to(file)
    recording.save(tmp_path / "link.json")
    assert (tmp_path / "link.json").is_symlink() and file.stat().st_mode & 0o777 == 0o640
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Recording, "to_json", long_text)
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, limits[1]))
        try:
            for name in ("run.json", "new.json"):
                with pytest.raises(ConfigError, match="Cannot write the recording"):
                    recording.save(tmp_path / name)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
            signal.signal(signal.SIGXFSZ, before)
    assert Recording.load(file) == recording
    assert sorted(each.name for each in tmp_path.iterdir()) == ["link.json", "run.json"]
    recording.save("/dev/null")


def places(value: JSON, at: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Where something stands in JSON data."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, item in inner:
        yield (*at, name)
        yield from places(item, (*at, name))


ODD: Sequence[JSON] = (
    None,
    0,
    -1,
    10**30,
    1.5,
    "",
    "x",
    "running",
    "2026-13-45",
    "\ud800",
    True,
    [],
    [None],
    {},
    {"a": 1},
)


@given(data=st.data())
@settings(max_examples=100, deadline=None)
def test_a_file_that_was_changed_by_hand_is_refused_or_does_no_harm(data: st.DataObject) -> None:
    with Journal("sqlite://") as journal:
        told = json.loads(recorded(journal)[1].to_json())
    *above, last = data.draw(st.sampled_from(sorted(places(told), key=str)))
    part = told
    for name in above:
        part = part[name]
    if data.draw(st.booleans()):
        part[last] = data.draw(st.sampled_from(ODD))
    else:
        del part[last]
    with suppress(AgentkitError):
        changed = Recording.from_json(json.dumps(told))
        with suppress(AgentkitError):
            replay(changed)
        with Journal("sqlite://") as elsewhere:
            elsewhere.add(changed)
            assert [run.run_id for run in elsewhere.runs()] == [changed.run_id]
            World(elsewhere).agent(["Final Answer: ok"] * 3).resume(changed.run_id)


def test_a_result_belongs_to_its_effect(journal: Journal) -> None:
    told = json.loads(recorded(journal)[1].to_json())
    result = next(row for row in told["effects"] if row["phase"] == "result" and row["kind"] == "act")
    for column, value, said in (("effect", 0, "of another effect"), ("payload", {"counted": True}, "no result of an")):
        before, result[column] = result[column], value
        with pytest.raises(ConfigError, match=said):
            Recording.from_json(json.dumps(told))
        result[column] = before


def test_another_version_s_file_says_so(journal: Journal) -> None:
    _, recording = recorded(journal)
    told = {**json.loads(recording.to_json()), "version": 99}
    with pytest.raises(ConfigError, match="another version of agentkit"):
        Recording.from_json(json.dumps(told))


def test_what_an_agent_is_is_kept_once(url: str) -> None:
    with Journal(url) as journal:
        world = World(journal)
        for run_id in ("a", "b"):
            world.agent(SCRIPT).run("?", run_id=run_id)
        world.agent(SCRIPT, limits=Limits(max_steps=9)).run("?", run_id="c")
        assert rows(url, "SELECT count(*) FROM agents") == [(2,)]
        assert len(set(rows(url, "SELECT agent_id FROM runs"))) == 2


# Replay


def test_a_recorded_run_is_a_test() -> None:
    """The example of docs/durability.md: a file of an earlier version of agentkit, and no agent at hand."""
    run = replay(RECORDED)
    assert run.answer == "fine"
    assert [step.decision.type for step in run.steps] == ["action", "action", "finish"]


def test_a_replay_is_the_same_with_and_without_the_agent(journal: Journal) -> None:
    run, recording = recorded(journal)
    world = World(None)
    assert replay(recording) == run
    assert replay(recording, world.agent([])) == run
    assert (world.looks, world.posted) == (0, [])


def test_a_replay_says_where_an_agent_goes_another_way(journal: Journal) -> None:
    _, recording = recorded(journal)
    with pytest.raises(ReplayDiffers, match="changed: tool look"):
        replay(recording, Agent(ScriptedModel([], name="scripted"), World(None, read_only=True).tools[1:]))
    lazy = World(None).agent([], limits=Limits(max_steps=2, last_call=False))
    with pytest.raises(ReplayDiffers, match="it ends after 4 effects"):
        replay(recording, lazy)
    with pytest.raises(AssertionError):  # so that a test fails, and does not break
        replay(recording, lazy)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"answer": "bad"}, "'fine'.*recorded as 'bad'"),
        ({"stop_reason": "timeout"}, "'answer'.*recorded with 'timeout'"),
    ],
)
def test_a_replay_that_comes_to_something_else_says_what(
    journal: Journal, change: dict[str, object], said: str
) -> None:
    _, recording = recorded(journal)
    with pytest.raises(ReplayDiffers, match=said):
        replay(Recording({**recording.run, **change}, recording.effects, (), recording.agent))


def test_another_observation_is_found_by_the_next_thing_that_is_wanted(journal: Journal) -> None:
    _, recording = recorded(journal)
    effects = [dict(row) for row in recording.effects]
    assert effects[3]["payload"]["observation"]["text"] == "quiet"
    effects[3]["payload"] = {**effects[3]["payload"], "observation": {"text": "loud"}}
    with pytest.raises(ReplayDiffers, match="from step 2 on"):
        replay(Recording(recording.run, tuple(effects), (), recording.agent))


class Verdict(BaseModel):
    city: str
    people: int


def test_typed_answers_are_replayed_without_their_type(journal: Journal) -> None:
    model = ScriptedModel(['Final Answer: {"city": 5}', 'Final Answer: {"city": "Oslo", "people": "717710"}'])
    run = Agent(model, answer_type=Verdict, journal=journal).run("?", run_id="r")
    again = replay(journal.recording("r"))
    assert (again.steps, again.answer) == (run.steps, run.answer)
    assert again.value == {"city": "Oslo", "people": 717710}


def test_pal_with_a_vote_is_replayed_without_a_sandbox(journal: Journal) -> None:
    program = "```python\ndef solution():\n    return {}\n```"
    with Agent(
        ScriptedModel([program.format(n) for n in (4, 5, 4)]), strategy=Pal(samples=3), journal=journal
    ) as agent:
        run = agent.run("2 + 2?", run_id="r")
    assert replay(journal.recording("r")) == run


def test_code_is_replayed_without_a_sandbox_and_tells_of_its_calls(journal: Journal) -> None:
    @tool(read_only=True)
    def square(number: int) -> int:
        """The square of a number."""
        return number * number

    model = ScriptedModel(["```python\nx = square(3)\nfinal_answer(x)\n```"])
    with Agent(model, [square], strategy="code", journal=journal) as agent:
        run = agent.run("3 squared?", run_id="r")
    replayed = Replay(journal.recording("r"))
    called = [event.action.tool for event in replayed.events() if event.type == "action"]
    assert called == ["python", "square"]
    assert replayed.run == run


class Own:
    def plan(self, toolbox: Toolbox, prompt: object, interpreter: object) -> Plan:
        from dataclasses import replace

        return replace(React().plan(toolbox, None, lambda: pytest.fail("none")), name="mine", options=None)


def test_a_strategy_of_one_s_own_needs_the_agent(journal: Journal) -> None:
    def agent(*replies: str) -> Agent:
        return Agent(ScriptedModel(replies), strategy=Own(), journal=journal)

    run = agent("Final Answer: 4").run("?", run_id="r")
    with pytest.raises(JournalError, match=r"'mine' is a class of yours. Give the agent itself \(agent=…\)"):
        replay(journal.recording("r"))
    assert replay(journal.recording("r"), agent()) == run


def test_a_run_that_did_not_end_is_replayed_as_far_as_it_went(journal: Journal) -> None:
    with pytest.raises(ModelError):
        World(journal).agent([*SCRIPT[:2], ModelError("gone")]).run("How is it?", run_id="r")
    run = replay(journal.recording("r"))
    assert (len(run.steps), run.stop_reason, run.answer) == (2, "error", None)


def test_events_come_at_the_recorded_speed(journal: Journal) -> None:
    @tool(read_only=True)
    def slow() -> str:
        """Takes its time."""
        time.sleep(0.3)
        return "done"

    model = ScriptedModel(["Action: slow\nAction Input: {}", "Final Answer: x"])
    Agent(model, [slow], journal=journal).run("?", run_id="r")
    recording = journal.recording("r")
    took: list[float] = []
    for speed in (1.0, 30.0):
        began = time.monotonic()
        assert [event.type for event in Replay(recording, speed=speed).events()][-1] == "run_ended"
        took.append(time.monotonic() - began)
    assert took[0] >= 0.3  # a lower bound: no machine is too slow for it
    with pytest.raises(ConfigError, match="more than 0"):
        Replay(recording, speed=0.0)


# Fork


def test_a_fork_copies_what_came_before_and_goes_on_live(journal: Journal) -> None:
    recorded(journal)
    world = World(journal)
    run = world.agent(["Thought: no\nFinal Answer: other"]).fork("r", 3, run_id="f")
    assert (run.answer, len(run.steps), run.usage.model_calls, run.usage.tool_calls) == ("other", 3, 3, 2)
    assert (world.looks, world.posted) == (0, [])
    assert journal.run("f").parent == "r" and journal.run("r").parent is None
    assert replay(journal.recording("f")) == run
    assert world.agent([]).resume("f") == run


def test_a_fork_may_have_another_agent(journal: Journal) -> None:
    recorded(journal)
    other = Agent(
        ScriptedModel(["Final Answer: terse"], name="other"),
        World(journal).tools,
        limits=Limits(max_steps=4),
        journal=journal,
        prompt="react-chat",
    )
    run = other.fork("r", 2, run_id="f")
    assert (run.answer, len(run.steps)) == ("terse", 2)
    assert journal.run("f").model == "other"
    assert replay(journal.recording("f")) == run


def test_a_reply_can_be_edited(journal: Journal) -> None:
    recorded(journal)
    world = World(journal)
    reply = 'Action: post\nAction Input: {"text": "bye"}'
    run = world.agent(["Final Answer: x"]).fork("r", 2, reply=reply, run_id="f")
    assert run.steps[1].reply.text == reply and run.steps[1].reply.model == "edited"
    assert run.steps[1].observation is not None and run.steps[1].observation.text == "posted bye"
    assert world.posted == ["f:2:0"]
    assert replay(journal.recording("f")) == run


def test_an_observation_can_be_edited(journal: Journal) -> None:
    recorded(journal)
    world = World(journal)
    run = world.agent(["Final Answer: x"]).fork("r", 2, observation="It failed.", run_id="f")
    assert run.steps[1].observation is not None and run.steps[1].observation.text == "It failed."
    assert world.posted == [] and len(run.steps) == 3
    assert replay(journal.recording("f")) == run


@pytest.mark.parametrize(
    ("at", "change", "said"),
    [
        (9, {}, "has 3 steps"),
        (0, {}, "count from 1"),
        (3, {"observation": "x"}, "no action was taken"),
        (2, {"observation": "x", "reply": "y"}, "not both"),
        (2, {"reply": 5}, "reply must be text, not 5"),
    ],
)
def test_what_cannot_be_forked_says_why(journal: Journal, at: int, change: dict[str, object], said: str) -> None:
    recorded(journal)
    with pytest.raises(ConfigError, match=said):
        World(journal).agent([]).fork("r", at, **change)  # type: ignore[arg-type]  # names of options
    assert [run.run_id for run in journal.runs()] == ["r"]


def test_a_fork_asks_for_approval_again(journal: Journal) -> None:
    @tool(needs_approval=True)
    def pay(amount: int) -> str:
        """Pay."""
        return f"paid {amount}"

    reply = 'Action: pay\nAction Input: {"amount": 5}'
    Agent(ScriptedModel([reply, "Final Answer: ok"]), [pay], approve=approve_all, journal=journal).run("?", run_id="r")
    stern = Agent(ScriptedModel(["Final Answer: no"]), [pay], approve=lambda _: False, journal=journal)
    run = stern.fork("r", 1, reply=reply)
    assert run.steps[0].observation is not None and run.steps[0].observation.kind == "refused"


def test_a_fork_needs_a_journal() -> None:
    with pytest.raises(ConfigError, match="Only an agent with a journal can fork"):
        Agent(ScriptedModel([]), journal=None).fork("r", 1)


# Diff


def test_a_diff_says_where_two_runs_part(journal: Journal) -> None:
    recorded(journal)
    World(journal).agent(SCRIPT).run("How is it?", run_id="same")
    World(journal).agent(["Final Answer: other"]).fork("r", 3, run_id="f")
    assert journal.diff("r", "same").same
    found = journal.diff("r", "f")
    assert not found.same and found.before == ()
    assert found.first is not None and found.first.one is not None and found.first.one.step == 3
    assert found.after == ("answer ('fine' → 'other')",)


def test_a_diff_tells_of_another_question_and_another_agent(journal: Journal) -> None:
    recorded(journal)
    agent = Agent(ScriptedModel(["Final Answer: fine"], name="other"), journal=journal, limits=Limits(max_steps=2))
    agent.run("And now?", run_id="x")
    assert journal.diff("r", "x").before == (
        "question ('How is it?' → 'And now?')",
        "model (scripted → other)",
        "tool look (gone)",
        "tool post (gone)",
        "limits",
    )


# Finding, rating, throwing away


def test_runs_are_found_by_status_time_rating_and_the_beginning_of_their_name(url: str) -> None:
    with Journal(url) as journal:
        for name in ("abc1", "abd2", "a%"):
            World(journal).agent(SCRIPT).run("?", run_id=name)
        journal.rate("abc1", "good", "nice")
        assert journal.resolve_id("abc") == "abc1" and journal.resolve_id("a%") == "a%"
        with pytest.raises(JournalError, match="Several runs begin with 'a'"):
            journal.resolve_id("a")
        with pytest.raises(JournalError, match="knows no run 'zz'"):
            journal.resolve_id("zz")
        with pytest.raises(JournalError, match="knows no run ''"):
            journal.resolve_id("")
        assert [run.run_id for run in journal.runs(rating="good")] == ["abc1"]
        assert journal.run("abc1").note == "nice"
        assert len(journal.runs(limit=2)) == 2
        assert journal.runs(since=datetime.now(UTC) + timedelta(hours=1)) == []
        journal.rate("abc1", None)
        assert journal.run("abc1").rating is None
        with pytest.raises(JournalError):
            journal.rate("zz", "good")


def test_prune_takes_all_of_a_run_and_spares_what_it_should(url: str) -> None:
    with Journal(url) as journal:
        for name in ("a", "b", "c"):
            World(journal).agent(SCRIPT).run("?", run_id=name)
        with pytest.raises(ModelError):
            World(journal).agent([ModelError("gone")]).run("?", run_id="error")
        assert journal.prune(timedelta(days=1)) == []
        assert [run.run_id for run in journal.prune(keep=1, dry_run=True)] == ["a", "b"]
        assert len(journal.runs()) == 4
        assert [run.run_id for run in journal.prune(keep=1)] == ["a", "b"]
        assert {run.run_id for run in journal.runs()} == {"c", "error"}
        assert rows(url, "SELECT DISTINCT run_id FROM effects WHERE run_id IN ('a', 'b')") == []
        events = World(journal).agent(SCRIPT).stream("?", run_id="driven")
        next(events)
        assert [run.run_id for run in journal.prune(statuses=("ended", "running", "error"))] == ["c", "error"]
        events.close()
        assert [run.run_id for run in journal.runs()] == ["driven"]


def test_errors_of_a_replay_are_agentkit_s(journal: Journal) -> None:
    assert issubclass(ReplayDiffers, AgentkitError)
