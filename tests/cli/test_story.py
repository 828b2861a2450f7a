"""Events as tellings, in the order that reads well."""

from agentkit.cli.story import Called, Remark, Seen, Story, Telling, Thought
from agentkit.events import (
    ActionStarted,
    Event,
    FormatFault,
    LimitHit,
    ModelRetried,
    Observed,
    RunEnded,
    RunStarted,
    StepEnded,
    ThoughtTold,
)
from agentkit.messages import Action, Malformed, Observation, Reply, Run, Step

ACTION = Action("search", {"for": "it"}, "I look.")
FOUND = Observation("found")


def told(*events: Event) -> list[Telling]:
    story = Story()
    return [telling for event in events for telling in story.tell(event)]


def test_a_step() -> None:
    events = (
        ThoughtTold("I look."),
        ActionStarted(ACTION, 1),
        Observed(FOUND, 1),
        StepEnded(Step(1, Reply(""), ACTION)),
    )
    assert told(*events) == [Thought("I look."), Called(ACTION), Seen(FOUND)]


def test_an_early_start_tells_its_thought_first_and_once() -> None:
    assert told(ActionStarted(ACTION, 1, early=True), ThoughtTold("I look."), Observed(FOUND, 1)) == [
        Thought("I look."),
        Called(ACTION),
        Seen(FOUND),
    ]


def test_the_same_thought_in_the_next_step_is_told_again() -> None:
    step = (ActionStarted(ACTION, 1), Observed(FOUND, 1), StepEnded(Step(1, Reply(""), ACTION, FOUND)))
    assert told(*step, *step) == [Thought("I look."), Called(ACTION), Seen(FOUND)] * 2


def test_an_action_that_did_not_start_is_told_before_why() -> None:
    refused = Observation("refused", "refused")
    events = (ThoughtTold("I look."), Observed(refused, 1), StepEnded(Step(1, Reply(""), ACTION, refused)))
    assert told(*events) == [Thought("I look."), Called(ACTION), Seen(refused)]


def test_a_run_does_not_go_on_with_the_step_that_another_left_open() -> None:
    begun = RunStarted("id", "?", "m", "react", (), "")
    refused = Observation("refused", "refused")
    events = (ActionStarted(ACTION, 1), begun, Observed(refused, 1), StepEnded(Step(1, Reply(""), ACTION, refused)))
    assert told(*events) == [Thought("I look."), Called(ACTION), Called(ACTION), Seen(refused)]


def test_a_malformed_reply_is_told_once() -> None:
    malformed = Malformed("bad_json", "No comma.")
    fault = Observation("Your input is no JSON.", "format_error")
    events = (FormatFault(malformed, 1), Observed(fault, 1), StepEnded(Step(1, Reply(""), malformed, fault)))
    assert told(*events) == [Remark("The model's reply could not be used: No comma.")]


def test_remarks() -> None:
    run = Run("?", votes=(("4", 2), ("5", 1)))
    events = (
        ModelRetried("m", "Slow down.", 1, 1.5),
        LimitHit("max_steps", "3 steps"),
        RunEnded(run),
        RunEnded(Run("?")),
    )
    assert told(*events) == [
        Remark("Slow down. Trying again in 1.5 s."),
        Remark("Limit reached: 3 steps."),
        Remark("Vote: 4 × 2, 5 × 1."),
    ]
