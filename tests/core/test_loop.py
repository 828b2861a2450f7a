"""The loop is pure: driven here by hand, without model, tools, threads or files."""

from collections.abc import Sequence

import pytest

from agentkit.conversation import Conversation
from agentkit.errors import LimitReached, ModelError
from agentkit.events import Answered, FormatFault, LimitHit, Observed, StepEnded, ThoughtTold
from agentkit.flow import Act, Ask, Flow
from agentkit.loop import Task, loop
from agentkit.messages import JSON, Action, Decision, Finish, Malformed, Message, Observation, Reply, Run, Step
from agentkit.models.base import ReplyFormat
from agentkit.prompt import Prompts

PROMPTS = Prompts.choose("react")
OPENING = (Message("system", "Be good."), Message("user", "How warm is Oslo?"))


def read(reply: Reply, steps: Sequence[Step]) -> Decision:
    """A toy reader: the loop does not care which."""
    verb, _, rest = reply.text.partition(" ")
    match verb:
        case "do":
            return Action("weather", {"city": rest}, thought="I look.")
        case "say":
            return Finish(rest)
        case _:
            return Malformed("no_marker", "")


def anything(answer: str, data: JSON) -> object:
    return data


def task(max_steps: int | None = 5, last_call: bool = True) -> Task:
    return Task(
        question="How warm is Oslo?",
        conversation=Conversation(OPENING, PROMPTS),
        read=read,
        format=ReplyFormat("react"),
        stop=("\nObservation:",),
        prompts=PROMPTS,
        max_steps=max_steps,
        last_call=last_call,
        last_call_text="react",
        value=anything,
    )


def until_effect(flow: Flow[Run], send: object = None) -> tuple[list[object], object]:
    """Events up to the next effect, and the effect; or up to the end, and the Run."""
    events: list[object] = []
    try:
        item = flow.send(send)
        while not isinstance(item, (Ask, Act)):
            events.append(item)
            item = next(flow)
        return events, item
    except StopIteration as stop:
        return events, stop.value


def test_one_question_by_hand() -> None:
    flow = loop(task())
    first = Ask(OPENING, 1, ReplyFormat("react"), ("\nObservation:",))
    assert until_effect(flow) == ([], first)

    action = Action("weather", {"city": "Oslo"}, thought="I look.")
    events, effect = until_effect(flow, Reply("do Oslo"))
    assert events == [ThoughtTold("I look.")]
    assert effect == Act(action, step=1)

    seen = Observation("21 degrees")
    events, effect = until_effect(flow, seen)
    step = Step(1, Reply("do Oslo"), action, seen)
    assert events == [Observed(seen, 1), StepEnded(step)]
    assert isinstance(effect, Ask) and effect.step == 2
    assert effect.messages == (*OPENING, Message("assistant", "do Oslo"), Message("user", "Observation: 21 degrees"))

    events, run = until_effect(flow, Reply("say 21"))
    assert events[-1] == Answered("21")
    assert isinstance(run, Run)
    assert (run.answer, run.stop_reason, len(run.steps)) == ("21", "answer", 2)


def test_a_text_that_is_neither_goes_back_as_an_observation() -> None:
    flow = loop(task())
    until_effect(flow)
    events, effect = until_effect(flow, Reply("hm"))
    assert events[0] == FormatFault(Malformed("no_marker", ""), 1)
    assert isinstance(effect, Ask) and "neither an Action nor a Final Answer" in effect.messages[-1].text


def test_an_observation_may_be_the_answer() -> None:
    flow = loop(task())
    until_effect(flow)
    until_effect(flow, Reply("do Oslo"))
    _, run = until_effect(flow, Observation("21", value=21, final=True))
    assert isinstance(run, Run) and run.answer == "21" and run.value == 21


def test_at_a_limit_one_last_call_must_answer() -> None:
    flow = loop(task(max_steps=1))
    until_effect(flow)
    until_effect(flow, Reply("do Oslo"))
    events, effect = until_effect(flow, Observation("21 degrees"))
    assert events[-1] == LimitHit("max_steps", "1 steps")
    assert isinstance(effect, Ask) and effect.last and effect.format == ReplyFormat("answer")
    assert effect.messages[-1].text.startswith("Observation: 21 degrees\n\nThe limit of 1 steps is reached")
    _, run = until_effect(flow, Reply("say 21"))
    assert isinstance(run, Run)
    assert (run.answer, run.stop_reason, run.answer_is_implicit) == ("21", "max_steps", True)


@pytest.mark.parametrize("outcome", [Reply("do Oslo again"), ModelError("gone"), LimitReached("timeout", "9 seconds")])
def test_a_last_call_that_gives_nothing_still_ends_with_what_is_known(outcome: Reply | Exception) -> None:
    flow = loop(task(max_steps=1))
    until_effect(flow)
    until_effect(flow, Reply("do Oslo"))
    until_effect(flow, Observation("21 degrees"))
    if isinstance(outcome, Exception):
        with pytest.raises(StopIteration) as stop:
            item = flow.throw(outcome)
            while True:
                item = next(flow)
                assert not isinstance(item, (Ask, Act))
        run = stop.value.value
    else:
        _, run = until_effect(flow, outcome)
    assert isinstance(run, Run)
    assert run.answer == "No answer was reached within the limit of 1 steps. The last observation was: 21 degrees"


def test_the_last_call_can_be_switched_off() -> None:
    flow = loop(task(max_steps=0, last_call=False))
    events, run = until_effect(flow)
    assert isinstance(run, Run)
    assert run.answer == "No answer was reached within the limit of 0 steps." and run.stop_reason == "max_steps"
    assert [type(event) for event in events] == [LimitHit, Answered]


def test_a_model_error_keeps_the_steps_so_far() -> None:
    flow = loop(task())
    until_effect(flow)
    until_effect(flow, Reply("do Oslo"))
    until_effect(flow, Observation("21 degrees"))
    with pytest.raises(ModelError) as caught:
        flow.throw(ModelError("no access"))
    assert caught.value.run is not None
    assert caught.value.run.stop_reason == "error" and len(caught.value.run.steps) == 1


def test_an_answer_that_does_not_fit_goes_back() -> None:
    def number(answer: str, data: JSON) -> object:
        return int(answer)  # ValueError tells the fault

    from dataclasses import replace

    flow = loop(replace(task(), value=number))
    until_effect(flow)
    events, effect = until_effect(flow, Reply("say warm"))
    assert isinstance(events[0], FormatFault) and events[0].malformed.kind == "bad_answer"
    assert isinstance(effect, Ask) and "invalid literal" in effect.messages[-1].text
    _, run = until_effect(flow, Reply("say 21"))
    assert isinstance(run, Run) and run.value == 21
