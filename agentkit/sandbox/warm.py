"""Makes the first program of a worker quick.

The zygote runs samples until the interpreter's caches have settled. After a fork the first write to each page costs a
fault (some hundred for a ten-line program, most for reference counts), so a worker that nobody waits for runs one
sample too. One that is needed at once does not: its program makes the same faults.
"""

import json
import os
import select
import socket
from collections.abc import Callable
from typing import cast

from .channel import FD
from .values import Tree
from .wire import dumps, frame
from .worker import Runtime

_ROUNDS = 20  # the adaptive interpreter rewrites code that runs; after these it has settled
_NOWHERE = 1  # /dev/null, in a worker and in the zygote

_SAMPLE = '''
import math
def solution():
    """Some words."""
    total, names, seen = 0, [], {}
    for day in range(1, 8):
        total += day * 3 - 1
        names.append(f"{day}: {total:.2f}")
        seen[day] = total / 2
    price = round(math.sqrt(total) * 1.5, 2)
    best = max(seen.values())
    text = ", ".join(sorted(names))
    print("total", total, price)
    return sum(value for value in seen.values() if value < best) + len(text)
'''
_FAILING = "class Item:\n    def __init__(self):\n        self.n = 1\nx = {'a': [Item().n]}\ny = x['b'][0] + 1\n"


def _request(source: str) -> bytes:
    """The payload of a Q frame with the fields that every program has."""
    fields: dict[str, Tree] = {"source": source, "entry": "auto", "inputs": {}, "tools": [], "wall": 10.0}
    fields.update(result=1 << 20, argument=1 << 16, calls=0, filename="<program>")
    return dumps(fields)


_REQUESTS = tuple(_request(source) for source in (_FAILING, "answer = [1, 2.5, (3, 'x')]", _SAMPLE))


def fill_caches(runtime: Runtime, rounds: int = _ROUNDS) -> None:
    """In the zygote, once: the whole way of a program, on descriptor 3, which is /dev/null afterwards."""
    ours, theirs = socket.socketpair()
    os.dup2(theirs.fileno(), FD)
    for request in _REQUESTS * rounds:
        ours.sendall(frame(b"Q", request))
        runtime.step()
        ours.recv(1 << 16)
    runtime.reset()
    os.dup2(0, FD)
    ours.close()
    theirs.close()
    _rehearse(runtime)


def _rehearse(runtime: Runtime) -> None:
    """In a sealed worker: one sample, whose outcome goes nowhere."""
    runtime.channel.sink = _NOWHERE
    runtime.answer(cast("dict[str, Tree]", json.loads(_REQUESTS[-1])))
    runtime.reset()
    runtime.channel.sink = FD


def _asked(patience: float) -> bool:
    """Whether a program comes within so many seconds."""
    poll = select.poll()
    poll.register(FD, select.POLLIN)
    return bool(poll.poll(patience * 1000))


def start(runtime: Runtime, seal: Callable[[], None], patience: float = 0.0) -> None:
    """A new worker's life: seal, rehearse unless a program waits, serve. Never returns.

    patience: seconds to wait for a program before the rehearsal. Silent: the host reads the exit status.
    """
    try:
        seal()
        if not _asked(patience):
            _rehearse(runtime)
        runtime.serve()
    except (EOFError, BrokenPipeError, ConnectionResetError):  # the host is gone
        os._exit(0)
    finally:
        os._exit(1)
