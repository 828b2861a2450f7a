"""Values that can only be copied from the conversation."""

from __future__ import annotations

import json
import re
from random import Random
from typing import Annotated, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from agentkit.messages import Action, Message
from agentkit.models.base import ReplyFormat
from agentkit.models.copy_grammar import Heard
from agentkit.models.grammar import held_to
from agentkit.parse import decide
from agentkit.tool import tool

from .gbnf import Sampler

COPIED = Field(json_schema_extra={"x-copied": True})


@tool
def book(
    flight: Annotated[str, Field(json_schema_extra={"x-copied": "F[0-9]+"})],
    names: list[Annotated[str, COPIED]],
    limit: Annotated[float, COPIED] = 0,
) -> str:
    """Book a flight."""
    return flight


@tool
def find(city: Annotated[str, COPIED]) -> str:
    """Find flights."""
    return city


FORMAT = ReplyFormat("react", (book.schema, find.schema))
QUESTION = Message("user", 'Book a flight to "São Paulo" for Ann Lee, for at most $1,250.')
SEEN = Message("user", "Observation: F203 OSL→GRU $900\nF77 OSL→GRU $910")


def plain(text: str) -> str:
    """Without the marks that may stand around a word: a copied run is without them."""
    return re.sub(r"""[^\w\s→]""", "", " ".join(text.split()))


def actions(*messages: Message) -> list[Action]:
    """Actions that the grammar allows after these messages."""
    held = held_to(FORMAT, messages)
    sampler = Sampler(held.grammar or "")
    found = (decide(held.opening + sampler("root", Random(seed)), ("book", "find")) for seed in range(300))
    return [each for each in found if isinstance(each, Action)]


def test_a_tool_is_left_out_while_there_is_nothing_to_copy() -> None:
    assert {action.tool for action in actions(QUESTION)} == {"find"}
    assert {action.tool for action in actions(QUESTION, SEEN)} == {"book", "find"}


def test_values_are_runs_of_words_ids_and_numbers_of_the_conversation() -> None:
    said = plain(f"{QUESTION.text} {SEEN.text}")
    for action in actions(QUESTION, SEEN):
        assert isinstance(action.input, dict)
        if action.tool == "find":
            assert plain(str(action.input["city"])) in said
            continue
        assert action.input["flight"] in ("F203", "F77")
        assert all(plain(str(name)) in said for name in cast("list[str]", action.input["names"]))
        assert action.input.get("limit", 900) in (1250, 203, 77, 900, 910)


@pytest.mark.parametrize("value", ["São Paulo", "Ann Lee", "Ann", "flight to"])
def test_what_was_said_can_be_written(value: str) -> None:
    reached = {str(action.input["city"]) for action in actions(QUESTION) if isinstance(action.input, dict)}
    assert value in " ".join(reached)


def test_what_the_model_wrote_itself_does_not_count() -> None:
    wrote = Message("assistant", "Thought: I take F999.")
    assert {action.tool for action in actions(QUESTION, wrote)} == {"find"}


def test_without_a_conversation_the_mark_means_nothing() -> None:
    assert "copied" not in (held_to(FORMAT).grammar or "")


@given(st.text(max_size=200))
def test_any_text_makes_a_grammar_that_can_be_read(text: str) -> None:
    rules = Heard([Message("user", text)]).words()
    if not rules:
        assert not any(char.isalnum() for char in text)
        return
    sampler = Sampler("\n".join(["root ::= copied", *(f"{name} ::= {rule}" for name, rule in rules.items())]))
    for seed in range(5):
        assert plain(json.loads(f'"{sampler("root", Random(seed))}"')) in plain(text)


def test_a_long_conversation_keeps_the_question_and_the_newest() -> None:
    old = [Message("user", f"old{n} " + "filler " * 700) for n in range(4)]
    words = "\n".join(Heard([QUESTION, *old, SEEN]).words().values())
    assert "Paulo" in words and "F203" in words
    assert "old0" not in words
