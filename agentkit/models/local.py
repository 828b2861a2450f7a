"""The embedded model: SmolLM2-135M-Instruct in this process, held to the agent's format by a grammar."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import queue
import re
import sys
from collections.abc import Iterable
from dataclasses import fields, replace
from pathlib import Path
from typing import cast

from agentkit.errors import ConfigError, ModelError
from agentkit.messages import JSON, Message, ReplyEnd, Tokens
from agentkit.models import weights as weights_module
from agentkit.models.base import Chunk, Params, Request
from agentkit.models.grammar import grammar_for
from agentkit.models.local_engine import ENGINES, Engine, Job, Piece, Setup, raise_error

__all__ = ["NOTICE", "LocalModel", "chatml", "installed"]

NOTICE = "Model: local SmolLM2-135M. A 135M model: fine to try the plumbing, not for answers you rely on."
CONTEXT = 8192
MAX_TOKENS = 1024
"""Output tokens in one call when the request does not say; the longest reply a grammar allows is below it, as a rule."""


def installed() -> bool:
    """Whether the extra and the weights are here (nothing is loaded)."""
    return importlib.util.find_spec("xllamacpp") is not None and weights_module.locate() is not None


class LocalModel:
    """A `Model` that runs in this process, on the CPU.

    Models of the same weights, adapter and context share one copy in memory; their requests wait for one another.
    The prompt's common prefix with the request before is not computed again. Temperature is 0 unless set.

    Args:
        params: what holds where a request does not say.
        weights: a GGUF file with a ChatML template; the fetched SmolLM2 by default.
        adapter: a GGUF LoRA adapter for these weights, with its `sha256` in hex, which is checked.
        context: tokens of prompt and reply together.
        threads: for reading prompts; by default the processors at hand, at most 4.
        notice: say once per process on stderr how far this model is to be trusted.

    Raises:
        ConfigError: the extra or a file is missing, or the adapter is not the one named; the text has the command.
    """

    def __init__(
        self,
        params: Params = Params(),
        *,
        weights: Path | None = None,
        adapter: Path | None = None,
        sha256: str | None = None,
        context: int = CONTEXT,
        threads: int | None = None,
        notice: bool = True,
    ) -> None:
        if importlib.util.find_spec("xllamacpp") is None:
            raise ConfigError("The local model needs an extra. Run: pip install 'agentkit-react[local]'")
        self._params = params
        self._setup = Setup(
            _existing(weights), _checked(adapter, sha256), context, threads or min(len(os.sched_getaffinity(0)), 4)
        )
        self._notice = notice

    @property
    def name(self) -> str:
        adapter = self._setup.adapter
        return f"local:{self._setup.weights.stem.partition('.')[0]}" + (f"+{adapter.stem}" if adapter else "")

    def stream(self, request: Request, /) -> LocalStream:
        return LocalStream(self._engine(), *self._prepared(request))

    def astream(self, request: Request, /) -> AsyncLocalStream:
        return AsyncLocalStream(self._engine(), *self._prepared(request))

    def _engine(self) -> Engine:
        if self._notice:
            _NOTICE.give()
        return ENGINES.get(self._setup)

    def _prepared(self, request: Request) -> tuple[dict[str, object], Reader]:
        params = _merged(self._params, request.params)
        wanted: dict[str, object] = {
            "prompt": chatml(request.messages),
            "max_tokens": params.max_tokens or MAX_TOKENS,
            "temperature": params.temperature or 0.0,
            "top_p": params.top_p,
            "top_k": params.top_k,
            # The runtime has 32 bits, and takes the last of them for "choose one".
            "seed": None if params.seed is None else params.seed % (2**32 - 1),
            "grammar": grammar_for(request.format),
            "cache_prompt": True,
            "stream": True,
            "timings_per_token": True,
            "return_progress": True,  # so that a request can be stopped while its prompt is read
        }
        return {key: value for key, value in wanted.items() if value is not None}, Reader(params.stop)


class LocalStream:
    """The chunks of one reply; `close` stops the generation, from any thread."""

    def __init__(self, engine: Engine, wanted: dict[str, object], reader: Reader) -> None:
        self._reader = reader
        self._inbox: queue.SimpleQueue[Piece | Exception | None] = queue.SimpleQueue()
        self._job = engine.submit(wanted, self._inbox.put)

    def __iter__(self) -> LocalStream:
        return self

    def __next__(self) -> Chunk:
        while not self._reader.finished:
            chunk = self._reader.read(self._inbox.get(), self._job)
            if chunk is not None:
                return chunk
        raise StopIteration

    def close(self) -> None:
        self._reader.finished = True
        self._job.cancel()
        self._inbox.put(None)  # wakes a reader that waits in another thread

    def __del__(self) -> None:
        if job := getattr(self, "_job", None):
            job.cancel()


class AsyncLocalStream:
    """The same for an event loop."""

    def __init__(self, engine: Engine, wanted: dict[str, object], reader: Reader) -> None:
        self._reader = reader
        self._inbox: asyncio.Queue[Piece | Exception | None] = asyncio.Queue()
        loop = asyncio.get_running_loop()
        self._job = engine.submit(wanted, lambda item: void(loop.call_soon_threadsafe(self._inbox.put_nowait, item)))

    def __aiter__(self) -> AsyncLocalStream:
        return self

    async def __anext__(self) -> Chunk:
        while not self._reader.finished:
            chunk = self._reader.read(await self._inbox.get(), self._job)
            if chunk is not None:
                return chunk
        raise StopAsyncIteration

    async def aclose(self) -> None:
        self._reader.finished = True
        self._job.cancel()
        self._inbox.put_nowait(None)

    def __del__(self) -> None:
        if job := getattr(self, "_job", None):
            job.cancel()
