"""`run-agent runs pending|approve|deny|resolve`: what runs wait for a person to say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from agentkit.cli.editing import Edit, agreed, edited
from agentkit.cli.front import Command
from agentkit.cli.looking import RunId
from agentkit.cli.options import AgentName
from agentkit.cli.text import call_lines, printable
from agentkit.errors import ConfigError, JournalError

if TYPE_CHECKING:
    from agentkit.journal import Journal, PendingApproval

__all__ = ["approve", "deny", "pending", "register", "resolve", "the_journal"]

Key: TypeAlias = Annotated[
    str | None, typer.Option(metavar="KEY", help="Which call, where several of the run wait (see 'runs pending').")
]


def register(runs: typer.Typer) -> None:
    """Make these commands of `run-agent runs`."""
    for command in (pending, approve, deny, resolve):
        runs.command(cls=Command)(command)


def pending(
    run_id: Annotated[str | None, typer.Argument(metavar="[ID]", help="Only those of this run.")] = None,
    json: Annotated[bool, typer.Option("--json", help="As JSON, with the schema of the arguments.")] = False,
) -> None:
    """The calls that wait for a yes or no, the oldest first: exactly what would be done.

    \b
    Examples:
      run-agent runs pending
      run-agent runs approve ID
    """
    with the_journal() as journal:
        waiting = journal.pending(run_id and journal.resolve_id(run_id))
    if json:
        from agentkit.codec import to_json

        typer.echo(to_json(waiting, indent=2))
    elif not waiting:
        typer.echo("Nothing waits for approval.", err=True)
    else:
        typer.echo("\n\n".join(map(_described, waiting)))


def approve(
    run_id: RunId,
    edit: Annotated[
        str | None,
        typer.Option(metavar="JSON", help='Arguments to change, like {"city": "Oslo"}; the others stay.'),
    ] = None,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why; kept with the answer.")] = "",
    key: Key = None,
    agent: AgentName = None,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="With --edit: ask nothing, even if its effect is unknown.")
    ] = False,
) -> None:
    """Say yes to the call that a run waits with, as 'runs pending' shows it, or with arguments changed.

    This is the answer. Only a call that --edit changes is shown with what it would do by now, and at a terminal you
    are asked whether you mean it. The call runs when the run is resumed.

    \b
    Examples:
      run-agent runs approve 5f1c9a30
      run-agent runs approve 5f1c9a30 --edit '{"passengers": ["Ada Lovelace"]}'
    """
    with the_journal() as journal:
        run_id = journal.resolve_id(run_id)
        asked = journal.waiting(run_id, key)
        if edit is None:
            typer.echo(_call(asked))
            journal.approve(run_id, reason=reason, shown=asked)
        else:
            call = _meant(edited(journal, asked, edit, agent), yes=yes)
            journal.approve(run_id, call.arguments, reason, preview=call.preview, shown=asked)
    _told("Approved", run_id)


def _meant(edit: Edit, *, yes: bool) -> PendingApproval:
    """The changed call, once it was shown and agreed to."""
    typer.echo(_call(edit.call))
    if edit.unknown:
        typer.echo(printable(f"  There is no preview of it. {edit.unknown}"))
    if not agreed(edit, yes=yes):
        typer.echo("Nothing is approved: the call waits as it was.", err=True)
        raise typer.Exit(1)
    return edit.call


def deny(
    run_id: RunId,
    reason: Annotated[
        str, typer.Option(metavar="TEXT", help="What the model reads: why not, or what to do instead.")
    ] = "",
    key: Key = None,
) -> None:
    """Say no to the call that a run waits with. The model reads the reason when the run is resumed.

    \b
    Example:
      run-agent runs deny 5f1c9a30 --reason "Take the earlier flight."
    """
    with the_journal() as journal:
        run_id = journal.resolve_id(run_id)
        asked = journal.waiting(run_id, key)
        typer.echo(_call(asked))
        journal.deny(run_id, reason, shown=asked)
    _told("Denied", run_id)


def resolve(
    run_id: RunId,
    result: Annotated[str | None, typer.Option(metavar="TEXT", help="It happened; what the model reads of it.")] = None,
    failed: Annotated[
        str | None, typer.Option(metavar="TEXT", help="It failed for good; what the model reads of it.")
    ] = None,
    retry: Annotated[bool, typer.Option("--retry", help="It did not happen: do it when the run is resumed.")] = False,
) -> None:
    """Say what became of an action that a crash cut off: of a run with status needs_attention.

    Without an option, shows the action: look for its key in the other system.

    \b
    Examples:
      run-agent runs resolve 5f1c9a30
      run-agent runs resolve 5f1c9a30 --result "Sent at 12:03."
      run-agent runs resolve 5f1c9a30 --retry
    """
    from agentkit.messages import Observation

    given = sum((result is not None, failed is not None, retry))
    if given > 1:
        raise typer.BadParameter("choose one of them", param_hint="'--result', '--failed' and '--retry'")
    with the_journal() as journal:
        run_id = journal.resolve_id(run_id)
        if not given:
            typer.echo(_unknown(journal, run_id))
            return
        seen = Observation(failed, "tool_error") if failed is not None else result
        journal.resolve(run_id, result=seen, retry=retry)
    _told("Resolved", run_id)


def the_journal() -> Journal:
    """The one that run-agent keeps.

    Raises:
        ConfigError: it keeps none.
    """
    import os

    from agentkit.default_journal import OFF, VARIABLE
    from agentkit.journal import Journal

    if os.environ.get(VARIABLE) == OFF:
        raise ConfigError(f"{VARIABLE} is {OFF}: run-agent keeps no journal.")
    return Journal()


def _described(waiting: PendingApproval) -> str:
    head = typer.style(waiting.run_id, bold=True)
    asked = f"{waiting.asked_at[:16].replace('T', ' ')} UTC"
    question = " ".join(printable(waiting.question).split())
    return f"{head}  {asked}  {question}\n{_call(waiting)}"


def _call(waiting: PendingApproval) -> str:
    told = call_lines(waiting.arguments, waiting.preview)
    return "\n".join((f"  {waiting.tool} (key {printable(waiting.key)}) with", *told))


def _unknown(journal: Journal, run_id: str) -> str:
    """The action of which nobody knows whether it happened."""
    attention = journal.attention(run_id)
    if attention is None:
        raise JournalError(f"Run {run_id!r} needs no attention.")
    given = {"input": attention.input} if isinstance(attention.input, str) else attention.input
    what = "\n".join((f"  {attention.tool} (key {printable(attention.key)}) with", *call_lines(given)))
    return f"Did this happen?\n{what}\nAnswer with --result TEXT, --failed TEXT or --retry."


def _told(done: str, run_id: str) -> None:
    typer.echo(f"{done}. To go on: run-agent runs resume {run_id}")
