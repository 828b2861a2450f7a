"""The calculator: spellings, exactness, bounds, and agreement with Fractions and with 2,000 real expressions."""

from __future__ import annotations

import gzip
import json
import math
import re
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentkit.tools import calculator
from agentkit.tools.arithmetic import CannotCalculate, calculate, evaluate

CORPUS = Path(__file__).parents[2].parent / "shared" / "corpora" / "calculator.jsonl.gz"


@pytest.mark.parametrize(
    ("expression", "result"),
    [
        ("3.14^0.12345", "1.1517174978619817"),
        ("0.1 + 0.2", "0.3"),
        ("1/3", "0.3333333333333333"),
        ("1/3*3", "1"),
        ("10/4", "2.5"),
        ("-2^2", "-4"),
        ("2**-1", "0.5"),
        ("2^3^2", "512"),
        ("7//2", "3"),
        ("-7//2", "-4"),
        ("--5", "5"),
        ("5!", "120"),
        ("2(3+4)(5-3)", "28"),
        ("2pi", "6.283185307179586"),
        ("1_000 + .5", "1000.5"),
        ("1e3 * 2.", "2000"),
        ("0.5^20000", "0"),
        ("1^99999999999", "1"),
        ("(-1)^99999999999", "-1"),
        ("2^100", "1267650600228229401496703205376"),
    ],
)
def test_operators_and_exactness(expression: str, result: str) -> None:
    assert calculate(expression) == result


@pytest.mark.parametrize(
    ("expression", "result"),
    [
        ("20%", "0.2"),
        ("20% of 50", "10"),
        ("50 * 10%", "5"),
        ("17 % 5", "2"),
        ("17%5", "2"),
        ("17 % (2 + 3)", "2"),
        ("17 mod 5", "2"),
        ("50 + 10%", "55"),
        ("100 - 5% - 5%", "90.25"),
        ("50% + 20%", "0.7"),
        ("20% - 5", "-4.8"),
        ("100 * (1 + 20%)", "120"),
        ("12.5 percent * 8", "1"),
    ],
)
def test_percent_and_modulo(expression: str, result: str) -> None:
    assert calculate(expression) == result


@pytest.mark.parametrize(
    ("expression", "result"),
    [
        ("1,200.50*2", "2401"),
        ("1,00,000 + 1", "100001"),
        ("max(1,200)", "200"),
        ("sqrt(1,024)", "32"),
        ("6 × 7 − 10 ÷ 4", "39.5"),
        ("5² + 10⁻¹ + 2¹⁰", "1049.1"),
        ("√16 + 9", "13"),
        ("３＋４", "7"),
        ("$1,200 + $50", "1250"),
        ("$5 * 3 hours", "15"),
        ("5 km + 3 kilometers", "8"),
        ("100 km / 2 hours", "50"),
        ("2 million * 3", "6000000"),
        ("3 dozen", "36"),
        ("3 x 4 plus 2x3", "18"),
        ("5 squared times 2", "50"),
        ("3 + 4 = ?", "7"),
        ("`2 + 2`", "4"),
        ("math.sqrt(2)", "1.4142135623730951"),
    ],
)
def test_spellings(expression: str, result: str) -> None:
    assert calculate(expression) == result


@pytest.mark.parametrize(
    ("expression", "result"),
    [
        ("sqrt(9/16)", "0.75"),
        ("sqrt 16", "4"),
        ("cbrt(-27)", "-3"),
        ("abs(-3.5)", "3.5"),
        ("round(2.5)", "3"),
        ("round(-2.5)", "-3"),
        ("round(2.675, 2)", "2.68"),
        ("round(1234, -2)", "1200"),
        ("floor(-1.5) + ceil(1.2)", "0"),
        ("min(3, 1/2, 2)", "0.5"),
        ("sum(1, 2, 3) / avg(1, 3)", "3"),
        ("log(1000, 10)", "3"),
        ("ln(e)", "1"),
        ("log2(8) + log10(100)", "5"),
        ("exp(0)", "1"),
        ("sin(30°) + cos(60°)", "1"),
        ("sin(pi)", "0"),
        ("gcd(12, 18) + lcm(4, 6)", "18"),
        ("comb(5, 2) + perm(5, 2)", "30"),
    ],
)
def test_functions(expression: str, result: str) -> None:
    assert calculate(expression) == result


