"""The worker's end of its socket: frames out and in, printed text, the soft timer. Runs sealed, on descriptor 3."""

import io
import json
import os
import signal
import struct
import time
from types import FrameType

FD = 3
_HEADER = struct.Struct(">cI")
_BLOCK = 4 << 10
_LINES_AT_ONCE = 32  # the first lines leave at once, so that a kill loses none of a short output
_STALE = 0.05
_REPEAT = 0.05


class SoftTimeLimit(BaseException):
    """The wall limit, raised inside the program, so that its line is known. Repeated until the host kills."""


class Timer:
    """SIGALRM after the limit, then every 50 ms: an exception can be lost in a destructor or caught in a loop.

    `rang`: it went off, though the program may have run on.
    """

    def __init__(self) -> None:
        self._armed = False
        self._held = 0
        self._due = False
        self._left = 0.0
        self.rang = False
        signal.signal(signal.SIGALRM, self._ring)

    def _ring(self, _number: int, _frame: FrameType | None) -> None:
        if not self._armed:
            return
        self.rang = True
        if self._held:
            self._due = True
            return
        raise SoftTimeLimit

    def start(self, seconds: float) -> None:
        """From now the program's clock runs."""
        self._due, self.rang, self._armed = False, False, True
        signal.setitimer(signal.ITIMER_REAL, max(seconds, 0.001), _REPEAT)

    def stop(self) -> None:
        """No exception any more."""
        self._armed = False
        signal.setitimer(signal.ITIMER_REAL, 0)

    def pause(self) -> None:
        """The program waits for a tool: that time is not its own."""
        self._armed = False
        self._left = signal.setitimer(signal.ITIMER_REAL, 0)[0]

    def resume(self) -> None:
        """The tool has replied."""
        self.start(self._left)

    def __enter__(self) -> None:
        """Holds the exception back: a frame must not be cut in two."""
        self._held += 1

    def __exit__(self, *_: object) -> None:
        self._held -= 1
        if self._due and self._armed and not self._held:
            self._due = False
            raise SoftTimeLimit


class Channel:
    """Frames on descriptor 3. `sink`: where they are written to, another descriptor only for a rehearsal."""

    def __init__(self, timer: Timer) -> None:
        self._timer = timer
        self.sink = FD

    def send(self, kind: bytes, payload: bytes) -> None:
        """One whole frame. OSError when the host is gone."""
        with self._timer:
            data = memoryview(_HEADER.pack(kind, len(payload)) + payload)
            while data:
                data = data[os.write(self.sink, data) :]

    def receive(self) -> tuple[bytes, dict[str, object]]:
        """The next frame from the host. EOFError when the host is gone."""
        kind, length = _HEADER.unpack(self._exactly(_HEADER.size))
        return kind, json.loads(self._exactly(length))

    def _exactly(self, count: int) -> bytes:
        parts: list[bytes] = []
        while count:
            part = os.read(FD, count)
            if not part:
                raise EOFError
            parts.append(part)
            count -= len(part)
        return b"".join(parts)


class Output(io.TextIOBase):
    """What `print` writes to."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._parts: list[str] = []
        self._size = 0
        self._lines = 0
        self._sent = 0.0

    def write(self, text: str, /) -> int:
        """Keeps the text until a line (at first) or a block is full."""
        if not isinstance(text, str):  # pyright: ignore[reportUnnecessaryIsInstance]  # a program may pass anything
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        self._parts.append(text)
        self._size += len(text)
        whole = text.endswith("\n")
        self._lines += whole
        if self._size >= _BLOCK or (
            whole and (self._lines <= _LINES_AT_ONCE or time.monotonic() - self._sent > _STALE)
        ):
            self.flush()
        return len(text)

    def flush(self) -> None:
        """Sends what is kept."""
        text, self._parts, self._size = "".join(self._parts), [], 0
        self._sent = time.monotonic()
        for start in range(0, len(text), _BLOCK):
            self._channel.send(b"O", text[start : start + _BLOCK].encode("utf-8", "backslashreplace"))

    def writable(self) -> bool:
        """True."""
        return True

    def restart(self) -> None:
        """A new program: nothing kept, lines count from none."""
        self._parts, self._size, self._lines = [], 0, 0
