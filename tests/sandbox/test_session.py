"""A session keeps its variables until a step is killed, and says which are lost."""

import asyncio
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from agentkit.sandbox import Limits, Sandbox


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(limits=Limits(wall=0.5)) as made:
        yield made


def double(number: int) -> int:
    return number * 2


def test_variables_functions_and_imports_live_on(sandbox: Sandbox) -> None:
    with sandbox.session() as session:
        session.run("import math\nn = 20\ndef half(x):\n    return x / 2")
        assert session.run("half(n) + math.sqrt(4)").value == 12.0
        session.run("n += 1")
        assert session.run("n").value == 21


def test_auto_takes_what_this_step_set(sandbox: Sandbox) -> None:
    with sandbox.session() as session:
        assert session.run("answer = 5").value == 5
        assert session.run("answer + 1").value == 6
        assert session.run("answer = 7\n1").value == 7
        session.run("def solution():\n    return 'first'")
        assert session.run("x = 3\nx").value == 3
        assert session.run("print('only')").value == "only"
        assert session.run("y = 1").value is None


def test_auto_takes_the_same_value_set_again(sandbox: Sandbox) -> None:
    with sandbox.session() as session:
        for code in ("answer = 5", "answer = 5", "answer = None", "answer = None", "result = True", "result = True"):
            assert session.run(code).value == session.run(f"{code}\n{code.partition(' ')[0]}").value
        session.run("answer = 5")
        assert session.run("answer = 5").value == 5
        assert session.run("1 / 0").ok is False
        assert session.run("answer + 1").value == 6
        assert session.run("0", entry="var:answer").value == 5
        session.run("def raise_it():\n    global answer\n    answer += 1\n    return answer")
        assert session.run("raise_it()\n'last'").value == 6
        assert session.run("answer").value == 6


def test_a_patched_library_class_sees_nothing_of_the_runtime(sandbox: Sandbox) -> None:
    patch = """
from contextlib import contextmanager
@contextmanager
def manager(): yield
kind, seen = type(manager()), []
for name in ("args", "gen", "func", "kwds"):
    setattr(kind, name, property(lambda self: None, lambda self, value: seen.append(value)))
"""
    with sandbox.session() as session:
        assert session.run(patch).ok
        assert session.run("answer = {(1, 2): 3}").value == {(1, 2): 3}
        assert session.run("seen").value == []


def test_an_answer_of_before_hides_no_tool(sandbox: Sandbox) -> None:
    with sandbox.session() as session:
        session.run("result = 1")
        assert session.run("result(2)", tools={"result": double}).ok is False  # the variable shadows the tool
    with sandbox.session() as session:
        assert session.run("result(2)", tools={"result": double}).value == 4
        assert session.run("result(3)", tools={"result": double}).value == 6


def test_an_error_keeps_the_variables(sandbox: Sandbox) -> None:
    with sandbox.session() as session:
        session.run("a = 1\ndef broken():\n    return a / 0")
        error = session.run("broken()").error
        assert error is not None
        assert (error.type, error.line, error.source) == ("ZeroDivisionError", 3, "return a / 0")
        assert session.run("a").value == 1


def test_a_soft_time_limit_keeps_the_variables(sandbox: Sandbox) -> None:
    with sandbox.session() as session:
        session.run("a = 1")
        error = session.run("while True: a += 1").error
        assert error is not None
        assert error.kind == "time"
        assert "lost" not in error.message
        assert session.run("a > 1").value is True


def test_a_kill_says_what_is_lost(sandbox: Sandbox) -> None:
    with sandbox.session() as session:
        session.run("a = 1\nb = 2\n_hidden = 3\ndef f(): pass")
        error = session.run("import itertools\nsum(itertools.repeat(1))").error
        assert error is not None
        assert error.kind == "time"
        assert error.message.endswith("; the session was reset, variables a, b, f are lost")
        missing = session.run("a").error
        assert missing is not None
        assert missing.type == "NameError"
        assert session.run("a = 5\na").value == 5


def test_memory_of_a_failed_step_is_given_back(sandbox: Sandbox) -> None:
    with sandbox.session() as session:
        for _ in range(3):
            code = "def f():\n    x = []\n    while True: x.append('a' * 10**6)\nf()"
            error = session.run(code, limits=Limits(wall=5)).error
            assert error is not None
            assert error.kind == "memory"
        assert session.run("len('a' * 10**8)", limits=Limits(wall=5)).value == 10**8


def test_sessions_are_separate(sandbox: Sandbox) -> None:
    with sandbox.session() as first, sandbox.session() as second:
        first.run("x = 1")
        assert not second.run("x").ok
        assert first.run("x").value == 1


def test_steps_from_many_threads_take_turns(sandbox: Sandbox) -> None:
    with sandbox.session() as session, ThreadPoolExecutor(4) as pool:
        session.run("n = 0")
        list(pool.map(session.run, ["n += 1"] * 40))
        assert session.run("n").value == 40


def test_tools_are_granted_step_by_step(sandbox: Sandbox) -> None:
    with sandbox.session() as session:
        assert session.run("double(4)", tools={"double": double}).value == 8
        error = session.run("double(4)").error
        assert error is not None
        assert error.type == "NameError"


def test_a_tool_hides_a_built_in_name_for_its_step_only(sandbox: Sandbox) -> None:
    with sandbox.session() as session:
        assert session.run("abs(-4)", tools={"abs": double}).value == -8
        assert session.run("abs(-4)").value == 4


def test_a_kept_function_of_a_tool_that_is_gone_is_refused(sandbox: Sandbox) -> None:
    with sandbox.session() as session:
        session.run("kept = double", tools={"double": double})
        error = session.run("kept(4)").error
        assert error is not None
        assert "no tool named 'double'" in error.message


def test_async_steps(sandbox: Sandbox) -> None:
    async def steps() -> object:
        async with sandbox.session() as session:
            await session.arun("x = 2")
            return (await session.arun("x * 3")).value

    assert asyncio.run(steps()) == 6


def test_a_closed_session_starts_again_with_nothing(sandbox: Sandbox) -> None:
    session = sandbox.session()
    session.run("x = 1")
    session.close()
    session.close()
    assert not session.run("x").ok
    session.close()


def test_a_session_outlives_many_steps_within_its_processor_time(sandbox: Sandbox) -> None:
    with sandbox.session() as session:
        session.run("total = 0")
        for _ in range(8):  # 8 x 0.35 s: more than RLIMIT_CPU gives a single program
            assert session.run(
                "import time\nt = time.perf_counter()\nwhile time.perf_counter() - t < 0.35: total += 1"
            ).ok
        assert session.run("total > 0").value is True


BUSY = """
import signal
def ring(*_):
    while True: pass
signal.signal(signal.SIGALRM, ring)
signal.setitimer(signal.ITIMER_REAL, 0.01)
"""


def test_a_session_that_works_between_its_steps_is_ended() -> None:
    """Where the language layer has been passed: a step left a handler of a signal that computes on."""
    with Sandbox(policy="none") as sandbox, sandbox.session() as session:
        session.run("x = 1")
        session.run("import builtins, sys\nsys.modules['agentkit.sandbox.channel'].Timer.stop = lambda self: None")
        assert session.run(BUSY).ok
        time.sleep(0.5)
        error = session.run("x").error
        assert error is not None
        assert (error.kind, error.type) == ("crashed", "BrokenProtocol")
        assert "the session was reset, variables x" in error.message
        assert session.run("1").usage.wall < 1
        assert session.run("1").value == 1
