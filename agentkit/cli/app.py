"""The commands, put together. Importing this loads Typer and nothing heavier."""

from __future__ import annotations

from typing import Annotated

import typer

from agentkit.cli.asking import ask
from agentkit.cli.batching import batch
from agentkit.cli.chatting import chat
from agentkit.cli.checkup import doctor
from agentkit.cli.demo import demo
from agentkit.cli.front import Command, Front
from agentkit.cli.improving import export, rate
from agentkit.cli.prompting import prompts
from agentkit.cli.runs import runs
from agentkit.cli.tooling import tools
from agentkit.cli.weights import models

__all__ = ["app"]

WIDTH = {"max_content_width": 100, "help_option_names": ["--help", "-h"]}

app = typer.Typer(
    name="run-agent",
    cls=Front,
    rich_markup_mode=None,  # plain help: calm, and the boxes would cost a third of the start-up time
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    context_settings=WIDTH,
)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import PackageNotFoundError, version

        try:
            found = version("agentkit-react")
        except PackageNotFoundError:
            found = "of a source tree that is not installed"
        typer.echo(f"run-agent {found}")
        raise typer.Exit


@app.callback()
def group(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Ask an agent that thinks, uses tools and answers, or one that answers by writing a program.

    \b
    Examples:
      run-agent "What is 15% of 3,480?"
      run-agent "Find a flight from Oslo to Rome tomorrow and book it" -t travel -m openai:gpt-5-mini
      run-agent "In how many ways can 8 rooks stand on a chessboard in peace?" --strategy pal
      run-agent doctor
    """


app.command("run", cls=Command, context_settings={**WIDTH, "allow_extra_args": True})(ask)
app.command("chat", cls=Command)(chat)
app.command("batch", cls=Command)(batch)
app.command("demo", cls=Command)(demo)
app.add_typer(tools, name="tools")
app.add_typer(prompts, name="prompt")
app.add_typer(models, name="model")
app.add_typer(runs, name="runs")
app.command("rate", cls=Command)(rate)
app.command("export", cls=Command)(export)
app.command("doctor", cls=Command)(doctor)
