"""Running an action: what a tool returns or raises becomes an observation; approval; keys; retries; time-outs."""

import asyncio
import logging
import time
from dataclasses import dataclass
from datetime import timedelta

import pytest

from agentkit import (
    Agent,
    Approval,
    ApprovalRequest,
    IdempotencyKey,
    Observation,
    RunContext,
    ToolError,
    approve_all,
    tool,
)
from agentkit.act import without_paths
from agentkit.approval import Approver
from agentkit.testing import ScriptedModel
from agentkit.toolbox import ToolLike


def observe(item: ToolLike, given: str = "{}", approve: Approver | None = None) -> Observation:
    model = ScriptedModel([f"Action: t\nAction Input: {given}", "Final Answer: ok"])
    run = Agent(model, [item], approve=approve).run("?")
    seen = run.steps[0].observation
    assert seen is not None
    return seen


endless: list[object] = []
endless.append(endless)


@dataclass
class Point:
    x: int
    when: timedelta


@pytest.mark.parametrize(
    ("value", "text", "data"),
    [
        ("plain", "plain", None),
        (None, "Done.", None),
        (4, "4", 4),
        (True, "True", True),
        ([1, "é"], '[1,"é"]', [1, "é"]),
        (Point(1, timedelta(hours=1)), '{"x":1,"when":"PT1H"}', {"x": 1, "when": "PT1H"}),
        # What was done must not count as failed because JSON cannot tell what came of it.
        (b"\xff", '"_w=="', "_w=="),
        ({"half": "\ud800", "bytes": b"b"}, '{"half":"?","bytes":"Yg=="}', {"half": "?", "bytes": "Yg=="}),
        (endless, '"[[...]]"', "[[...]]"),
        ({"odd": object}, '{"odd":"<class \'object\'>"}', {"odd": "<class 'object'>"}),
    ],
)
def test_results_are_text_for_the_model_and_data_for_the_program(value: object, text: str, data: object) -> None:
    seen = observe(tool(name="t")(lambda: value))
    assert (seen.text, seen.value, seen.failed) == (text, data, False)


def test_long_results_are_cut_in_the_middle() -> None:
    seen = observe(tool(name="t", max_chars=90)(lambda: "a" * 100 + "z" * 100))
    assert seen.text.startswith("a" * 60 + "\n[... 110 characters left out ...]\n") and seen.text.endswith("z" * 30)


def test_an_exception_is_an_observation_without_path_or_traceback(caplog: pytest.LogCaptureFixture) -> None:
    @tool(name="t")
    def broken() -> str:
        raise FileNotFoundError("[Errno 2] No such file or directory: '/home/ada/keys/secret.pem'")

    with caplog.at_level(logging.ERROR, "agentkit.tool"):
        seen = observe(broken)
    assert seen.kind == "tool_error"
    assert seen.text == "t failed: FileNotFoundError: [Errno 2] No such file or directory: 'secret.pem'"
    assert caplog.records[0].exc_info is not None  # the author of the tool finds the traceback in the log


@pytest.mark.parametrize(
    ("message", "clean"),
    [
        ("no /etc/passwd here", "no passwd here"),
        (r"open('C:\Users\ada\x.txt')", "open('x.txt')"),
        ("see https://example.com/a/b?c=d", "see https://example.com/a/b?c=d"),
        ("1/2 and 3/4", "1/2 and 3/4"),
        ("and/or", "and/or"),
        ('File "/work/my app/tool.py", line 3', 'File "tool.py", line 3'),
        ("not in /opt/my data (yet)", "not in my data (yet)"),
        ("/opt/data!", "/opt/data!"),
        ("/" * 9, "/" * 9),
        pytest.param("/-" * 50_000 + "!", "/-" * 50_000 + "!", id="long"),  # must not take the square of its length
    ],
)
def test_paths_of_this_machine_are_nobody_s_business(message: str, clean: str) -> None:
    assert without_paths(message) == clean


def test_a_tool_error_is_told_as_it_is() -> None:
    @tool(name="t")
    def picky() -> str:
        raise ToolError("Say which city.")

    assert observe(picky).text == "t failed: Say which city."


def test_wrong_arguments_say_what_is_expected() -> None:
    @tool(name="t")
    def f(n: int) -> int:
        return n

    seen = observe(f, '{"n": "many"}')
    assert seen.kind == "bad_arguments" and 'Expected {"n": integer}' in seen.text


def test_a_tool_that_takes_too_long_is_given_up() -> None:
    @tool(name="t", timeout=0.1)
    def slow() -> str:
        time.sleep(10)
        return "late"

    @tool(name="t", timeout=0.1)
    async def slow_too() -> str:
        await asyncio.sleep(10)
        return "late"

    for item in (slow, slow_too):
        started = time.monotonic()
        seen = observe(item)
        assert seen.kind == "timeout" and "0.1 seconds" in seen.text
        assert time.monotonic() - started < 5


