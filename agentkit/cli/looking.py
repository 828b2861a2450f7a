"""`run-agent runs list|show|diff`: what happened in runs."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from agentkit.cli.front import Command
from agentkit.cli.keeping import opened
from agentkit.cli.text import arguments, code_of, counted, folded, printable, used

if TYPE_CHECKING:
    from agentkit.journal import Journal, Recording, RunRecord
    from agentkit.journal.differences import Diff, Pair
    from agentkit.journal.recordings import Happened, Row
    from agentkit.journal.records import RunStatus

__all__ = [
    "RunId",
    "Source",
    "age",
    "diff",
    "found",
    "list_runs",
    "recorded",
    "register",
    "runs_table",
    "show",
]

RunId: TypeAlias = Annotated[str, typer.Argument(metavar="ID", help="The run; its beginning is enough.")]
Source: TypeAlias = Annotated[str, typer.Argument(metavar="ID|FILE", help="A run, or the file of an exported one.")]
STATUSES: tuple[RunStatus, ...] = ("running", "ended", "interrupted", "needs_approval", "needs_attention", "error")
UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def register(runs: typer.Typer) -> None:
    """Make these commands of `run-agent runs`."""
    runs.command("list", cls=Command)(list_runs)
    for command in (show, diff):
        runs.command(cls=Command)(command)


def status(text: str) -> RunStatus:
    """A status of runs, as an option's value."""
    for known in STATUSES:
        if text == known:
            return known
    raise typer.BadParameter(f"there is no status {text!r}; there are: {', '.join(STATUSES)}")


def age(text: str) -> timedelta:
    """A time span, like 30d, 12h, 90m or 2w."""
    number, unit = text[:-1], text[-1:]
    if not number.isdecimal() or unit not in UNITS:
        raise typer.BadParameter(f"write a number and m, h, d or w, like 30d, not {text!r}")
    try:
        return timedelta(**{UNITS[unit]: int(number)})
    except OverflowError:
        raise typer.BadParameter(f"{text} is longer than there are dates") from None


def moment(text: str) -> datetime:
    """A date, a time, or how long ago."""
    with suppress(ValueError, OverflowError):
        return datetime.fromisoformat(text).astimezone()
    try:
        return datetime.now(UTC) - age(text)
    except (typer.BadParameter, OverflowError):
        raise typer.BadParameter(f"write a date like 2026-11-25, or how long ago like 7d, not {text!r}") from None


def list_runs(
    state: Annotated[
        str | None, typer.Option("--status", metavar="STATUS", help=f"Only those: {', '.join(STATUSES)}.")
    ] = None,
    since: Annotated[
        str | None, typer.Option(metavar="WHEN", help="Begun since then: 2026-11-25, or 7d, 12h ago.")
    ] = None,
    rating: Annotated[str | None, typer.Option(metavar="good|bad", help="Only those that were rated so.")] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, metavar="N", help="At most so many.")] = 20,
    json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """The runs, the latest first.

    \b
    Examples:
      run-agent runs list --status interrupted
      run-agent runs list --since 7d --limit 100
    """
    wanted = None if state is None else status(state)
    if rating not in (None, "good", "bad"):
        raise typer.BadParameter(f"good or bad, not {rating!r}", param_hint="'--rating'")
    with opened() as journal:
        first = None if since is None else moment(since)
        found = journal.runs(wanted, since=first, limit=limit, rating=rating)  # type: ignore[arg-type]  # just checked
    if json:
        from agentkit.codec import to_json

        typer.echo(to_json(found, indent=2))
    elif found:
        typer.echo("\n".join(runs_table(found)))
    else:
        typer.echo("There are no such runs." if wanted or since or rating else "There are no runs yet.", err=True)


def runs_table(found: list[RunRecord]) -> Iterator[str]:
    """A line for each run; cut to the terminal's width where there is one."""
    width = max(len(record.run_id) for record in found)
    for record in found:
        marks = " ".join(filter(None, (record.rating, "fork" if record.parent else "")))
        head = f"{printable(record.run_id):{width}}  {_local(record.started_at)}  {_state(record):15}"
        line = f"{head}  {_one_line(record.question)}" + (f"  [{marks}]" if marks else "")
        yield _cut(line)


def _state(record: RunRecord) -> str:
    """How a run stands, in a word: an ended one by what ended it."""
    if record.status == "ended" and record.stop_reason not in (None, "answer"):
        return str(record.stop_reason)
    return record.status


def show(
    run_id: RunId,
    json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Long observations whole.")] = False,
) -> None:
    """All that happened in a run, who approved what, and what can be done next.

    \b
    Example:
      run-agent runs show 5f1c9a30
    """
    recording = found(run_id)
    if json:
        from agentkit.codec import to_json

        told = {"run": recording.run, "effects": recording.happened, "approvals": recording.approvals}
        typer.echo(to_json({**told, "usage": recording.usage}, indent=2))
        return
    for line in _story(recording, full=verbose):
        typer.echo(printable(line))
    if not _is_file(run_id) and (hint := _next(recording)):
        typer.echo(f"\n{hint}")


def _is_file(source: str) -> bool:
    """Whether a source is a file, and no run of the journal."""
    try:
        return Path(source).is_file()
    except OSError:  # it is too long for a file's name, say
        return False


def found(source: str) -> Recording:
    """`recorded`, of the environment's journal; there need not be one for a file.

    Raises:
        ConfigError, JournalError: as `recorded`, or the journal cannot be used.
    """
    if _is_file(source):
        from agentkit.journal import Recording

        return Recording.load(source)
    with opened() as journal:
        return recorded(journal, source)


