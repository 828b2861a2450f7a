"""Where the events of a run go besides the display: JSON Lines on stdout, and the trace file."""

from __future__ import annotations

import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from agentkit.codec import to_json
from agentkit.errors import ConfigError
from agentkit.events import Event

__all__ = ["Sink", "json_lines", "trace"]


class Sink(Protocol):
    """Takes the events of a run, one by one."""

    def __call__(self, event: Event, /) -> None: ...


def json_lines(event: Event, /) -> None:
    """One line of JSON on stdout, at once."""
    sys.stdout.write(f"{to_json(event)}\n")
    sys.stdout.flush()


@contextmanager
def trace(path: Path | None) -> Generator[list[Sink]]:
    """A sink for a file that holds all events so far at any time, however the process ends; none without a path.

    Raises:
        ConfigError: the file cannot be written.
    """
    if path is None:
        yield []
        return
    try:
        file = path.open("w", encoding="utf-8", buffering=1)
    except OSError as error:
        raise ConfigError(f"Cannot write the trace to {path}: {error.strerror}.") from None

    def write(event: Event, /) -> None:
        file.write(f"{to_json(event)}\n")

    with file:
        yield [write]
