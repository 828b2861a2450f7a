"""Runs Python that nobody has read: near-full Python, in sealed processes that can be killed and cannot hurt."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .api import Sandbox
    from .limits import Limits
    from .process import SandboxError
    from .result import Opaque, ProgramError, ProgramUsage, Result
    from .session import Session

__all__ = ["Limits", "Opaque", "ProgramError", "ProgramUsage", "Result", "Sandbox", "SandboxError", "Session"]

_HOME = {
    "Sandbox": "api",
    "SandboxError": "process",
    "Limits": "limits",
    "Session": "session",
    **dict.fromkeys(("Opaque", "ProgramError", "ProgramUsage", "Result"), "result"),
}


def __getattr__(name: str) -> object:
    """Loads a name where it is first used: the agent core needs `result` only."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
