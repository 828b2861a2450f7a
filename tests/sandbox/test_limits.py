"""Every limit ends its program in time, with the right kind, and the next program runs."""

import time
from collections.abc import Iterator

import pytest

from agentkit.sandbox import Limits, Sandbox
from agentkit.sandbox.result import ProgramError

WALL = 0.6
GRACE = 0.5


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(limits=Limits(wall=WALL)) as made:
        made.start()
        yield made


def failure(sandbox: Sandbox, code: str, limits: Limits | None = None) -> ProgramError:
    """The error of a program that a limit must end in time; the next program must run."""
    began = time.monotonic()
    result = sandbox.run(code, limits=limits)
    assert time.monotonic() - began < (limits or sandbox.limits).wall + GRACE
    assert sandbox.run("6 * 7").value == 42
    assert result.error is not None
    assert not result.ok
    return result.error


@pytest.mark.parametrize(
    ("code", "line"),
    [
        ("x = 1\nwhile True:\n    x += 1", (2, 3)),
        ("def f():\n    while True: pass\nf()", (2,)),
        ("while True:\n    try:\n        while True: pass\n    except Exception: pass", (3,)),
        ("def fib(n): return n if n < 2 else fib(n - 1) + fib(n - 2)\nfib(90)", (1,)),
        ("class E(Exception):\n    def __str__(self):\n        while True: pass\nraise E()", None),
        ("class A:\n    def __repr__(self):\n        while True: pass\nanswer = A()", (3,)),
        ("def f():\n    try:\n        while True: pass\n    finally:\n        while True: pass\nf()", None),
        ("import itertools\nsum(itertools.repeat(1))", None),
        ("import itertools\nmax(itertools.count())", None),
        ("import itertools\n-1 in itertools.count()", None),
        ("x = 10 ** 10 ** 8", None),
        ("import math\nx = math.factorial(10 ** 8)", None),
        ("import re\nre.match('(a+)+$', 'a' * 60 + 'b')", (2,)),
        ("import time\ntime.sleep(100)", (2,)),
    ],
)
def test_endless_programs(sandbox: Sandbox, code: str, line: tuple[int, ...] | None) -> None:
    error = failure(sandbox, code)
    assert (error.kind, error.type) == ("time", "TimeLimit")
    assert f"longer than {WALL} s" in error.message
    if line is not None:
        assert error.line in line


@pytest.mark.parametrize(
    "code",
    [
        "x = 'a' * 10 ** 10",
        "x = list(range(10 ** 9))",
        "x = 1 << (10 ** 11)",
        "s = 'x'\nwhile True: s += s",
        "x = f'{1:10000000000}'",
        "d = {}\nwhile True: d[len(d)] = [0] * 1000",
        "x = [bytearray(10 ** 7) for _ in range(100)]",
    ],
)
def test_memory(sandbox: Sandbox, code: str) -> None:
    error = failure(sandbox, code, Limits(wall=8))
    assert (error.kind, error.type) == ("memory", "MemoryError")
    assert error.message == "memory limit of 256 MB reached"
    assert error.line is not None


def test_a_smaller_memory_limit(sandbox: Sandbox) -> None:
    small = Limits(wall=5, memory=32 << 20)
    assert failure(sandbox, "x = 'a' * (64 << 20)", small).message == "memory limit of 32 MB reached"
    assert sandbox.run("len('a' * (16 << 20))", limits=small).value == 16 << 20


@pytest.mark.parametrize(
    "code", ["while True: print('x' * 1000)", "while True: print()", "import sys\nprint('x' * (64 << 20))"]
)
def test_an_output_flood(sandbox: Sandbox, code: str) -> None:
    limits = Limits(wall=WALL, output_total=1 << 20)
    error = failure(sandbox, code.removeprefix("import sys\n"), limits)
    assert error.kind in ("output", "time")  # an empty line a call may not reach a megabyte in time
    assert sandbox.run("print('x' * 70_000)", limits=limits).truncated


def test_processor_time(sandbox: Sandbox) -> None:
    assert Limits(wall=3, cpu=0.5).cpu_seconds == 2
    began = time.monotonic()
    error = sandbox.run("while True: pass", limits=Limits(wall=8, cpu=0.5)).error
    assert error is not None
    assert (error.kind, error.message) == ("time", "stopped: used more than 0.5 s of processor time")
    assert time.monotonic() - began < 8


@pytest.mark.parametrize(
    ("code", "types"),
    [
        ("def f(n): return f(n + 1)\nf(0)", ("RecursionError",)),
        ("(" * 100_000 + "1" + ")" * 100_000, ("SyntaxError", "ProgramTooLarge", "NotAllowed")),
        ("x = " + "-" * 50_000 + "1", ("SyntaxError", "NotAllowed", "RecursionError")),
        ("a" + ".b" * 50_000, ("SyntaxError", "NotAllowed", "NameError")),
        # From 3.14 on only the stack bounds C code: repr gets deep, and compares each list with all around it.
        ("a = []\nfor _ in range(100_000): a = [a]\nlen(repr(a))", ("RecursionError", "TimeLimit")),
    ],
    ids=["calls", "parentheses", "signs", "attributes", "repr"],
)
def test_deep_programs(sandbox: Sandbox, code: str, types: tuple[str, ...]) -> None:
    error = failure(sandbox, code)
    assert error.kind in ("program", "not_allowed", "time")
    assert error.type in types


def test_a_long_source_is_not_even_sent(sandbox: Sandbox) -> None:
    began = time.monotonic()
    error = sandbox.run('x = "' + "a" * 20_000_000 + '"').error
    assert time.monotonic() - began < 0.2
    assert error is not None
    assert (error.kind, error.type) == ("not_allowed", "ProgramTooLarge")
    assert error.message == "the program has 20000006 characters; limit 200000"


def test_the_result_limit(sandbox: Sandbox) -> None:
    limits = Limits(wall=WALL, result=1000)
    assert sandbox.run("'x' * 900", limits=limits).ok
    error = failure(sandbox, "'x' * 1000", limits)
    assert (error.kind, error.message) == ("result", "the result is too large: 1002 bytes, limit 1000")


def test_a_program_cannot_name_its_own_kind(sandbox: Sandbox) -> None:
    code = "class TimeLimit(Exception): pass\nraise TimeLimit('stopped: ran longer than 10 s')"
    assert failure(sandbox, code).kind == "program"
