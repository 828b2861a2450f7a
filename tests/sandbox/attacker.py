"""Runs the programs given on standard input (JSON: {id: source}) under the policy alone, each in a child of its own
with limits on memory, time and files, and prints what each did (JSON: {id: outcome})."""

import io
import json
import os
import resource
import signal
import sys
from contextlib import redirect_stdout
from types import FrameType

from agentkit.sandbox.policy import compile_program
from tests.sandbox.layer1 import namespace

SECONDS = 0.4
MEMORY = 1 << 30


class _Late(BaseException):
    """The time is up."""


def _stop(number: int, frame: FrameType | None) -> None:
    raise _Late


def outcome(source: str, space: dict[str, object]) -> str:
    """`refused: ...`, `raised: ...`, `time` or `result: ...`, then what was printed."""
    compiled = compile_program(source)
    if compiled.code is None:
        first = compiled.errors[0]
        return f"refused: {first.kind}: line {first.line}: {first.message}"
    printed = io.StringIO()
    try:
        with redirect_stdout(printed):
            exec(compiled.code, space)
            told = f"result: {space.get('result')!r}"[:500]
    except _Late:
        told = "time"
    except BaseException as error:
        told = f"raised: {type(error).__name__}: {str(error)[:500]}"
    return f"{told}\n{printed.getvalue()[:500]}"


def child(source: str, writer: int) -> None:
    """Limits itself, runs, writes the outcome."""
    extra = tuple(name for name in ("numpy", "sympy") if f"import {name}" in source)
    space = namespace(*extra)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY * 3, MEMORY * 3))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    spent = int(resource.getrusage(resource.RUSAGE_SELF).ru_utime)
    resource.setrlimit(resource.RLIMIT_CPU, (spent + 2, spent + 2))
    signal.signal(signal.SIGALRM, _stop)
    signal.setitimer(signal.ITIMER_REAL, SECONDS, 0.05)
    try:
        told = outcome(source, space)
    except BaseException as error:  # the timer, once more, after the program
        told = f"time: {type(error).__name__}"
    signal.setitimer(signal.ITIMER_REAL, 0)
    os.write(writer, told.encode("utf-8", "backslashreplace"))


def attempt(source: str) -> str:
    """The outcome of one program in a child process."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            child(source, writer)
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        told = pipe.read().decode()
    _, status = os.waitpid(pid, 0)
    return told or f"ended: {os.waitstatus_to_exitcode(status)}"


if __name__ == "__main__":
    namespace()
    json.dump({name: attempt(source) for name, source in json.load(sys.stdin).items()}, sys.stdout)
