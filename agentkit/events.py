"""What happens in a run, as it happens: a discriminated union (`type`) that turns into JSON and back.

`agentkit.codec.to_json(event)` and `from_json(Event, text)` do the turning.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from agentkit.messages import JSON, Action, LimitName, Malformed, Observation, Run
from agentkit.messages import Step as StepValue

__all__ = [
    "ActionStarted",
    "Answered",
    "ApprovalAsked",
    "ApprovalWaits",
    "Event",
    "FormatFault",
    "LimitHit",
    "ModelRetried",
    "ModelStarted",
    "Observed",
    "RunEnded",
    "RunStarted",
    "StepEnded",
    "StreamCut",
    "TextDelta",
    "ThoughtTold",
]


@dataclass(frozen=True, slots=True)
class RunStarted:
    """`at` is the run's clock: ISO 8601 with the time zone."""

    run_id: str
    question: str
    model: str
    strategy: str
    tools: tuple[str, ...]
    at: str
    type: Literal["run_started"] = "run_started"


@dataclass(frozen=True, slots=True)
class ModelStarted:
    """A model call begins; `call` counts them within the run."""

    model: str
    call: int
    type: Literal["model_started"] = "model_started"


@dataclass(frozen=True, slots=True)
class ModelRetried:
    """A model call failed and is tried again after `delay` seconds; text deltas of this call are void."""

    model: str
    error: str
    attempt: int
    delay: float
    type: Literal["model_retried"] = "model_retried"


@dataclass(frozen=True, slots=True)
class TextDelta:
    """The model wrote a piece of text."""

    text: str
    type: Literal["text_delta"] = "text_delta"


@dataclass(frozen=True, slots=True)
class StreamCut:
    """agentkit closed the model's stream: it had begun to invent what comes after its step."""

    saved_tokens: int
    type: Literal["stream_cut"] = "stream_cut"


@dataclass(frozen=True, slots=True)
class ThoughtTold:
    text: str
    type: Literal["thought"] = "thought"


@dataclass(frozen=True, slots=True)
class ActionStarted:
    """A tool starts to run; `early` when the model was still writing."""

    action: Action
    step: int
    early: bool = False
    type: Literal["action"] = "action"


@dataclass(frozen=True, slots=True)
class ApprovalAsked:
    """A person was asked about an action, and answered; `arguments` are there when they are not the model's."""

    tool: str
    granted: bool
    reason: str = ""
    arguments: Mapping[str, JSON] | None = None
    type: Literal["approval"] = "approval"


@dataclass(frozen=True, slots=True)
class ApprovalWaits:
    """The run ends here until a person has answered (`Journal.approve`, `Journal.deny`): exactly what would be done."""

    tool: str
    arguments: Mapping[str, JSON]
    preview: str
    key: str
    step: int
    type: Literal["approval_waits"] = "approval_waits"


@dataclass(frozen=True, slots=True)
class Observed:
    observation: Observation
    step: int
    type: Literal["observation"] = "observation"


@dataclass(frozen=True, slots=True)
class StepEnded:
    step: StepValue
    type: Literal["step"] = "step"


@dataclass(frozen=True, slots=True)
class FormatFault:
    """The model's text was neither an action nor an answer."""

    malformed: Malformed
    step: int
    type: Literal["format_error"] = "format_error"


@dataclass(frozen=True, slots=True)
class LimitHit:
    """A run-wide limit was reached."""

    limit: LimitName
    text: str
    type: Literal["limit"] = "limit"


@dataclass(frozen=True, slots=True)
class Answered:
    answer: str
    implicit: bool = False
    type: Literal["answer"] = "answer"


@dataclass(frozen=True, slots=True)
class RunEnded:
    """Always the last event."""

    run: Run
    type: Literal["run_ended"] = "run_ended"


Event: TypeAlias = (
    RunStarted
    | ModelStarted
    | ModelRetried
    | TextDelta
    | StreamCut
    | ThoughtTold
    | ActionStarted
    | ApprovalAsked
    | ApprovalWaits
    | Observed
    | StepEnded
    | FormatFault
    | LimitHit
    | Answered
    | RunEnded
)
