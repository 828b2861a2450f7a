"""Asking the person at the terminal before a tool acts."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Generator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from agentkit.approval import Approval, ApprovalRequest
from agentkit.cli.text import call_lines, printable
from agentkit.errors import ToolError
from agentkit.messages import JSON

__all__ = ["Consent", "Pause", "changed_arguments", "forget_typed"]

Pause = Callable[[], AbstractContextManager[object]]
TERMINAL = Path("/dev/tty")
QUESTION = "Allow it? [y/N/e to edit, or say what to do instead] "
CHANGES = 'What to change, as JSON like {"name": "value"} (Enter: nothing) '


class Consent:
    """An approver. With `yes` everything is approved; where no terminal is, nothing is.

    Args:
        pause: stops whatever is drawing on the terminal while the question stands there; None: nobody is asked.
    """

    def __init__(self, *, yes: bool, pause: Pause | None) -> None:
        self._yes = yes
        self._pause = pause
        self._turn = threading.Lock()  # programs may call several tools at once

    def __call__(self, request: ApprovalRequest, /) -> Approval:
        if self._yes:
            return Approval(True)
        if self._pause is None:
            return Approval(False, "Nobody is asked in a batch. (--yes approves every call.)")
        with self._turn, self._pause(), _terminal() as terminal:
            if terminal is None:
                return Approval(False, "There is no terminal to ask at. (--yes approves every call.)")
            return _ask(request, terminal)


def changed_arguments(given: Mapping[str, object], text: str) -> dict[str, JSON]:
    """All arguments of a call, with those that a JSON object names changed.

    Raises:
        ValueError: the text is no JSON object.
    """
    import json

    from pydantic_core import to_jsonable_python

    try:
        changes = json.loads(text)
    except ValueError as error:
        raise ValueError(f"That is no JSON: {error}.") from None
    if not isinstance(changes, dict):
        raise ValueError('That is no JSON object, like {"name": "value"}.')
    return {**to_jsonable_python(dict(given), fallback=str), **changes}


@dataclass(frozen=True, slots=True)
class _Terminal:
    """Where a person reads and writes, whatever stdin and stdout are connected to."""

    reading: TextIO
    writing: TextIO

    def say(self, text: str) -> None:
        self.writing.write(text)
        self.writing.flush()

    def asked(self, question: str) -> str:
        """What is answered; nothing at the end of input."""
        self.say(question)
        line = self.reading.readline()
        if not line:
            self.say("\n")
        return line.strip()


def _ask(request: ApprovalRequest, terminal: _Terminal) -> Approval:
    forget_typed(terminal.reading)
    now, edited = request, None
    terminal.say(f"\n{_told(now, terminal)}\n")
    while True:
        said = terminal.asked(f"  {QUESTION}")
        match said.lower():
            case "y" | "yes":
                return Approval(True, arguments=edited, preview="" if edited is None else now.preview)
            case "" | "n" | "no":
                return Approval(False, "The user said no.")
            case "e" | "edit":
                try:
                    wanted = _edited(now.arguments, terminal)
                    now, edited = request.edited(wanted), wanted
                except (ToolError, ValueError, OSError) as error:
                    terminal.say(f"  {printable(str(error))}\n")
                else:
                    terminal.say(f"\n{_told(now, terminal)}\n")
            case _:
                return Approval(False, f"The user said: {said}")


def _edited(given: Mapping[str, object], terminal: _Terminal) -> dict[str, JSON]:
    """All arguments, as the person wants them: from the editor that the environment names, else from a line."""
    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR")
    if editor:
        return _from_editor(given, editor, terminal)
    return changed_arguments(given, terminal.asked(f"  {CHANGES}") or "{}")


def _from_editor(given: Mapping[str, object], editor: str, terminal: _Terminal) -> dict[str, JSON]:
    import shlex
    import subprocess
    import tempfile

    from pydantic_core import to_json

    with tempfile.TemporaryDirectory(prefix="agentkit-") as folder:  # for this user alone
        file = Path(folder) / "arguments.json"
        file.write_bytes(to_json(dict(given), indent=2, fallback=str) + b"\n")
        command = [*shlex.split(editor), str(file)]
        done = subprocess.run(command, stdin=terminal.reading, stdout=terminal.writing, check=False)  # noqa: S603 - theirs
        if done.returncode:
            raise ValueError(f"{command[0]} ended with {done.returncode}: nothing is changed.")
        return changed_arguments({}, file.read_text(encoding="utf-8"))


def forget_typed(reading: TextIO) -> None:
    """What was typed before the question stood there cannot be the answer to it."""
    import termios  # not on Windows, and neither is /dev/tty

    with suppress(termios.error):
        termios.tcflush(reading, termios.TCIFLUSH)


def _told(request: ApprovalRequest, terminal: _Terminal) -> str:
    """The exact call."""
    tool = f"\033[1;33m{request.tool}\033[0m" if terminal.writing.isatty() else request.tool
    return "\n".join((f"  The agent asks to run {tool} with", *call_lines(request.arguments, request.preview)))


@contextmanager
def _terminal() -> Generator[_Terminal | None]:
    """The terminal itself, whatever stdin and stdout are connected to."""
    try:
        reading, writing = TERMINAL.open(encoding="utf-8", errors="replace"), TERMINAL.open("w", encoding="utf-8")
    except OSError:
        # No controlling terminal; in some containers there are streams on one all the same.
        on_one = sys.stdin.isatty() and sys.stderr.isatty()
        yield _Terminal(sys.stdin, sys.stderr) if on_one else None
        return
    with reading, writing:
        yield _Terminal(reading, writing)
