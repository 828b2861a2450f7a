"""Programs in, Results out: entries, errors with their lines, inputs, output."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from agentkit.sandbox import Limits, Result, Sandbox
from tests.sandbox.hostile import echo


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as made:
        yield made


@pytest.mark.parametrize(
    ("code", "value"),
    [
        ("def solution():\n    return 41 + 1", 42),
        ("answer = 3\nx = 4", 3),
        ("ans = 'a'", "a"),
        ("result = [1, 2]", [1, 2]),
        ("answer = 1\nans = 2\nresult = 3\n4", 1),
        ("answer = 1\ndef solution():\n    return 2", 2),
        ("x = 20\nx + 1", 21),
        ("print('6 * 7 =', 6 * 7)", "6 * 7 = 42"),
        ("x = 1", None),
        ("", None),
        ("answer = None\n5", None),
    ],
)
def test_auto_finds_the_value(sandbox: Sandbox, code: str, value: object) -> None:
    result = sandbox.run(code)
    assert (result.ok, result.value, result.error) == (True, value, None)


def test_auto_prefers_a_variable_to_what_was_printed(sandbox: Sandbox) -> None:
    result = sandbox.run("print('working')\nanswer = 7")
    assert (result.value, result.output) == (7, "working\n")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("code", ["x = 1\x0c", "x = '\x1c'", "x = '\u2028\x85'", "x = '\x0b'"])
@pytest.mark.parametrize(("fault", "kind"), [("y = 1 / 0", "program"), ("y = eval('1')", "not_allowed")])
def test_an_error_has_the_line_as_python_counts_it(
    sandbox: Sandbox, end: str, code: str, fault: str, kind: str
) -> None:
    error = sandbox.run(end.join([code, fault, "z = 3"])).error
    assert error is not None
    assert (error.kind, error.line, error.source) == (kind, 2, fault)


def test_what_vars_gives_crosses_as_a_dict(sandbox: Sandbox) -> None:
    code = "class P:\n    def __init__(self):\n        self.x = [1]\np = P()\n"
    assert sandbox.run(f"{code}[vars(p)]").value == [{"x": [1]}]
    assert sandbox.run(f"{code}echo(vars(p))", tools={"echo": echo}).value == {"x": [1]}


@pytest.mark.parametrize(
    ("entry", "value"),
    [("solution", 1), ("var:total", 2), ("last", 3), ("stdout", "out"), ("auto", 1)],
)
def test_entry_names_the_value(sandbox: Sandbox, entry: str, value: object) -> None:
    code = "def solution():\n    return 1\ntotal = 2\nprint('out')\n3"
    assert sandbox.run(code, entry=entry).value == value


@pytest.mark.parametrize(("entry", "name"), [("solution", "solution"), ("var:total", "total")])
def test_a_missing_entry_is_the_programs_error(sandbox: Sandbox, entry: str, name: str) -> None:
    error = sandbox.run("x = 1", entry=entry).error
    assert error is not None
    assert (error.kind, error.type) == ("program", "NameError")
    assert name in error.message


@pytest.mark.parametrize("entry", ["", "first", "var:", "var:a b", "var:a.b", "solution()"])
def test_an_unknown_entry_says_what_to_use(sandbox: Sandbox, entry: str) -> None:
    with pytest.raises(ValueError, match='use "auto"'):
        sandbox.run("1", entry=entry)


def test_an_error_has_its_line_and_the_lines_text(sandbox: Sandbox) -> None:
    result = sandbox.run("a = 1\nb = 2\ny = x + 1\n")
    assert not result.ok
    assert result.error is not None
    assert (result.error.kind, result.error.type, result.error.line) == ("program", "NameError", 3)
    assert result.text == "NameError: name 'x' is not defined (line 3: y = x + 1)"


def test_the_line_is_the_innermost_of_the_program(sandbox: Sandbox) -> None:
    code = "import json\ndef parse(text):\n    return json.loads(text)\nparse('{')"
    error = sandbox.run(code).error
    assert error is not None
    assert (error.type, error.line, error.source) == ("JSONDecodeError", 3, "return json.loads(text)")


@pytest.mark.parametrize(
    ("code", "kind", "line"),
    [
        ("x = (1,\n", "SyntaxError", 1),
        (" x = 1", "IndentationError", 1),
        ("a = 1\nif a:\nb = 2", "IndentationError", 3),
    ],
)
def test_a_syntax_error_is_the_programs(sandbox: Sandbox, code: str, kind: str, line: int) -> None:
    error = sandbox.run(code).error
    assert error is not None
    assert (error.kind, error.type, error.line) == ("program", kind, line)


def test_what_the_policy_refuses_is_not_allowed(sandbox: Sandbox) -> None:
    result = sandbox.run("print('before')\nx = ().__class__")
    assert result.error is not None
    assert (result.error.kind, result.error.type, result.error.line) == ("not_allowed", "NotAllowed", 2)
    assert result.output == ""


def test_inputs_are_variables(sandbox: Sandbox) -> None:
    given = {"numbers": [1, 2.5, (3, "x")], "table": {1: {"a"}}, "big": 10**100}
    assert sandbox.run("(numbers, table, big)", inputs=given).value == tuple(given.values())


@pytest.mark.parametrize(
    ("inputs", "error"), [({"a b": 1}, ValueError), ({"_x": 1}, ValueError), ({"f": print}, TypeError)]
)
def test_bad_inputs_are_refused(sandbox: Sandbox, inputs: dict[str, object], error: type[Exception]) -> None:
    with pytest.raises(error):
        sandbox.run("1", inputs=inputs)


def test_a_program_that_is_no_text_is_refused(sandbox: Sandbox) -> None:
    with pytest.raises(TypeError, match="must be a str"):
        sandbox.run(b"1")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def test_programs_share_nothing(sandbox: Sandbox) -> None:
    assert sandbox.run("kept = 1").ok
    error = sandbox.run("kept").error
    assert error is not None
    assert error.type == "NameError"


def test_long_output_keeps_head_and_tail(sandbox: Sandbox) -> None:
    result = sandbox.run("for i in range(100_000):\n    print('line', i)", limits=Limits(output=1000))
    assert result.ok
    assert result.truncated
    assert result.output.startswith("line 0\nline 1\n")
    assert result.output.endswith("line 99999\n")
    assert "bytes of output left out" in result.output
    assert len(result.output) < 1100


def test_output_up_to_the_limit_is_whole(sandbox: Sandbox) -> None:
    result = sandbox.run("print('x' * 999)", limits=Limits(output=1000))
    assert (result.truncated, result.output) == (False, "x" * 999 + "\n")


def test_output_survives_an_error(sandbox: Sandbox) -> None:
    result = sandbox.run("print('a', end='')\nprint('b')\n1 / 0")
    assert (result.output, result.ok) == ("ab\n", False)


def test_usage_and_isolation_are_told(sandbox: Sandbox) -> None:
    result = sandbox.run("sum(i * i for i in range(300_000))")
    assert 0.001 < result.usage.cpu <= result.usage.wall + 0.05
    assert result.usage.peak_memory > 1 << 20
    assert {"policy", "rlimits", "seccomp"} <= set(result.isolation)


def test_surrogates_do_not_break_the_host(sandbox: Sandbox) -> None:
    result = sandbox.run("print(chr(0xD800))\nanswer = 'a' + chr(0xDFFF)")
    assert result.value == "a\udfff"
    assert result.text == "a\\udfff"
    assert result.output == "\\ud800\n"
    bad = sandbox.run("x = '\ud800'").error
    assert bad is not None
    assert bad.type == "SyntaxError"


def test_many_threads_at_once(sandbox: Sandbox) -> None:
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(sandbox.run, [f"answer = {n} * 2" for n in range(60)]))
    assert [result.value for result in results] == [n * 2 for n in range(60)]


def test_async_runs_side_by_side(sandbox: Sandbox) -> None:
    async def both() -> list[Result]:
        return await asyncio.gather(*(sandbox.arun(f"{n} + 1") for n in range(5)))

    assert [result.value for result in asyncio.run(both())] == [1, 2, 3, 4, 5]


def test_cancelling_an_async_run_kills_its_program(sandbox: Sandbox) -> None:
    async def cancelled() -> None:
        task = asyncio.create_task(sandbox.arun("while True: pass"))
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(task, 5)

    asyncio.run(cancelled())
    assert sandbox.run("1").value == 1


def test_modules_are_a_tuple() -> None:
    with pytest.raises(TypeError, match="give a tuple"):
        Sandbox(modules="numpy")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("bad", [{"wall": 0}, {"wall": float("nan")}, {"memory": -1}, {"cpu": 0}, {"tool_calls": -1}])
def test_limits_that_are_none_are_refused(bad: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="give a number"):
        Limits(**bad)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def test_a_closed_sandbox_starts_again() -> None:
    box = Sandbox()
    box.start()
    assert box.run("1").value == 1
    box.close()
    box.close()
    assert box.run("2").value == 2
    box.close()
