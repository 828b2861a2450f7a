"""Granted tools inside a program: plain functions, run by the host, capped."""

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from agentkit.sandbox import Limits, Result, Sandbox
from tests.sandbox.hostile import echo


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(limits=Limits(wall=1)) as made:
        yield made


def add(a: int, b: int = 1) -> int:
    return a + b


def fail(kind: type[Exception], *args: object) -> Callable[[], object]:
    def tool() -> object:
        raise kind(*args)

    return tool


def caught(sandbox: Sandbox, tool: Callable[..., object], call: str = "tool()") -> str:
    """What a program sees of a tool's error."""
    code = f"try:\n    {call}\nexcept Exception as error:\n    answer = type(error).__name__ + ': ' + str(error)"
    value = sandbox.run(code, tools={"tool": tool}).value
    assert isinstance(value, str)
    return value


def test_an_error_that_cannot_be_shown_is_a_tools_error(sandbox: Sandbox) -> None:
    stock = {"lamp": 3}
    for key in ("10**5000", "(1, 10**5000)"):
        assert caught(sandbox, stock.__getitem__, f"tool({key})") == "KeyError: '(its message cannot be shown)'"
    assert caught(sandbox, fail(OSError, 1, ["no text"])) == "PermissionError: ['no text']"


def test_a_tool_is_a_plain_function(sandbox: Sandbox) -> None:
    tools = {"add": add}
    assert sandbox.run("add(1, 2) + add(a=3) + add(1, b=5)", tools=tools).value == 13
    assert sandbox.run("list(map(add, [1, 2], [3, 4]))", tools=tools).value == [4, 6]


def test_values_cross_both_ways(sandbox: Sandbox) -> None:
    value = {"n": 10**50, "t": (1, None), 2: {1.5}}
    assert sandbox.run("echo(v) == v", tools={"echo": echo}, inputs={"v": value}).value is True


def test_what_is_not_granted_does_not_exist(sandbox: Sandbox) -> None:
    error = sandbox.run("remove('x')", tools={"add": add}).error
    assert error is not None
    assert error.type == "NameError"


def test_gather_runs_calls_at_once(sandbox: Sandbox) -> None:
    barrier = threading.Barrier(3, timeout=5)

    def meet(name: str, *, loud: bool = False) -> str:
        barrier.wait()
        return name.upper() if loud else name

    code = "from functools import partial\ngather([(meet, 'a'), partial(meet, 'b', loud=True), (meet, 'c')])"
    result = sandbox.run(code, tools={"meet": meet})
    assert result.value == ["a", "B", "c"], result.error


def test_gather_keeps_values_that_are_there(sandbox: Sandbox) -> None:
    assert sandbox.run("gather([add(1), add(2, 2), (add, 5), 7, (1, 2)])", tools={"add": add}).value == [
        *(2, 4, 6, 7),
        (1, 2),
    ]


def test_gather_of_much_data_keeps_the_order(sandbox: Sandbox) -> None:
    """More than the host takes at once."""
    code = "found = gather([(echo, [i, 'x' * 60_000]) for i in range(60)])\n[(i, len(text)) for i, text in found]"
    result = sandbox.run(code, tools={"echo": echo})
    assert result.value == [(i, 60_000) for i in range(60)], result.error


def test_gather_begins_a_call_when_another_has_ended(sandbox: Sandbox) -> None:
    """A slow call holds back no others."""
    last = threading.Event()

    def tool(number: int) -> bool:
        if number == 0:
            return last.wait(5)
        if number == 19:
            last.set()
        return True

    assert sandbox.run("all(gather([(tool, i) for i in range(20)]))", tools={"tool": tool}).value is True


def test_gather_raises_the_first_error(sandbox: Sandbox) -> None:
    tools: dict[str, Callable[..., object]] = {"add": add, "bad": fail(KeyError, "k")}
    error = sandbox.run("gather([(add, 1), (bad,), (bad, 2)])", tools=tools).error
    assert error is not None
    assert error.type == "KeyError"


@pytest.mark.parametrize(
    ("tool", "said"),
    [
        (fail(ValueError, "no such city"), "ValueError: no such city"),
        (fail(TimeoutError, "slow"), "TimeoutError: slow"),
        (fail(FileNotFoundError, 2, "No such file", "/home/me/secret.txt"), "FileNotFoundError: No such file"),
        (fail(RuntimeError, "cannot read /home/me/data/table.csv now"), "RuntimeError: cannot read table.csv now"),
        (fail(RuntimeError, "see https://a.b/c/d and 1/2/3"), "RuntimeError: see https://a.b/c/d and 1/2/3"),
        (fail(type("RateLimited", (Exception,), {}), "later"), "RateLimited: later"),
        (fail(UnicodeError, "odd"), "UnicodeError: odd"),
        (
            object,
            "TypeError: the reply of tool cannot be passed on: a value of type object is not plain data",
        ),
        (lambda: "x" * 300_000, "ValueError: the reply of tool is too large: 300019 bytes, limit 262144"),
    ],
)
def test_a_tools_failure_reaches_the_program(sandbox: Sandbox, tool: Callable[[], object], said: str) -> None:
    assert caught(sandbox, tool) == said


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ("tool('x' * 70_000)", "ValueError: the arguments of tool are too large: 70046 bytes, limit 65536"),
        ("tool(lambda: 1)", "TypeError: the arguments of tool: a value of type function is not plain data"),
        ("tool(1, 2, 3)", "TypeError"),
    ],
)
def test_arguments_are_plain_and_capped(sandbox: Sandbox, call: str, said: str) -> None:
    assert caught(sandbox, add, call).startswith(said)


