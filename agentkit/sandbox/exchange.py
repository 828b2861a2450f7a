"""One program's conversation with its worker, driven by the host: send it, serve its tool calls, stop it in time."""

import contextlib
import re
import select
import socket
import time
from collections.abc import Callable, Generator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from itertools import islice
from typing import Literal

from .calls import CALL_NUMBER
from .client import Worker
from .limits import GRACE, Limits
from .values import Tree, Unencodable, plain
from .wire import (
    MAX_BATCH,
    Failed,
    Finished,
    FrameReader,
    ProtocolError,
    ToolCall,
    dumps,
    escape,
    frame,
    parse_call,
    parse_outcome,
    weight,
)

Tool = Callable[..., object]

_CHUNK = 1 << 18
_PARALLEL = 8
_PATH = re.compile(r"(?<![\w.:/\\~-])(?:~|[A-Za-z]:)?(?:[/\\][\w.@+ -]*[\w.@+-])+[/\\]([\w.@+-]*)")
_MESSAGE = 2000


@dataclass(frozen=True, slots=True)
class Stopped:
    """The host ended the program: at the wall limit, for a flood, for breaking the protocol, or when asked to."""

    why: Literal["time", "output", "calls", "protocol", "cancelled"]


@dataclass(frozen=True, slots=True)
class Died:
    """The worker closed the socket without an outcome."""


Outcome = Finished | Failed | Stopped | Died


class _Late(Exception):
    """The program's time is up."""


@dataclass(slots=True)
class Printed:
    """What a program printed: all of it up to `limit` bytes, else the first and the last half of that."""

    limit: int
    total: int = 0
    _head: bytearray = field(default_factory=bytearray)
    _tail: bytearray = field(default_factory=bytearray)

    def add(self, data: bytes) -> None:
        """Bytes of UTF-8."""
        self.total += len(data)
        half = self.limit - self.limit // 2
        room = half - len(self._head)
        if room > 0:
            self._head += data[:room]
            data = data[room:]
        self._tail += data
        if len(self._tail) > 2 * self.limit:
            del self._tail[: -self.limit]

    @property
    def truncated(self) -> bool:
        """Whether something was left out."""
        return self.total > self.limit

    @property
    def text(self) -> str:
        """The output, with a line that says how much is missing."""
        tail = bytes(self._tail)
        if not self.truncated:
            return _decode(bytes(self._head) + tail)
        half = self.limit // 2
        left = self.total - len(self._head) - half
        end = tail[-half:] if half else b""
        return f"{_decode(bytes(self._head))}\n[... {left} bytes of output left out ...]\n{_decode(end)}"


def _decode(data: bytes) -> str:
    return data.decode("utf-8", "replace")


