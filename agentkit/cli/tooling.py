"""`run-agent tools`: what an agent can be given with -t."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from agentkit.cli.front import Command

if TYPE_CHECKING:
    from agentkit.toolbox import AnyTool

__all__ = ["tools"]

tools = typer.Typer(help="The tools that an agent can be given.", rich_markup_mode=None, no_args_is_help=True)


@tools.command("list", cls=Command)
def list_tools() -> None:
    """The tools that come with agentkit, for -t."""
    from agentkit.registry_import import built_in

    found = built_in().values()
    width = max(len(tool.name) for tool in found)
    for tool in found:
        typer.echo(f"{tool.name:{width}}  {_note(tool):9}  {tool.description.partition('. ')[0]}".rstrip(". "))
    typer.echo(f"{'travel':{width}}  {'':9}  All of the flight, hotel and booking tools")


@tools.command(cls=Command)
def show(
    tool: Annotated[str, typer.Argument(metavar="TOOL", help="A name, package.module:name, or file.py:name.")],
) -> None:
    """What a model is told of a tool, and how safe it is to call.

    \b
    Examples:
      run-agent tools show book_flight
      run-agent tools show ./mytools.py:population
    """
    from agentkit.cli.setup import usage
    from agentkit.codec import to_json
    from agentkit.registry_import import load_tools

    with usage("TOOL"):
        found = load_tools(tool)
    for each in found:
        typer.secho(f"{each.name}{each.arguments.signature}", bold=True)
        typer.echo(f"{each.description}\n\n{_marks(each)}\n\n{to_json(each.schema['parameters'], indent=2)}")


def _note(tool: AnyTool) -> str:
    return "asks you" if tool.marks.needs_approval else "read-only" if tool.marks.read_only else "acts"


def _marks(tool: AnyTool) -> str:
    marks = tool.marks
    said = ["read-only" if marks.read_only else "changes something"]
    said += ["needs approval"] * marks.needs_approval + ["idempotent"] * marks.idempotent
    if marks.timeout is not None:
        said.append(f"at most {marks.timeout:g} s")
    if marks.retry:
        said.append(f"tried {marks.retry + 1} times at most")
    return ", ".join(said)
