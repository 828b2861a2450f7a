"""`run-agent tools`: what an agent can be given with -t."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from agentkit.cli.front import Command

if TYPE_CHECKING:
    from agentkit.toolbox import AnyTool

__all__ = ["tools"]

tools = typer.Typer(help="The tools that an agent can be given.", rich_markup_mode=None, no_args_is_help=True)
Spec = Annotated[str, typer.Argument(metavar="TOOL", help="A name, package.module:name, or file.py:name.")]
