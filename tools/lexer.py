"""The words of an arithmetic expression: numbers in their many spellings, operators, function names, units."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from agentkit.errors import ToolError

from .exact import CONSTANTS, FUNCTIONS

__all__ = ["CURRENCIES", "CannotCalculate", "Token", "tokens"]

_MAX_LENGTH = 1000
_MAX_EXPONENT = 400


class CannotCalculate(ToolError):
    """The expression cannot be worked out; the message says which part and what to write instead."""


@dataclass(frozen=True, slots=True)
class Token:
    """One word of the expression; `value` belongs to numbers and scales (`million`), `text` is "" at the end."""

    kind: Literal["number", "scale", "name", "unit", "op", "end"]
    text: str
    value: Fraction = Fraction(0)


CURRENCIES = {"$": "dollar", "€": "euro", "£": "pound", "¥": "yen", "₹": "rupee"}

_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")
_SPELLINGS: dict[int, int | str] = {
    **{code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)},  # full-width forms of ASCII
    **str.maketrans("×⋅·∙÷∕⁄−–—[]{}º", "****///---()()°"),
    ord("π"): " pi ",
    ord("√"): " sqrt ",
    0xA0: " ",
    0x202F: " ",
}
_WORDS = {
    "plus": "+", "minus": "-", "times": "*", "x": "*", "of": "*", "over": "/", "mod": "mod",
    "percent": "%", "pct": "%",
}  # fmt: skip
_POWERS = {"squared": Fraction(2), "cubed": Fraction(3)}
_SCALES = {"dozen": 12, "hundred": 100, "thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
_UNIT_WORDS = (
    "dollar dollars usd", "cent cents", "euro euros eur", "pound pounds gbp lb lbs", "yen jpy", "rupee rupees inr",
    "km kilometer kilometers kilometre kilometres", "meter meters metre metres", "cm", "mm", "mile miles mi",
    "foot feet ft", "inch inches", "yard yards", "kg kilogram kilograms", "gram grams", "ounce ounces oz", "ton tons",
    "liter liters litre litres", "ml", "gallon gallons", "second seconds sec", "minute minutes", "hour hours hr hrs",
    "day days", "week weeks", "month months", "year years", "km/h kmh kph", "mph", "person persons people",
    "item items", "unit units", "piece pieces", "ticket tickets", "night nights",
)  # fmt: skip
_UNITS = {word: words.split()[0] for words in _UNIT_WORDS for word in words.split()}

_PLAIN = r"(?:\d[\d_]*(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?"
_GROUPED = r"\d{1,3}(?:,\d{2,3})*,\d{3}(?![\d,])(?:\.\d*)?"  # 1,250.50 and the Indian 1,00,000
_REST = (
    r"|(?P<currency>[$€£¥₹])|(?P<op>\*\*|//|[-+*/^%!(),°]|[xX](?=\s*[\d(.$]))|(?P<name>km/h|(?:math\.)?[A-Za-z_]\w*)"
)
_OUTSIDE = re.compile(rf"\s*(?:(?P<number>{_GROUPED}|{_PLAIN}){_REST})")
_IN_ARGUMENTS = re.compile(rf"\s*(?:(?P<number>{_PLAIN}){_REST})")  # here a comma separates


def tokens(expression: str) -> list[Token]:
    """The words of an expression, with one of kind "end" as the last.

    Raises:
        CannotCalculate: it is empty, too long, or has something unknown in it.
    """
    text = re.sub(r"[⁰¹²³⁴⁵⁶⁷⁸⁹⁻]+", lambda raised: "^" + raised[0].translate(_SUPERSCRIPTS), expression)
    text = text.translate(_SPELLINGS).strip(" \t\n`").rstrip("=? ")
    if not text:
        raise CannotCalculate("There is nothing to calculate: write an expression such as (3 + 4) * 2.")
    if len(text) > _MAX_LENGTH:
        raise CannotCalculate(f"The expression is longer than {_MAX_LENGTH} characters: calculate it in parts.")
    return [*_split(text), Token("end", "")]


def _split(text: str) -> Iterator[Token]:
    position, several = 0, [False]  # for each open parenthesis: whether its commas separate arguments
    last = ""
    while position < len(text):
        match = (_IN_ARGUMENTS if several[-1] else _OUTSIDE).match(text, position)
        if match is None:
            raise CannotCalculate(_not_understood(text[position:].strip()[:1]))
        position, word = match.end(), match[0].strip()
        if word == "(":
            several.append(last in FUNCTIONS and FUNCTIONS[last].most > 1)
        elif word == ")" and len(several) > 1:
            several.pop()
        found = _tokens_of(word, match.lastgroup)
        yield from found
        last = found[-1].text


def _not_understood(sign: str) -> str:
    hint = " Give only the side of the equation that is to be calculated." if sign == "=" else ""
    return f"{sign!r} is not understood: use numbers, + - * / ^ %, parentheses and functions such as sqrt.{hint}"


def _tokens_of(word: str, group: str | None) -> tuple[Token, ...]:
    match group:
        case "number":
            return (_number(word),)
        case "currency":
            return (Token("unit", word),)
        case "op":
            return (Token("op", {"**": "^", "x": "*", "X": "*"}.get(word, word)),)
        case _:
            return _named(word.lower().removeprefix("math."))


def _number(word: str) -> Token:
    plain = word.replace(",", "").replace("_", "").lower()
    digits, _, exponent = plain.partition("e")
    if exponent and (len(exponent) > 5 or abs(int(exponent)) > _MAX_EXPONENT):
        raise CannotCalculate(f"{plain} is too large or too small to calculate with.")
    return Token("number", plain, Fraction(digits.rstrip(".") or "0") * Fraction(10) ** int(exponent or 0))


def _named(name: str) -> tuple[Token, ...]:
    if name in _POWERS:
        return Token("op", "^"), Token("number", name, _POWERS[name])
    if name in FUNCTIONS or name in CONSTANTS:
        return (Token("name", name),)
    if name in _WORDS:
        return (Token("op", _WORDS[name]),)
    if name in _SCALES:
        return (Token("scale", name, Fraction(_SCALES[name])),)
    if name in _UNITS:
        return (Token("unit", _UNITS[name]),)
    known = ", ".join(FUNCTIONS)
    raise CannotCalculate(f"{name!r} is not known: use numbers, operators, pi, e and the functions {known}.")
