"""Public doubles for tests: a model that follows a script, and a recorder that makes a script of a live model.

>>> from agentkit import Agent
>>> from agentkit.testing import ScriptedModel
>>> with ScriptedModel(["Thought: easy\\nFinal Answer: 4"]) as model:
...     Agent(model).run("2 + 2?").answer
'4'
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from agentkit.conversation import estimate_tokens
from agentkit.errors import ConfigError
from agentkit.messages import ReplyEnd, Run, Tokens
from agentkit.models.base import Chunk, Model, Request

if TYPE_CHECKING:
    from agentkit.agent import Agent
    from agentkit.journal.recordings import Recording

__all__ = ["RecordingModel", "Say", "ScriptExhausted", "ScriptUnused", "ScriptedModel", "replay"]


class ScriptExhausted(AssertionError):
    """The model was called more often than its script has replies."""


class ScriptUnused(AssertionError):
    """The run ended before the script did."""


@dataclass(frozen=True, slots=True)
class Say:
    """One scripted reply.

    Attributes:
        text: what the model writes; a stop text or max_tokens in the request ends it early, as with a real model.
        tokens: the usage it reports; estimated from the texts if not given.
        end: why it ends, when nothing ends it early.
        error: raised after the text (a cut stream) or, with an empty text, in place of it (a refused call).
    """

    text: str = ""
    tokens: Tokens | None = None
    end: ReplyEnd = "end"
    error: Exception | None = None


Reply: TypeAlias = "str | Say | Exception | Callable[[Request], str | Say]"


class ScriptedModel:
    """A model that says what its script says.

    Args:
        replies: texts, `Say`s, exceptions to raise, or functions of the request.
        chunk: how many characters it streams at a time; None gives each reply whole.
        delay: seconds it waits before each chunk.
        name: what the model is called.
        honours_stop: False for a model that ignores stop texts.

    Attributes:
        requests: every request it got.

    Used as a context manager, or with `done()`, it fails on replies that nobody asked for.
    """

    def __init__(
        self,
        replies: Sequence[Reply],
        *,
        chunk: int | None = None,
        delay: float = 0.0,
        name: str = "scripted",
        honours_stop: bool = True,
    ) -> None:
        self._replies = list(replies)
        self._chunk = chunk
        self._delay = delay
        self._name = name
        self._honours_stop = honours_stop
        self._next = 0
        self._lock = Lock()
        self.requests: list[Request] = []

    @classmethod
    def load(cls, path: str | Path, *, chunk: int | None = None) -> ScriptedModel:
        """From a file that `RecordingModel.save` wrote.

        Raises:
            ConfigError: the file cannot be read or is no script.
        """
        try:
            text = Path(path).read_text(encoding="utf-8")
            if not text.lstrip().startswith("["):
                raise ValueError("it is no list")
            rows: Any = json.loads(text)  # Any: checked as it is read
            replies = [Say(row["text"], Tokens(**row["tokens"]), row["end"]) for row in rows]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ConfigError(f"{path} is no recorded script: {error}.") from None
        return cls(replies, chunk=chunk)

    @property
    def name(self) -> str:
        return self._name

    def stream(self, request: Request, /) -> ScriptedStream:
        return ScriptedStream(self._reply(request), request, self._chunk, self._delay)

    def astream(self, request: Request, /) -> ScriptedStream:
        return ScriptedStream(self._reply(request), request, self._chunk, self._delay)

    def done(self) -> None:
        """Check that the whole script was used.

        Raises:
            ScriptUnused: with the first reply that was not.
        """
        if self._next < len(self._replies):
            left = len(self._replies) - self._next
            raise ScriptUnused(
                f"{left} of {len(self._replies)} replies were not used; next: {self._replies[self._next]!r}"
            )

    def __enter__(self) -> ScriptedModel:
        return self

    def __exit__(self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None) -> None:
        if kind is None:
            self.done()

    def _reply(self, request: Request) -> Say:
        with self._lock:
            self.requests.append(request)
            number, self._next = self._next, self._next + 1
        if number >= len(self._replies):
            raise ScriptExhausted(f"Call {number + 1}, but the script has {len(self._replies)} replies.")
        reply = self._replies[number]
        if callable(reply):
            reply = reply(request)
        say = Say(reply) if isinstance(reply, str) else Say(error=reply) if isinstance(reply, Exception) else reply
        if say.error is not None and not say.text:
            raise say.error
        if say.tokens is None:
            used = sum(estimate_tokens(message.text) for message in request.messages)
            say = replace(say, tokens=Tokens(used, estimate_tokens(say.text)))
        return self._ended_early(say, request)

    def _ended_early(self, say: Say, request: Request) -> Say:
        text, end = say.text, say.end
        limit = request.params.max_tokens
        if limit is not None and estimate_tokens(text) > limit:
            text, end = text[: 4 * limit], "length"
        if self._honours_stop:
            found = [at for stop in request.params.stop if stop and (at := text.find(stop)) >= 0]
            if found:
                text, end = text[: min(found)], "stop"
        return say if text == say.text else replace(say, text=text, end=end)


class ScriptedStream(Iterator[Chunk], AsyncIterator[Chunk]):
    """A reply on its way, sync and async; knows what it did not get to say."""

    def __init__(self, say: Say, request: Request, chunk: int | None, delay: float) -> None:
        self._say = say
        self._size = chunk or max(len(say.text), 1)
        self._delay = delay
        self._at = 0
        self._ended = False

    def __iter__(self) -> ScriptedStream:
        return self

    def __aiter__(self) -> ScriptedStream:
        return self

    def __next__(self) -> Chunk:
        if self._delay and not self._ended:
            time.sleep(self._delay)
        chunk = self._advance()
        if chunk is None:
            raise StopIteration
        return chunk

    async def __anext__(self) -> Chunk:
        if self._delay and not self._ended:
            await asyncio.sleep(self._delay)
        chunk = self._advance()
        if chunk is None:
            raise StopAsyncIteration
        return chunk

    def close(self) -> None:
        self._ended = True

    async def aclose(self) -> None:
        self._ended = True

    def unwritten_tokens(self) -> int:
        rest = self._say.text[self._at :]
        return estimate_tokens(rest) if rest else 0

    def _advance(self) -> Chunk | None:
        if self._ended:
            return None
        text = self._say.text[self._at : self._at + self._size]
        self._at += self._size
        if self._at < len(self._say.text):
            return Chunk(text)
        if self._say.error is not None:
            if text:
                return Chunk(text)
            raise self._say.error
        self._ended = True
        return Chunk(text, self._say.tokens, self._say.end)


class RecordingModel:
    """Passes everything on to another model and keeps what it said; `save` makes a script for `ScriptedModel.load`."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self.replies: list[Say] = []

    @property
    def name(self) -> str:
        return self._model.name

    def stream(self, request: Request, /) -> Iterator[Chunk]:
        heard = _Heard()
        stream = self._model.stream(request)
        try:
            for chunk in stream:
                yield heard.add(chunk)
        finally:
            self.replies.append(heard.say())
            if callable(close := getattr(stream, "close", None)):
                close()

    async def astream(self, request: Request, /) -> AsyncIterator[Chunk]:
        heard = _Heard()
        stream = self._model.astream(request)
        try:
            async for chunk in stream:
                yield heard.add(chunk)
        finally:
            self.replies.append(heard.say())
            if callable(close := getattr(stream, "aclose", None)):
                await cast("Awaitable[object]", close())

    def save(self, path: str | Path) -> None:
        """Write the script as JSON."""
        rows = [{"text": say.text, "tokens": asdict(say.tokens or Tokens()), "end": say.end} for say in self.replies]
        Path(path).write_text(json.dumps(rows, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


class _Heard:
    def __init__(self) -> None:
        self._parts: list[str] = []
        self._last = Chunk()

    def add(self, chunk: Chunk) -> Chunk:
        self._parts.append(chunk.text)
        self._last = Chunk("", chunk.tokens or self._last.tokens, chunk.end or self._last.end)
        return chunk

    def say(self) -> Say:
        return Say("".join(self._parts), self._last.tokens, self._last.end or "end")


def replay(run: str | Path | Recording, agent: Agent | None = None, *, allow_drift: bool = False) -> Run:
    """Run a recorded run again, offline: no model is asked, no tool is called, every effect is answered from the
    recording. The whole of it must come to the same, so that a recorded run is a test.

    Args:
        run: a recording, or the file of one (`run-agent runs export`, `Recording.save`).
        agent: the agent that is under test; by default it is made again from the recording.
        allow_drift: the agent's prompts, tools' descriptions or model may be others by now.

    Raises:
        ReplayDiffers: (an AssertionError) it goes another way; says where first.
        ConfigError: the file is no recording.
        JournalError: the agent cannot be made from the recording: it needs `agent`.
    """
    from agentkit.journal.recordings import Recording
    from agentkit.journal.replaying import Replay

    recording = run if isinstance(run, Recording) else Recording.load(run)
    replayed = Replay(recording, None if agent is None else agent.assembly, allow_drift=allow_drift)
    for _ in replayed.events():
        pass
    assert replayed.run is not None
    return replayed.run
