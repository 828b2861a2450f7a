"""Makes the first program of a worker quick.

The zygote runs samples until the interpreter's caches have settled. After a fork the first write to each page costs a
fault (about 250 for a ten-line program, most for reference counts), so a new worker runs one sample too, while it is
a spare and nobody waits.
"""

import os
import socket

from .channel import FD
from .values import Tree
from .wire import dumps, frame
from .worker import Runtime

_ROUNDS = 20  # the adaptive interpreter rewrites code that runs; after these it has settled

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
    """A Q frame with the fields that every program has."""
    fields: dict[str, Tree] = {"source": source, "entry": "auto", "inputs": {}, "tools": [], "wall": 10.0}
    fields.update(result=1 << 20, argument=1 << 16, calls=0, filename="<program>")
    return frame(b"Q", dumps(fields))


_MESSAGES = tuple(_request(source) for source in (_FAILING, "answer = [1, 2.5, (3, 'x')]", _SAMPLE))


def _rehearse(runtime: Runtime, messages: tuple[bytes, ...]) -> None:
    """The whole way of a program, through descriptor 3, without a host. Leaves /dev/null as descriptor 3."""
    ours, theirs = socket.socketpair()
    os.dup2(theirs.fileno(), FD)
    for message in messages:
        ours.sendall(message)
        runtime.step()
        ours.recv(1 << 16)
    runtime.reset()
    os.dup2(0, FD)
    ours.close()
    theirs.close()


def fill_caches(runtime: Runtime, rounds: int = _ROUNDS) -> None:
    """In the zygote, once."""
    _rehearse(runtime, _MESSAGES * rounds)


def touch_pages(runtime: Runtime) -> None:
    """In a new worker, before it is sealed."""
    _rehearse(runtime, _MESSAGES[-1:])
