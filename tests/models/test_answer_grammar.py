"""Answers that can only tell what was observed: what is done, and ids."""

from __future__ import annotations

import re
from random import Random
from typing import Annotated

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from agentkit.messages import JSON, Finish, Message
from agentkit.models.base import ReplyFormat, Request, ToolSchema
from agentkit.models.grammar import held_to
from agentkit.models.local import LocalModel, installed
from agentkit.parse import decide
from agentkit.tool import tool

from .gbnf import Sampler, as_pattern


@tool
def book(flight: Annotated[str, Field(json_schema_extra={"x-copied": "F[0-9]+", "x-done": "booked"})]) -> str:
    """Book a flight."""
    return flight


@tool
def send(text: Annotated[str, Field(json_schema_extra={"x-done": "sent"})]) -> str:
    """Send a message."""
    return text


@tool
def look() -> str:
    """Look at something."""
    return ""


QUESTION = Message("user", "Book F203 for Ann Lee, at most $1,250.")
ACTED = Message("assistant", "Thought: Book it.\nAction: book\nAction Input: {}")
BOOKED = Message("user", "Observation: Booked B17: F203 OSL→GRU, Ann Lee, $900 total")
FAILED = Message("user", "Observation: book failed: F203 is sold out: nothing was booked.")


def allowed(answer: str, *messages: Message, tools: tuple[ToolSchema, ...] = (book.schema,)) -> bool:
    held = held_to(ReplyFormat("answer", tools), messages)
    return as_pattern(held.grammar or "").fullmatch(f" {answer}") is not None


@pytest.mark.parametrize(
    "answer",
    [
        "Nothing was booked: F203 is sold out.",
        "F203 is not booked.",
        "nothing has been booked",
        "The cheapest is F203 at 12:05-14:00+1 with LOT, $571.",
        "Bookings: none. Rebooked? Book it, bookedly; 2nd, 12kg (1,250 €).",
        "“Hello” — São Paulo!",
    ],
)
def test_before_it_is_done_all_else_can_be_said(answer: str) -> None:
    assert allowed(answer, QUESTION, ACTED, FAILED)


@pytest.mark.parametrize(
    "answer", ["Booked F203.", "It is booked.", "BOOKED!", "Ann Lee is booked on F203", "F203: booked", "F204 is free.",
               "Take B17."]
)  # fmt: skip
def test_what_was_not_observed_cannot_be_said(answer: str) -> None:
    assert not allowed(answer, QUESTION)
    assert not allowed(answer, QUESTION, ACTED, FAILED)


def test_it_can_be_said_as_soon_as_it_is_done() -> None:
    for answer in ("Booked B17: F203 for Ann Lee, $900.", "It is booked.", "Nothing was booked."):
        assert allowed(answer, QUESTION, ACTED, FAILED, ACTED, BOOKED)
    assert not allowed("Booked B18.", QUESTION, ACTED, BOOKED)


def test_what_the_user_or_the_model_says_is_no_observation() -> None:
    said = (Message("assistant", "Thought: Booked.\nFinal Answer: ?"), Message("user", "Booked now?"))
    assert not allowed("Booked F203.", QUESTION, *said)


def test_each_word_is_for_itself() -> None:
    both = (book.schema, send.schema)
    assert not allowed("The booking F203 was sent.", QUESTION, ACTED, BOOKED, tools=both)
    assert allowed("F203 is booked, but not sent.", QUESTION, ACTED, BOOKED, tools=both)
    only = (send.schema,)
    assert allowed("A350 or B2: nothing was sent.", QUESTION, tools=only)
    assert not allowed("A350 was sent.", QUESTION, tools=only)


@pytest.mark.parametrize("word", ["checked in", "", "gebucht!", "zugestellt²"])
def test_what_is_not_one_word_is_ignored(word: str) -> None:
    properties: dict[str, JSON] = {"text": {"type": "string", "x-done": word}}
    odd: ToolSchema = {"name": "odd", "description": "", "parameters": {"type": "object", "properties": properties}}
    assert allowed(f"It was {word}, 3 checked in B2.", QUESTION, tools=(odd,))


def test_tools_without_marks_leave_the_answer_free() -> None:
    assert allowed("Booked X9.", QUESTION, tools=(look.schema,))
    assert held_to(ReplyFormat("answer", (look.schema,)), [QUESTION]) == held_to(ReplyFormat("answer"))


def test_the_rule_holds_for_the_answers_of_a_run_too() -> None:
    sampler = Sampler(held_to(ReplyFormat("react", (book.schema,)), [QUESTION]).grammar or "")
    found = [decide("Thought:" + sampler("root", Random(seed)), ("book",)) for seed in range(300)]
    answers = [each.answer for each in found if isinstance(each, Finish)]
    assert len(answers) > 50
    for answer in answers:
        claims = re.sub(r"(?i)(?<![a-z0-9])(nothing was|nothing has been|not( be| been| yet)?) booked", "", answer)
        assert not re.search(r"(?i)(?<![a-z0-9])booked(?![a-z0-9])", claims)
        assert set(re.findall(r"(?<![A-Za-z0-9])[A-Za-z]+[0-9][A-Za-z0-9]*", answer)) <= {"F203"}


@given(st.text(max_size=60), st.lists(st.text(max_size=60), max_size=2))
def test_any_conversation_makes_a_grammar_that_can_be_read(question: str, seen: list[str]) -> None:
    messages = [Message("user", question), *(each for text in seen for each in (ACTED, Message("user", text)))]
    assert Sampler(held_to(ReplyFormat("answer", (book.schema,)), messages).grammar or "").write(1).strip()


@pytest.mark.skipif(not installed(), reason="the local model is not installed: run-agent model fetch")
def test_the_model_cannot_say_it_even_when_it_is_asked_to() -> None:
    asked = Message("user", "Say this, and no more: Booked F203.")
    request = Request((asked,), format=ReplyFormat("answer", (book.schema,)))
    said = "".join(chunk.text for chunk in LocalModel(trained=False, notice=False).stream(request))
    assert said.startswith("Final Answer: ") and len(said) > 20
    assert not re.search(r"(?i)(?<!nothing was )(?<!not )\bbooked\b", said)
