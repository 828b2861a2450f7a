"""Everything agentkit raises on purpose.

AgentkitError
├── ConfigError          the program was set up wrongly (unknown option, bad prompt, missing extra)
│   └── RunExists            the journal has a run of that name already
├── ModelError           a model call failed for good; ends the run, `error.run` holds what is known
│   ├── AuthError            credentials, region or model access are missing or refused
│   ├── BadRequestError      the provider refused the request as it stands
│   ├── ContextOverflowError the conversation does not fit the model's context window
│   └── TransientError       throttling, time-out, 5xx, a cut stream: worth another attempt
│       └── ThrottledError       the provider asked us to slow down
├── NeedsPerson          a run stops until a person has spoken
│   ├── NeedsApproval        ... has said yes or no to an action
│   └── NeedsAttention       ... has said what became of an action
├── JournalError         the journal cannot be used, or the run is not there or not free
│   ├── JournalUnavailable   its database cannot be reached or written: no run can go on
│   ├── LeaseHeld            another process drives the run: `error.seconds` until that must be told anew
│   └── LeaseLost            another process drives the run by now
├── LimitReached         a run-wide limit was reached (the loop turns it into a last call)
└── ToolError            a tool could not do it; becomes an observation for the model
    └── BadArguments         the arguments do not fit the tool's schema
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agentkit.messages import LimitName, Run, StopReason

__all__ = [
    "AgentkitError",
    "AuthError",
    "BadArguments",
    "BadRequestError",
    "ConfigError",
    "ContextOverflowError",
    "JournalError",
    "JournalUnavailable",
    "LeaseHeld",
    "LeaseLost",
    "LimitReached",
    "ModelError",
    "NeedsApproval",
    "NeedsAttention",
    "NeedsPerson",
    "RunExists",
    "ThrottledError",
    "ToolError",
    "TransientError",
]


class AgentkitError(Exception):
    """Base of all errors agentkit raises on purpose."""


class ConfigError(AgentkitError):
    """The program was set up wrongly; the text says what to change."""


class RunExists(ConfigError):
    """The journal has a run of that name already: it can be resumed, but not begun."""


class ModelError(AgentkitError):
    """A model call failed for good.

    `run` is set when the call belonged to a run: the steps so far, with stop_reason "error".
    """

    run: Run | None = None
    stop_reason: StopReason = "error"


class AuthError(ModelError):
    """Credentials, region or model access are missing or were refused."""


class BadRequestError(ModelError):
    """The provider refused the request as it stands; `parameter` names the one at fault when that is known."""

    def __init__(self, message: str, *, parameter: str | None = None) -> None:
        super().__init__(message)
        self.parameter = parameter


class ContextOverflowError(ModelError):
    """The conversation is longer than the model's context window."""


class TransientError(ModelError):
    """Worth another attempt; `retry_after` is the provider's own wish in seconds, if it named one."""

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class ThrottledError(TransientError):
    """The provider asked us to slow down."""


class NeedsPerson(AgentkitError):
    """A run stops until a person has spoken; then it is resumed.

    Ends the run like a ModelError, but is not raised to the caller: the `Run` has this stop_reason.
    """

    run: Run | None = None
    stop_reason: StopReason


class NeedsApproval(NeedsPerson):
    """An action waits for a yes or no, and its question is in the journal: see `Journal.pending`."""

    stop_reason: StopReason = "needs_approval"


class NeedsAttention(NeedsPerson):
    """It is not known whether an action happened, and it must not be done twice: see `Journal.attention`."""

    stop_reason: StopReason = "needs_attention"


class JournalError(AgentkitError):
    """The journal cannot be used just now, does not know the run, or somebody else has it."""


class JournalUnavailable(JournalError):
    """The journal's database cannot be reached, stays locked or has no room: no run can go on just now."""


class LeaseHeld(JournalError):
    """Another process drives the run; `seconds` from now on it must have told that it lives, or the run is free."""

    def __init__(self, message: str, seconds: float = 0.0) -> None:
        super().__init__(message)
        self.seconds = seconds


class LeaseLost(JournalError):
    """Another process has taken the run over; this one has stopped and changed nothing since."""


class LimitReached(AgentkitError):
    """A run-wide limit was reached: thrown into the loop in place of a model's reply."""

    def __init__(self, limit: LimitName, message: str) -> None:
        super().__init__(message)
        self.limit: LimitName = limit


class ToolError(AgentkitError):
    """A tool could not do what was asked. The message is for the model: say what to do instead.

    `transient`: the same call may work a moment later (used by tools that are marked with `retry`).
    """

    def __init__(self, message: str, *, transient: bool = False) -> None:
        super().__init__(message)
        self.transient = transient


class BadArguments(ToolError):
    """The arguments do not fit the tool's schema."""