def test_a_tools_error_may_be_caught_as_tool_error(sandbox: Sandbox) -> None:
    tool = fail(type("Denied", (Exception,), {}), "the user said no")
    code = "try:\n    tool()\nexcept ToolError as error:\n    answer = str(error)"
    assert sandbox.run(code, tools={"tool": tool}).value == "the user said no"


def test_the_clock_stands_still_while_a_tool_runs(sandbox: Sandbox) -> None:
    def slow() -> str:
        time.sleep(0.7)
        return "done"

    result = sandbox.run("slow() + slow()", tools={"slow": slow})
    assert result.value == "donedone"
    assert result.usage.wall < 0.5


def test_the_clock_goes_on_afterwards(sandbox: Sandbox) -> None:
    error = sandbox.run("add(1)\nwhile True: pass", tools={"add": add}).error
    assert error is not None
    assert (error.kind, error.line) == ("time", 2)


def test_too_many_calls(sandbox: Sandbox) -> None:
    done: list[int] = []
    result = sandbox.run("for i in range(10**6): tool(i)", tools={"tool": done.append})
    assert len(done) == 100
    assert result.error is not None
    assert (result.error.kind, result.error.type) == ("program", "ToolError")
    assert result.error.message == "too many tool calls in one program (limit 100)"


def test_a_program_that_calls_on_is_stopped(sandbox: Sandbox) -> None:
    code = "while True:\n    try:\n        tool(1)\n    except Exception:\n        pass"
    error = sandbox.run(code, tools={"tool": add}).error
    assert error is not None
    assert error.message == "stopped: went on after 100 tool calls"


def test_a_batch_above_the_limit_runs_nothing(sandbox: Sandbox) -> None:
    done: list[int] = []
    result = sandbox.run("gather([(tool, i) for i in range(101)])", tools={"tool": done.append})
    assert done == []
    assert result.error is not None
    assert "too many tool calls" in result.error.message


LARGE = "gather([(tool, 'x' * 60_000) for _ in range({})])"  # goes to the host in batches


def test_a_gather_that_would_pass_the_limit_makes_no_call(sandbox: Sandbox) -> None:
    done: list[str] = []
    refused = f"try:\n    {LARGE.format(70)}\nexcept ToolError as error:\n    text = str(error)"
    code = f"{LARGE.format(30)}\ntool('one')\n{refused}\n{LARGE.format(69)}\ntext"
    result = sandbox.run(code, tools={"tool": done.append}, limits=Limits(wall=20))
    assert len(done) == 100
    assert result.value == (
        "too many tool calls in one program (limit 100): 31 were made before, and none of the 70 of this gather"
    ), result.error


def test_the_calls_of_a_session_are_counted_by_program(sandbox: Sandbox) -> None:
    with sandbox.session() as session:
        for _ in range(3):
            assert session.run("len(gather([(tool, 1)] * 100))", tools={"tool": echo}).value == 100


@pytest.mark.parametrize(
    ("last", "said"),
    [
        ("'x' * 70_000", "ValueError: the arguments of tool are too large: 70047 bytes, limit 65536"),
        ("lambda: 1", "TypeError: the arguments of tool: a value of type function is not plain data"),
    ],
)
def test_a_gather_with_a_call_that_cannot_be_made_makes_none(sandbox: Sandbox, last: str, said: str) -> None:
    done: list[object] = []
    call = f"gather([*[(tool, 'x' * 60_000)] * 90, (tool, {last})])"
    assert caught(sandbox, done.append, call) == said
    assert done == []


def test_the_host_counts_the_calls_of_a_worker_that_does_not() -> None:
    done: list[str] = []
    with Sandbox(policy="none", limits=Limits(wall=20)) as sandbox:
        code = f"gather.__self__._calls = 1000\n{LARGE.format(150)}"
        error = sandbox.run(code, tools={"tool": done.append}).error
    assert 0 < len(done) <= 100
    assert error is not None
    assert "too many tool calls in one program (limit 100)" in error.message


def test_output_before_a_call_is_kept(sandbox: Sandbox) -> None:
    seen: list[Result] = []
    result = sandbox.run("print('a', end='')\ntool()\nprint('b')", tools={"tool": seen.clear})
    assert result.output == "ab\n"


class Stop(BaseException):
    """What must end the whole run, as KeyboardInterrupt does."""


def test_what_is_no_exception_ends_the_run(sandbox: Sandbox) -> None:
    def stop() -> None:
        raise Stop

    with pytest.raises(Stop):
        sandbox.run("tool()", tools={"tool": stop})
    assert sandbox.run("1").value == 1
