"""The part of a terminal that is drawn again and again, below all that stands."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import IO

from rich.console import Console, RenderableType
from rich.file_proxy import FileProxy
from rich.live import Live

__all__ = ["Region"]

TICK = 0.08
"""Seconds between two drawings."""


class Region:
    """Draws what `now` returns from `begin` to `end`; what is written to sys.stderr meanwhile comes above it.

    Rich's own refreshing thread and a print of another thread can take the size of one drawing for that of the next,
    and erase lines that should stay. Here one lock covers a whole drawing and a whole print.
    """

    def __init__(self, console: Console, now: Callable[[], RenderableType]) -> None:
        self._console = console
        self._now = now
        self._turn = threading.RLock()
        self._over = threading.Event()
        self._live: Live | None = None
        self._stderr = sys.stderr

    def begin(self) -> None:
        self._stderr, sys.stderr = sys.stderr, _Above(self._console, sys.stderr, self._turn)
        self._over = threading.Event()
        self._live = Live(
            console=self._console,
            get_renderable=self._now,
            auto_refresh=False,
            transient=True,
            redirect_stdout=False,  # stdout is for the answer, and may be elsewhere
            redirect_stderr=False,
        )
        with self._turn:
            self._live.start(refresh=True)
        threading.Thread(target=self._draw, args=(self._live, self._over), name="agentkit-display", daemon=True).start()

    def end(self) -> None:
        """Erase the region; what stands above it stays."""
        self._over.set()
        with self._turn:
            if self._live is not None:
                self._live.stop()
        sys.stderr = self._stderr

    def above(self, part: RenderableType) -> None:
        """Print for good, above the region."""
        with self._turn:
            if self._live is not None and self._live.is_started:
                self._live.refresh()  # a print draws the region again as it was last
            self._console.print(part)

    def _draw(self, live: Live, over: threading.Event) -> None:
        while not over.wait(TICK):
            with self._turn:
                if not over.is_set():
                    live.refresh()


class _Above(FileProxy):
    def __init__(self, console: Console, file: IO[str], turn: threading.RLock) -> None:
        super().__init__(console, file)
        self._turn = turn

    def write(self, text: str) -> int:
        with self._turn:
            return super().write(text)
