"""JSON objects and Python literals as models write them: read strictly, else leniently, else repaired."""

from __future__ import annotations

import ast
import json
import math
import re
import threading
import warnings
from collections.abc import Iterable, Iterator
from typing import cast

from agentkit.messages import JSON

__all__ = ["Scan", "call_arguments", "fault", "lenient_object", "parse_python", "repaired_object", "strict_object"]

_TOO_LONG = 4_000  # characters; json_repair takes quadratic time on hostile text
_DEEPEST = 100
_FAILS = (ValueError, SyntaxError, RecursionError, MemoryError)


def _refuse(constant: str) -> float:
    raise ValueError(f"{constant} is not JSON")


def _finite(digits: str) -> float:
    number = float(digits)
    return number if math.isfinite(number) else _refuse(digits)


# strict=False: a raw newline inside a string is common and clear.
_DECODER = json.JSONDecoder(strict=False, parse_constant=_refuse, parse_float=_finite)


def strict_object(text: str) -> tuple[dict[str, JSON], int] | None:
    """The JSON object at the start of the text, and where it ends."""
    try:
        value, end = cast("tuple[JSON, int]", _DECODER.raw_decode(text))
    except _FAILS:
        return None
    return (value, end) if isinstance(value, dict) and not _too_deep(value, text) else None


def _too_deep(value: JSON, text: str) -> bool:
    """Whether the value is nested so deeply that other code would fail on it."""
    if text.count("{") + text.count("[") <= _DEEPEST:
        return False
    level: list[JSON] = [value]
    for _ in range(_DEEPEST):
        level = [inner for item in level for inner in _inside(item)]
    return bool(level)


def _inside(value: JSON) -> Iterable[JSON]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def fault(text: str) -> str:
    """Why the text is not JSON, and where."""
    try:
        value = json.loads(text, strict=False, parse_constant=_refuse, parse_float=_finite)
    except json.JSONDecodeError as error:
        return f"Line {error.lineno}: {error.msg} at character {error.colno}."
    except RecursionError:
        return "It is nested too deeply."
    except ValueError as error:
        return f"{error}."
    return "It is nested too deeply." if _too_deep(value, text) else "It is not one JSON object."


class Scan:
    """Finds the end of an object that starts with `{`, in pieces, in linear time.

    For valid JSON the end is exact. With `single`, quotes may also be single, as in Python.
    """

    __slots__ = ("_depth", "_escaped", "_find", "_quote")

    def __init__(self, *, single: bool = False) -> None:
        self._depth = 0
        self._escaped = False
        self._find = (_TOKEN_SINGLE if single else _TOKEN).finditer
        self._quote: str = ""

    @property
    def in_string(self) -> bool:
        return bool(self._quote)

    def newline(self) -> None:
        self._escaped = False

    def feed(self, piece: str) -> int | None:
        """Where the object ends in this piece: the offset past its closing brace."""
        start = 1 if self._escaped and piece else 0
        self._escaped = self._escaped and not piece
        for found in self._find(piece, start):
            sign = found.group()
            if sign[0] == "\\":
                self._escaped = len(sign) == 1
            elif self._quote:
                self._quote = "" if sign == self._quote else self._quote
            elif sign == "{":
                self._depth += 1
            elif sign == "}":
                self._depth -= 1
                if self._depth <= 0:
                    return found.end()
            else:
                self._quote = sign
        return None


_TOKEN = re.compile(r'["{}]|\\.?', re.DOTALL)
_TOKEN_SINGLE = re.compile(r"[\"'{}]|\\.?", re.DOTALL)

_WARNINGS = threading.Lock()  # catch_warnings changes state that all threads share
_BAD_ESCAPE = re.compile(r"\\(?![\\'\"abfnrtvxuUN0-7\n])")


def parse_python(source: str) -> ast.Module:
    """The syntax tree, without the warnings that odd source causes.

    Raises:
        SyntaxError, ValueError, RecursionError, MemoryError: not Python, or too deep.
    """
    with _WARNINGS, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(source)


def lenient_object(text: str) -> dict[str, JSON] | None:
    """The object at the start of the text, read as a Python literal.

    That also covers JSON with single quotes, trailing commas, `#` comments or Python's constants, and text after it.
    """
    end = Scan(single=True).feed(text)
    if end is None or end > _TOO_LONG:
        return None
    try:
        value = _literal(_expression(text[:end]))
    except _FAILS:
        return None
    return value if isinstance(value, dict) and not _too_deep(value, text) else None


def _expression(source: str) -> ast.expr:
    clean = _BAD_ESCAPE.sub(r"\\\\", source)
    body = parse_python(f"({clean}\n)").body
    if len(body) != 1 or not isinstance(body[0], ast.Expr):
        raise ValueError("not one expression")
    return body[0].value


_NAMES: dict[str, JSON] = {"true": True, "false": False, "null": None, "none": None}


def _literal(node: ast.expr) -> JSON:
    match node:
        case ast.Constant(value=None | bool() | int() | str() as value):
            return value
        case ast.Constant(value=float() as value) if math.isfinite(value):
            return value
        case ast.Name(id=name) if name in _NAMES:
            return _NAMES[name]
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)):
            return -value
        case ast.List(elts=items) | ast.Tuple(elts=items):
            return [_literal(item) for item in items]
        case ast.Dict(keys=keys, values=values):
            return {_key(key): _literal(value) for key, value in zip(keys, values, strict=True)}
        case _:
            raise ValueError("not a literal")


def _key(node: ast.expr | None) -> str:
    if isinstance(node, ast.Constant) and isinstance(node.value, str | int) and not isinstance(node.value, bool):
        return str(node.value)
    raise ValueError("not a key")


def call_arguments(inside: str) -> tuple[list[JSON], dict[str, JSON]] | None:
    """What stands between the parentheses of a call, where all of it is literal."""
    if len(inside) > _TOO_LONG:
        return None
    try:
        call = _expression(f"_({inside}\n)")
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
            return None
        return [_literal(arg) for arg in call.args], {_name(key.arg): _literal(key.value) for key in call.keywords}
    except _FAILS:
        return None


def _name(name: str | None) -> str:
    if name is None:
        raise ValueError("not a name")
    return name


def repaired_object(text: str) -> dict[str, JSON] | None:
    """The object as json_repair mends it, where that neither cuts a string short nor invents one.

    Only for use after validation: see decision 5 of the design.
    """
    scan = Scan()
    if len(text) > _TOO_LONG or (scan.feed(text) is None and scan.in_string):
        return None  # cut inside a string: the rest of its value is lost
    from json_repair import repair_json

    try:
        value = repair_json(text, return_objects=True, skip_json_loads=True)
    except Exception:  # another library's parser on hostile text: whatever it raises, there is no repair
        return None
    if not isinstance(value, dict) or _too_deep(value, text):
        return None
    return value if all(leaf and leaf in text for leaf in _changed_strings(value, text)) else None


def _changed_strings(value: JSON, text: str) -> Iterator[str]:
    """All strings in it that are not in the text as JSON writes them."""
    if isinstance(value, str):
        if (json.dumps(value) if not value else json.dumps(value, ensure_ascii=False)[1:-1]) not in text:
            yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _changed_strings(key, text)
            yield from _changed_strings(item, text)
    elif isinstance(value, list):
        for item in value:
            yield from _changed_strings(item, text)
