"""Runs and events to JSON and back.

The only module that lets pydantic see the run's values: they stay plain dataclasses, made fast and loaded light.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields, is_dataclass
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, cast

from agentkit.errors import ConfigError
from agentkit.events import Event
from agentkit.messages import Run

if TYPE_CHECKING:
    from pydantic import TypeAdapter

__all__ = ["event_from_json", "json_bytes", "plain", "run_from_json", "to_json"]


@cache
def _runs() -> TypeAdapter[Run]:
    from pydantic import TypeAdapter

    return TypeAdapter(Run)


@cache
def _events() -> TypeAdapter[Any]:  # Any: checkers cannot read a union built from an alias and a discriminator
    from pydantic import Field, TypeAdapter

    return TypeAdapter(Annotated[Event, Field(discriminator="type")])


def to_json(value: object, *, indent: int | None = None) -> str:
    """A run, an event or any other value of agentkit as JSON text (a `Run.value` JSON does not know as its text)."""
    from pydantic_core import to_json as dump

    try:
        return dump(value, indent=indent, fallback=str, inf_nan_mode="strings").decode()
    except ValueError:
        return dump(plain(value), indent=indent, inf_nan_mode="strings").decode()


def json_bytes(value: object) -> bytes:
    """As JSON, whatever it is: what JSON does not know becomes text. Unlike `to_json`, which writes standard JSON, it
    writes an infinite number so that it comes back as one.

    Raises:
        ValueError: it is in itself.
    """
    to_json = _encoder()
    try:
        return to_json(value, fallback=str, inf_nan_mode="constants")
    except ValueError:  # half a surrogate pair, bytes that are no text
        return to_json(plain(value), fallback=str, inf_nan_mode="constants")


@cache
def _encoder() -> Callable[..., bytes]:
    from pydantic_core import to_json

    return to_json


def plain(value: object) -> object:
    """Any value as data that is JSON in UTF-8, where it is not by itself: half a surrogate pair is replaced, bytes that
    are no text are base64.

    Raises:
        ValueError: it is in itself.
    """
    from pydantic_core import to_jsonable_python

    try:
        whole = _whole(value)
    except RecursionError:
        raise ValueError("A value that is in itself, or too deep, cannot be JSON.") from None
    data = to_jsonable_python(whole, fallback=str, inf_nan_mode="constants", bytes_mode="base64")
    return _whole(data)  # an object may have held some, too


def _whole(value: object) -> object:
    match value:
        case str():
            return value.encode("utf-8", "replace").decode()
        case dict():
            return {_whole(key): _whole(item) for key, item in cast("dict[object, object]", value).items()}
        case list() | tuple():
            return [_whole(item) for item in cast("Sequence[object]", value)]
        case _ if is_dataclass(value) and not isinstance(value, type):
            return {each.name: _whole(getattr(value, each.name)) for each in fields(value)}
        case _:
            return value


def run_from_json(text: str | bytes) -> Run:
    """The run that `to_json` wrote.

    Raises:
        ConfigError: the text is no run.
    """
    return cast("Run", _read(_runs(), text, "run"))


def event_from_json(text: str | bytes) -> Event:
    """The event that `to_json` wrote.

    Raises:
        ConfigError: the text is no event.
    """
    return cast("Event", _read(_events(), text, "event"))


def _read(adapter: TypeAdapter[Any], text: str | bytes, what: str) -> object:
    from pydantic import ValidationError

    try:
        return adapter.validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the text"
        raise ConfigError(f"This JSON is no {what}: {where}: {first['msg']}.") from None
