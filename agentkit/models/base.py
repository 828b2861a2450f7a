"""The one protocol every model speaks: a request goes in, chunks of text come out."""

from __future__ import annotations

import difflib
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Literal, Protocol, TypedDict, cast, runtime_checkable

from agentkit.errors import ConfigError
from agentkit.messages import JSON, Message, ReplyEnd, Tokens

__all__ = ["Chunk", "Model", "Params", "ReplyFormat", "Request", "ToolSchema"]


@dataclass(frozen=True, slots=True)
class Params:
    """Inference parameters under one name for every provider. None leaves the model's own default.

    Attributes:
        temperature: 0 picks the likeliest token; higher is more random.
        top_p: sample from the smallest set of tokens whose probabilities sum to this.
        top_k: sample from this many likeliest tokens.
        max_tokens: at most this many output tokens in one call.
        stop: texts at which the model stops, in addition to those of the strategy.
        seed: for repeatable sampling, where the model supports it.
    """

    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    seed: int | None = None

    @classmethod
    def of(cls, values: Mapping[str, object]) -> Params:
        """Build from names and values (strings are read as numbers), refusing names that do not exist.

        Raises:
            ConfigError: an unknown name, or a value that is no number or out of range.
        """
        known = {f.name for f in fields(cls)}
        for name in values:
            if name not in known:
                near = difflib.get_close_matches(name, known, n=1)
                hint = f" Did you mean {near[0]!r}?" if near else ""
                raise ConfigError(f"Unknown inference parameter {name!r}.{hint} Known: {', '.join(sorted(known))}.")
        return cls(**{name: _read(name, value) for name, value in values.items()})  # type: ignore[arg-type]


_RANGES: dict[str, tuple[type[int] | type[float], float, float]] = {
    "temperature": (float, 0, 2),
    "top_p": (float, 0, 1),
    "top_k": (int, 0, 1_000_000),
    "max_tokens": (int, 1, 10_000_000),
    "seed": (int, 0, 2**63 - 1),
}


def _read(name: str, value: object) -> int | float | tuple[str, ...] | None:
    if value is None:
        return None
    if name == "stop":
        return (value,) if isinstance(value, str) else tuple(str(item) for item in cast("Iterable[object]", value))
    kind, low, high = _RANGES[name]
    try:
        number = kind(str(value))
    except (TypeError, ValueError):
        raise ConfigError(f"{name} must be {'a whole number' if kind is int else 'a number'}, not {value!r}.") from None
    if not low <= number <= high:
        raise ConfigError(f"{name} must lie between {low} and {high}, not {value!r}.")
    return number


class ToolSchema(TypedDict):
    """A tool as a model may be told of it: `parameters` is a JSON Schema object."""

    name: str
    description: str
    parameters: dict[str, JSON]


@dataclass(frozen=True, slots=True)
class ReplyFormat:
    """What the reply must look like, for models that can be held to a grammar; the others ignore it.

    Attributes:
        kind: "react" (Thought, then Action and Action Input, or Final Answer), "code" (one fenced Python block),
            "answer" (a Final Answer and nothing else), "text" (free).
        tools: the tools that an action may name, and an answer may tell of.
    """

    kind: Literal["react", "code", "answer", "text"] = "text"
    tools: tuple[ToolSchema, ...] = ()


@dataclass(frozen=True, slots=True)
class Request:
    """One model call.

    Attributes:
        messages: the conversation, system message first.
        params: inference parameters; `stop` already holds the strategy's stop texts.
        format: see `ReplyFormat`.
        config: a LangChain `RunnableConfig` to hand on (callbacks, tags), when the agent runs as a Runnable.
    """

    messages: tuple[Message, ...]
    params: Params = Params()
    format: ReplyFormat = ReplyFormat()
    config: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of a reply. `tokens` and `end` usually come with the last piece; a later one replaces an earlier one."""

    text: str = ""
    tokens: Tokens | None = None
    end: ReplyEnd | None = None


@runtime_checkable
class Model(Protocol):
    """A chat model. Both methods give the same chunks; closing the iterator must stop the generation.

    An iterator may have a method `unwritten_tokens() -> int`: how many output tokens were still to come when it was
    closed. Errors are raised as `agentkit.errors.ModelError` and its kinds, at once or while iterating.
    """

    @property
    def name(self) -> str:
        """Provider and model, like "bedrock:amazon.nova-lite-v1:0"."""
        ...

    def stream(self, request: Request, /) -> Iterator[Chunk]: ...

    def astream(self, request: Request, /) -> AsyncIterator[Chunk]: ...
