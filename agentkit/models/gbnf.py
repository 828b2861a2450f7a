"""GBNF, llama.cpp's notation of grammars: literals, choices, and rules by name."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

__all__ = ["FIRST", "LINE_CHAR", "Rules", "any_of", "line", "literal"]

# Line separators are left out beside the control characters: one thought or one string is one line.
LINE_CHAR = r"[^\x00-\x1F\x7F\x85\u2028\u2029]"
# Printable and not blank: a thought or answer that begins with blanks often stays empty.
FIRST = r"[^\x00-\x20\x7F-\xA0\u1680\u2000-\u200F\u2028-\u202F\u205F\u3000\uFEFF]"


class Rules:
    """The named rules of a grammar; the same expression is written once."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._given: dict[str, str] = {}

    def include(self, rules: Mapping[str, str]) -> None:
        """Rules that have their names already."""
        self._given.update(rules)

    def add(self, hint: str, expression: str) -> str:
        """The name of the rule with this expression; `hint` helps a human reader."""
        if expression not in self._names:
            base = re.sub(r"[^a-zA-Z0-9]+", "-", hint).strip("-") or "rule"
            self._names[expression] = f"{base}-{len(self._names)}"
        return self._names[expression]

    def text(self, root: str) -> str:
        """The grammar, starting from this expression."""
        named = {**{name: expression for expression, name in self._names.items()}, **self._given}
        lines = [f"root ::= {root}", *(f"{name} ::= {expression}" for name, expression in named.items())]
        return "\n".join(lines) + "\n"


def line(rules: Rules, length: int) -> str:
    """At most so many characters of one line, the first of which is not blank."""
    return f"{FIRST} {rules.add('rest', LINE_CHAR)}{{0,{length - 1}}}"


def literal(text: str) -> str:
    """A GBNF literal of this text."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + re.sub(r"[\x00-\x1f\x7f-\x9f]", lambda char: f"\\x{ord(char[0]):02X}", escaped) + '"'


def any_of(expressions: Sequence[str]) -> str:
    """One of these, in parentheses where that is needed."""
    return expressions[0] if len(expressions) == 1 else f"({' | '.join(expressions)})"
