"""`run-agent prompt`: what the models are told."""

from __future__ import annotations

from typing import Annotated

import typer

from agentkit.cli import console
from agentkit.cli.front import Command
from agentkit.cli.options import StrategyName

__all__ = ["prompts"]

prompts = typer.Typer(help="What the models are told.", rich_markup_mode=None, no_args_is_help=True)


@prompts.command("list", cls=Command)
def list_prompts() -> None:
    """The prompts that come with agentkit; any of them can be replaced by a file of yours."""
    from agentkit.prompt import load, names

    width = max(len(name) for name in names())
    for name in names():
        typer.echo(f"{name:{width}}  {load(name).meta.get('description', '')}")


@prompts.command(cls=Command)
def show(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME|PATH]", help="A prompt; by default the strategy's.")
    ] = None,
    tool: Annotated[
        list[str] | None, typer.Option("--tool", "-t", metavar="TOOL", help="A tool of the agent; repeatable.")
    ] = None,
    strategy: Annotated[StrategyName | None, typer.Option("--strategy", "-s")] = None,
    question: Annotated[str, typer.Option("--question", help="The question that is put in.")] = "(the question)",
) -> None:
    """Show the whole prompt as an agent would send it.

    A file of texts (observations, format_errors, last_call, tools) is shown as it is.

    \b
    Examples:
      run-agent prompt show -t travel
      run-agent prompt show pal-date
      run-agent prompt show ./my-prompt.md -t calculator
    """
    from agentkit.agent import Agent
    from agentkit.cli.setup import strategy_of, tools_of, usage
    from agentkit.prompt import PARTS, load
    from agentkit.testing import ScriptedModel

    if name is not None:
        with usage("NAME"):
            file = load(name)
        if not set(PARTS) <= file.sections.keys():
            for title, section in file.sections.items():
                typer.echo(f"## {title}\n{section.text}\n")
            return
    chosen = strategy_of(strategy, name, None)
    with usage("NAME"):
        agent = Agent(ScriptedModel([]), tools_of(tool or (), chosen), strategy=chosen, prompt=name)
        messages = agent.opening(question)
    for message in messages:
        console.note(f"── {message.role} ──")
        typer.echo(f"{message.text}\n")
