"""The packets between the host and the zygote: fixed numbers, so that a zygote reads and writes few of its pages.

A zygote shares its memory with every worker it forked, so each page that it writes to afterwards is copied once more.
One socket of the kind SOCK_SEQPACKET: a packet comes whole or not at all.
"""

import struct
from typing import Final, NamedTuple

_ORDER: Final = struct.Struct("=QQqdQ?")
_REPORT: Final = struct.Struct("=cQqdQ")
FORKED: Final = b"F"
EXIT: Final = b"E"


class Order(NamedTuple):
    """From the host: end one worker, then fork another; 0 as the number of either: none.

    memory: bytes. cpu: whole seconds, -1 for no limit. patience: seconds that the new worker waits for a program
    before it rehearses. report: whether the host waits for how the ended one ended.
    """

    fork: int = 0
    memory: int = 0
    cpu: int = -1
    patience: float = 0.0
    end: int = 0
    report: bool = False

    def pack(self) -> bytes:
        """The packet."""
        return _ORDER.pack(*self)

    @classmethod
    def unpack(cls, data: bytes) -> "Order":
        """The order in a packet."""
        return cls._make(_ORDER.unpack(data))


class Report(NamedTuple):
    """From the zygote, about one worker.

    FORKED: `value` is its process number, 0 where the fork failed (`text` says why). EXIT: `value` is its wait
    status, `cpu` seconds of processor time, `memory` its peak in bytes.
    """

    kind: bytes
    number: int
    value: int
    cpu: float = 0.0
    memory: int = 0
    text: str = ""

    def pack(self) -> bytes:
        """The packet."""
        return _REPORT.pack(*self[:-1]) + self.text.encode()

    @classmethod
    def unpack(cls, data: bytes) -> "Report":
        """The report in a packet."""
        kind, number, value, cpu, memory = _REPORT.unpack_from(data)
        return cls(kind, number, value, cpu, memory, data[_REPORT.size :].decode("utf-8", "replace"))
