"""Asking the person at the terminal before a tool acts."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import TextIO

from agentkit.approval import Approval, ApprovalRequest
from agentkit.cli.text import printable

__all__ = ["Consent", "Pause"]

Pause = Callable[[], AbstractContextManager[object]]
TERMINAL = Path("/dev/tty")
QUESTION = "Allow it? [y/N, or say what to do instead] "


class Consent:
    """An approver. With `yes` everything is approved; where no terminal is, nothing is.

    Args:
        pause: stops whatever is drawing on the terminal while the question stands there.
    """

    def __init__(self, *, yes: bool, pause: Pause) -> None:
        self._yes = yes
        self._pause = pause
        self._turn = threading.Lock()  # programs may call several tools at once

    def __call__(self, request: ApprovalRequest, /) -> Approval:
        if self._yes:
            return Approval(True)
        with self._turn, self._pause(), _terminal() as terminal:
            if terminal is None:
                return Approval(False, "There is no terminal to ask at. (--yes approves every call.)")
            return _ask(request, *terminal)


def _ask(request: ApprovalRequest, reading: TextIO, writing: TextIO) -> Approval:
    _forget_typed(reading)
    writing.write(f"\n{_told(request, colour=writing.isatty())}\n  {QUESTION}")
    writing.flush()
    line = reading.readline()
    if not line:  # the end of input says no, too
        writing.write("\n")
        writing.flush()
    said = line.strip()
    if said.lower() in ("y", "yes"):
        return Approval(True)
    if said.lower() in ("", "n", "no"):
        return Approval(False, "The user said no.")
    return Approval(False, f"The user said: {said}")


def _forget_typed(reading: TextIO) -> None:
    """What was typed before the question stood there cannot be the answer to it."""
    import termios  # not on Windows, and neither is /dev/tty

    with suppress(termios.error):
        termios.tcflush(reading, termios.TCIFLUSH)


def _told(request: ApprovalRequest, *, colour: bool) -> str:
    """The exact call, an argument to a line. `repr` escapes all that a terminal would obey or hide."""
    tool = f"\033[1;33m{request.tool}\033[0m" if colour else request.tool
    lines = [printable(f"    {name}={value!r}") for name, value in request.arguments.items()]
    shown = " ".join(printable(request.preview).split())
    lines = [*(lines or ["    no arguments"]), *([f"  That is: {shown}"] if shown else [])]
    return "\n".join((f"  The agent asks to run {tool} with", *lines))


@contextmanager
def _terminal() -> Generator[tuple[TextIO, TextIO] | None]:
    """Where to ask: the terminal itself, whatever stdin and stdout are connected to."""
    try:
        reading, writing = TERMINAL.open(encoding="utf-8", errors="replace"), TERMINAL.open("w", encoding="utf-8")
    except OSError:
        # No controlling terminal; in some containers there are streams on one all the same.
        yield (sys.stdin, sys.stderr) if sys.stdin.isatty() and sys.stderr.isatty() else None
        return
    with reading, writing:
        yield reading, writing
