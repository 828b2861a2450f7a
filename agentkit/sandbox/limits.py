"""What a program may use, and how the kernel is told."""

import math
from dataclasses import dataclass, fields
from pathlib import Path

GRACE = 0.2
"""Seconds between the timer inside the worker (which gives a line number) and the host's kill."""

_STACK = 8 << 20
_PAGE_FIELDS = {"VmSize": 0, "VmData": 0}


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
            value = getattr(self, field.name)
            if value is None and field.name == "cpu":
                continue
            least = 0 if field.name == "tool_calls" else 0.001 if field.name in ("wall", "cpu") else 1
            if not least <= value < math.inf:
                raise ValueError(f"Limits({field.name}={value!r}): give a number of at least {least}.")

    @property
    def cpu_seconds(self) -> int:
        """RLIMIT_CPU counts whole seconds, the worker's start included."""
        return math.ceil(self.wall if self.cpu is None else self.cpu) + 1


@dataclass(frozen=True, slots=True)
class Footprint:
    """Address space and private data, in bytes, of a worker that has run nothing yet."""

    size: int
    data: int

    @classmethod
    def of_this_process(cls) -> "Footprint":
        found = dict(_PAGE_FIELDS)
        try:
            lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
        except OSError:
            return cls(0, 0)
        for line in lines:
            name, _, rest = line.partition(":")
            if name in found:
                found[name] = int(rest.split()[0]) << 10
        return cls(found["VmSize"], found["VmData"])


def apply(memory: int, cpu: int | None, base: Footprint) -> None:
    """Sets this process's resource limits for good: hard limits equal soft ones.

    cpu None: no limit on processor time (a session; the host's clock stops each step).
    Raises OSError or ValueError where the system refuses one.
    """
    import resource  # noqa: PLC0415  (POSIX only; the host imports this module everywhere)

    wanted = [
        (resource.RLIMIT_NOFILE, 4),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_STACK, _STACK),
        (resource.RLIMIT_NPROC, 0),
    ]
    if base.size:
        wanted += [(resource.RLIMIT_DATA, base.data + memory), (resource.RLIMIT_AS, base.size + memory + _STACK)]
    if cpu is not None:
        wanted.append((resource.RLIMIT_CPU, cpu))
    for which, value in wanted:
        hard = resource.getrlimit(which)[1]
        ceiling = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(which, (ceiling, ceiling))
