"""The markers of text ReAct: `Thought:`, `Action 2:`, `**Final Answer:**`, … at the start of a line."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple, TypeAlias, cast

__all__ = ["LONGEST", "Mark", "MarkKind", "find_mark", "may_become_mark", "without_remains"]

MarkKind: TypeAlias = Literal["thought", "action", "input", "answer", "observation", "question"]

# Blanks, markdown emphasis, a list bullet or a number may stand before; a number and emphasis before the colon.
# Every repetition is bounded or possessive: matching takes constant time per line.
_MARK = re.compile(
    r"""
    [\s>*_\#\-+•`~]{0,80}+ (?:\d{1,3}[.)][\s*_`]{0,8}+)?
    (?: (?P<thought>thoughts?)
      | (?P<input>action[ _-]{0,2}\d{0,4}[ _-]{0,2}input)
      | (?P<action>action)
      | (?P<answer>final[ _-]?answer|answer|ai)
      | (?P<observation>observations?)
      | (?P<question>question|new\ input) )
    [ \t\#]{0,4} \d{0,4} [\s*_`]{0,8} [:：]
    """,
    re.IGNORECASE | re.VERBOSE,
).match
_POSSIBLE = re.compile(r"[\sa-z\d>*_#\-+•`~.)]*", re.IGNORECASE).fullmatch
LONGEST = 160  # no marker is longer, so a line that is has none


class Mark(NamedTuple):
    """A marker at the start of a line.

    Attributes:
        raw: the text up to and with the colon.
        emphasis: markdown emphasis that was opened before the keyword and not closed before the colon.
    """

    kind: MarkKind
    raw: str
    emphasis: str = ""


def find_mark(line: str) -> Mark | None:
    """The marker that this line starts with. Only what stands before the first colon decides."""
    found = _MARK(line)
    if found is None:
        return None
    kind = cast("MarkKind", found.lastgroup)
    raw = found.group()
    if "*" not in raw and "_" not in raw:
        return Mark(kind, raw)
    before = raw[: found.start(kind)]
    emphasis = before[len(before.rstrip("*_")) :]
    closed = raw[found.end(kind) :].rstrip(":：").endswith(("*", "_"))
    return Mark(kind, raw, "" if closed else emphasis)


def may_become_mark(head: str) -> bool:
    """Whether the start of a line without a marker may still become one as more of it arrives."""
    return len(head) <= LONGEST and _POSSIBLE(head) is not None


# The stop word, and closing tags: a stream that stops at one may leave its first letters.
_STOP_WORD = "Observation"
_TAGS = ("</code>", "</think>", "</tool_call>", "</tool_input>", "</action>", "</answer>", "</final_answer>")


def without_remains(text: str) -> str:
    """The text without the first letters of a marker at which the stream was cut, if it ends in such."""
    start, line = text.rfind("\n") + 1, text[text.rfind("\n") + 1 :]
    word = line.lstrip(" \t*_#>`").rstrip(" \t0123456789*")
    if start and len(word) >= 3 and _STOP_WORD.startswith(word):
        return text[:start]
    tag = line.rfind("</")
    if tag >= 0 and len(line) - tag >= 3 and any(full.startswith(line[tag:]) for full in _TAGS):
        return text[: start + tag]
    return text
