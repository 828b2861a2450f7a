"""The embedded model's reply as it is written: pieces from the engine's thread become chunks, sync or async."""

from __future__ import annotations

import asyncio
import queue
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from agentkit.errors import ModelError
from agentkit.messages import ReplyEnd, Tokens
from agentkit.models.base import Chunk
from agentkit.models.local_engine import Engine, Piece, raise_error

__all__ = ["AsyncLocalStream", "LocalStream", "Reader"]

Item: TypeAlias = "Piece | Exception | None"


class Reader:
    """Turns llama.cpp's pieces into chunks and looks for the stop texts.

    llama.cpp could look for them itself, but its answer does not tell a stop text from the model's own end.
    """

    def __init__(self, stop: Sequence[str] = (), opening: str = "") -> None:
        """`opening`: the beginning of the reply that was written for the model; it comes with the first chunk."""
        self.finished = False
        self._stop = [text for text in stop if text]
        self._opening = opening
        self._held = ""  # the beginning of what may become a stop text

    def read(self, item: Item) -> Chunk | None:
        """The chunk that this piece makes, if any; `finished` tells whether it was the last.

        Raises:
            ModelError: what the engine reports.
        """
        if not isinstance(item, Mapping):
            self.finished = True
            raise item or ModelError("The local model's reply broke off without an end.")
        try:
            raise_error(item)
        except ModelError:
            self.finished = True
            raise
        text, reason = _choice(item)
        shown, stopped = self._until_stop(text, last=bool(reason))
        end: ReplyEnd | None = "stop" if stopped else "length" if reason == "length" else "end" if reason else None
        self.finished = end is not None
        if not shown and not end:
            return None
        shown, self._opening = self._opening + shown, ""
        return Chunk(shown, _tokens(item), end)

    def _until_stop(self, text: str, *, last: bool) -> tuple[str, bool]:
        """What can be shown, and whether a stop text has come (it is never shown itself)."""
        text = self._held + text
        found = [place for place in (text.find(stop) for stop in self._stop) if place >= 0]
        if found:
            return text[: min(found)], True
        held = 0 if last else max((_overlap(text, stop) for stop in self._stop), default=0)
        self._held = text[len(text) - held :]
        return text[: len(text) - held], False


class LocalStream:
    """The chunks of one reply. `close` stops the generation; it may be called from any thread."""

    def __init__(self, engine: Engine, request: Mapping[str, object], reader: Reader) -> None:
        self._reader = reader
        self._inbox: queue.SimpleQueue[Item] = queue.SimpleQueue()
        self._closed = False
        self._job = engine.submit(request, self._inbox.put)

    def __iter__(self) -> LocalStream:
        return self

    def __next__(self) -> Chunk:
        while not self._closed and not self._reader.finished:
            item = self._inbox.get()
            if not self._closed and (chunk := self._reader.read(item)) is not None:
                return chunk
        self._job.cancel()
        raise StopIteration

    def close(self) -> None:
        self._closed = True
        self._job.cancel()
        self._inbox.put(None)  # wakes a reader that waits in another thread

    def __del__(self) -> None:
        if hasattr(self, "_job"):
            self._job.cancel()


class AsyncLocalStream:
    """The same in an event loop."""

    def __init__(self, engine: Engine, request: Mapping[str, object], reader: Reader) -> None:
        self._reader = reader
        inbox: asyncio.Queue[Item] = asyncio.Queue()
        loop = asyncio.get_running_loop()
        self._inbox = inbox
        self._closed = False
        self._job = engine.submit(request, lambda item: loop.call_soon_threadsafe(inbox.put_nowait, item))

    def __aiter__(self) -> AsyncLocalStream:
        return self

    async def __anext__(self) -> Chunk:
        while not self._closed and not self._reader.finished:
            item = await self._inbox.get()
            if not self._closed and (chunk := self._reader.read(item)) is not None:
                return chunk
        self._job.cancel()
        raise StopAsyncIteration

    async def aclose(self) -> None:
        self._closed = True
        self._job.cancel()
        self._inbox.put_nowait(None)

    def __del__(self) -> None:
        if hasattr(self, "_job"):
            self._job.cancel()


def _overlap(text: str, stop: str) -> int:
    """How many characters at the end of the text begin the stop text."""
    longest = min(len(text), len(stop) - 1)
    return next((size for size in range(longest, 0, -1) if stop.startswith(text[-size:])), 0)


def _choice(piece: Piece) -> tuple[str, str | None]:
    match piece:
        case {"choices": [{"text": str(text), "finish_reason": reason}]}:
            return text, str(reason) if reason else None
        case _:
            return "", None


def _tokens(piece: Piece) -> Tokens | None:
    match piece.get("timings"):
        case {"cache_n": int(cached), "prompt_n": int(new), "predicted_n": int(written)}:
            return Tokens(cached + new, written, cached)
        case _:
            return None