def test_only_what_is_safe_is_tried_again() -> None:
    calls: list[str] = []

    def flaky() -> str:
        calls.append("x")
        if len(calls) < 3:
            raise ConnectionError("reset")
        return "got it"

    assert observe(tool(name="t", read_only=True, retry=2)(flaky)).text == "got it"
    calls.clear()
    assert observe(tool(name="t")(flaky)).kind == "tool_error"
    assert len(calls) == 1


def test_a_tool_error_is_tried_again_only_when_it_may_pass() -> None:
    calls: list[str] = []

    def failing(transient: bool) -> str:
        calls.append("x")
        raise ToolError("busy", transient=transient)

    flaky = tool(name="t", idempotent=True, retry=1)(failing)
    observe(flaky, '{"transient": true}')
    assert len(calls) == 2
    observe(flaky, '{"transient": false}')
    assert len(calls) == 3


def test_approval_shows_the_exact_call_and_decides() -> None:
    asked: list[ApprovalRequest] = []
    bought: list[str] = []

    @tool(name="t", needs_approval=True)
    def buy(thing: str, count: int = 1) -> str:
        bought.append(thing)
        return "bought"

    def decide(request: ApprovalRequest) -> bool | Approval:
        asked.append(request)
        return Approval(False, "Too dear.") if len(asked) == 1 else True

    seen = observe(buy, '{"thing": "boat", "count": "2"}', decide)
    assert seen.kind == "refused" and "Too dear." in seen.text and not bought
    assert str(asked[0]) == "t(thing='boat', count=2)"
    assert observe(buy, "boat", decide).text == "bought" and bought == ["boat"]


def test_the_approver_sees_what_the_call_would_do() -> None:
    asked: list[str] = []

    def in_words(number: int, key: IdempotencyKey) -> str:
        if number > 2:
            raise ToolError("There are only seats 1 and 2.")
        return f"the {'window' if number == 1 else 'aisle'} seat"

    @tool(name="t", needs_approval=True, preview=in_words)
    def seat(number: int, key: IdempotencyKey) -> str:
        return "taken"

    def approve(request: ApprovalRequest) -> bool:
        asked.append(request.preview)
        return True

    assert observe(seat, '{"number": 2}', approve).text == "taken"
    assert observe(seat, '{"number": 3}', approve).text == "t failed: There are only seats 1 and 2."
    assert asked == ["the aisle seat"], "nobody is asked about what cannot be done"


def test_nobody_to_ask_means_no() -> None:
    seen = observe(tool(name="t", needs_approval=True)(lambda: "done"))
    assert seen.kind == "refused" and "nobody is here" in seen.text


def test_an_approver_may_be_async_and_anything_but_yes_is_no() -> None:
    async def later(request: ApprovalRequest) -> bool:
        await asyncio.sleep(0)
        return True

    asking = tool(name="t", needs_approval=True)(lambda: "done")
    assert observe(asking, approve=later).text == "done"
    assert observe(asking, approve=approve_all).text == "done"
    assert observe(asking, approve=lambda request: "maybe").kind == "refused"  # type: ignore[arg-type]

    def no_terminal(request: ApprovalRequest) -> bool:
        raise EOFError

    assert "could not be asked for (EOFError)" in observe(asking, approve=no_terminal).text

    async def inside() -> str:
        model = ScriptedModel(["Action: t\nAction Input: {}", "Final Answer: ok"])
        run = await Agent(model, [asking], approve=later).arun("?")
        assert run.steps[0].observation is not None
        return run.steps[0].observation.text

    assert asyncio.run(inside()) == "done"


def test_a_tool_gets_its_key_and_the_run_s_clock() -> None:
    got: list[tuple[str, RunContext]] = []

    @tool(name="t")
    def act(n: int, key: IdempotencyKey, context: RunContext) -> str:
        got.append((key, context))
        return "ok"

    model = ScriptedModel([f'Action: t\nAction Input: {{"n": {n}}}' for n in (1, 2)] + ["Final Answer: ok"])
    Agent(model, [act]).run("?", run_id="r1")
    assert [key for key, _ in got] == ["r1:1:0", "r1:2:0"]
    assert got[0][1].now == got[1][1].now and got[0][1].now.tzinfo is not None
    assert got[1][1].step == 2 and got[1][1].key == got[1][0]


def test_return_direct_ends_the_run() -> None:
    model = ScriptedModel(["Action: t\nAction Input: {}"])
    with model:
        run = Agent(model, [tool(name="t", return_direct=True)(lambda: "the answer")]).run("?")
    assert run.answer == "the answer" and run.stop_reason == "answer"


def test_leaving_the_process_is_not_caught() -> None:
    @tool(name="t")
    def leave() -> str:
        raise SystemExit(3)

    with pytest.raises(SystemExit):
        observe(leave)
