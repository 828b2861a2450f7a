"""`except*` in a sandbox: the lines of errors, the limits, sessions."""

from collections.abc import Iterator

import pytest

from agentkit.sandbox import Limits, Sandbox


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(limits=Limits(wall=0.5)) as made:
        yield made


GROUP = "try:\n    raise ExceptionGroup('g', [ValueError(1), TypeError(2)])\n"


@pytest.mark.parametrize(
    ("source", "kind", "line"),
    [
        (f"{GROUP}except* ValueError:\n    pass", "ExceptionGroup", 2),
        (f"{GROUP}except* KeyError:\n    pass", "ExceptionGroup", 2),
        (f"{GROUP}except* ValueError:\n    pass\nexcept* TypeError:\n    1 / 0", "ZeroDivisionError", 6),
        (f"{GROUP}except* ValueError:\n    raise KeyError", "ExceptionGroup", 4),
        (f"{GROUP}except* ValueError:\n    raise", "ExceptionGroup", 2),
        (f"{GROUP}except* int:\n    pass\nelse:\n    pass", "TypeError", 3),
        (f"{GROUP}except* (\n    ValueError,\n    ExceptionGroup):\n    pass", "TypeError", 3),
        ("try:\n    int('x')\nexcept* ValueError:\n    raise", "ExceptionGroup", 2),
        ("try:\n    int('x')\nexcept* TypeError:\n    raise", "ValueError", 2),
        ("def f():\n    try:\n        pass\n    except* ValueError:\n        return 1\n", "SyntaxError", 5),
        ("class G(ExceptionGroup):\n    x = 1\n    def split(self, kind): pass", "NotAllowed", 3),
    ],
)
def test_an_error_has_its_line(sandbox: Sandbox, source: str, kind: str, line: int) -> None:
    error = sandbox.run(source).error
    assert error is not None
    assert (error.type, error.line) == (kind, line)


ALL = "except* (Exception, BaseException, SystemExit, KeyboardInterrupt, GeneratorExit):"


@pytest.mark.parametrize(
    ("source", "line"),
    [
        (f"try:\n    while True:\n        x = 1\n{ALL}\n    pass", (2, 3)),
        (f"try:\n    raise ValueError\n{ALL}\n    while True: pass\n", (4, 4)),
        (f"{GROUP}except* ValueError:\n    while True: pass\n{ALL}\n    pass", (4, 4)),
        (f"try:\n    try:\n        raise ValueError\n    {ALL}\n        while True: pass\n{ALL}\n    pass", (5, 5)),
        (f"def f():\n    while True: pass\n{GROUP}except* f():\n    pass\n{ALL}\n    pass", (2, 2)),
        (f"try:\n    pass\n{ALL}\n    pass\nelse:\n    while True: pass", (6, 6)),
        (f"try:\n    pass\n{ALL}\n    pass\nfinally:\n    while True: pass", (6, 6)),
        (f"while True:\n    try:\n        raise ValueError\n    {ALL}\n        pass", (1, 5)),
    ],
)
def test_the_time_limit_is_not_caught_and_has_its_line(sandbox: Sandbox, source: str, line: tuple[int, int]) -> None:
    error = sandbox.run(source).error
    if error and error.line is None:  # something else had the processors, so that the host's kill came first
        error = sandbox.run(source).error
    assert error is not None
    assert error.kind == "time"
    assert error.line is not None
    assert line[0] <= error.line <= line[1]


@pytest.mark.parametrize("wanted", ["ValueError", "KeyError"])
def test_groups_as_deep_as_can_be_made_are_split(sandbox: Sandbox, wanted: str) -> None:
    source = f"""
g = ValueError(1)
for i in range(10_000):
    g = ExceptionGroup(str(i), [g])
try:
    try:
        raise g
    except* {wanted} as e:
        raise e
except ExceptionGroup as e:
    depth, left = 0, e
    while isinstance(left, ExceptionGroup):
        [left], depth = left.exceptions, depth + 1
(repr(left), depth)
"""
    result = sandbox.run(source, limits=Limits(wall=20))
    assert result.value == ("ValueError(1)", 10_000), result.error


def test_a_wide_group_is_split(sandbox: Sandbox) -> None:
    source = """
try:
    raise ExceptionGroup("g", [ValueError(1), TypeError(2)] * 100_000)
except* TypeError as e:
    found = len(e.exceptions)
except* ValueError as e:
    found += len(e.exceptions)
found
"""
    result = sandbox.run(source, limits=Limits(wall=20))
    assert result.value == 200_000, result.error


def test_memory_that_ran_out_is_an_exception_as_any(sandbox: Sandbox) -> None:
    source = "try:\n    x = bytearray(10**11)\nexcept* MemoryError as e:\n    answer = type(e).__name__"
    assert sandbox.run(source).value == "ExceptionGroup"
    error = sandbox.run("try:\n    raise ValueError\nexcept* ValueError:\n    x = bytearray(10**11)").error
    assert error is not None
    assert (error.kind, error.line) == ("memory", 4)


def test_a_session_goes_on_after_it(sandbox: Sandbox) -> None:
    with sandbox.session() as session:
        session.run("def f(n):\n    try:\n        1 / n\n    except* ZeroDivisionError as e:\n        raise")
        session.run("try:\n    f(0)\nexcept* ZeroDivisionError as e:\n    kept = e")
        assert session.run("repr(kept.exceptions)").value == "(ZeroDivisionError('division by zero'),)"
        error = session.run("try:\n    f(1)\nexcept* ValueError:\n    pass\nelse:\n    raise ValueError(kept)").error
        assert error is not None
        assert (error.type, error.line) == ("ValueError", 6)
