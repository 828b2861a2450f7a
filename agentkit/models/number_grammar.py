"""Numbers within bounds, as GBNF."""

from __future__ import annotations

import json
import math
from typing import TypeAlias

__all__ = ["Bound", "integer", "number"]

Bound: TypeAlias = "tuple[int | float, bool] | None"
"""A limit, and whether the limit itself is excluded; None: no limit."""

_NATURAL = '("0" | [1-9] [0-9]{0,9})'
_FRACTION = '("." [0-9]{1,4})?'


def integer(low: Bound, high: Bound) -> str:
    """The whole numbers from `low` to `high`, at most ten digits where there is no limit."""
    least, most = _least(low), _most(high)
    if least is None and most is None:
        return f'"-"? {_NATURAL}'
    parts: list[str] = []
    if most is None or most >= 0:
        parts.append(_natural(max(least or 0, 0), most))
    if least is None or least < 0:
        below = _natural(max(-most, 1) if most is not None else 1, None if least is None else -least)
        parts.append(f'"-" {below}')
    return " | ".join(parts)


def number(low: Bound, high: Bound) -> str:
    """The decimal numbers from `low` to `high`, with at most four places."""
    if low is None and high is None:
        return f'"-"? {_NATURAL} {_FRACTION}'
    parts: list[str] = []
    if high is None or high[0] >= 0:
        parts += _decimals(low if low and low[0] >= 0 else (0, False), high)
    if low is None or low[0] < 0:
        mirrored = (-high[0], high[1]) if high and high[0] <= 0 else (0, False)
        parts += [f'"-" ({part})' for part in _decimals(mirrored, (-low[0], low[1]) if low else None)]
    return " | ".join(parts)


def _decimals(low: tuple[int | float, bool], high: Bound) -> list[str]:
    """The decimal numbers from `low` >= 0 to `high`."""
    least, most = _least(low) or 0, _most(high)
    parts: list[str] = []
    if low == (0, True) and (most is None or most >= 1):
        parts.append('"0." [0-9]{0,3} [1-9]')
    if most is None:
        return [*parts, f"{_natural(least, None)} {_FRACTION}"]
    if most > least:
        parts.append(f"{_natural(least, most - 1)} {_FRACTION}")
    if most >= least:
        parts.append(f'"{most}"')
    if not parts and high is not None:  # no whole number in between, as from 0.2 to 0.8
        steps = [low[0] + (high[0] - low[0]) * step / 10 for step in range(11)]
        inside = steps[1 if low[1] else 0 : 10 if high[1] else 11]
        parts = [f'"{json.dumps(step)}"' for step in inside]
    return parts


_HUGE = 10**12
"""A limit beyond this is as good as none."""


def _least(low: Bound) -> int | None:
    if low is None or low[0] < -_HUGE:
        return None
    return math.floor(low[0]) + 1 if low[1] else math.ceil(low[0])


def _most(high: Bound) -> int | None:
    if high is None or high[0] > _HUGE:
        return None
    return math.ceil(high[0]) - 1 if high[1] else math.floor(high[0])


def _natural(low: int, high: int | None) -> str:
    """The whole numbers from `low` >= 0 to `high`."""
    if high is None and low <= 1:
        return _NATURAL if low == 0 else "[1-9] [0-9]{0,9}"
    top = max(10 ** max(10, len(str(low))) - 1 if high is None else high, low)
    ranges = [
        _same_length(str(max(low, 10 ** (size - 1) if size > 1 else 0)), str(min(top, 10**size - 1)))
        for size in range(len(str(low)), len(str(top)) + 1)
    ]
    return f"({' | '.join(ranges)})"


def _same_length(low: str, high: str) -> str:
    """The digit strings from `low` to `high`, all of one length."""
    if low == high:
        return f'"{low}"'
    if low[0] == high[0]:
        return f'"{low[0]}" ({_same_length(low[1:], high[1:])})'
    rest, first, last = len(low) - 1, int(low[0]), int(high[0])
    parts: list[str] = []
    ending: list[str] = []
    if low[1:].strip("0"):
        parts.append(f'"{first}" ({_same_length(low[1:], "9" * rest)})')
        first += 1
    if high[1:].strip("9"):
        ending.append(f'"{last}" ({_same_length("0" * rest, high[1:])})')
        last -= 1
    if first <= last:
        parts.append(f"[{first}-{last}]" + (f" [0-9]{{{rest}}}" if rest else ""))
    return " | ".join(parts + ending)
