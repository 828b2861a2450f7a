"""Asking a person before a tool acts."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeAlias

__all__ = ["Approval", "ApprovalRequest", "Approver", "approve_all"]


@dataclass(frozen=True, slots=True)
class ApprovalRequest:
    """One call that needs approval: exactly what would be done.

    Attributes:
        arguments: as the tool will get them, checked.
        key: the call's idempotency key.
        preview: what the call would do, in the tool's own words; may be empty.
    """

    tool: str
    arguments: Mapping[str, object]
    description: str
    run_id: str
    step: int
    key: str
    preview: str = ""

    def __str__(self) -> str:
        return f"{self.tool}({', '.join(f'{name}={value!r}' for name, value in self.arguments.items())})"


@dataclass(frozen=True, slots=True)
class Approval:
    """The answer; `reason` is told to the model when it is no."""

    granted: bool
    reason: str = ""


Answer: TypeAlias = bool | Approval


class Approver(Protocol):
    """Whoever decides: a function, sync or async."""

    def __call__(self, request: ApprovalRequest, /) -> Answer | Awaitable[Answer]: ...


def approve_all(request: ApprovalRequest, /) -> bool:
    """Say yes to everything. For tests, and for tools that undo what they do."""
    return True
