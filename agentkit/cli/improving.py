"""`run-agent rate` and `run-agent export`: from runs to training data."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, cast

import typer

from agentkit.cli import console
from agentkit.cli.keeping import opened
from agentkit.cli.looking import RunId, moment
from agentkit.cli.text import counted

if TYPE_CHECKING:
    from agentkit.assembly import Assembly
    from agentkit.journal import Journal, RunRecord
    from agentkit.journal.samples import Sample
    from agentkit.messages import Run

__all__ = ["export", "rate"]


def rate(
    run_id: RunId,
    rating: Annotated[Literal["good", "bad", "none"], typer.Argument(help="'none' takes a rating back.")],
    note: Annotated[str | None, typer.Option(metavar="TEXT", help="Why.")] = None,
) -> None:
    """Say whether a run was good or bad: what 'run-agent export' makes training data of.

    \b
    Examples:
      run-agent rate 5f1c9a30 good
      run-agent rate 77ab bad --note "Booked the later flight."
    """
    with opened() as journal:
        name = journal.resolve_id(run_id)
        journal.rate(name, None if rating == "none" else rating, note)
    console.note(f"Run {name}: {rating}.")


def export(
    form: Annotated[
        Literal["sft", "preference", "openai"],
        typer.Option("--format", help="sft: conversations. openai: as its fine-tuning takes them. preference: pairs."),
    ],
    rating: Annotated[
        Literal["good", "bad", "any"], typer.Option(help="Which conversations (preference pairs need both).")
    ] = "good",
    since: Annotated[str | None, typer.Option(metavar="WHEN", help="Runs begun since then: 2026-11-25, or 7d.")] = None,
    check: Annotated[
        str | None,
        typer.Option(metavar="OBJECT", help="A function of the Run that says whether one that nobody rated is good."),
    ] = None,
    agent: Annotated[
        str | None, typer.Option(metavar="OBJECT", help="The agent of runs that cannot be replayed without it.")
    ] = None,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Where to; stdout by default.")] = None,
    redact: Annotated[
        bool, typer.Option("--redact", help="Take out e-mail addresses, phone numbers, card numbers and IBANs.")
    ] = False,
    redact_argument: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Take out the values of this argument of tools, too; repeatable."),
    ] = None,
) -> None:
    """Make training data of ended runs, one JSON line each: the messages exactly as the model got them.

    \b
    Examples:
      run-agent export --format sft --out good.jsonl
      run-agent export --format preference --redact --redact-argument passengers --out pairs.jsonl
      run-agent export --format openai --rating any --check ./checks.py:booked
    """
    from agentkit.cli.remaking import agent_object, called
    from agentkit.journal.samples import lines

    judge = None if check is None else cast("Callable[[Run], bool]", called(check))
    assembly = None if agent is None else agent_object(agent).assembly
    with opened() as journal:
        found = journal.runs("ended", since=None if since is None else moment(since))
        wanted = [each for each in found if _may_count(each, form, rating, judged=judge is not None)]
        samples = [
            each
            for each in _samples(journal, wanted, assembly, judge)
            if form == "preference" or rating in ("any", each.rating)
        ]
    hidden = [*(redact_argument or [])] if redact or redact_argument else None
    number = _write(lines(samples, form, hidden), out)
    console.note(f"{counted(number, 'line')} from {counted(len(samples), 'run')}." + _advice(number, form, rating))


def _may_count(record: RunRecord, form: str, rating: str, *, judged: bool) -> bool:
    """Whether a run has to be looked at at all."""
    return form == "preference" or rating in ("any", record.rating) or (judged and record.rating is None)


def _samples(
    journal: Journal, found: list[RunRecord], agent: Assembly | None, check: Callable[[Run], bool] | None
) -> Iterator[Sample]:
    from agentkit.errors import AgentkitError
    from agentkit.journal.samples import sample

    for record in reversed(found):
        try:
            made = sample(journal.recording(record.run_id), agent, check)
        except AgentkitError as error:
            console.note(f"Left out {record.run_id}: {error}")
            continue
        if made is not None:
            yield made


def _write(lines: Iterator[dict[str, object]], out: Path | None) -> int:
    import json

    from agentkit.errors import ConfigError

    texts = [f"{json.dumps(line, ensure_ascii=False)}\n" for line in lines]
    if out is None:
        sys.stdout.writelines(texts)
        return len(texts)
    try:
        out.write_text("".join(texts), encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"Cannot write to {out}: {error.strerror}.") from None
    return len(texts)


def _advice(number: int, form: str, rating: str) -> str:
    if number:
        return ""
    if form == "preference":
        return " Pairs need a good and a bad run of the same question: run-agent rate ID good|bad."
    return "" if rating == "any" else f" Rate runs (run-agent rate ID {rating}), or take all with --rating any."
