"""Progress as plain lines on stderr: for pipes, logs and terminals that cannot redraw."""

from __future__ import annotations

import sys
from collections.abc import Generator
from contextlib import contextmanager

from agentkit.cli.story import Called, Remark, Seen, Story, Telling, Thought
from agentkit.cli.text import arguments, code_of, observed, printable
from agentkit.events import Event

__all__ = ["LineDisplay"]


class LineDisplay:
    """A sink that writes one paragraph for each part of the run.

    Args:
        full: show long observations whole.
    """

    def __init__(self, *, full: bool = False) -> None:
        self._story = Story()
        self._full = full

    def __call__(self, event: Event, /) -> None:
        for telling in self._story.tell(event):
            sys.stderr.write(f"{printable(self._line(telling))}\n")
        sys.stderr.flush()

    @contextmanager
    def showing(self) -> Generator[None]:
        yield

    @contextmanager
    def paused(self) -> Generator[None]:
        yield

    def _line(self, telling: Telling) -> str:
        match telling:
            case Thought(text):
                return f"Thought: {text}"
            case Called(action):
                code = code_of(action)
                return f"Action: {action.tool}({arguments(action.input)})" if code is None else f"Program:\n{code}"
            case Seen(observation):
                head, rest = observed(observation, full=self._full)
                return f"Observation: {head}\n{rest}".rstrip("\n")
            case Remark(text):
                return text
