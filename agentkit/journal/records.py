"""What the journal keeps, as values, and as the JSON texts that stand in its tables."""

from __future__ import annotations

import time
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from math import isfinite
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeVar, cast

from agentkit.assembly import Start
from agentkit.codec import json_bytes
from agentkit.errors import JournalError, LimitReached, ModelError
from agentkit.messages import JSON, Action, LimitName, Observation, Reply, Usage

if TYPE_CHECKING:
    from pydantic import TypeAdapter
    from pydantic_core import SchemaSerializer

__all__ = [
    "ATTENTION",
    "Attention",
    "Failed",
    "Outcome",
    "PendingApproval",
    "Phase",
    "Rating",
    "Recorded",
    "RunRecord",
    "RunStatus",
    "Why",
    "comes_back",
    "dump",
    "json_text",
    "load",
    "now",
    "storable",
]

RunStatus = Literal["running", "ended", "interrupted", "needs_approval", "needs_attention", "error"]
# unknown: nobody knows whether it happened, or it cannot go on by itself: a person is to say.
Rating = Literal["good", "bad"]
Phase = Literal["intent", "unknown", "retry", "result"]
Why = Literal["interrupted", "cannot_tell", "secret"]
ATTENTION: Mapping[str, str] = {
    "interrupted": "A crash cut it off, and it is not known whether it happened.",
    "cannot_tell": "A crash cut it off, and the tool could not tell whether it happened.",
    "secret": "It needs a secret argument, which the journal does not keep: do it by hand, and say what came of it.",
}
Stored: TypeAlias = "Outcome | Action | Start"
_NOT_KEPT = {"config"}  # of Start: whatever the caller gave for its own callbacks
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class RunRecord:
    """A run as the journal tells of it. `status` stays "running" where the process died; times are UTC, ISO 8601.

    Attributes:
        parent: the run that it was forked from.
        rating, note: what a person thinks of it: "good" or "bad", and why.
        origin: how the program that began it made its agent (JSON, see `Journal`).
    """

    run_id: str
    question: str
    status: RunStatus
    stop_reason: str | None
    answer: str | None
    model: str
    strategy: str
    started_at: str
    updated_at: str
    parent: str | None = None
    rating: Rating | None = None
    note: str | None = None
    origin: str | None = None


@dataclass(frozen=True, slots=True)
class Attention:
    """An action of which nobody knows whether it happened; `Journal.resolve` takes the answer.

    Attributes:
        key: the idempotency key that the tool got, if it asked for one: what to look for in the other system.
        why: what a person is asked for, in words.
    """

    run_id: str
    step: int
    tool: str
    input: Mapping[str, JSON] | str
    key: str
    at: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class PendingApproval:
    """A call that waits for a yes or no; `Journal.approve` and `Journal.deny` take the answer.

    Attributes:
        question: what the run was asked.
        arguments: exactly as the tool would get them.
        preview: what the call would have done when it was asked about, in the tool's own words; may be empty.
        key: the idempotency key of the call; names it where several of one run wait.
        asked_at: UTC, ISO 8601.
        schema: JSON Schema of the arguments, which others must fit.
    """

    run_id: str
    question: str
    step: int
    tool: str
    arguments: Mapping[str, JSON]
    preview: str
    key: str
    asked_at: str
    schema: Mapping[str, JSON]


