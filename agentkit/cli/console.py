"""The two streams: stdout for the answer alone, stderr for everything said about it."""

from __future__ import annotations

import io
import os
import sys
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["answer", "interactive", "note", "problem", "robust_streams", "say", "stderr"]


@cache
def stderr() -> Console:
    """The console on whatever sys.stderr is at the time."""
    from rich.console import Console
    from rich.theme import Theme

    # Only the terminal's own sixteen colours, so that it looks right on dark and light alike.
    theme = Theme({"call": "bold cyan", "aside": "dim", "seen": "", "fault": "yellow", "good": "green", "bad": "red"})
    return Console(stderr=True, theme=theme, highlight=False, soft_wrap=False, emoji=False, markup=False)


def interactive() -> bool:
    """Whether progress can be drawn and redrawn."""
    return sys.stderr.isatty() and os.environ.get("TERM") not in ("dumb", "unknown")


def say(text: str, style: str = "") -> None:
    """A line on stderr, wrapped at words in a terminal and whole elsewhere."""
    stderr().print(text, style=style, soft_wrap=not sys.stderr.isatty())


def note(text: str) -> None:
    """A remark on stderr."""
    say(text, "aside")


def problem(text: str) -> None:
    """What went wrong, in one line on stderr."""
    from rich.text import Text

    from agentkit.cli.text import printable

    told = Text.assemble(("Error: ", "bad"), " ".join(printable(text).split()))
    stderr().print(told, soft_wrap=not sys.stderr.isatty())


def answer(text: str) -> None:
    """The answer on stdout: as it is when piped, without control characters in a terminal."""
    from agentkit.cli.text import printable

    shown = printable(text) if sys.stdout.isatty() else text
    sys.stdout.write(shown if shown.endswith("\n") else f"{shown}\n")
    sys.stdout.flush()


def robust_streams() -> None:
    """A character that the terminal's encoding lacks must not end the run."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
