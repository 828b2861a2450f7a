"""What a program's run gives back: plain data, light to import (standard library only)."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, time, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Literal, cast

ErrorKind = Literal["program", "not_allowed", "time", "memory", "output", "result", "crashed", "internal"]
"""program: the program raised. not_allowed: refused before it ran. time, memory, output, result: that limit ended it.
crashed: its process died or broke the protocol. internal: the sandbox itself failed. Set by the host only."""

_WRITTEN = (str, Decimal, date, time, timedelta)  # `2.50` says it better than `Decimal('2.50')`
_DIGITS = 4_000  # below Python's own limit for int -> str (4300)


@dataclass(frozen=True, slots=True)
class ProgramError:
    """Why a program gave no value. `line` counts from 1; `source` is that line's text."""

    kind: ErrorKind
    type: str
    message: str
    line: int | None = None
    source: str | None = None

    def __str__(self) -> str:
        said = f"{self.type}: {self.message}" if self.message else self.type
        if self.line is None:
            return said
        return f"{said} (line {self.line}: {self.source})" if self.source else f"{said} (line {self.line})"


@dataclass(frozen=True, slots=True)
class ProgramUsage:
    """Seconds of wall clock (tool calls left out) and of CPU; peak resident memory of the worker in bytes."""

    wall: float = 0.0
    cpu: float = 0.0
    peak_memory: int = 0


@dataclass(frozen=True, slots=True)
class Opaque:
    """A value that cannot cross as plain data: the name of its type and its repr, cut."""

    type: str
    text: str

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True, repr=False)
class Result:
    """One program's outcome.

    value: None, bool, int, float, complex, str, list, tuple, set, frozenset, dict, Decimal, Fraction, date, time,
    datetime or timedelta, nested; anything else is an `Opaque`. output: what was printed, head and tail when
    `truncated`. isolation: the layers that were in force. reset: a session has lost its variables.
    """

    ok: bool
    value: object
    output: str
    truncated: bool
    error: ProgramError | None
    usage: ProgramUsage
    isolation: tuple[str, ...]
    reset: bool = False

    def __repr__(self) -> str:
        """Never fails, whatever the value: an integer too long for `repr` is described."""
        head = f"Result(ok={self.ok}, value={_printable(show(self.value))}, output={self.output!r}"
        return (
            f"{head}, truncated={self.truncated}, error={self.error}, usage={self.usage}, isolation={self.isolation})"
        )

    @property
    def text(self) -> str:
        """The value, or the error, as it is shown to a model."""
        if self.error is not None:
            return _printable(str(self.error))
        return written(self.value)


def _printable(text: str) -> str:
    """A lone surrogate cannot be encoded: show its escape."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def written(value: object) -> str:
    """`str` of a result's value, or of what is in it: never fails, and can be encoded."""
    if isinstance(value, Fraction):
        whole = value.denominator == 1
        return _show_int(value.numerator) + ("" if whole else f"/{_show_int(value.denominator)}")
    return _printable(str(value) if isinstance(value, _WRITTEN) else show(value))


def _show_int(value: int) -> str:
    digits = int(value.bit_length() * math.log10(2)) + 1
    if digits <= _DIGITS:
        return str(value)
    return f"<an integer of about {digits} digits>"


def _joined(items: Iterable[object]) -> str:
    return ", ".join(show(item) for item in items)


def _show_set(value: set[object] | frozenset[object]) -> str:
    text = f"{{{_joined(value)}}}" if value else ""
    if isinstance(value, frozenset):
        return f"frozenset({text})"
    return text or "set()"


def show(value: object) -> str:
    """`repr` of a result's value that cannot fail: an integer too long for `str` is described."""
    match value:
        case bool():
            return repr(value)
        case int():
            return _show_int(value)
        case Fraction():
            return f"Fraction({_show_int(value.numerator)}, {_show_int(value.denominator)})"
        case list():
            return f"[{_joined(cast('list[object]', value))}]"
        case tuple():
            items = cast("tuple[object, ...]", value)
            return f"({_joined(items)}{',' if len(items) == 1 else ''})"
        case set() | frozenset():
            return _show_set(cast("set[object] | frozenset[object]", value))
        case dict():
            pairs = cast("dict[object, object]", value).items()
            return f"{{{', '.join(f'{show(key)}: {show(item)}' for key, item in pairs)}}}"
        case _:
            return str(value) if isinstance(value, Opaque) else repr(value)