@dataclass(frozen=True, slots=True)
class Failed:
    """An effect that ended in an exception which the loop takes as a result: a limit, or a failed last call."""

    message: str
    limit: LimitName | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an effect, and what the run had used by then (None where a person told the result).

    Attributes:
        counted: an action that counts as a tool call (not a program, nor what was refused).
    """

    usage: Usage | None = None
    reply: Reply | None = None
    observation: Observation | None = None
    failed: Failed | None = None
    counted: bool = True

    def value(self) -> Reply | Observation:
        """The effect's result, for the loop.

        Raises:
            LimitReached, ModelError: as they were raised then.
        """
        if self.failed is not None:
            if self.failed.limit is not None:
                raise LimitReached(self.failed.limit, self.failed.message)
            raise ModelError(self.failed.message)
        value = self.observation or self.reply
        assert value is not None
        return value

    @property
    def kind(self) -> str:
        """In a word: "ok", what kind of observation it is, which limit was reached, or "error"."""
        if self.observation is not None:
            return self.observation.kind
        return "ok" if self.failed is None else self.failed.limit or "error"


@dataclass(frozen=True, slots=True)
class Recorded:
    """One effect as the journal has it.

    Attributes:
        call: see `agentkit.journal.past.call_of`.
        effect: its number in the run.
        digest: of what was wanted; empty where none was made.
        phase: of its last line.
        outcome: there when the phase is "result".
    """

    kind: Literal["ask", "act"]
    step: int
    call: int
    effect: int
    digest: str
    phase: Phase
    outcome: Outcome | None = None


def dump(value: Stored) -> str:
    """As JSON text, of which `load` makes an equal value: what is as it is by default is left out."""
    serializer = _serializer(cast("Hashable", type(value)))
    try:
        return serializer.to_json(value, exclude_defaults=True, exclude=_NOT_KEPT, fallback=str).decode()
    except ValueError:  # half a surrogate pair, which no UTF-8 text can hold
        return json_text(serializer.to_python(value, exclude_defaults=True, exclude=_NOT_KEPT))


def comes_back(outcome: Outcome) -> bool:
    """Whether `load` surely makes an equal value of what `dump` writes; else only trying tells."""
    reply, seen = outcome.reply, outcome.observation
    if reply is not None and not _is_plain(reply.text):
        return False
    return seen is None or (_is_plain(seen.text) and _is_plain(seen.value))


def _is_plain(value: object, depth: int = 20) -> bool:
    """Data that JSON keeps as it is: no tuples, no half characters, no objects that are something else as well."""
    kind = type(value)
    if kind is str:
        text = cast("str", value)
        return text.isascii() or not any("\ud800" <= char <= "\udfff" for char in text)
    if kind is int:
        return abs(cast("int", value)) < 2**53
    if kind is float:
        return isfinite(cast("float", value))
    if kind is list:
        return depth > 0 and all(_is_plain(item, depth - 1) for item in cast("list[object]", value))
    if kind is dict:
        pairs = cast("dict[object, object]", value).items()
        return depth > 0 and all(
            type(key) is str and _is_plain(key) and _is_plain(each, depth - 1) for key, each in pairs
        )
    return value is None or kind is bool


def load(kind: type[T], text: str) -> T:
    """The value that `dump` wrote.

    Raises:
        JournalError: it is none; the journal was written by another version, or damaged.
    """
    from pydantic import ValidationError

    try:
        return cast("T", _adapter(cast("Hashable", kind)).validate_json(text))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise JournalError(f"The journal holds no readable {kind.__name__.lower()}: {first['msg']}.") from None


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:  # Any: a type known at run time
    from pydantic import TypeAdapter

    return TypeAdapter(kind)


@cache
def _serializer(kind: Any) -> SchemaSerializer:  # Any: a type known at run time
    from pydantic_core import SchemaSerializer

    return SchemaSerializer(_adapter(kind).core_schema, {"ser_json_inf_nan": "constants"})


def json_text(value: object) -> str:
    """Any data as JSON; what JSON has not, as its text."""
    return json_bytes(value).decode()


def storable(text: str) -> str:
    """As databases take it: half surrogate pairs and zeros are none of theirs. (JSON texts hold zeros escaped.)"""
    if text.isascii() and "\0" not in text:
        return text
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()


def now() -> str:
    """The time as the tables have it."""
    global _told  # noqa: PLW0603 - one tuple, set at once
    at = int(time.time() * 1000)
    told = _told
    if told[0] != at:
        _told = told = at, _in_words(at)
    return told[1]


def _in_words(milliseconds: int) -> str:
    seconds, rest = divmod(milliseconds, 1000)
    return (
        f"{datetime.fromtimestamp(seconds, UTC).isoformat(timespec='seconds').removesuffix('+00:00')}.{rest:03d}+00:00"
    )


# The millisecond that was told last: several lines of a run are written in one.
_told = (0, _in_words(0))
