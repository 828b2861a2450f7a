"""The sandboxed Python interpreter as a tool of a ReAct agent."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from agentkit.interpreter import Interpreter, default_interpreter, program_tool
from agentkit.prompt import Prompts

if TYPE_CHECKING:
    from agentkit.sandbox import Sandbox
    from agentkit.toolbox import AnyTool

__all__ = ["python", "python_tool"]


def python_tool(interpreter: Interpreter) -> AnyTool:
    """The tool, over an interpreter of one's own: other limits, other modules, another sandbox.

    Example:
        python_tool(Sandbox(limits=Limits(wall=2), modules=("numpy",)))
    """
    return program_tool(lambda: interpreter, Prompts.choose("react"))


@cache
def _sandbox() -> Sandbox:
    """One for all agents of this process; it starts with the first program and ends with the process."""
    return default_interpreter()


python = program_tool(_sandbox, Prompts.choose("react"))
