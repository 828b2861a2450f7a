"""Rendering and trimming: an action and its observation are never separated."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from agentkit.conversation import Conversation, estimate_tokens, trimmed
from agentkit.messages import Action, Finish, Message, Observation, Reply, Step, Turn
from agentkit.prompt import Prompts

PROMPTS = Prompts.choose("react")


def step(number: int, size: int = 40) -> Step:
    return Step(
        number, Reply(f"act {number} " + "x" * size), Action("t", {}), Observation(f"seen {number} " + "y" * size)
    )


def turn(number: int, steps: int) -> Turn:
    final = Step(steps + 1, Reply(f"Final Answer: a{number}"), Finish(f"a{number}"))
    return Turn(f"q{number}", (*(step(i + 1) for i in range(steps)), final), f"a{number}")


def paired(messages: list[Message]) -> bool:
    """Every action is followed by its own observation, and nobody speaks twice in a row."""
    for one, other in pairwise(messages):
        if one.role == other.role:
            return False
        if one.text.startswith("act ") and not other.text.startswith(f"Observation: seen {one.text.split()[1]} "):
            return False
    return True


def test_imagination_is_not_shown_to_the_model_again() -> None:
    talk = Conversation([Message("system", "s"), Message("user", "q")], PROMPTS)
    imagined = Step(
        1, Reply("Action: t[]\nObservation: 42"), Action("t", {}, dropped="\nObservation: 42"), Observation("7")
    )
    talk.add(imagined)
    assert [m.text for m in talk.messages()][2:] == ["Action: t[]", "Observation: 7"]


def test_without_a_bound_all_is_sent() -> None:
    talk = Conversation([Message("system", "s"), Message("user", "q")], PROMPTS)
    for number in range(1, 50):
        talk.add(step(number))
    assert len(talk.messages()) == 2 + 2 * 49


@given(st.integers(0, 12), st.integers(10, 900))
def test_within_a_bound_the_newest_pairs_stay_whole(count: int, bound: int) -> None:
    talk = Conversation([Message("system", "s"), Message("user", "q")], PROMPTS, bound)
    for number in range(1, count + 1):
        talk.add(step(number))
    sent = list(talk.messages())
    assert paired(sent)
    assert sent[0].text == "s" and sent[1].text.startswith("q")
    assert not count or sent[-1].text.startswith(f"Observation: seen {count} ")
    if len(sent) < 2 + 2 * count:
        assert f"({count * 2 + 2 - len(sent)} earlier messages were left out.)" in sent[1].text


@given(st.lists(st.integers(0, 5), max_size=5), st.integers(0, 700))
def test_history_is_trimmed_oldest_first_and_in_pairs(turns: list[int], bound: int) -> None:
    history = [turn(number, steps) for number, steps in enumerate(turns)]
    kept = trimmed(history, PROMPTS, bound)
    assert paired(kept)
    assert sum(estimate_tokens(message.text) for message in kept) <= bound
    questions = [message.text for message in kept if message.text.startswith("q")]
    assert questions == [t.question for t in history[len(history) - len(questions) :]]


def test_history_that_fits_is_kept_whole() -> None:
    kept = trimmed([turn(0, 2)], PROMPTS, 10_000)
    assert [m.role for m in kept] == ["user", "assistant", "user", "assistant", "user", "assistant"]
    assert kept[-1].text == "Final Answer: a0"


def test_a_turn_that_ended_at_a_limit_has_its_answer_in_history() -> None:
    kept = trimmed([Turn("q", (step(1),), "half an answer")], PROMPTS, 10_000)
    assert kept[-1] == Message("assistant", "Final Answer: half an answer")
