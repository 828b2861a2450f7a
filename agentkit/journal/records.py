"""What the journal keeps, as values, and as the JSON texts that stand in its tables."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Hashable, Mapping
from dataclasses import Field, dataclass, replace
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeVar, cast

from agentkit.assembly import Start
from agentkit.errors import JournalError, LimitReached, ModelError
from agentkit.flow import Act, Ask
from agentkit.messages import JSON, Action, LimitName, Observation, Reply, Usage

if TYPE_CHECKING:
    from pydantic import TypeAdapter

__all__ = [
    "ATTENTION",
    "Attention",
    "Failed",
    "Outcome",
    "PendingApproval",
    "Phase",
    "Recorded",
    "RunRecord",
    "RunStatus",
    "Why",
    "digest",
    "dump",
    "json_text",
    "load",
    "now",
    "storable",
]

RunStatus = Literal["running", "ended", "interrupted", "needs_approval", "needs_attention", "error"]
# unknown: nobody knows whether it happened, or it cannot go on by itself: a person is to say.
Phase = Literal["intent", "unknown", "retry", "result"]
Why = Literal["interrupted", "cannot_tell", "secret"]
ATTENTION: Mapping[str, str] = {
    "interrupted": "A crash cut it off, and it is not known whether it happened.",
    "cannot_tell": "A crash cut it off, and the tool could not tell whether it happened.",
    "secret": "It needs a secret argument, which the journal does not keep: do it by hand, and say what came of it.",
}
Stored: TypeAlias = "Outcome | Action | Start"
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class RunRecord:
    """A run as the journal tells of it. `status` stays "running" where the process died; times are UTC, ISO 8601."""

    run_id: str
    question: str
    status: RunStatus
    stop_reason: str | None
    answer: str | None
    model: str
    strategy: str
    started_at: str
    updated_at: str


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


def digest(effect: Ask | Act, masked: Callable[[str], str] | None = None) -> str:
    """A hash of what is wanted: the same run wants the same again. (The messages themselves would make the journal
    grow with the square of the steps.)

    Args:
        masked: takes secrets out of a JSON text: a run that is resumed does not know them.
    """
    if isinstance(effect, Act):
        what: object = (effect.action.tool, effect.action.input, effect.step, effect.call)
    else:
        said = [(message.role, message.text) for message in effect.messages]
        what = (said, effect.step, effect.format.kind, effect.stop, effect.last, effect.sample)
    text = _json(what)
    if masked is not None:
        text = masked(text.decode("utf-8")).encode("utf-8")
    return hashlib.blake2b(text, digest_size=16).hexdigest()


def dump(value: Stored) -> str:
    """As JSON text, of which `load` makes an equal value."""
    match value:
        case Outcome():
            told = {name: part if part is False else _told(part) for name, part in _told(value).items()}
        case Action():
            told = _told(value)
        case Start():
            told = _told(replace(value, config=None))
    return _json(told).decode("utf-8")


def _told(value: Any) -> dict[str, Any]:  # Any: dataclasses of several kinds, whose fields are of any type
    """The fields that are not as they are by default: most of a result is."""
    fields: Mapping[str, Field[object]] = value.__dataclass_fields__
    given = {name: getattr(value, name) for name in fields}
    return {name: each for name, each in given.items() if each != fields[name].default}


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


def _json(value: object) -> bytes:
    from pydantic_core import PydanticSerializationError, to_json

    try:
        # Unlike agentkit.codec, which writes standard JSON: an infinite number must come back as one.
        return to_json(value, fallback=str, inf_nan_mode="constants")
    except PydanticSerializationError:  # half a surrogate pair, which no UTF-8 text can hold
        return to_json(_storable(value), fallback=str, inf_nan_mode="constants")


def _storable(value: object) -> object:
    """The same data with what is no Unicode text replaced."""
    from pydantic_core import to_jsonable_python

    return _clean(to_jsonable_python(value, fallback=str, inf_nan_mode="constants"))


def _clean(value: object) -> object:
    match value:
        case str():
            return value.encode("utf-8", "replace").decode()
        case dict():
            return {_clean(key): _clean(item) for key, item in cast("dict[object, object]", value).items()}
        case list():
            return [_clean(item) for item in cast("list[object]", value)]
        case _:
            return value


def json_text(value: object) -> str:
    """Any data as JSON; what JSON has not, as its text."""
    return _json(value).decode()


def storable(text: str) -> str:
    """As databases take it: half surrogate pairs and zeros are none of theirs. (JSON texts hold zeros escaped.)"""
    if text.isascii() and "\0" not in text:
        return text
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()


def now() -> str:
    """The time as the tables have it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")