class Exchange:
    """Runs one program in one worker. `cancel` may be called from another thread."""

    def __init__(self, worker: Worker, tools: Mapping[str, Tool], limits: Limits, sent: Callable[[], None]) -> None:
        self._socket = worker.connection
        self._tools = tools
        self._limits = limits
        self._frames = FrameReader(limits.result, limits.tool_argument)
        self._poll = select.poll()
        self._waiting: list[tuple[int, ToolCall]] = []
        self._weight = self._calls = self._received = 0
        self._most = limits.output_total + limits.result + 2 * limits.tool_calls * limits.tool_argument
        self._paused = 0.0
        self._started = 0.0
        self._cancelled = False
        self._sent = sent
        self.printed = Printed(limits.output)

    def cancel(self) -> None:
        """Ends the program soon; its outcome is Stopped("cancelled")."""
        self._cancelled = True
        with contextlib.suppress(OSError):
            self._socket.shutdown(2)

    @property
    def in_step(self) -> bool:
        """Whether nothing came after the outcome, so that the worker can take another program."""
        return self._frames.empty

    @property
    def elapsed(self) -> float:
        """Seconds of wall clock since the start, tool calls left out."""
        return time.monotonic() - self._started - self._paused

    def run(self, message: bytes) -> Outcome:
        """Sends the program and serves it to its end. Only what a tool raises outside Exception passes through.

        `sent` is called once while the program runs.
        """
        self._started = time.monotonic()
        self._socket.setblocking(False)
        try:
            if self._stale():
                return Stopped("protocol")
            self._send(message)
            self._sent()
            while True:
                self._wait(select.POLLIN)
                outcome = self._read()
                if outcome is not None:
                    return outcome
        except ProtocolError:
            return Stopped("protocol")
        except _Late:
            return Stopped("time")
        except OSError:
            return Stopped("cancelled") if self._cancelled else Died()

    def _stale(self) -> bool:
        """Whether the worker sent something before it was asked: a forged outcome of the next step."""
        try:
            return bool(self._socket.recv(1, socket.MSG_PEEK))
        except BlockingIOError:
            return False

    def _wait(self, event: int) -> None:
        """Until the socket can be read or written, or the program's time is up."""
        left = self._limits.wall + GRACE - self.elapsed
        self._poll.register(self._socket, event)
        if left <= 0 or not self._poll.poll(left * 1000):
            raise _Late

    def _read(self) -> Outcome | None:
        try:
            data = self._socket.recv(_CHUNK)
        except BlockingIOError:
            return None
        if not data:
            return Stopped("cancelled") if self._cancelled else Died()
        self._received += len(data)
        for kind, payload in self._frames.feed(data):
            outcome = self._frame(kind, payload)
            if outcome is not None:
                return outcome
        return Stopped("output") if self._received > self._most else None

    def _send(self, message: bytes) -> None:
        """All of it. A worker in order reads it at once; one that does not must not hold the host."""
        data = memoryview(message)
        while data:
            try:
                data = data[self._socket.send(data) :]
            except BlockingIOError:
                self._wait(select.POLLOUT)

    def _frame(self, kind: bytes, payload: bytes) -> Outcome | None:
        match kind:
            case b"O":
                self.printed.add(payload)
                return Stopped("output") if self.printed.total > self._limits.output_total else None
            case b"C":
                return self._call(payload)
            case _:
                return parse_outcome(payload)

    def _call(self, payload: bytes) -> Outcome | None:
        """Collects a batch, then answers it."""
        self._weight += weight(payload)
        if self._waiting and self._weight > MAX_BATCH:
            return Stopped("protocol")  # a worker in order sends fewer at once
        call = parse_call(payload)
        self._calls += 1
        if self._calls > 2 * self._limits.tool_calls + 10:
            return Stopped("calls")
        self._waiting.append((self._calls, call))
        if len(self._waiting) >= call.batch:
            batch, self._waiting, self._weight = self._waiting, [], 0
            self._answer(batch)
        return None

    def _answer(self, batch: list[tuple[int, ToolCall]]) -> None:
        """The program's clock stands still while the tools run, not while it takes the replies."""
        with contextlib.closing(self._replies(batch)) as replies:
            while True:
                began = time.monotonic()
                reply = next(replies, None)
                self._paused += time.monotonic() - began
                if reply is None:
                    return
                self._send(frame(b"V", reply))

    def _replies(self, batch: list[tuple[int, ToolCall]]) -> Generator[bytes]:
        """As they come. The next call starts when one has been passed on: few are held at once."""
        if self._calls > self._limits.tool_calls:
            yield from (self._refused(call) for _, call in batch)
        elif len(batch) == 1:
            yield self._reply(batch[0])
        else:
            yield from self._side_by_side(batch)

    def _side_by_side(self, batch: list[tuple[int, ToolCall]]) -> Generator[bytes]:
        left = iter(batch)
        with ThreadPoolExecutor(min(len(batch), _PARALLEL), thread_name_prefix="agentkit-tools") as pool:
            running = {pool.submit(self._reply, numbered) for numbered in islice(left, _PARALLEL)}
            while running:
                done, running = wait(running, return_when=FIRST_COMPLETED)
                yield from self._take(done)
                running |= {pool.submit(self._reply, numbered) for numbered in islice(left, _PARALLEL - len(running))}

    @staticmethod
    def _take(done: set[Future[bytes]]) -> Generator[bytes]:
        """The replies; each is let go of once it is passed on."""
        while done:
            yield done.pop().result()

    def _refused(self, call: ToolCall) -> bytes:
        return _error(call, "ToolError", f"too many tool calls in one program (limit {self._limits.tool_calls})")

    def _reply(self, numbered: tuple[int, ToolCall]) -> bytes:
        number, call = numbered
        tool = self._tools.get(call.name)
        if tool is None:
            return _error(call, "NameError", f"no tool named {call.name!r} is granted to this program")
        token = CALL_NUMBER.set(number)
        try:
            value = tool(*call.args, **call.kwargs)
            reply = dumps({"id": call.id, "value": plain(value)})
        except Unencodable as error:
            return _error(call, "TypeError", f"the reply of {call.name} cannot be passed on: {error}")
        except Exception as error:
            return _error(call, type(error).__name__, describe(error))
        finally:
            CALL_NUMBER.reset(token)
        if len(reply) > self._limits.tool_reply:
            return _error(
                call,
                "ValueError",
                f"the reply of {call.name} is too large: {len(reply)} bytes, limit {self._limits.tool_reply}",
            )
        return reply


def describe(error: Exception) -> str:
    """A tool's error in words that give away no path of the host."""
    try:
        text = str(error.strerror if isinstance(error, OSError) and error.strerror else error)
    except Exception:  # a KeyError of an integer that is too long to be shown, say: the key is the program's
        text = "(its message cannot be shown)"
    return escape(_PATH.sub(r"\1", text)[:_MESSAGE])


def _error(call: ToolCall, kind: str, message: str) -> bytes:
    reply: Tree = {"id": call.id, "type": kind, "error": message}
    return dumps(reply)
