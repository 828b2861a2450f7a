"""Ending a provider's HTTP response from outside, even while another thread waits in it for the next byte.

A generator cannot be closed while a thread is inside it, and a stalled model would hold that thread until the read
time-out. So a provider's hook says here how its response can be ended (`opened`), and the call that is under way in
this context (`Connection.current`) keeps that.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar

__all__ = ["Connection", "opened"]


class Connection:
    """The HTTP response of one model call, once there is one."""

    __slots__ = ("_end", "_ended", "_lock")

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._end: Callable[[], None] | None = None
        self._ended = False

    @contextmanager
    def current(self) -> Generator[None]:
        """Responses that are opened within belong to this call."""
        token = _current.set(self)
        try:
            yield
        finally:
            _current.reset(token)

    def attach(self, end: Callable[[], None]) -> None:
        with self._lock:
            self._end = end
            ended = self._ended
        if ended:  # it was given up while it was being made
            end()

    def end(self) -> None:
        """Whoever waits for the next byte sees the end of the response."""
        with self._lock:
            self._ended = True
            end, self._end = self._end, None
        if end is not None:
            end()


_current: ContextVar[Connection | None] = ContextVar("agentkit_connection", default=None)


def opened(end: Callable[[], None]) -> None:
    """A response came; `end` shuts its socket down. For hooks of providers' clients."""
    if connection := _current.get():
        connection.attach(end)
