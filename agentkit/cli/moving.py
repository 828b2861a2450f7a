"""`run-agent runs export|import|prune`: runs out of the journal and into it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from agentkit.cli import console
from agentkit.cli.front import Command
from agentkit.cli.keeping import opened
from agentkit.cli.looking import RunId, age, recorded, runs_table, status
from agentkit.cli.text import counted

if TYPE_CHECKING:
    from agentkit.journal.records import RunStatus

__all__ = ["export", "prune", "register", "take_in"]


def register(runs: typer.Typer) -> None:
    """Make these commands of `run-agent runs`."""
    runs.command(cls=Command)(export)
    runs.command("import", cls=Command)(take_in)
    runs.command(cls=Command)(prune)


def export(
    run_id: RunId,
    file: Annotated[str, typer.Argument(metavar="FILE", help="Where to; '-' is stdout.")],
) -> None:
    """Write a run to one JSON file, which replays on any machine. It holds all that the run read and wrote.

    \b
    Example:
      run-agent runs export 5f1c9a30 tests/trip.json
    """
    with opened() as journal:
        recording = recorded(journal, run_id)
    if file == "-":
        sys.stdout.write(recording.to_json())
        return
    recording.save(file)
    console.note(f"Run {recording.run_id} is in {file}. To see it again: run-agent runs replay {file}")


def take_in(file: Annotated[str, typer.Argument(metavar="FILE", help="That 'runs export' wrote.")]) -> None:
    """Take in a run that was exported from another journal. If it has not ended, resume it in one place only.

    \b
    Example:
      run-agent runs import trip.json
    """
    from agentkit.journal import Recording

    recording = Recording.load(file)
    with opened() as journal:
        journal.add(recording)
    typer.echo(recording.run_id)


def prune(
    older_than: Annotated[
        str, typer.Option(metavar="AGE", help="Those that did not change for so long: 30d, 12h, 4w.")
    ] = "30d",
    state: Annotated[
        list[str] | None,
        typer.Option("--status", metavar="STATUS", help="Those with it; repeatable. Default: ended."),
    ] = None,
    keep: Annotated[int, typer.Option(min=0, metavar="N", help="Spare so many of the latest of them.")] = 0,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say which.")] = False,
) -> None:
    """Throw old runs away, with all that the journal has of them, and give the room back.

    \b
    Examples:
      run-agent runs prune --dry-run
      run-agent runs prune --older-than 7d --status ended --status error --keep 100
    """
    statuses: list[RunStatus] = [status(each) for each in state or ["ended"]]
    with opened() as journal:
        found = journal.prune(age(older_than), statuses, keep, dry_run=dry_run)
    if dry_run and found:
        typer.echo("\n".join(runs_table(found)))
    console.note(f"{counted(len(found), 'run')} {'would be thrown' if dry_run else 'thrown'} away.")
