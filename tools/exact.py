"""Numbers that stay exact as long as they can: Fractions, and floats only for roots, logarithms and the like."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

__all__ = ["CONSTANTS", "FUNCTIONS", "Function", "Number", "add", "divide", "in_words", "modulo", "multiply", "power"]

Number: TypeAlias = Fraction | float

_MAX_BITS = 8192  # of a numerator or denominator: 2,466 digits, so that no expression keeps the machine busy
_EXACT_DIGITS = 20  # longer decimals are shown as floats


@dataclass(frozen=True, slots=True)
class Function:
    """A function of numbers. It raises ValueError, ZeroDivisionError or OverflowError where it has no value.

    Attributes:
        fewest: arguments at least.
        most: arguments at most.
        call: the function itself.
    """

    fewest: int
    most: float
    call: Callable[..., Number]

    @property
    def wants(self) -> str:
        """How many arguments it takes, in words."""
        if self.most == math.inf:
            return f"at least {self.fewest} number{'s' * (self.fewest > 1)}"
        return "1 number" if self.most == 1 else f"{self.fewest} or {self.most:g} numbers".replace("2 or 2", "2")


def in_words(value: Number) -> str:
    """As a person would write it: 0.3 for 3/10, 14 for 14.0, 0.3333333333333333 for 1/3.

    Raises:
        OverflowError: a fraction beyond the range of floats.
        ValueError: not a number.
    """
    if isinstance(value, Fraction):
        return str(value.numerator) if value.denominator == 1 else _decimal(value) or repr(float(value))
    if not math.isfinite(value):
        raise ValueError("the result is not a finite number")
    return str(int(value)) if value == math.floor(value) and abs(value) < 1e16 else repr(value)


def _decimal(value: Fraction) -> str | None:
    """A terminating decimal in full, or None where it does not end or is too long."""
    for places in range(1, _EXACT_DIGITS + 1):
        scaled = value * 10**places
        if scaled.denominator == 1:
            digits = str(abs(scaled.numerator)).rjust(places + 1, "0")
            sign = "-" if value < 0 else ""
            return f"{sign}{digits[:-places]}.{digits[-places:]}" if len(digits) <= _EXACT_DIGITS else None
    return None


def _bounded(value: Number) -> Number:
    if isinstance(value, Fraction) and max(value.numerator.bit_length(), value.denominator.bit_length()) > _MAX_BITS:
        raise OverflowError
    return value


def add(a: Number, b: Number) -> Number:
    """a + b."""
    return _bounded(a + b)


def multiply(a: Number, b: Number) -> Number:
    """a * b."""
    return _bounded(a * b)


def divide(a: Number, b: Number) -> Number:
    """a / b."""
    return _bounded(a / b)


def modulo(a: Number, b: Number) -> Number:
    """The remainder of a / b, with the sign of b."""
    return _bounded(a % b)


def power(base: Number, exponent: Number) -> Number:
    """base ** exponent: exact for whole exponents where the result is not too long."""
    if isinstance(base, Fraction) and isinstance(exponent, Fraction) and exponent.denominator == 1:
        if abs(base) == 1 or base == 0:
            return base ** (exponent.numerator % 2 if abs(base) == 1 else exponent.numerator)
        bits = max(base.numerator.bit_length(), base.denominator.bit_length())
        if bits * abs(exponent.numerator) <= _MAX_BITS:
            return base**exponent.numerator
    if base < 0 and exponent != math.floor(exponent):
        raise ValueError("a negative number has no such power among the real numbers (for cube roots use cbrt)")
    result: float = float(base) ** float(exponent)
    return result


def _whole(value: Number) -> int:
    if value != math.floor(value):
        raise ValueError(f"{in_words(value)} is not a whole number")
    return int(value)


def _factorial(value: Number) -> Number:
    n = _whole(value)
    if n < 0:
        raise ValueError("a negative number has no factorial")
    if n > 1000:
        raise OverflowError
    return _bounded(Fraction(math.factorial(n)))


def _chosen(count: Callable[[int, int], int]) -> Callable[[Number, Number], Number]:
    def call(n: Number, k: Number) -> Number:
        if n > 10_000:
            raise OverflowError
        return _bounded(Fraction(count(_whole(n), _whole(k))))

    return call


def _sqrt(value: Number) -> Number:
    if value < 0:
        raise ValueError("a negative number has no real square root")
    if isinstance(value, Fraction):
        root = Fraction(math.isqrt(value.numerator), math.isqrt(value.denominator))
        if root * root == value:
            return root
    return math.sqrt(value)


def _cbrt(value: Number) -> Number:
    root = math.cbrt(value)
    whole = Fraction(round(root)) if abs(root) < 1e15 else Fraction(0)
    return whole if whole**3 == value else root


def _log(value: Number, base: Number | None = None) -> Number:
    if value <= 0:
        raise ValueError("only positive numbers have a logarithm")
    if base is None:
        return math.log(value)
    if base <= 0 or base == 1:
        raise ValueError("a logarithm needs a positive base other than 1")
    special: Mapping[Number, Callable[[Number], float]] = {10: math.log10, 2: math.log2}
    return special[base](value) if base in special else math.log(value) / math.log(base)


def _log_to(base: int) -> Callable[[Number], Number]:
    return lambda value: _log(value, base)


def _absolute(value: Number) -> Number:
    return -value if value < 0 else value


def _floor(value: Number) -> Number:
    return Fraction(math.floor(value))


def _ceil(value: Number) -> Number:
    return Fraction(math.ceil(value))


def _round(value: Number, places: Number = Fraction(0)) -> Number:
    digits = _whole(places)
    if abs(digits) > 400:
        raise OverflowError
    scale = Fraction(10) ** digits
    exact = Fraction(repr(value)) if isinstance(value, float) else value  # 2.675 as it is written, not as it is stored
    halves_away = math.floor(abs(exact) * scale + Fraction(1, 2)) / scale
    return -halves_away if value < 0 else halves_away


def _snapped(function: Callable[[float], float]) -> Callable[[Number], Number]:
    """Without the last-digit noise around 0, 1/2 and 1: sin(180°) is 0."""

    def call(value: Number) -> Number:
        result = function(float(value))
        nearest = round(result * 2) / 2
        return nearest if abs(result - nearest) < 4e-16 else result

    return call


def _floats(function: Callable[[float], float]) -> Callable[[Number], Number]:
    return lambda value: function(float(value))


def _whole_numbers(function: Callable[..., int]) -> Callable[..., Number]:
    return lambda *values: _bounded(Fraction(function(*map(_whole, values))))


def _total(*values: Number) -> Number:
    return _bounded(sum(values, Fraction(0)))


CONSTANTS: Mapping[str, Number] = {"pi": math.pi, "e": math.e, "tau": math.tau}
FUNCTIONS: Mapping[str, Function] = {
    "sqrt": Function(1, 1, _sqrt),
    "cbrt": Function(1, 1, _cbrt),
    "abs": Function(1, 1, _absolute),
    "round": Function(1, 2, _round),
    "floor": Function(1, 1, _floor),
    "ceil": Function(1, 1, _ceil),
    "min": Function(1, math.inf, min),
    "max": Function(1, math.inf, max),
    "sum": Function(1, math.inf, _total),
    "avg": Function(1, math.inf, lambda *values: _total(*values) / len(values)),
    "pow": Function(2, 2, power),
    "log": Function(1, 2, _log),
    "ln": Function(1, 1, _log),
    "log10": Function(1, 1, _log_to(10)),
    "log2": Function(1, 1, _log_to(2)),
    "exp": Function(1, 1, _floats(math.exp)),
    "sin": Function(1, 1, _snapped(math.sin)),
    "cos": Function(1, 1, _snapped(math.cos)),
    "tan": Function(1, 1, _snapped(math.tan)),
    "asin": Function(1, 1, _floats(math.asin)),
    "acos": Function(1, 1, _floats(math.acos)),
    "atan": Function(1, 1, _floats(math.atan)),
    "radians": Function(1, 1, _floats(math.radians)),
    "degrees": Function(1, 1, _floats(math.degrees)),
    "factorial": Function(1, 1, _factorial),
    "gcd": Function(1, math.inf, _whole_numbers(math.gcd)),
    "lcm": Function(1, math.inf, _whole_numbers(math.lcm)),
    "comb": Function(2, 2, _chosen(math.comb)),
    "perm": Function(2, 2, _chosen(math.perm)),
}
