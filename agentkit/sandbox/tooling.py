"""Granted tools inside the program: plain functions whose call goes to the host and waits for the reply."""

import builtins
import functools
from collections.abc import Callable, Iterable, Iterator
from typing import cast

from .channel import Channel, Output, Timer
from .values import Decoder, Tree, Unencodable, plain
from .wire import MAX_BATCH, dumps, weight


class ToolError(Exception):
    """A tool failed with an error that is no built-in one: the text says which."""


Call = tuple[str, tuple[object, ...], dict[str, object]]

_BATCH = b',"batch":%4d}'  # the end of a C frame, as long whatever the number


def _batches(payloads: Iterable[bytes]) -> Iterator[list[bytes]]:
    """In order, as many together as weigh no more than the host takes; at least one."""
    batch: list[bytes] = []
    total = 0
    for payload in payloads:
        heavy = weight(payload + _BATCH % 0)
        if batch and total + heavy > MAX_BATCH:
            yield batch
            batch, total = [], 0
        batch.append(payload)
        total += heavy
    if batch:
        yield batch


def _exception(name: str, message: str) -> Exception:
    """The host's error as the built-in class of that name, else as a ToolError of that name."""
    known = getattr(builtins, name, None)
    if isinstance(known, type) and issubclass(known, Exception):
        try:
            return known(message)
        except TypeError:  # UnicodeDecodeError and its like want more arguments
            return ToolError(f"{name}: {message}")
    return cast("Exception", type(name, (ToolError,), {})(message)) if name.isidentifier() else ToolError(message)


class Tools:
    """The functions of one program."""

    def __init__(self, channel: Channel, output: Output, timer: Timer) -> None:
        self._channel, self._output, self._timer = channel, output, timer
        self._number = 0
        self._longest = self._calls = self._made = 0
        self._names: dict[object, str] = {}

    def functions(self, names: Iterable[str], longest: int, calls: int) -> dict[str, object]:
        """The namespace entries for these tools. longest: bytes of one call's arguments; calls: how many in all."""
        self._longest, self._calls, self._made = longest, calls, 0
        made = {name: self._function(name) for name in names}
        self._names = {function: name for name, function in made.items()}
        return {**made, "gather": self.gather, "ToolError": ToolError} if made else {}

    def _function(self, name: str) -> Callable[..., object]:
        def call(*args: object, **kwargs: object) -> object:
            return self._exchange([(name, args, kwargs)])[0]

        call.__name__ = call.__qualname__ = name
        return call

    def gather(self, calls: Iterable[object]) -> list[object]:
        """Runs several tool calls at once; the replies in order.

        A call is (tool, argument, ...) or functools.partial(tool, ...). Anything else, such as the value of a call
        that was already made, stands for itself. Where one call cannot be made, for its arguments or because it is
        one too many, none is.
        """
        items = list(calls)
        parsed = [self._parse(item) for item in items]
        replies = iter(self._exchange([call for call in parsed if call is not None]))
        return [item if call is None else next(replies) for item, call in zip(items, parsed, strict=True)]

    def _parse(self, item: object) -> Call | None:
        if isinstance(item, functools.partial):
            part = cast("functools.partial[object]", item)
            name = self._name(part.func)
            return None if name is None else (name, part.args, part.keywords)
        name = self._name(item)
        if name is not None:
            return name, (), {}
        if isinstance(item, tuple) and item:
            first, *rest = cast("tuple[object, ...]", item)
            name = self._name(first)
            return None if name is None else (name, tuple(rest), {})
        return None

    def _name(self, item: object) -> str | None:
        return next((name for function, name in self._names.items() if function is item), None)

    def _exchange(self, calls: list[Call]) -> list[object]:
        """Sends the calls, in batches that the host can hold, and waits for the replies of each.

        The first error, in order, is raised at the end.
        """
        self._check(len(calls))
        frames: dict[int, bytes] = {}
        for name, args, kwargs in calls:
            self._number += 1
            frames[self._number] = self._encode(name, args, kwargs)
        self._made += len(frames)
        self._output.flush()
        self._timer.pause()
        replies: dict[object, dict[str, Tree]] = {}
        try:
            for batch in _batches(frames.values()):
                for payload in batch:
                    self._channel.send(b"C", payload + _BATCH % len(batch))
                for _ in batch:
                    reply = self._channel.receive()[1]
                    replies[reply["id"]] = reply
        finally:
            self._timer.resume()
        return [self._value(replies[number]) for number in frames]

    def _check(self, count: int) -> None:
        """Whether a gather stays within the limit. A single call is the host's to refuse: it counts them too."""
        if count > 1 and self._made + count > self._calls:
            raise ToolError(
                f"too many tool calls in one program (limit {self._calls}): {self._made} were made before, "
                f"and none of the {count} of this gather"
            )

    def _encode(self, name: str, args: tuple[object, ...], kwargs: dict[str, object]) -> bytes:
        """The payload of a C frame but for its end."""
        try:
            given: dict[str, Tree] = {"args": plain(list(args)), "kwargs": plain(kwargs)}
        except Unencodable as error:
            raise TypeError(f"the arguments of {name}: {error}") from None
        payload = dumps({"id": self._number, "name": name, **given})
        if len(payload) > self._longest:
            raise ValueError(f"the arguments of {name} are too large: {len(payload)} bytes, limit {self._longest}")
        return payload[:-1]

    @staticmethod
    def _value(reply: dict[str, Tree]) -> object:
        if "error" in reply:
            raise _exception(str(reply.get("type")), str(reply["error"]))
        return Decoder().decode(reply.get("value"))
