"""Runs Python that nobody has read: near-full Python, in sealed processes that can be killed and cannot hurt."""

from .api import Sandbox
from .client import SandboxError
from .limits import Limits
from .result import Opaque, ProgramError, ProgramUsage, Result
from .session import Session

__all__ = ["Limits", "Opaque", "ProgramError", "ProgramUsage", "Result", "Sandbox", "SandboxError", "Session"]
