"""A LangChain chat model as an agentkit `Model`."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator
from contextlib import aclosing, closing, suppress
from typing import TYPE_CHECKING, cast

from agentkit.errors import BadRequestError
from agentkit.messages import Message
from agentkit.models.base import Chunk, Params, Request
from agentkit.models.connection import Connection
from agentkit.models.errors import map_error
from agentkit.models.parameters import DROPPABLE, merged, own_stops, shaped, without
from agentkit.models.reading import Reader
from agentkit.models.threads import ThreadedStream

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel
    from langchain_core.messages import AIMessage, BaseMessage
    from langchain_core.runnables import RunnableConfig

__all__ = ["LangChainModel"]

log = logging.getLogger("agentkit.models")


class LangChainModel:
    """Any LangChain chat model.

    What the model refuses (a stop text, a temperature, being streamed) is left out of the same call's second attempt
    and of every later call. Stop texts of `params` hold all the same: the text is then cut here.

    Args:
        chat: the chat model. Its own parameters hold where neither `params` nor a request says otherwise.
        name: "provider:model", for messages and prices; by default what LangChain tells its tracers.
        params: inference parameters for every call.
        streaming: False waits for whole replies (one chunk each).

    Raises:
        ConfigError: the provider has no such parameter.
    """

    def __init__(
        self, chat: BaseChatModel, *, name: str | None = None, params: Params | None = None, streaming: bool = True
    ) -> None:
        self.chat = chat
        self.name = name or _name(chat)
        self._params = merged(params or Params(), Params(stop=own_stops(chat)))
        self._refused: set[str] = set() if streaming else {"stream"}
        self._shapes: dict[Params, BaseChatModel] = {}
        self._is_async = _is_async(chat)
        self._shape(self._params)
        if (chat.profile or {}).get("temperature") is False:  # known to LangChain; it would warn with every call
            asked = {name for name in ("temperature", "top_p") if getattr(self._params, name) is not None}
            self._remember(asked, f"{self.name} takes neither temperature nor top_p.")
            self._refused |= {"temperature", "top_p"}

    def __repr__(self) -> str:
        return f"LangChainModel({self.name!r})"

    def stream(self, request: Request, /) -> Iterator[Chunk]:
        """The reply in pieces; closing the iterator closes the provider's connection, also from another thread."""
        return _Stream(self._chunks(request))

    def astream(self, request: Request, /) -> AsyncIterator[Chunk]:
        """The same for async code; a chat model that has none of its own is read in a thread."""
        if self._is_async:
            return _AsyncStream(self._achunks(request))
        return ThreadedStream(_Stream(self._chunks(request)))

    def _chunks(self, request: Request) -> Generator[Chunk]:
        while True:
            chat, messages, options, reader = self._prepared(request)
            try:
                if "stream" in self._refused:
                    yield from reader.feed(chat.invoke(messages, **options))
                else:
                    with closing(cast("Generator[AIMessage]", chat.stream(messages, **options))) as parts:
                        for part in parts:
                            yield from reader.feed(part)
                            if reader.stopped:
                                break
                yield from reader.end()
            except Exception as error:
                self._forgive(error, reader)
            else:
                return

    async def _achunks(self, request: Request) -> AsyncGenerator[Chunk]:
        while True:
            chat, messages, options, reader = self._prepared(request)
            try:
                if "stream" in self._refused:
                    for chunk in reader.feed(await chat.ainvoke(messages, **options)):
                        yield chunk
                else:
                    async with aclosing(cast("AsyncGenerator[AIMessage]", chat.astream(messages, **options))) as parts:
                        async for part in parts:
                            for chunk in reader.feed(part):
                                yield chunk
                            if reader.stopped:
                                break
                for chunk in reader.end():
                    yield chunk
            except Exception as error:
                self._forgive(error, reader)
            else:
                return

    def _prepared(self, request: Request) -> tuple[BaseChatModel, list[BaseMessage], _Options, Reader]:
        refused = frozenset(self._refused)
        params = merged(self._params, request.params)
        allowed = without(params, refused)
        options: _Options = {"config": cast("RunnableConfig | None", request.config)}
        if allowed.stop:
            options["stop"] = list(allowed.stop)
        stops = self._params.stop if "stop" in refused else ()
        return self._shape(allowed), [_message(message) for message in request.messages], options, Reader(stops)

    def _shape(self, params: Params) -> BaseChatModel:
        key = without(params, {"stop"})
        if (shape := self._shapes.get(key)) is None:
            if len(self._shapes) >= 16:  # seeds that differ with each call must not pile up
                self._shapes.clear()
            shape = self._shapes[key] = shaped(self.chat, key, self.name)
        return shape

    def _forgive(self, error: Exception, reader: Reader) -> None:
        """Return if the call may be repeated without what the model refused; else raise the error as our kind."""
        mapped = map_error(error, self.name)
        parameter = mapped.parameter if isinstance(mapped, BadRequestError) else None
        if parameter is None or parameter in self._refused or parameter not in DROPPABLE | {"stream"} or reader.begun:
            raise mapped from (error if mapped is not error else error.__cause__)
        self._remember({parameter}, str(mapped))

    def _remember(self, refused: set[str], why: str) -> None:
        for parameter in sorted(refused - self._refused):
            # Without stop texts and streaming the answers are the same; without the others they may differ.
            level = logging.INFO if parameter in ("stop", "stream") else logging.WARNING
            log.log(level, "%s From now on calls are made without %s.", why, parameter)
        self._refused |= refused  # set.__ior__ holds the interpreter lock: threads cannot lose an entry


