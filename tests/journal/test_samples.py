"""Runs as training data: what the model got, what it should write, and what rather than what."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import pytest

from agentkit import Agent, Run, tool
from agentkit.journal import Journal
from agentkit.journal.samples import Sample, lines, sample
from agentkit.strategies import Pal
from agentkit.testing import ScriptedModel
from training.tokens import conversation

QUESTION = "How many people live in Oslo?"
ASK = 'Thought: look\nAction: population\nAction Input: {"city": "Oslo"}'
ANSWER = "Thought: told\nFinal Answer: 717,710"


@tool(read_only=True)
def population(city: str) -> str:
    """How many people live in a city."""
    return f"{city} has 717,710; ask mayor@oslo.example"


@pytest.fixture
def journal() -> Iterator[Journal]:
    with Journal("sqlite://") as opened:
        yield opened


def ran(journal: Journal, run_id: str, *replies: str, rating: str | None = None) -> ScriptedModel:
    model = ScriptedModel(replies)
    Agent(model, [population], journal=journal).run(QUESTION, run_id=run_id)
    if rating is not None:
        journal.rate(run_id, rating)  # type: ignore[arg-type]  # good or bad
    return model


def made(journal: Journal, run_id: str) -> Sample:
    found = sample(journal.recording(run_id))
    assert found is not None
    return found


def told(messages: object) -> list[dict[str, Any]]:
    assert isinstance(messages, list)
    return cast("list[dict[str, Any]]", messages)


def test_a_conversation_is_what_the_model_got_and_what_it_said(journal: Journal) -> None:
    model = ran(journal, "r", ASK, ANSWER, rating="good")
    (line,) = lines([made(journal, "r")], "sft")
    got: list[dict[str, object]] = [{"role": each.role, "content": each.text} for each in model.requests[-1].messages]
    got[2]["weight"] = 1
    assert line == {
        "messages": [*got, {"role": "assistant", "content": ANSWER, "weight": 1}],
        "run_id": "r",
        "model": "scripted",
        "rating": "good",
    }
    (openai,) = lines([made(journal, "r")], "openai")
    assert openai == {"messages": line["messages"]}


def test_mistakes_and_inventions_are_not_learned(journal: Journal) -> None:
    invented = f"{ASK}\nObservation: a million\nFinal Answer: a million"
    model = ScriptedModel(["I wonder.", "Action: fly\nAction Input: {}", invented, ANSWER], honours_stop=False)
    Agent(model, [population], journal=journal).run(QUESTION, run_id="r")
    (line,) = lines([made(journal, "r")], "sft")
    messages = told(line["messages"])
    said = [(each["content"], each["weight"]) for each in messages if each["role"] == "assistant"]
    assert said == [("I wonder.", 0), ("Action: fly\nAction Input: {}", 0), (ASK, 1), (ANSWER, 1)]


def test_earlier_turns_are_not_learned_again(journal: Journal) -> None:
    agent = Agent(ScriptedModel(["Final Answer: 4", "Final Answer: 16"]), journal=journal)
    agent.run("And its square?", history=agent.run("2 + 2?", run_id="first"), run_id="r")
    (line,) = lines([made(journal, "r")], "openai")
    messages = told(line["messages"])
    assert [each["weight"] for each in messages if each["role"] == "assistant"] == [0, 1]


def test_of_a_vote_the_winner_is_learned(journal: Journal) -> None:
    program = "```python\ndef solution():\n    return {}\n```"
    replies = [program.format(number) for number in (5, 4, 4)]
    with Agent(ScriptedModel(replies), strategy=Pal(samples=3), journal=journal) as agent:
        agent.run("2 + 2?", run_id="r")
    (line,) = lines([made(journal, "r")], "openai")
    messages = told(line["messages"])
    assert [each["role"] for each in messages] == ["system", "user", "assistant"]
    assert "return 4" in messages[-1]["content"]


def test_runs_that_part_are_preferences(journal: Journal) -> None:
    ran(journal, "good", ASK, ANSWER, rating="good")
    ran(journal, "bad", ASK, "Final Answer: a million", rating="bad")
    ran(journal, "unrated", "Final Answer: none")
    pairs = list(lines([made(journal, name) for name in ("good", "bad", "unrated")], "preference"))
    assert len(pairs) == 1
    (pair,) = pairs
    assert pair["chosen"] == [{"role": "assistant", "content": ANSWER}]
    assert pair["rejected"] == [{"role": "assistant", "content": "Final Answer: a million"}]
    assert [each["role"] for each in told(pair["prompt"])] == ["system", "user", "assistant", "user"]


def test_a_good_fork_is_preferred_to_its_parent(journal: Journal) -> None:
    ran(journal, "parent", ASK, "Final Answer: a million")
    agent = Agent(ScriptedModel([]), [population], journal=journal)
    agent.fork("parent", 2, reply=ANSWER, run_id="fork")
    journal.rate("fork", "good")
    (pair,) = lines([made(journal, "parent"), made(journal, "fork")], "preference")
    assert (pair["chosen"], pair["rejected"]) == (
        [{"role": "assistant", "content": ANSWER}],
        [{"role": "assistant", "content": "Final Answer: a million"}],
    )


def test_runs_that_observed_something_else_are_no_pair(journal: Journal) -> None:
    ran(journal, "bad", ASK, "Final Answer: a million", rating="bad")
    agent = Agent(ScriptedModel([ANSWER]), [population], journal=journal)
    agent.fork("bad", 1, observation="717,710", run_id="good")
    journal.rate("good", "good")
    assert list(lines([made(journal, "bad"), made(journal, "good")], "preference")) == []


def test_personal_data_is_taken_out_everywhere_alike(journal: Journal) -> None:
    ran(journal, "r", ASK, "Thought: told\nFinal Answer: mayor@oslo.example", rating="good")
    (line,) = lines([made(journal, "r")], "openai", redact=["city"])
    text = str(line["messages"])
    assert "mayor@" not in text and text.count("[EMAIL_1]") == 2
    assert "Oslo" not in text and '{"city": "[CITY_1]"}' in text


def test_an_outcome_check_rates_what_nobody_rated(journal: Journal) -> None:
    ran(journal, "r", ASK, ANSWER)
    ran(journal, "rated", ASK, ANSWER, rating="bad")

    def check(run: Run) -> bool:
        return run.answer == "717,710"

    ratings = [each.rating for name in ("r", "rated") if (each := sample(journal.recording(name), check=check))]
    assert ratings == ["good", "bad"]


def test_the_training_reads_what_is_exported(journal: Journal) -> None:
    ran(journal, "r", "I wonder.", ASK, ANSWER, rating="good")
    (line,) = lines([made(journal, "r")], "sft")
    messages, skipped = conversation(line)
    assert [each.role for each in messages] == ["system", "user", *["assistant", "user"] * 2, "assistant"]
    assert messages[-1].text == ANSWER and list(skipped) == [1]
    traced = {"messages": [["system", "s"], ["user", "q"], ["assistant", "a"]], "faulty": 1}
    assert list(conversation(traced)[1]) == [1]
