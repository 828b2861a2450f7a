"""Operations, and the two drivers that run them: with `agentkit.hosts` the only place where sync and async differ."""

from __future__ import annotations

import asyncio
import inspect
import time
from abc import abstractmethod
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Coroutine, Generator, Iterable, Iterator
from concurrent.futures import Future
from contextlib import aclosing, closing
from dataclasses import dataclass
from functools import partial
from queue import SimpleQueue
from typing import Any, Protocol, TypeVar, cast

from agentkit.events import Event, RunEnded
from agentkit.flow import Effect, Flow
from agentkit.hosts import AsyncHost, Host, Stream, called
from agentkit.messages import Run
from agentkit.models.base import Chunk, Model, Request

__all__ = [
    "Approve",
    "Begin",
    "Call",
    "Close",
    "Join",
    "Next",
    "Open",
    "Operation",
    "Pending",
    "Receive",
    "Sleep",
    "Spawn",
    "adrive",
    "aended",
    "drive",
    "ended",
]

R = TypeVar("R")
T = TypeVar("T")


class Operation(Effect[R]):
    """A primitive effect that touches the world."""

    __slots__ = ()

    @abstractmethod
    def run(self, host: Host) -> R: ...

    @abstractmethod
    async def arun(self, host: AsyncHost) -> R: ...


def drive(flow: Flow[T]) -> Generator[Event, None, T]:
    """Run a flow in this thread; yields its events."""
    with Host() as host, closing(flow):
        try:
            item: Any = next(flow)  # an operation or an event: effects have been lowered
            while True:
                if isinstance(item, Operation):
                    operation: Operation[Any] = item  # pyright: ignore[reportUnknownVariableType] - Any narrows to this
                    try:
                        result: object = operation.run(host)
                    except Exception as error:
                        item = flow.throw(error)
                    else:
                        item = flow.send(result)
                else:
                    yield item
                    item = flow.send(None)
        except StopIteration as stop:
            return cast("T", stop.value)


async def adrive(flow: Flow[object]) -> AsyncGenerator[Event, None]:
    """Run a flow in the running event loop; yields its events (the last one tells the outcome)."""
    async with AsyncHost() as host:
        with closing(flow):
            try:
                item: Any = next(flow)
                while True:
                    if isinstance(item, Operation):
                        operation: Operation[Any] = item  # pyright: ignore[reportUnknownVariableType] - Any narrows to this
                        try:
                            result: object = await operation.arun(host)
                        except Exception as error:
                            item = flow.throw(error)
                        else:
                            item = flow.send(result)
                    else:
                        yield item
                        item = flow.send(None)
            except StopIteration:
                return


def ended(events: Iterable[Event]) -> Run:
    """The run that these events tell of."""
    run: Run | None = None
    for event in events:
        if isinstance(event, RunEnded):
            run = event.run
    assert run is not None
    return run


async def aended(stream: AsyncGenerator[Event, None]) -> Run:
    """`ended`, in the running event loop."""
    run: Run | None = None
    async with aclosing(stream) as events:
        async for event in events:
            if isinstance(event, RunEnded):
                run = event.run
    assert run is not None
    return run


def _wait(future: Future[R], timeout: float | None) -> R:
    try:
        return future.result(timeout)
    except TimeoutError:
        future.cancel()
        raise


@dataclass(slots=True, eq=False)
class Sleep(Operation[None]):
    seconds: float

    def run(self, host: Host) -> None:
        time.sleep(self.seconds)

    async def arun(self, host: AsyncHost) -> None:
        await asyncio.sleep(self.seconds)


@dataclass(slots=True, eq=False)
class Call(Operation[object]):
    """Call a function or coroutine function; TimeoutError when it takes longer than `timeout` seconds.

    A sync function may have a `coroutine` beside it, which an event loop runs in its place.
    A thread cannot be killed: a sync function that outruns its timeout is abandoned, not stopped.

    Attributes:
        thread: what a function gives that runs in a thread, or an event loop, of its own.
    """

    function: Callable[..., object]
    arguments: dict[str, object]
    is_async: bool = False
    timeout: float | None = None
    coroutine: Callable[..., Awaitable[object]] | None = None
    thread: Future[object] | None = None

    def run(self, host: Host) -> object:
        if self.is_async or self.timeout is not None:
            self.thread = self.start(host)
            return _wait(self.thread, self.timeout)
        return called(partial(self.function, **self.arguments))

    async def arun(self, host: AsyncHost) -> object:
        if self.timeout is None:
            return await self.body(host)
        async with asyncio.timeout(self.timeout):
            return await self.body(host)

    def start(self, host: Host) -> Future[object]:
        if self.is_async:
            return host.spawn(self._coroutine())
        return host.submit(partial(self.function, **self.arguments))

    async def body(self, host: AsyncHost) -> object:
        if self.coroutine is not None:
            return await self.coroutine(**self.arguments)
        if self.is_async:
            return await self._coroutine()
        self.thread = host.submit(partial(self.function, **self.arguments))
        return await asyncio.wrap_future(self.thread)

    def _coroutine(self) -> Coroutine[object, object, object]:
        return cast("Coroutine[object, object, object]", self.function(**self.arguments))


