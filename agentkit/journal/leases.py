"""Who drives a run: the name of this process, and whether that of another is still there."""

from __future__ import annotations

import os
import secrets
import socket
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from itertools import count
from pathlib import Path

__all__ = ["Lease", "busy", "has_left", "new_owner", "owner_is_gone", "user"]


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to write to a run. `fence` grows by one with each holder: what an earlier one writes is refused.

    Attributes:
        number: of the run, see `agentkit.journal.tables.lines`.
    """

    run_id: str
    owner: str
    fence: int
    number: int


# A process may have the number of one that is gone, and a child's number is another.
_TOKEN = secrets.token_hex(4)
_holders = count()


def new_owner() -> str:
    """A name for one holder: machine, process, and a token, since one process may drive a run twice."""
    return f"{_machine()}:{os.getpid()}:{_TOKEN}{next(_holders):x}"


# Holders of this process that stopped, and could not tell the journal.
_left: set[str] = set()


def has_left(owner: str) -> None:
    """Remember that a holder of this process has stopped, where the journal cannot be told."""
    _left.add(owner)


# Holders of this process that were left while an action of theirs goes on in a thread.
busy: set[str] = set()


def owner_is_gone(owner: str) -> bool:
    """Whether the holder has stopped, or was a process of this machine that is no more: nobody need wait for its lease
    to expire."""
    if owner in _left:
        return True
    machine, _, rest = owner.partition(":")
    pid = rest.partition(":")[0]
    if machine != _machine() or not pid.isdecimal():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


def _machine() -> str:
    return _machine_of(os.getpid())


@lru_cache(maxsize=1)
def _machine_of(_pid: int) -> str:
    """Host and, where there are such, the boot and the namespace of process ids: containers may share all the rest.
    Found out once for each process."""
    parts = [socket.gethostname()]
    with suppress(OSError):
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()[:8])
    with suppress(OSError):
        parts.append(str(Path("/proc/self/ns/pid").readlink()).strip("pid:[]"))
    return "/".join(parts)


def user() -> str:
    """Who runs this process."""
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        return f"uid {os.getuid()}"
