"""`run-agent runs`: what the journal knows of runs."""

from __future__ import annotations

import typer

from agentkit.cli import deciding

__all__ = ["runs"]

runs = typer.Typer(help="The runs of the journal.", rich_markup_mode=None, no_args_is_help=True)
deciding.register(runs)
