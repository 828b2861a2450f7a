"""The final answer in GBNF: what is said to be done, and ids, only as they were observed.

An argument of a tool that acts may have "x-done" in its JSON Schema: the word for what the tool has done, such as
"booked" (one word of the letters a to z; others are ignored). Until an observation has it, the answer cannot have it
either, except in a negation ("Nothing was booked"). Where an argument is copied by a pattern (see `copy_grammar`),
words of letters and then digits, as ids are, can only be those of the conversation.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import cast

from agentkit.messages import JSON, Message
from agentkit.models.base import ToolSchema
from agentkit.models.copy_grammar import Heard
from agentkit.models.gbnf import FIRST, Rules, line, literal

__all__ = ["answer"]

CHARS = 400
"""Characters in an answer, one line."""
WORDS = 80
"""Words in an answer whose words are looked at."""

_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_GAP = r"[^A-Za-z0-9\x00-\x1F\x7F\x85\u2028\u2029]"
_LEAD = FIRST.replace("[^", "[^A-Za-z0-9")
_ID = "[A-Za-z]+[0-9][A-Za-z0-9]*"
_NOT = ("nothing was ", "nothing has been ", "not ", "not be ", "not been ", "not yet ")
"""What may stand before a word for what was not done."""


def answer(rules: Rules, tools: Sequence[ToolSchema], messages: Sequence[Message]) -> str:
    """The rule of an answer.

    Args:
        tools: whose arguments may be marked.
        messages: the conversation.
    """
    arguments = [each for tool in tools for each in _arguments(tool)]
    acts = {str(each["x-done"]).casefold() for each in arguments if "x-done" in each}
    undone = sorted(word for word in acts if re.fullmatch("[a-z]+", word) and not _done(word, messages))
    has_ids = any(isinstance(each.get("x-copied"), str) for each in arguments)
    if not messages or not (undone or has_ids):
        return rules.add("answer", line(rules, CHARS))
    words = [_word(rules, undone), *(f"[Nn] {literal(f'{no[1:]}{word}')}" for word in undone for no in _NOT)]
    ids = Heard(messages).matches(_ID) if has_ids else []
    # A number may go on with letters (2nd, 12kg). Letters that go on with digits are an id.
    words += ["[0-9] [A-Za-z0-9]{0,19}", *map(literal, ids)]
    if not has_ids:
        words.append("[A-Za-z]{1,20} [0-9] [A-Za-z0-9]{0,19}")
    word = rules.add("answer-word", " | ".join(words))
    gap = rules.add("answer-gap", f"{_GAP}{{1,12}}")
    return rules.add("answer", f"({_LEAD} {_GAP}{{0,3}})? {word} ({gap} {word}){{0,{WORDS - 1}}} {gap}?")


def _arguments(tool: ToolSchema) -> Iterator[Mapping[str, JSON]]:
    found = cast("Mapping[str, object]", tool["parameters"].get("properties") or {})
    return (cast("Mapping[str, JSON]", each) for each in found.values() if isinstance(each, Mapping))


def _done(word: str, messages: Sequence[Message]) -> bool:
    """Whether an observation, which follows an action, has this word, and not in a negation."""
    seen = (after.text.casefold() for before, after in pairwise(messages) if "\nAction: " in before.text)
    said = re.compile(rf"(?P<no>{'|'.join(_NOT)})?\b{re.escape(word)}\b")
    return any(not found["no"] for text in seen for found in said.finditer(text))


def _word(rules: Rules, banned: Sequence[str], begun: str = "") -> str:
    """A word of letters that is none of these, of which `begun` is written; "" where it may end now.

    One rule for each beginning of a banned word: a letter that leads away from all of them is followed by any letters.
    """
    going = sorted({word[len(begun)] for word in banned if word.startswith(begun) and len(word) > len(begun)})
    away = "".join(letter for letter in _LETTERS if letter not in going)
    ways = [f"[{away}{away.upper()}] [A-Za-z]{{0,29}}"]
    ways += [f"[{letter}{letter.upper()}] {_word(rules, banned, begun + letter)}" for letter in going]
    any_way = " | ".join(ways)
    return rules.add("word", f"({any_way})?" if begun and begun not in banned else any_way)
