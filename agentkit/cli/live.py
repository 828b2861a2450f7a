"""Progress in a terminal: what is settled stands above, what is being written and a spinner move below it."""

from __future__ import annotations

import time
from collections.abc import Generator
from contextlib import contextmanager

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from agentkit.cli.region import Region
from agentkit.cli.story import Called, Remark, Seen, Story, Telling, Thought
from agentkit.cli.text import arguments, code_of, counted, observed, printable
from agentkit.conversation import estimate_tokens
from agentkit.events import ActionStarted, Event, ModelRetried, ModelStarted, RunStarted, StepEnded, TextDelta
from agentkit.messages import Action, Observation

__all__ = ["LiveDisplay"]

TAIL = 6
"""Lines of the text that is being written."""


class LiveDisplay:
    """A sink that draws on a terminal.

    Args:
        full: show long observations whole.
    """

    def __init__(self, console: Console, *, full: bool = False) -> None:
        self._console = console
        self._story = Story()
        self._full = full
        self._spinner = Spinner("dots", style="call")
        self._started = time.monotonic()
        self._doing = "starting"
        self._writing = ""
        self._tokens = 0
        self._led = False
        self._region = Region(console, self._now)

    @contextmanager
    def showing(self) -> Generator[None]:
        """Draw while a run goes on."""
        self._region.begin()
        try:
            yield
        finally:
            self._region.end()

    @contextmanager
    def paused(self) -> Generator[None]:
        """Leave the terminal alone, for a question."""
        self._region.end()
        try:
            yield
        finally:
            self._region.begin()

    def __call__(self, event: Event, /) -> None:
        self._follow(event)
        for telling in self._story.tell(event):
            self._writing = ""
            if not isinstance(telling, Seen) and not (isinstance(telling, Called) and self._led):
                self._region.above("")  # a new step, unless its thought has just begun it
            self._region.above(_drawn(telling, self._console, full=self._full))
            self._led = isinstance(telling, Thought)

    def _follow(self, event: Event) -> None:
        """What is going on right now."""
        match event:
            case RunStarted():
                self._started, self._tokens, self._writing = time.monotonic(), 0, ""
            case ModelStarted():
                self._doing, self._writing = "thinking", ""
            case ModelRetried():
                self._doing, self._writing = "waiting", ""
            case TextDelta(text):
                self._writing += text
            case ActionStarted(action):
                self._doing = f"running {action.tool}"
            case StepEnded(step):
                self._tokens += step.reply.tokens.input + step.reply.tokens.output
                self._writing = ""
            case _:
                pass

    def _now(self) -> RenderableType:
        tokens = self._tokens + (estimate_tokens(self._writing) if self._writing else 0)
        parts = [self._doing, f"{time.monotonic() - self._started:.0f} s"] + [counted(tokens, "token")] * bool(tokens)
        self._spinner.text = Text(" · ".join(parts), style="aside")
        text = Text(printable(self._writing.strip()), style="aside")
        tail = text.wrap(self._console, max(self._console.width - 4, 10))[-TAIL:] if text else ()
        return Group("", *(Padding(line, (0, 2)) for line in tail), Padding(self._spinner, (0, 0, 0, 2)))


def _drawn(telling: Telling, console: Console, *, full: bool) -> RenderableType:
    match telling:
        case Thought(text):
            return Padding(Text(printable(text.strip()), style="aside"), (0, 2))
        case Called(action):
            return _call(action)
        case Seen(observation):
            return _observation(observation, console, full=full)
        case Remark(text):
            return Padding(Text(printable(text), style="fault"), (0, 2))


def _call(action: Action) -> RenderableType:
    code = code_of(action)
    head = Text.assemble(("▸ ", "call"), (printable(action.tool), "call"))
    if code is None:
        body = Table.grid(padding=(0, 2))
        body.add_row(head, Text(printable(arguments(action.input)), overflow="fold"))
        return body
    from rich.syntax import Syntax

    program = Syntax(printable(code.strip()), "python", theme="ansi_dark", background_color="default", word_wrap=True)
    return Group(head, Padding(program, (0, 2, 0, 4)))


def _observation(observation: Observation, console: Console, *, full: bool) -> RenderableType:
    head, rest = observed(observation, full=full)
    style = "fault" if observation.failed else "seen"
    bar = ("  │ ", style if observation.failed else "good")
    lines = [
        Text.assemble(bar, line)
        for line in Text(printable(head), style=style).wrap(console, max(console.width - 6, 10))
    ]
    notes = [rest] * bool(rest) + [f"{observation.seconds:.1f} s"] * (observation.seconds >= 1)
    if notes:
        lines.append(Text.assemble(bar, (" · ".join(notes), "aside")))
    return Group(*lines)
