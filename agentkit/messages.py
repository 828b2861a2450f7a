"""The values a run is made of. All are immutable and turn into JSON and back (`agentkit.codec`).

Times are left out of comparisons, so that two runs that did the same are equal.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

__all__ = [
    "JSON",
    "Action",
    "Decision",
    "Finish",
    "LimitName",
    "Malformed",
    "MalformedKind",
    "Message",
    "Observation",
    "ObservationKind",
    "Reply",
    "ReplyEnd",
    "Role",
    "Run",
    "Step",
    "StopReason",
    "Tokens",
    "Turn",
    "Usage",
]

if TYPE_CHECKING:
    JSON: TypeAlias = "None | bool | int | float | str | Sequence[JSON] | Mapping[str, JSON]"
else:
    JSON = object  # pydantic cannot build a recursive plain alias; at run time it only needs to let the data through
Role = Literal["system", "user", "assistant"]
ReplyEnd = Literal["end", "stop", "length", "cut", "filtered"]
LimitName = Literal["max_steps", "max_model_calls", "max_tokens", "max_cost", "timeout"]
StopReason = Literal[
    "answer",
    "max_steps",
    "max_model_calls",
    "max_tokens",
    "max_cost",
    "timeout",
    "interrupted",
    "needs_approval",  # parked: a person is to say yes or no (see agentkit.journal)
    "needs_attention",  # a person must say whether an action happened (see agentkit.journal)
    "error",
]
MalformedKind = Literal[
    "no_marker",  # neither an action nor an answer in the text
    "missing_action",  # a thought, or an input, without an action
    "missing_input",  # an action without the input it needs
    "both",  # an action and an answer in one line
    "unknown_tool",
    "bad_json",  # an input that neither reads as JSON nor repairs into it
    "multiple",  # several actions in one object or fence
    "truncated",  # the reply was cut inside an action
    "no_code",  # PAL: no program
    "no_entry_point",  # PAL: a program without the function or variable that was asked for
    "syntax",  # PAL: not Python
    "bad_answer",  # the answer does not fit the asked-for type
]
ObservationKind = Literal[
    "ok",
    "tool_error",  # the tool failed
    "bad_arguments",  # the arguments do not fit the tool's schema
    "unknown_tool",
    "timeout",
    "refused",  # approval was refused
    "repeated",  # the earlier observation of the same action
    "format_error",  # no tool ran: the model's text was malformed
]


@dataclass(frozen=True, slots=True)
class Message:
    """One message of the conversation that is sent to the model."""

    role: Role
    text: str


@dataclass(frozen=True, slots=True)
class Tokens:
    """What one model call used, in tokens. `cached` input tokens are part of `input`."""

    input: int = 0
    output: int = 0
    cached: int = 0


@dataclass(frozen=True, slots=True)
class Reply:
    """What the model wrote in one call.

    Attributes:
        end: why the text ends: "end" (the model was done), "stop" (a stop sequence), "length" (max_tokens), "cut"
            (agentkit closed the stream because the rest would have been invented), "filtered" (the provider's guard).
        saved_tokens: output tokens that the cut saved: exact where the model can tell, else at most
            `max_tokens` minus those written, 0 where neither is known.
    """

    text: str
    tokens: Tokens = Tokens()
    model: str = ""
    end: ReplyEnd = "end"
    saved_tokens: int = 0
    cost_usd: float | None = None


@dataclass(frozen=True, slots=True)
class Action:
    """The model wants a tool to run.

    Attributes:
        tool: the tool's name as it is registered (as written, where the tool is not known).
        input: the arguments as an object, or plain text.
        thought: the text before the action.
        dropped: what followed the first complete step in the text: imagination, kept only for inspection.
    """

    tool: str
    input: Mapping[str, JSON] | str
    thought: str = ""
    dropped: str = field(default="", compare=False)
    type: Literal["action"] = "action"


@dataclass(frozen=True, slots=True)
class Finish:
    """The model gives its final answer; `implicit` when it did so without the marker."""

    answer: str
    thought: str = ""
    implicit: bool = False
    dropped: str = field(default="", compare=False)
    type: Literal["finish"] = "finish"


@dataclass(frozen=True, slots=True)
class Malformed:
    """The text is neither; `reason` tells the model what was wrong."""

    kind: MalformedKind
    reason: str
    thought: str = ""
    dropped: str = field(default="", compare=False)
    type: Literal["malformed"] = "malformed"


Decision: TypeAlias = Action | Finish | Malformed


@dataclass(frozen=True, slots=True)
class Observation:
    """What came of an action, as the model will read it.

    Attributes:
        value: the tool's result as plain JSON data, when it had a structure worth keeping.
        final: the text is the run's answer (a tool marked `return_direct`).
        seconds: how long the tool ran.
    """

    text: str
    kind: ObservationKind = "ok"
    value: JSON = None
    final: bool = False
    seconds: float = field(default=0.0, compare=False)

    @property
    def failed(self) -> bool:
        return self.kind not in ("ok", "repeated")


@dataclass(frozen=True, slots=True)
class Step:
    """One turn of the loop: the model's reply, what it was read as, and what came of it."""

    number: int
    reply: Reply
    decision: Decision
    observation: Observation | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """What a run used. `cost_usd` is None when the price of a model is not known."""

    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    saved_tokens: int = 0
    model_calls: int = 0
    tool_calls: int = 0
    cost_usd: float | None = None
    seconds: float = field(default=0.0, compare=False)

    @property
    def tokens(self) -> int:
        """Input and output together."""
        return self.input_tokens + self.output_tokens


@dataclass(frozen=True, slots=True)
class Turn:
    """An earlier question of the conversation, with the steps to its answer."""

    question: str
    steps: tuple[Step, ...]
    answer: str | None


@dataclass(frozen=True, slots=True)
class Run:
    """A question, the steps taken, and the answer.

    Attributes:
        answer: the final answer; None only when a limit or an interruption ended the run and no last call was allowed,
            or when the run waits for a person.
        stop_reason: "answer", or the limit that was reached, or "interrupted", "needs_approval", "needs_attention" or
            "error".
        answer_is_implicit: the answer was taken from a text without the final-answer marker, or from the last call.
        history: the earlier turns of the conversation.
        value: the answer as the asked-for `answer_type`, or as the program's value (PAL).
        votes: PAL with samples: how many programs gave each value, most first.
    """

    question: str
    steps: tuple[Step, ...] = ()
    answer: str | None = None
    stop_reason: StopReason = "answer"
    usage: Usage = Usage()
    run_id: str = field(default="", compare=False)
    answer_is_implicit: bool = False
    history: tuple[Turn, ...] = ()
    value: object = None
    votes: tuple[tuple[str, int], ...] = ()

    @property
    def turn(self) -> Turn:
        """This run as a turn of the conversation that follows."""
        return Turn(self.question, self.steps, self.answer)
