"""What a tool may know of the call that a program makes."""

from contextvars import ContextVar
from typing import Final

CALL_NUMBER: Final[ContextVar[int | None]] = ContextVar("agentkit_call_number", default=None)
"""Which of its program's calls this is, from 1, in the order in which the program makes them: the calls of a gather()
begin side by side, but count in the order of its list. Set while a tool runs; the host counts."""
