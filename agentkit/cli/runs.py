"""`run-agent runs`: what the journal knows of runs, and what can be done with them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from agentkit.cli import deciding, looking, moving, rerunning
from agentkit.default_journal import VARIABLE

__all__ = ["runs"]

runs = typer.Typer(help="The runs of the journal.", rich_markup_mode=None, no_args_is_help=True)


@runs.callback()
def group(
    context: typer.Context,
    journal: Annotated[
        str | None,
        typer.Option(metavar="FILE|URL", help="Another journal than that of AGENTKIT_JOURNAL or your data directory."),
    ] = None,
) -> None:
    """The runs of the journal: see them, carry them on, replay, fork and compare them.

    An ID may be shortened as long as it is clear.

    \b
    Examples:
      run-agent runs list --status interrupted
      run-agent runs resume 5f1c9a30
      run-agent runs fork 5f1c --at 3 -m openai:gpt-5
      run-agent runs diff 5f1c 77ab
    """
    if journal is not None:
        if "://" not in journal and context.invoked_subcommand != "import" and not Path(journal).expanduser().exists():
            raise typer.BadParameter(f"there is no file {journal}", param_hint="'--journal'")
        os.environ[VARIABLE] = journal  # for this process: whatever opens the journal looks there


looking.register(runs)
rerunning.register(runs)
deciding.register(runs)
moving.register(runs)
