"""What a run has open while it runs, sync and async: model streams, worker threads, tasks."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from concurrent.futures import Future
from contextlib import suppress
from queue import SimpleQueue
from typing import Any, TypeAlias, TypeVar, cast

from agentkit.models.base import Chunk

__all__ = ["AsyncHost", "Host", "Stream", "Workers", "called"]

R = TypeVar("R")
_Inbox: TypeAlias = "SimpleQueue[Callable[[], None] | None]"


class Stream:
    """An open model stream, sync or async."""

    __slots__ = ("chunks",)

    def __init__(self, chunks: Iterator[Chunk] | AsyncIterator[Chunk]) -> None:
        self.chunks = chunks

    def unwritten_tokens(self) -> int | None:
        """How many output tokens were still to come, if the model can tell."""
        count = getattr(self.chunks, "unwritten_tokens", None)
        return cast("int", count()) if callable(count) else None

    def close(self) -> None:
        close = getattr(self.chunks, "close", None)
        if callable(close):
            # A generator that a worker thread is still waiting in (a stalled model) cannot be closed from here.
            with suppress(ValueError):
                close()

    async def aclose(self) -> None:
        close = getattr(self.chunks, "aclose", None)
        if callable(close):
            await cast("Awaitable[object]", close())


class Workers:
    """Daemon threads, made when needed and used again: a function that never returns must not keep the process alive
    (the standard executors wait for theirs at exit), nor hold up any other call."""

    __slots__ = ("_closed", "_idle")

    def __init__(self) -> None:
        self._idle: list[_Inbox] = []
        self._closed = False

    def submit(self, function: Callable[[], R]) -> Future[R]:
        """Run in a thread, with the caller's context variables."""
        future: Future[R] = Future()
        context = contextvars.copy_context()
        inbox = self._idle.pop() if self._idle else self._hire()
        inbox.put(lambda: context.run(_fulfil, future, function))
        return future

    def _hire(self) -> _Inbox:
        inbox: _Inbox = SimpleQueue()
        threading.Thread(target=self._work, args=(inbox,), name="agentkit-worker", daemon=True).start()
        return inbox

    def _work(self, inbox: _Inbox) -> None:
        while (run := inbox.get()) is not None:
            run()
            self._idle.append(inbox)
            if self._closed:
                self.close()

    def close(self) -> None:
        """Let idle threads end; a busy one ends with the process."""
        self._closed = True
        while self._idle:
            self._idle.pop().put(None)


def called(function: Callable[[], R]) -> R:
    """What a function gives. Its StopIteration is made a fault like any other, as Python does for coroutines: a future
    of asyncio takes none, and whoever waited for it would wait for ever."""
    try:
        return function()
    except StopIteration as error:
        raise RuntimeError("function raised StopIteration") from error


def _fulfil(future: Future[R], function: Callable[[], R]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        result = called(function)
    except BaseException as error:
        future.set_exception(error)
    else:
        future.set_result(result)


class _Open:
    """The model streams that a run has open."""

    __slots__ = ("streams",)

    def __init__(self) -> None:
        self.streams: list[Stream] = []

    def forget(self, stream: Stream) -> None:
        """It is being closed; the run's end need not do it again."""
        if stream in self.streams:
            self.streams.remove(stream)


class AsyncHost(_Open):
    """What one asynchronous run has open: closed when the run ends, however it ends."""

    __slots__ = ("_workers", "pending")

    def __init__(self) -> None:
        super().__init__()
        self.pending: list[asyncio.Task[Any]] = []
        self._workers: Workers | None = None

    async def __aenter__(self) -> AsyncHost:
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self.pending:
            task.cancel()
        for stream in self.streams:
            await stream.aclose()
        if self._workers is not None:
            self._workers.close()

    def begin(self, coroutine: Coroutine[object, object, R]) -> asyncio.Task[R]:
        """Run beside the run's flow, until the run ends at the latest."""
        task = asyncio.ensure_future(coroutine)
        # Nobody may ask for the result (an early tool of a step that came out otherwise): that is no fault.
        task.add_done_callback(_looked_at)
        self.pending.append(task)
        return task

    def submit(self, function: Callable[[], R]) -> Future[R]:
        if self._workers is None:
            self._workers = Workers()
        return self._workers.submit(function)

    async def in_thread(self, function: Callable[[], R]) -> R:
        return await asyncio.wrap_future(self.submit(function))


def _looked_at(task: asyncio.Task[Any]) -> None:
    if not task.cancelled():
        task.exception()


class Host(_Open):
    """What one synchronous run has open, and what it needs on demand: worker threads, a loop for async tools."""

    __slots__ = ("_loop", "_workers")

    def __init__(self) -> None:
        super().__init__()
        self._workers: Workers | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def __enter__(self) -> Host:
        return self

    def __exit__(self, *_: object) -> None:
        for stream in self.streams:
            stream.close()
        if self._workers is not None:
            self._workers.close()
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._loop.stop)

    def submit(self, function: Callable[[], R]) -> Future[R]:
        if self._workers is None:
            self._workers = Workers()
        return self._workers.submit(function)

    def spawn(self, coroutine: Coroutine[object, object, R]) -> Future[R]:
        """Run on the host's own event loop: the calling thread may have one that is running."""
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            threading.Thread(target=_serve, args=(self._loop,), name="agentkit-loop", daemon=True).start()
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop)


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
    finally:
        pending = asyncio.all_tasks(loop)
        for task in pending:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*pending, return_exceptions=True))
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()