if TYPE_CHECKING:
    from typing import TypedDict

    class _Options(TypedDict, total=False):
        config: RunnableConfig | None
        stop: list[str]


def _message(message: Message) -> BaseMessage:
    from langchain_core.messages import AIMessage, HumanMessage, SystemMessage

    match message.role:
        case "system":
            return SystemMessage(message.text)
        case "user":
            return HumanMessage(message.text)
        case "assistant":
            return AIMessage(message.text)


def _is_async(chat: BaseChatModel) -> bool:
    """Whether the class has async code of its own; what it inherits would call the sync code in an executor."""
    from langchain_core.language_models import BaseChatModel, SimpleChatModel

    inherited = (BaseChatModel, SimpleChatModel)
    own = {name for cls in type(chat).__mro__ if cls not in inherited for name in vars(cls)}
    return bool(own & {"_astream", "_agenerate"})


def _name(chat: BaseChatModel) -> str:
    traced = chat._get_ls_params()  # pyright: ignore[reportPrivateUsage]  # the one place where all models say this
    provider = traced.get("ls_provider", "").removeprefix("amazon_")
    return ":".join(part for part in (provider, traced.get("ls_model_name", "")) if part) or type(chat).__name__


class _Stream(Iterator[Chunk]):
    """The chunks, with a `close` that may come while another thread waits for the next one."""

    def __init__(self, chunks: Generator[Chunk]) -> None:
        self._chunks = chunks
        self._connection = Connection()

    def __next__(self) -> Chunk:
        with self._connection.current():
            return next(self._chunks)

    def close(self) -> None:
        self._connection.end()
        with suppress(ValueError):  # "generator already executing": the thread inside sees the end now and leaves
            self._chunks.close()


class _AsyncStream(AsyncIterator[Chunk]):
    def __init__(self, chunks: AsyncGenerator[Chunk]) -> None:
        self._chunks = chunks
        self._connection = Connection()

    async def __anext__(self) -> Chunk:
        with self._connection.current():
            return await anext(self._chunks)

    async def aclose(self) -> None:
        self._connection.end()
        with suppress(RuntimeError):  # another task is inside: it sees the end now and leaves
            await self._chunks.aclose()
