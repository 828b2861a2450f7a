"""The calculator: arithmetic as models and people write it, without eval and exact where that is possible."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from math import floor
from typing import TypeVar

from agentkit.tool import tool

from .exact import CONSTANTS, FUNCTIONS, Number, add, divide, in_words, modulo, multiply, power
from .lexer import CURRENCIES, CannotCalculate, Token, tokens

__all__ = ["CannotCalculate", "calculator", "evaluate"]

_T = TypeVar("_T")
_MAX_DEPTH = 50


@tool(read_only=True, timeout=10)
def calculator(expression: str) -> str:
    """Calculate an arithmetic expression: + - * / ^ %, parentheses, sqrt, round, min, max, log, sin, pi and others.

    Args:
        expression: for example (12.5 * 4 + 20%) / 3
    """
    return calculate(expression)


def calculate(expression: str) -> str:
    """The value of an expression as a person would write it; see `evaluate`."""
    return _worked_out(lambda: in_words(evaluate(expression)))


def evaluate(expression: str) -> Number:
    """The value of an arithmetic expression: a Fraction where it is exact, a float where it is not.

    - `+ - * / // ^ ** ! ( )`, also `× ÷ − ·`, `√`, superscripts, `x` and the words plus, minus, times, over, mod, of.
    - `%` before an operand is modulo (`17 % 5` is 2); else it is percent: `20%` is 0.2. After plus or minus a
      percentage is taken of what stands to the left, as on a pocket calculator: `50 + 10%` is 55.
    - Thousands commas (`1,250.50`), except between the arguments of a function that takes several. Currency signs and
      common units are dropped; adding different units is refused, because that needs a conversion first.
    - `2(3+4)` and `2pi` multiply. `-2^2` is -4, `2^3^2` is 512.
    - Functions and constants: see `agentkit.tools.exact`. Angles are radians unless `°` follows. `log` is the natural
      logarithm, `log(x, base)` another. `round` rounds halves away from zero.

    Raises:
        CannotCalculate: what is wrong and what to write instead.

    Example:
        >>> evaluate("0.1 + 0.2")
        Fraction(3, 10)
    """
    return _worked_out(lambda: _Parser(tokens(expression)).result())


def _worked_out(work: Callable[[], _T]) -> _T:
    try:
        return work()
    except ZeroDivisionError:
        raise CannotCalculate("This divides by zero.") from None
    except OverflowError:
        raise CannotCalculate("The result is too large to calculate.") from None
    except ValueError as error:
        raise CannotCalculate(f"This cannot be calculated: {error}.") from None


@dataclass(frozen=True, slots=True)
class _Operand:
    """A value, and whether it was written as a bare percentage (`20%`)."""

    value: Number
    percent: bool = False


class _Parser:
    """Recursive descent, one method for each level of binding."""

    def __init__(self, found: list[Token]) -> None:
        self._tokens = found
        self._at = 0
        self._depth = 0
        self._units: set[str] = set()
        self._adds = False

    def result(self) -> Number:
        value = self._sum().value
        if self._next.kind != "end":
            raise CannotCalculate(self._surprise())
        if self._adds and len(self._units) > 1:
            names = " and ".join(sorted(self._units))
            raise CannotCalculate(f"{names} are different units: convert them to one unit before you add.")
        return value

    @property
    def _next(self) -> Token:
        return self._tokens[self._at]

    def _take(self, *operators: str) -> str | None:
        if self._next.kind == "op" and self._next.text in operators:
            self._at += 1
            return self._tokens[self._at - 1].text
        return None

    def _surprise(self) -> str:
        match self._next.text:
            case "":
                return "The expression ends too early: a number is missing at the end."
            case ",":
                return "A comma is only for thousands (1,250) and between arguments (max(1, 2)); write decimals as 1.5."
            case text:
                return f"{text!r} is not expected there: check the operators and parentheses around it."

    def _starts_operand(self, token: Token) -> bool:
        return token.kind in ("number", "name") or token.text == "(" or token.text in CURRENCIES

    def _sum(self) -> _Operand:
        left = self._product()
        while sign := self._take("+", "-"):
            self._adds = True
            right = self._product()
            share = multiply(left.value, right.value) if right.percent and not left.percent else right.value
            total = add(left.value, share if sign == "+" else -share)
            left = _Operand(total, percent=left.percent and right.percent)
        return left

    def _product(self) -> _Operand:
        left = self._signed()
        while True:
            if sign := self._take(*_PRODUCTS):
                left = _Operand(_PRODUCTS[sign](left.value, self._signed().value))
            elif self._next.text == "(" or self._next.kind == "name":
                left = _Operand(multiply(left.value, self._power().value))  # 2(3 + 4), 2pi
            else:
                return left

    def _signed(self) -> _Operand:
        match self._take("+", "-"):
            case None:
                return self._power()
            case "-":
                operand = self._deeper(self._signed)
                return _Operand(-operand.value, operand.percent)
            case _:
                return self._deeper(self._signed)

    def _power(self) -> _Operand:
        base = self._postfixed()
        if self._take("^"):
            return _Operand(power(base.value, self._deeper(self._signed).value))
        return base

    def _postfixed(self) -> _Operand:
        operand = _Operand(self._primary())
        while True:
            after = self._tokens[self._at + 1] if self._next.kind != "end" else self._next
            if self._next.kind == "unit" and after.kind != "number":
                self._units.add(CURRENCIES.get(self._next.text, self._next.text))
                self._at += 1
            elif self._next.kind == "scale":
                operand = _Operand(multiply(operand.value, self._next.value))
                self._at += 1
            elif self._take("!"):
                operand = _Operand(FUNCTIONS["factorial"].call(operand.value))
            elif self._take("°"):
                operand = _Operand(FUNCTIONS["radians"].call(operand.value))
            elif self._next.text == "%" and not self._starts_operand(after):
                self._at += 1
                operand = _Operand(divide(operand.value, Fraction(100)), percent=True)
            else:
                return operand

    def _primary(self) -> Number:
        token = self._next
        if token.text in CURRENCIES:
            self._units.add(CURRENCIES[token.text])
            self._at += 1
            token = self._next
        if token.kind == "number":
            self._at += 1
            return token.value
        if self._take("("):
            value = self._deeper(self._sum).value
            self._close()
            return value
        if token.kind == "name":
            self._at += 1
            return CONSTANTS[token.text] if token.text in CONSTANTS else self._call(token.text)
        raise CannotCalculate(self._surprise())

    def _call(self, name: str) -> Number:
        function = FUNCTIONS[name]
        if self._take("("):
            arguments = [self._deeper(self._sum).value]
            while self._take(","):
                arguments.append(self._deeper(self._sum).value)
            self._close()
        else:
            arguments = [self._deeper(self._power).value]  # sqrt 16
        if not function.fewest <= len(arguments) <= function.most:
            raise CannotCalculate(f"{name} takes {function.wants}, not {len(arguments)}.")
        return function.call(*arguments)

    def _close(self) -> None:
        if not self._take(")"):
            missing = "A closing parenthesis is missing." if self._next.kind == "end" else self._surprise()
            raise CannotCalculate(missing)

    def _deeper(self, parse: Callable[[], _Operand]) -> _Operand:
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise CannotCalculate("The expression is nested too deeply: calculate it in parts.")
        operand = parse()
        self._depth -= 1
        return operand


_PRODUCTS: dict[str, Callable[[Number, Number], Number]] = {
    "*": multiply,
    "/": divide,
    "//": lambda a, b: Fraction(floor(divide(a, b))),
    "%": modulo,
    "mod": modulo,
}
