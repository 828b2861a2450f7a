"""The kernel's resource limits of a worker (setrlimit(2); POSIX only)."""

import resource
from dataclasses import dataclass
from pathlib import Path

_STACK = 8 << 20


@dataclass(frozen=True, slots=True)
class Footprint:
    """Address space and private data, in bytes, of a worker that has run nothing yet."""

    size: int
    data: int

    @classmethod
    def of_this_process(cls) -> "Footprint":
        found = {"VmSize": 0, "VmData": 0}
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
    """Sets this process's resource limits for good.

    cpu None: no limit on processor time (a session; the host's clock stops each step).
    Raises OSError or ValueError where the system refuses one.
    """
    wanted = [
        (resource.RLIMIT_NOFILE, 4),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_STACK, _STACK),
        (resource.RLIMIT_NPROC, 0),
    ]
    if base.size:
        wanted += [(resource.RLIMIT_DATA, base.data + memory), (resource.RLIMIT_AS, base.size + memory + _STACK)]
    for which, value in wanted:
        _set(which, value, value)
    if cpu is not None:
        _set(resource.RLIMIT_CPU, cpu, cpu + 1)  # at the first number SIGXCPU, which says why, at the second SIGKILL


def _set(which: int, soft: int, hard: int) -> None:
    most = resource.getrlimit(which)[1]
    if most != resource.RLIM_INFINITY:
        soft, hard = min(soft, most), min(hard, most)
    resource.setrlimit(which, (soft, hard))
