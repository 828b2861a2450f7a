"""Programs: the protocol of an interpreter, and the tool that runs a program in one."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Literal, Protocol, TypeGuard, cast, runtime_checkable

from agentkit.messages import JSON, Observation
from agentkit.prompt import Prompts
from agentkit.sandbox.result import Result, written
from agentkit.tool import tool
from agentkit.toolbox import AnyTool

if TYPE_CHECKING:
    from agentkit.sandbox import Sandbox

__all__ = [
    "RESET",
    "Interpreter",
    "Repeatable",
    "default_interpreter",
    "is_repeatable",
    "new_session",
    "observe",
    "plain",
    "program_tool",
]


# The value of a failed program's observation when the variables of those before are lost.
RESET: JSON = {"session": "reset"}


@runtime_checkable
class Interpreter(Protocol):
    """Runs Python that nobody has read. `agentkit.sandbox.Sandbox` is the one that comes with agentkit."""

    def start(self) -> None:
        """Get ready, so that the first program does not wait; `run` does it by itself if nobody did."""
        ...

    def run(
        self,
        code: str,
        *,
        inputs: Mapping[str, JSON] | None = None,
        tools: Mapping[str, Callable[..., object]] | None = None,
        entry: str = "auto",
    ) -> Result:
        """Run a program and take its result; never raises for what the program did.

        Args:
            code: the program.
            inputs: variables it finds.
            tools: functions it may call.
            entry: where the result is: "solution", "var:NAME", "last" (expression), "stdout", or "auto" for the
                first of these that there is.
        """
        ...

    def close(self) -> None:
        """Let go of processes and memory."""
        ...


@runtime_checkable
class Repeatable(Interpreter, Protocol):
    """An interpreter that can run a program so that it does the same again."""

    def run(
        self,
        code: str,
        *,
        inputs: Mapping[str, JSON] | None = None,
        tools: Mapping[str, Callable[..., object]] | None = None,
        entry: str = "auto",
        seed: str | None = None,
        now: datetime | None = None,
    ) -> Result:
        """As `Interpreter.run`.

        Args:
            seed: chance begins with it.
            now: the clock stands still at this time.
        """
        ...


def is_repeatable(interpreter: Interpreter) -> TypeGuard[Repeatable]:
    """Whether its `run` takes `seed` and `now`."""
    return {"seed", "now"} <= inspect.signature(interpreter.run).parameters.keys()


def default_interpreter() -> Sandbox:
    """The sandbox that comes with agentkit, with its default limits."""
    from agentkit.sandbox import Sandbox

    return Sandbox()


def new_session(interpreter: Interpreter) -> Interpreter:
    """An interpreter in which variables live on, where this one can make such; else the interpreter itself."""
    make = getattr(interpreter, "session", None)
    return cast("Interpreter", make()) if callable(make) else interpreter


def program_tool(
    interpreter: Callable[[], Interpreter],
    prompts: Prompts,
    *,
    entry: str = "auto",
    then: Literal["go on", "end", "explain"] = "go on",
) -> AnyTool:
    """The tool "python". What follows a program that runs: the loop goes on, or the value is the run's answer, or the
    model is asked to put the value into words.
    """

    @tool(read_only=True)
    def python(code: str) -> Observation:
        """Run a Python program and get its value and what it printed. math, statistics, datetime, Fraction, Decimal and
        more are there without import; no files, no network.

        Args:
            code: the program; its result is what solution() returns, else the variable `answer`, else the last
                expression, else what it printed.
        """
        result = interpreter().run(code, entry=entry)
        seen = observe(result, prompts)
        if seen.failed or then == "go on":
            return seen
        if then == "end":
            return replace(seen, text=result.text, final=True)
        return replace(seen, text=f"{seen.text}\n\n{prompts.say('tools', 'explain')}")

    return python


def observe(result: Result, prompts: Prompts) -> Observation:
    """A program's result as the model reads it."""
    printed = _printed(result, prompts)
    if not result.ok:
        text = prompts.say("observations", "program failed", error=result.text, output=printed)
        return Observation(text.strip(), "tool_error", RESET if result.reset else None)
    text = prompts.say("observations", "program result", value=result.text, output=printed)
    return Observation(text.strip(), value=plain(result.value))


def _printed(result: Result, prompts: Prompts) -> str:
    output = result.output.strip()
    if not output or output == result.text.strip():
        return ""
    return prompts.say("observations", "program output", output=output)


def plain(value: object) -> JSON:
    """A program's value as JSON data: what JSON has not, as text."""
    if isinstance(value, (bool, str)) or value is None:
        return value
    if isinstance(value, int):
        return value if abs(value) < 2**63 else str(value) if value.bit_length() < 10_000 else "a very large integer"
    if isinstance(value, float):
        return value
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in cast("Sequence[object]", value)]
    if isinstance(value, dict):
        return {written(key): plain(item) for key, item in cast("Mapping[object, object]", value).items()}
    return written(value)
