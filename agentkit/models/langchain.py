"""A LangChain chat model as an agentkit `Model`."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator
from contextlib import aclosing, closing, suppress
from dataclasses import dataclass, replace
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
        self._shapes: dict[tuple[Params, frozenset[str]], BaseChatModel] = {}
        self._is_async = _is_async(chat)
        self._shape(self._params, frozenset())
        if (chat.profile or {}).get("temperature") is False:  # known to LangChain; it would warn with every call
            neither = {"temperature", "top_p"}
            asked = {
                name for name in neither if (getattr(self._params, name), getattr(chat, name, None)) != (None, None)
            }
            self._remember(asked, f"{self.name} takes neither temperature nor top_p.")
            self._refused |= neither

    def __repr__(self) -> str:
        return f"LangChainModel({self.name!r})"

    def stream(self, request: Request, /) -> _Stream:
        """The reply in pieces; closing the iterator closes the provider's connection, also from another thread."""
        return _Stream(self._chunks(request))

    def astream(self, request: Request, /) -> AsyncIterator[Chunk]:
        """The same for async code; a chat model that has none of its own is read in a thread."""
        return self._achunks(request) if self._is_async else ThreadedStream(self.stream(request))

    def _chunks(self, request: Request) -> Generator[Chunk]:
        while True:
            call = self._prepared(request)
            try:
                if "stream" in call.refused:
                    yield from call.reader.feed(call.chat.invoke(call.messages, call.config, stop=call.stop))
                else:
                    stream = call.chat.stream(call.messages, call.config, stop=call.stop)
                    with closing(cast("Generator[AIMessage]", stream)) as parts:
                        for part in parts:
                            yield from call.reader.feed(part)
                            if call.reader.stopped:
                                break
                yield from call.reader.end()
            except Exception as error:
                self._forgive(error, call)
            else:
                return

    async def _achunks(self, request: Request) -> AsyncGenerator[Chunk]:
        while True:
            call = self._prepared(request)
            try:
                if "stream" in call.refused:
                    for chunk in call.reader.feed(await call.chat.ainvoke(call.messages, call.config, stop=call.stop)):
                        yield chunk
                else:
                    stream = call.chat.astream(call.messages, call.config, stop=call.stop)
                    async with aclosing(cast("AsyncGenerator[AIMessage]", stream)) as parts:
                        async for part in parts:
                            for chunk in call.reader.feed(part):
                                yield chunk
                            if call.reader.stopped:
                                break
                for chunk in call.reader.end():
                    yield chunk
            except Exception as error:
                self._forgive(error, call)
            else:
                return

    def _prepared(self, request: Request) -> _Call:
        refused = frozenset(self._refused)
        params = without(merged(self._params, request.params), refused)
        return _Call(
            chat=self._shape(params, refused),
            messages=[_message(message) for message in request.messages],
            config=cast("RunnableConfig | None", request.config),
            stop=list(params.stop) or None,
            reader=Reader(self._params.stop if "stop" in refused else ()),
            refused=refused,
        )

    def _shape(self, params: Params, refused: frozenset[str]) -> BaseChatModel:
        key = (replace(params, stop=()), refused)
        if (shape := self._shapes.get(key)) is None:
            if len(self._shapes) >= 16:  # seeds that differ with each call must not pile up
                self._shapes.clear()
            shape = self._shapes[key] = shaped(self.chat, params, refused, self.name)
        return shape

    def _forgive(self, error: Exception, call: _Call) -> None:
        """Return if the call may be repeated without what the model refused; else raise the error as our kind."""
        mapped = map_error(error, self.name)
        parameter = mapped.parameter if isinstance(mapped, BadRequestError) else None
        droppable = parameter in DROPPABLE | {"stream"} and parameter not in call.refused
        if parameter is None or not droppable or call.reader.begun:
            raise mapped from (error if mapped is not error else error.__cause__)
        self._remember({parameter}, str(mapped))

    def _remember(self, refused: set[str], why: str) -> None:
        for parameter in sorted(refused - self._refused):
            # Without stop texts and streaming the answers are the same; without the others they may differ.
            level = logging.INFO if parameter in ("stop", "stream") else logging.WARNING
            log.log(level, "%s From now on calls are made without %s.", why, parameter)
        self._refused |= refused  # set.__ior__ holds the interpreter lock: threads cannot lose an entry


@dataclass(frozen=True, slots=True)
class _Call:
    """One attempt of a request; `refused`: what was left out of it."""

    chat: BaseChatModel
    messages: list[BaseMessage]
    config: RunnableConfig | None
    stop: list[str] | None
    reader: Reader
    refused: frozenset[str]


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
