"""Values that can only be copied: GBNF for what was said and observed.

A schema marks them with "x-copied": `true` for a run of whole words (a name, a city, a date; for a number: any number),
or a regular expression that the value must match as a whole word (an id). What nobody has said or observed cannot be
right there, and a small model cannot make it up when the grammar does not have it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from functools import lru_cache

from agentkit.messages import JSON, Message
from agentkit.models.gbnf import literal

__all__ = ["Heard", "copied"]

_WORDS = 1500
"""Words that can be copied; where there are more, the newest messages count, and the first, which is the question."""
_NUMBER = r"(?<![\w.,])[0-9][0-9,]*(?:\.[0-9]+)?(?![0-9])"
_OPENING, _CLOSING = "([{\"'“‘«¿¡$", ")]}\"'”’»,.;:!?…"


class Heard:
    """What a conversation's user messages say: the questions and the observations."""

    def __init__(self, messages: Sequence[Message] = ()) -> None:
        self._texts = tuple(message.text for message in messages if message.role == "user")

    def __bool__(self) -> bool:
        return bool(self._texts)

    def words(self) -> dict[str, str]:
        """GBNF rules by name, "copied" first: a run of words of one line, as the inside of a JSON string.

        Empty where there are no words.
        """
        return dict(_word_rules(self._kept()))

    def numbers(self) -> list[str]:
        """The numbers in all texts, as JSON numbers."""
        found = (match.replace(",", "") for text in self._texts for match in re.findall(_NUMBER, text))
        return list(dict.fromkeys(str(int(each)) if each.isdigit() else each for each in found))

    def matches(self, pattern: str) -> list[str]:
        """The words in all texts that match a regular expression."""
        whole = re.compile(rf"(?<!\w)(?:{pattern})(?!\w)")
        return list(dict.fromkeys(match[0] for text in self._texts for match in whole.finditer(text)))

    def _kept(self) -> tuple[str, ...]:
        first, *later = self._texts
        kept, room = [first], _WORDS - first.count(" ")
        for text in reversed(later):
            room -= text.count(" ") + 1
            if room < 0:
                break
            kept.append(text)
        return tuple(kept)


def copied(mark: JSON, kind: JSON, heard: Heard) -> list[str] | None:
    """The values that a marked schema can have, as JSON; None where runs of words are meant (see `Heard.words`)."""
    if isinstance(mark, str):
        return [json.dumps(each, ensure_ascii=False) for each in heard.matches(mark)]
    return heard.numbers() if kind in ("number", "integer") else None


@lru_cache(maxsize=8)
def _word_rules(texts: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    rules: dict[str, str] = {}
    starts: dict[str, None] = {}
    for line in dict.fromkeys(line for text in texts for line in text.splitlines()):
        words = line.split()[:_WORDS]
        for place in range(len(words) - 1, -1, -1):
            name = f"w{len(rules)}"
            last = place == len(words) - 1
            rules[name] = _from(words[place].lstrip(_OPENING), None if last else f"w{len(rules) - 1}")
            starts[name] = None
    rules = {name: rule for name, rule in rules.items() if rule}
    begin = [name for name in starts if name in rules]
    return (("copied", " | ".join(begin)), *rules.items()) if begin else ()


def _from(word: str, after: str | None) -> str:
    """A run that begins with this word: it may end here, without the marks that close it, or go on."""
    ends = {word.rstrip(_CLOSING): None, re.sub(r"['’]s$", "", word.rstrip(_CLOSING)): None}
    ways = [_inside(end) for end in ends if end]
    if after is not None and word:
        ways.append(f"{_inside(word + ' ')} {after}")
    return " | ".join(ways)


def _inside(text: str) -> str:
    """The GBNF literal of a text as it stands inside a JSON string."""
    return literal(json.dumps(text, ensure_ascii=False)[1:-1])
