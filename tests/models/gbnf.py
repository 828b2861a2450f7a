"""A small reader of GBNF: it writes random texts a grammar allows, or tells whether one is allowed."""

from __future__ import annotations

import re
from collections.abc import Callable
from random import Random

__all__ = ["Sampler", "as_pattern"]

Writer = Callable[[Random], str]
_TOKEN = re.compile(r'\s*("(?:\\.|[^"\\])*"|\[(?:\\.|[^\]\\])*\]|\{\d+(?:,\d+)?\}|[A-Za-z][A-Za-z0-9-]*|[()|?])')
_ESCAPE = re.compile(r"\\(?:x([0-9A-F]{2})|u([0-9A-F]{4})|(.))")
_INTERESTING = [*map(chr, range(0x20, 0x7F)), *"éß中文🙂\\\"'`{}[]:,\t\n\x00\x7f\x85\u2028\u3000\u200b"]


DEEP = 9
"""Rules inside each other from which on the first alternative is taken, and nothing that need not be there."""


class Sampler:
    """Writes texts of a grammar; raises ValueError for one it cannot read (an undefined rule, a stray bracket)."""

    def __init__(self, grammar: str) -> None:
        self._rules: dict[str, Writer] = {}
        self._depth = 0
        for line in grammar.splitlines():
            name, arrow, expression = line.partition(" ::= ")
            if not arrow or name in self._rules:
                raise ValueError(line)
            self._tokens = _tokens(expression)
            self._rules[name] = self._alternatives()
            if self._tokens:
                raise ValueError(f"{line}: {self._tokens}")
        self("root", Random(0))

    def __call__(self, rule: str, random: Random) -> str:
        if rule not in self._rules:
            raise ValueError(f"undefined rule {rule}")
        self._depth += 1
        text = self._rules[rule](random)
        self._depth -= 1
        return text

    def write(self, seed: int) -> str:
        return self("root", Random(seed))

    def _alternatives(self) -> Writer:
        ways = [self._sequence()]
        while self._tokens and self._tokens[0] == "|":
            self._tokens.pop(0)
            ways.append(self._sequence())
        return lambda random: (ways[0] if self._depth > DEEP else random.choice(ways))(random)

    def _sequence(self) -> Writer:
        parts: list[Writer] = []
        while self._tokens and self._tokens[0] not in ("|", ")"):
            parts.append(self._repeated(self._atom()))
        return lambda random: "".join(part(random) for part in parts)

    def _atom(self) -> Writer:
        token = self._tokens.pop(0)
        if token == "(":
            inner = self._alternatives()
            if self._tokens.pop(0) != ")":
                raise ValueError("no closing parenthesis")
            return inner
        if token.startswith('"'):
            text = _unescaped(token[1:-1])
            return lambda _: text
        if token.startswith("["):
            chars = _members(token[1:-1])
            return lambda random: random.choice(chars)
        if not token[0].isalpha():
            raise ValueError(token)
        return lambda random: self(token, random)

    def _repeated(self, atom: Writer) -> Writer:
        if not self._tokens or not self._tokens[0].startswith(("?", "{")):
            return atom
        token = self._tokens.pop(0)
        numbers = [int(number) for number in re.findall(r"\d+", token)] or [0, 1]
        low, high = numbers[0], numbers[-1]

        def count(random: Random) -> int:
            """Mostly few, now and then as many as there may be."""
            if self._depth > DEEP:
                return low
            return high if random.random() < 0.1 else random.randint(low, min(high, low + 4))

        return lambda random: "".join(atom(random) for _ in range(count(random)))


def _tokens(expression: str) -> list[str]:
    found: list[str] = []
    place = 0
    while place < len(expression.rstrip()):
        match = _TOKEN.match(expression, place)
        if match is None:
            raise ValueError(expression[place:])
        found.append(match[1])
        place = match.end()
    return found


def _unescaped(text: str) -> str:
    def char(match: re.Match[str]) -> str:
        if code := match[1] or match[2]:
            return chr(int(code, 16))
        return {"n": "\n", "t": "\t", "r": "\r"}.get(match[3], match[3])

    return _ESCAPE.sub(char, text)


def _members(text: str) -> list[str]:
    negated = text.startswith("^")
    # Python's own character classes read the same escapes.
    pattern = re.compile(f"[{'^' if negated else ''}{text.removeprefix('^')}]")
    return [char for char in _INTERESTING if pattern.match(char)]


def as_pattern(grammar: str) -> re.Pattern[str]:
    """A grammar without recursion as a regular expression."""
    rules = dict(line.split(" ::= ", 1) for line in grammar.splitlines())

    def part(token: str) -> str:
        if token.startswith('"'):
            return f"(?:{re.escape(_unescaped(token[1:-1]))})"
        if token[0].isalpha():
            return f"(?:{whole(rules[token])})"
        return "(?:" if token == "(" else token

    def whole(expression: str) -> str:
        return "".join(map(part, _tokens(expression)))

    return re.compile(whole(rules["root"]))