class Pending(Protocol):
    """A call that was begun: a thread's future or a task."""

    def cancel(self) -> bool: ...


@dataclass(slots=True, eq=False)
class Begin(Operation[Pending]):
    """Start a call and go on; `Join` gets its result."""

    call: Call

    def run(self, host: Host) -> Pending:
        return self.call.start(host)

    async def arun(self, host: AsyncHost) -> Pending:
        return host.begin(self.call.body(host))


@dataclass(slots=True, eq=False)
class Join(Operation[object]):
    """Wait for a call that was begun; TimeoutError after `timeout` seconds."""

    pending: Pending
    timeout: float | None = None

    def run(self, host: Host) -> object:
        return _wait(cast("Future[object]", self.pending), self.timeout)

    async def arun(self, host: AsyncHost) -> object:
        async with asyncio.timeout(self.timeout):
            return await cast("asyncio.Task[object]", self.pending)


@dataclass(slots=True, eq=False)
class Receive(Operation[T]):
    """Wait for the next item of a queue that other threads or flows fill."""

    inbox: SimpleQueue[T]

    def run(self, host: Host) -> T:
        return self.inbox.get()

    async def arun(self, host: AsyncHost) -> T:
        return await host.in_thread(self.inbox.get)


@dataclass(slots=True, eq=False)
class Spawn(Operation[None]):
    """Run another flow beside this one; its events go into a queue."""

    flow: Flow[None]
    inbox: SimpleQueue[Any]  # Any: the queue's owner puts other things into it too

    def run(self, host: Host) -> None:
        host.submit(self._drain)

    def _drain(self) -> None:
        for event in drive(self.flow):
            self.inbox.put(event)

    async def arun(self, host: AsyncHost) -> None:
        host.begin(self._adrain())

    async def _adrain(self) -> None:
        async for event in adrive(self.flow):
            self.inbox.put(event)


@dataclass(slots=True, eq=False)
class Open(Operation["tuple[Stream, Chunk | None]"]):
    """Begin a model call, and wait for its first chunk; TimeoutError when none comes within `timeout` seconds."""

    model: Model
    request: Request
    timeout: float | None = None

    def run(self, host: Host) -> tuple[Stream, Chunk | None]:
        if self.timeout is None:
            return self._begin(host)
        return _wait(host.submit(partial(self._begin, host)), self.timeout)

    def _begin(self, host: Host) -> tuple[Stream, Chunk | None]:
        chunks = iter(self.model.stream(self.request))
        stream = Stream(chunks)
        host.streams.append(stream)
        return stream, next(chunks, None)

    async def arun(self, host: AsyncHost) -> tuple[Stream, Chunk | None]:
        chunks = aiter(self.model.astream(self.request))
        stream = Stream(chunks)
        host.streams.append(stream)
        return stream, await _anext(chunks, self.timeout)


@dataclass(slots=True, eq=False)
class Next(Operation["Chunk | None"]):
    """The stream's next chunk, None at its end; TimeoutError when none comes within `timeout` seconds."""

    stream: Stream
    timeout: float | None = None

    def run(self, host: Host) -> Chunk | None:
        chunks = cast("Iterator[Chunk]", self.stream.chunks)
        if self.timeout is None:
            return next(chunks, None)
        return _wait(host.submit(lambda: next(chunks, None)), self.timeout)

    async def arun(self, host: AsyncHost) -> Chunk | None:
        return await _anext(cast("AsyncIterator[Chunk]", self.stream.chunks), self.timeout)


async def _anext(chunks: AsyncIterator[Chunk], timeout: float | None) -> Chunk | None:
    if timeout is None:
        return await anext(chunks, None)
    async with asyncio.timeout(timeout):
        return await anext(chunks, None)


@dataclass(slots=True, eq=False)
class Close(Operation[None]):
    """End a model call; what the model would still have written is never made."""

    stream: Stream

    def run(self, host: Host) -> None:
        host.forget(self.stream)
        self.stream.close()

    async def arun(self, host: AsyncHost) -> None:
        host.forget(self.stream)
        await self.stream.aclose()


@dataclass(slots=True, eq=False)
class Approve(Operation[object]):
    """Ask whoever approves; the callback may be sync or async."""

    ask: Callable[[Any], object]  # Any: what is asked is for the caller of the operation to type
    request: object

    def run(self, host: Host) -> object:
        answer = self.ask(self.request)
        if inspect.isawaitable(answer):
            return host.spawn(_awaited(cast("Awaitable[object]", answer))).result()
        return answer

    async def arun(self, host: AsyncHost) -> object:
        # A sync callback may wait for a person: in a thread, so that other runs go on.
        answer = self.ask(self.request) if is_async(self.ask) else await host.in_thread(partial(self.ask, self.request))
        return await cast("Awaitable[object]", answer) if inspect.isawaitable(answer) else answer


async def _awaited(answer: Awaitable[object]) -> object:
    return await answer


def is_async(function: Callable[..., object]) -> bool:
    """Whether calling it gives an awaitable (also for objects with an async `__call__`)."""
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(type(function).__call__)
