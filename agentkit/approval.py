"""Asking a person before a tool acts: what is asked, what can be answered, and where both are kept."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol, TypeAlias

from agentkit.messages import JSON

__all__ = ["Approval", "ApprovalRequest", "Approver", "OnApproval", "Questions", "approve_all"]

OnApproval = Literal["ask", "park"]


@dataclass(frozen=True, slots=True)
class ApprovalRequest:
    """One call that needs approval: exactly what would be done.

    Attributes:
        arguments: as the tool will get them, checked.
        key: the call's idempotency key.
        preview: what the call would do, in the tool's own words; may be empty.
        schema: JSON Schema of the arguments, for whoever wants to change them.
        edit: see `edited`.
    """

    tool: str
    arguments: Mapping[str, object]
    description: str
    run_id: str
    step: int
    key: str
    preview: str = ""
    schema: Mapping[str, JSON] = field(default_factory=dict[str, JSON], repr=False, compare=False)
    edit: Callable[[Mapping[str, JSON]], ApprovalRequest] | None = field(default=None, repr=False, compare=False)

    def __str__(self) -> str:
        return f"{self.tool}({', '.join(f'{name}={value!r}' for name, value in self.arguments.items())})"

    def edited(self, arguments: Mapping[str, JSON]) -> ApprovalRequest:
        """The same call with other arguments, checked and with a preview of their own: what
        `Approval(True, arguments=…)` would run.

        Raises:
            BadArguments: they do not fit the tool; the text says where.
            ToolError: the tool's preview says that it cannot be done.
        """
        return replace(self, arguments=arguments) if self.edit is None else self.edit(arguments)


@dataclass(frozen=True, slots=True)
class Approval:
    """The answer.

    Attributes:
        reason: told to the model when the answer is no.
        arguments: all the arguments to run the call with, where they are not to be the model's. They must fit the
            tool, or the call is refused; the model reads what was run.
        preview: what was said of them to whoever decided, in the tool's own words; kept beside them by a journal.
        by: who says so; by default whoever runs the process.
        postponed: neither yes nor no, see `later`.
    """

    granted: bool
    reason: str = ""
    arguments: Mapping[str, JSON] | None = None
    by: str = ""
    postponed: bool = False
    preview: str = ""

    @classmethod
    def later(cls) -> Approval:
        """Somebody will answer when this process may be gone: with a journal the run is parked (`Journal.approve`,
        `Journal.deny`), without one it is a no."""
        return cls(False, postponed=True)


Answer: TypeAlias = bool | Approval


class Approver(Protocol):
    """Whoever decides: a function, sync or async."""

    def __call__(self, request: ApprovalRequest, /) -> Answer | Awaitable[Answer]: ...


class Questions(Protocol):
    """Where the questions of one run wait, and where its answers are kept: a journal."""

    def known(self, request: ApprovalRequest) -> Approval | None:
        """What was said to exactly this call; postponed when it waits for an answer, None when nobody was asked."""
        ...

    def keep(self, request: ApprovalRequest, answer: Approval) -> Approval:
        """Write an answer down, or the question where it is postponed. The first answer counts: it is returned."""
        ...

    def let_go(self, request: ApprovalRequest) -> None:
        """Write down that the approved call begins now: from here on it may have happened."""
        ...


def approve_all(request: ApprovalRequest, /) -> bool:
    """Say yes to everything. For tests, and for tools that undo what they do."""
    return True
