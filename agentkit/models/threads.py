"""A synchronous model stream for async code.

Chat models without async code of their own (Bedrock's) would run in the event loop's default executor: a handful of
threads, so that of many runs at once most would wait for a thread and not for the model; and a stalled one would hold
up the end of the program. Here each call has a daemon thread of its own.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from typing import Protocol

from agentkit.models.base import Chunk

__all__ = ["ThreadedStream"]


class _Closable(Iterator[Chunk], Protocol):
    def close(self) -> None:
        """End the stream; may be called from any thread."""


class ThreadedStream(AsyncIterator[Chunk]):
    """The chunks of a stream that is read in a thread of its own, from the first time one is asked for."""

    def __init__(self, chunks: _Closable) -> None:
        self._chunks = chunks
        self._queue: asyncio.Queue[Chunk | Exception | None] | None = None
        self._ended = False

    async def __anext__(self) -> Chunk:
        if self._ended:
            raise StopAsyncIteration
        if self._queue is None:
            self._queue = asyncio.Queue()
            reading = (asyncio.get_running_loop(), self._queue)
            context = contextvars.copy_context()
            threading.Thread(
                target=context.run, args=(self._read, *reading), name="agentkit-model", daemon=True
            ).start()
        item = await self._queue.get()
        if isinstance(item, Chunk):
            return item
        self._ended = True
        if item is None:
            raise StopAsyncIteration
        raise item

    async def aclose(self) -> None:
        self._ended = True
        self._chunks.close()

    def _read(self, loop: asyncio.AbstractEventLoop, queue: asyncio.Queue[Chunk | Exception | None]) -> None:
        def put(item: Chunk | Exception | None) -> None:
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(queue.put_nowait, item)

        try:
            for chunk in self._chunks:
                put(chunk)
        except Exception as error:  # whatever it is, it belongs to whoever waits for the chunk
            put(error)
        else:
            put(None)
