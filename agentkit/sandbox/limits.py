"""What a program may use."""

import math
from dataclasses import dataclass, fields
from typing import cast

GRACE = 0.2
"""Seconds between the timer inside the worker (which gives a line number) and the host's kill."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of one program. Times in seconds, sizes in bytes (source: characters).

    The wall clock stands still while a tool runs. `cpu` is None for the same number as `wall`. `memory` is what the
    program may use on top of the interpreter. Past `output` the head and the tail are kept; a program that prints
    `output_total` is stopped.
    """

    wall: float = 10.0
    cpu: float | None = None
    memory: int = 256 << 20
    output: int = 64 << 10
    output_total: int = 16 << 20
    source: int = 200_000
    result: int = 1 << 20
    tool_calls: int = 100
    tool_argument: int = 64 << 10
    tool_reply: int = 256 << 10

    def __post_init__(self) -> None:
        for field in fields(self):
            value = cast("float | None", getattr(self, field.name))
            if value is None:
                continue
            least = 0 if field.name == "tool_calls" else 0.001 if field.name in ("wall", "cpu") else 1
            if not least <= value < math.inf:
                raise ValueError(f"Limits({field.name}={value!r}): give a number of at least {least}.")

    @property
    def cpu_seconds(self) -> int:
        """RLIMIT_CPU counts whole seconds, the worker's start included."""
        return math.ceil(self.wall if self.cpu is None else self.cpu) + 1
