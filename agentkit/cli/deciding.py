"""`run-agent runs pending|approve|deny|resolve`: what runs wait for a person to say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from agentkit.cli.front import Command
from agentkit.cli.text import call_lines, printable
from agentkit.errors import BadArguments, ConfigError, JournalError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agentkit.journal import Journal, PendingApproval
    from agentkit.messages import JSON

__all__ = ["approve", "deny", "pending", "register", "resolve", "the_journal"]

RunId: TypeAlias = Annotated[str, typer.Argument(metavar="ID", help="The run.")]
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
        waiting = journal.pending(run_id)
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
) -> None:
    """Say yes to the call that a run waits with, as 'runs pending' shows it, or with arguments changed.

    This is the answer: nothing more is asked. The call runs when the run is resumed.

    \b
    Examples:
      run-agent runs approve 5f1c9a30
      run-agent runs approve 5f1c9a30 --edit '{"passengers": ["Ada Lovelace"]}'
    """
    with the_journal() as journal:
        asked = _asked(journal, run_id, key)
        arguments = None
        if asked is not None:
            arguments = None if edit is None else _edited(asked, edit)
            preview = asked.preview if arguments is None else ""  # it tells of the other arguments
            typer.echo(_call(asked, arguments or asked.arguments, preview))
        try:
            journal.approve(run_id, arguments, reason, key=key)
        except BadArguments as error:
            raise typer.BadParameter(str(error), param_hint="'--edit'") from error
    _told("Approved", run_id)


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
        asked = _asked(journal, run_id, key)
        if asked is not None:
            typer.echo(_call(asked, asked.arguments, asked.preview))
        journal.deny(run_id, reason, key=key)
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


def _asked(journal: Journal, run_id: str, key: str | None) -> PendingApproval | None:
    """The call that an answer is about; None where the journal will say why there is none, or not one."""
    waiting = [each for each in journal.pending(run_id) if key in (None, each.key)]
    return waiting[0] if len(waiting) == 1 else None


def _edited(asked: PendingApproval, edit: str) -> dict[str, JSON]:
    from agentkit.cli.consent import changed_arguments

    try:
        return changed_arguments(asked.arguments, edit)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="'--edit'") from None


def _described(waiting: PendingApproval) -> str:
    head = typer.style(waiting.run_id, bold=True)
    asked = f"{waiting.asked_at[:16].replace('T', ' ')} UTC"
    question = " ".join(printable(waiting.question).split())
    return f"{head}  {asked}  {question}\n{_call(waiting, waiting.arguments, waiting.preview)}"


def _call(waiting: PendingApproval, arguments: Mapping[str, JSON], preview: str) -> str:
    return "\n".join((f"  {waiting.tool} (key {printable(waiting.key)}) with", *call_lines(arguments, preview)))


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