def recorded(journal: Journal, source: str) -> Recording:
    """A run of the journal, or that of an exported file.

    Raises:
        ConfigError: the file is no recording.
        JournalError: there is no such run, or more than one.
    """
    if _is_file(source):
        from agentkit.journal import Recording

        return Recording.load(source)
    return journal.recording(journal.resolve_id(source))


def _story(recording: Recording, *, full: bool) -> Iterator[str]:
    run = recording.run
    yield recording.question
    began, changed = _local(run["started_at"]), _local(run["updated_at"])
    yield f"{recording.run_id} · {run['model']} · {run['strategy']} · {began} to {changed}"
    if run.get("parent"):
        yield f"Forked from {run['parent']}"
    step = 0
    for each in recording.happened:
        if each.step != step:
            step = each.step
            yield f"\nStep {step}"
        yield from _effect(each, recording.approvals, full=full)
    ending = f" ({recording.stop_reason})" if recording.stop_reason not in (None, "answer") else ""
    yield f"\nStatus: {recording.status}{ending}"
    if recording.answer is not None:
        yield f"Answer: {recording.answer}"
    if run.get("rating"):
        yield f"Rated {run['rating']}" + (f": {run['note']}" if run.get("note") else "")
    yield f"{counted(step, 'step')} · {' · '.join(used(recording.usage))}"


def _effect(each: Happened, approvals: tuple[Row, ...], *, full: bool) -> Iterator[str]:
    outcome = each.outcome
    if each.action is not None:
        code = code_of(each.action)
        call = arguments(each.action.input) if code is None else f"\n{_indented(code.strip())}"
        yield f"  ▸ {each.action.tool}  {call}"
        yield from (f"    {_said(row)}" for row in approvals if row["key"] == each.key)
    if outcome is None:
        yield "    (no result)"
    elif outcome.failed is not None:
        yield f"  ({outcome.failed.message})"
    elif outcome.reply is not None:
        yield _indented(outcome.reply.text.strip())
    elif outcome.observation is not None:
        head, rest = (outcome.observation.text, "") if full else folded(outcome.observation.text)
        text = "\n".join(filter(None, (head, rest)))
        yield _indented(text, "    │ ")


def _said(row: Row) -> str:
    """What a person said to a call, and when."""
    if row["granted"] is None:
        return f"waits for approval since {_local(row['asked_at'])}"
    edited = f", with {row['edited']}" if row.get("edited") else ""
    if row.get("edited_preview"):
        edited += f" ({_one_line(row['edited_preview'])})"
    reason = f": {row['reason']}" if row["reason"] else ""
    return f"{'approved' if row['granted'] else 'refused'} by {row['by']} at {_local(row['at'])}{edited}{reason}"


def _next(recording: Recording) -> str:
    """What a person can do about a run of the journal that has not ended."""
    run = recording.run_id
    match recording.status:
        case "ended":
            return ""
        case "needs_approval":
            return f"It waits for approval: run-agent runs approve {run}   (or: deny), then: runs resume {run}"
        case "needs_attention":
            return f"Say what became of its last action: run-agent runs resolve {run}, then: runs resume {run}"
        case "running":
            return f"It runs, or its process died. If that is so: run-agent runs resume {run}"
        case _:
            return f"Resume with: run-agent runs resume {run}"


def diff(
    one: Source,
    other: Source,
    json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Where two runs part. Exits with 0 when they did the same, with 1 when they did not.

    \b
    Example:
      run-agent runs diff 5f1c9a30 77ab02d1
    """
    from agentkit.journal.differences import diff as compared

    first, second = found(one), found(other)
    both = compared(first, second)
    if json:
        from agentkit.codec import to_json

        told = {"same": both.same, "before": both.before, "pairs": both.pairs, "after": both.after}
        typer.echo(to_json(told, indent=2))
    else:
        for line in _parting(both, first.run_id, second.run_id):
            typer.echo(line)
    raise typer.Exit(0 if both.same else 1)


def _parting(found: Diff, one: str, other: str) -> Iterator[str]:
    for text in found.before:
        yield f"Differs before they begin: {_one_line(text)}"
    first = found.first
    if first is None:
        yield "Their steps are the same."
    else:
        there = first.one or first.other
        assert there is not None
        yield f"They part at step {there.step}."
    for pair in found.pairs:
        yield from _side_by_side(pair, one, other)
    for text in found.after:
        yield f"Differs at the end: {_one_line(text)}"


def _side_by_side(pair: Pair, one: str, other: str) -> Iterator[str]:
    if pair.same:
        assert pair.one is not None
        yield _cut(f"  = {pair.one.step:3}  {_brief(pair.one)}")
        return
    width = max(len(one), len(other))
    for name, each in ((one, pair.one), (other, pair.other)):
        yield _cut(f"  ≠ {each.step if each else '':3}  {name:{width}}  {_brief(each) if each else '(nothing)'}")


def _brief(each: Happened) -> str:
    outcome = each.outcome
    if outcome is None:
        came = "(no result)"
    elif outcome.failed is not None:
        came = f"({outcome.failed.message})"
    elif outcome.reply is not None:
        came = outcome.reply.text
    else:
        came = outcome.observation.text if outcome.observation is not None else ""
    call = "" if each.action is None else f"{each.action.tool}({arguments(each.action.input)}) → "
    return _one_line(call + came)


def _local(at: str | None) -> str:
    return "?" if at is None else datetime.fromisoformat(at).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def _one_line(text: str) -> str:
    return " ".join(printable(text).split())


def _cut(line: str) -> str:
    if not sys.stdout.isatty():
        return line
    width = shutil.get_terminal_size().columns
    return line if len(line) <= width else line[: width - 1] + "…"


def _indented(text: str, by: str = "    ") -> str:
    return "\n".join(f"{by}{line}" for line in text.splitlines())