@pytest.mark.parametrize(
    ("expression", "says"),
    [
        ("", "nothing to calculate"),
        ("1/0", "divides by zero"),
        ("0^-1", "divides by zero"),
        ("5 % 0 + 1 // 0", "divides by zero"),
        ("9**9**9", "too large"),
        ("9**9**9**9**9", "too large"),
        ("1e999999999", "too large"),
        ("factorial(100000)", "too large"),
        ("99!!", "too large"),
        ("exp(1000)", "too large"),
        ("round(1, 9999999)", "too large"),
        ("(3+4", "closing parenthesis"),
        ("3+4)", "')' is not expected"),
        ("3 +", "ends too early"),
        ("2 3", "'3' is not expected"),
        ("3,5", "decimals as 1.5"),
        ("1.234,56", "decimals as 1.5"),
        ("3+4=7", "only the side of the equation"),
        ("12 apples", "'apples' is not known"),
        ("__import__('os')", "'__import__' is not known"),
        ("5 km + 3 miles", "convert them to one unit"),
        ("(-8)^(1/3)", "use cbrt"),
        ("sqrt(-1)", "no real square root"),
        ("log(0)", "only positive numbers"),
        ("log(5, 1)", "base other than 1"),
        ("2.5!", "2.5 is not a whole number"),
        ("(-3)!", "no factorial"),
        ("asin(2)", "cannot be calculated"),
        ("sqrt(4, 2, 3)", "sqrt takes 1 number, not 3"),
        ("pow 3", "pow takes 2 numbers, not 1"),
        ("(" * 60 + "1" + ")" * 60, "nested too deeply"),
        ("-" * 900 + "1", "nested too deeply"),
        ("1+" * 600 + "1", "longer than 1000"),
    ],
)
def test_errors_say_what_to_do(expression: str, says: str) -> None:
    with pytest.raises(CannotCalculate, match=says.replace("(", r"\(").replace(")", r"\)")):
        calculate(expression)


def test_the_tool() -> None:
    assert calculator("2 + 2") == "4"
    assert calculator.marks.read_only
    assert calculator.text_argument == "expression"


@dataclass(frozen=True)
class Sum:
    """An expression as text and its exact value, None where it divides by zero."""

    text: str
    value: Fraction | None


def combined(parts: tuple[Sum, str, Sum]) -> Sum:
    left, sign, right = parts
    text = f"({left.text} {sign} {right.text})"
    if left.value is None or right.value is None or (sign == "/" and right.value == 0):
        return Sum(text, None)
    match sign:
        case "+":
            return Sum(text, left.value + right.value)
        case "-":
            return Sum(text, left.value - right.value)
        case "*":
            return Sum(text, left.value * right.value)
        case _:
            return Sum(text, left.value / right.value)


NUMBERS = st.one_of(
    st.integers(0, 10**6).map(str),
    st.decimals(0, 10**6, places=3, allow_nan=False).map(lambda number: f"{number:f}"),
).map(lambda text: Sum(text, Fraction(text)))
SUMS = st.recursive(
    NUMBERS, lambda inner: st.tuples(inner, st.sampled_from("+-*/"), inner).map(combined), max_leaves=12
)


@given(SUMS)
def test_agrees_with_fractions(expression: Sum) -> None:
    if expression.value is None:
        with pytest.raises(CannotCalculate, match="divides by zero"):
            evaluate(expression.text)
    else:
        assert evaluate(expression.text) == expression.value


@given(st.decimals(-(10**9), 10**9, places=4, allow_nan=False))
def test_decimals_come_back_as_written(number: object) -> None:
    assert Fraction(calculate(f"{number:f}")) == Fraction(str(number))


@given(st.integers(-(10**12), 10**12))
def test_thousands_commas(number: int) -> None:
    assert calculate(f"{number:,}") == str(number)


@given(st.text("0123456789.,+-*/%^!()x $e√ pilogsqrtmaxcomb°²", max_size=30))
def test_any_text_gives_a_number_or_a_clear_error(text: str) -> None:
    try:
        result = calculate(text)
    except CannotCalculate:
        return  # anything else fails the test
    assert re.fullmatch(r"-?\d+(\.\d+)?(e[+-]\d+)?", result)


@pytest.mark.skipif(not CORPUS.exists(), reason="the corpus is not here")
def test_the_expressions_of_gsm8k() -> None:
    with gzip.open(CORPUS, "rt") as lines:
        rows = [json.loads(line) for line in lines]
    wrong = [row for row in rows if not math.isclose(float(calculate(row["expr"])), float(row["result"]), abs_tol=1e-9)]
    assert len(rows) == 2000
    assert wrong == []
