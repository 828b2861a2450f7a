"""`run-agent batch FILE`: the questions of a file, many at once."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TextIO

import typer

from agentkit.cli import console
from agentkit.cli.options import LIMITS, OUTPUT, AskOptions, takes

if TYPE_CHECKING:
    from rich.console import RenderableType

    from agentkit.agent import Agent
    from agentkit.batch import Batch, BatchResult, BatchSummary
    from agentkit.batch_pool import Engine
    from agentkit.cli.batch_files import QuestionFile, Row
    from agentkit.journal import Journal

__all__ = ["batch", "worker_agent"]

FAILED, LIMIT, WAITS, INTERRUPTED = 1, 3, 5, 130
TOLD_FAILURES = 3


@dataclass(frozen=True, kw_only=True)
class BatchOptions(AskOptions):
    """What the command line says of a batch; see each option's help."""

    concurrency: Annotated[int, typer.Option("--concurrency", "-c", min=1, metavar="N", help="Runs at once.")] = 8
    question_field: Annotated[
        str, typer.Option(metavar="NAME", help="The field or column that holds the question.")
    ] = "question"
    batch_id: Annotated[
        str | None,
        typer.Option("--id", metavar="NAME", help="The batch's name; with that of an earlier one, go on with it."),
    ] = None
    allow_drift: Annotated[
        bool, typer.Option("--allow-drift", help="Go on although tools, prompts or model have changed.")
    ] = False
    engine: Annotated[Literal["local", "ray"], typer.Option(help="Where runs are made: here, or on Ray.")] = "local"
    address: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="ray: of the cluster. Default: RAY_ADDRESS, else this machine."),
    ] = None
    workers: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="ray: processes. Default: one for each CPU of the cluster.")
    ] = None
    total_tokens: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", rich_help_panel=LIMITS, help="Tokens in and out of all runs together."),
    ] = None
    total_cost: Annotated[
        float | None,
        typer.Option(min=0, metavar="USD", rich_help_panel=LIMITS, help="US dollars of all runs together."),
    ] = None
    total_time: Annotated[
        float | None, typer.Option(min=0, metavar="SECONDS", rich_help_panel=LIMITS, help="Seconds for the batch.")
    ] = None
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", rich_help_panel=OUTPUT, help="Results as JSON Lines; default: stdout."),
    ] = None


@takes(BatchOptions)
def batch(
    options: BatchOptions,
    context: typer.Context,
    file: Annotated[
        str,
        typer.Argument(metavar="FILE", help="Questions: .jsonl, .csv (with a header) or .tsv; '-': JSONL on stdin."),
    ],
) -> None:
    """Answer the questions of a file. Results are JSON Lines, in the order of the questions.

    What was done is in the journal: with the same --id an interrupted batch goes on where it was, and what failed is
    tried again. Tools that need approval are refused, unless --yes or --on-approval park is given.

    \b
    Examples:
      run-agent batch questions.jsonl --out results.jsonl
      run-agent batch claims.csv --question-field claim -s pal --concurrency 20 --total-cost 5
      run-agent batch questions.jsonl --out results.jsonl --id 3f9a2c41b0d7
    """
    from agentkit.cli.batch_files import question_file
    from agentkit.cli.keeping import kept
    from agentkit.cli.setup import make_agent, settled, usage

    if options.trace is not None:
        context.fail("--trace is for single runs: what happens in a batch is in the journal.")
    if options.engine == "local" and (options.address is not None or options.workers is not None):
        context.fail("--address and --workers belong to --engine ray.")
    if options.out is not None and options.out.exists() and Path(file).exists() and options.out.samefile(file):
        context.fail(f"--out is {file} itself, and the questions would be lost: name another file.")
    with ExitStack() as stack:
        with usage("FILE"):
            questions = stack.enter_context(question_file(file, options.question_field))
            count = questions.check()
        options = settled(options)
        journal = stack.enter_context(kept(options))
        agent = stack.enter_context(make_agent(options, None, journal=journal))
        pending = dict[int, "Row"]()
        engine = _ray(options, journal) if options.engine == "ray" else None
        many = _batch(agent, _asked(questions, pending), options, engine)
        code = _answered(many, count, pending, options)
    _tell_end(many, count, file, interrupted=code == INTERRUPTED, quiet=options.quiet)
    raise typer.Exit(code or _exit_code(many.summary))


def _batch(agent: Agent, questions: Iterator[str], options: BatchOptions, engine: Engine | None) -> Batch:
    from agentkit.budget import Budget

    budget = Budget(max_tokens=options.total_tokens, max_cost_usd=options.total_cost, seconds=options.total_time)
    return agent.batch(
        questions,
        concurrency=options.concurrency,
        budget=budget,
        batch_id=options.batch_id,
        engine=engine,
        allow_drift=options.allow_drift,
    )


def _ray(options: BatchOptions, journal: Journal | None) -> Engine:
    from agentkit.batch_ray import RayEngine
    from agentkit.cli.keeping import origin_of

    url = None if journal is None else journal.url
    factory = partial(worker_agent, origin_of(options), url, yes=options.yes)
    return RayEngine(factory=factory, address=options.address, workers=options.workers)


def worker_agent(origin: str, journal: str | None, *, yes: bool) -> Agent:
    """The agent of a Ray worker: made of the same options, with the same journal."""
    from agentkit.cli.keeping import options_of
    from agentkit.cli.setup import make_agent
    from agentkit.journal import Journal

    options = options_of(origin)
    assert options is not None
    kept = None if journal is None else Journal(journal, origin=origin)
    return make_agent(replace(options, yes=yes, quiet=True), None, journal=kept)


def _asked(questions: QuestionFile, pending: dict[int, Row]) -> Iterator[str]:
    """The questions; their rows wait in `pending` for the results."""
    for place, row in enumerate(questions.rows()):
        pending[place] = row
        yield row.question


def _answered(many: Batch, count: int, pending: dict[int, Row], options: BatchOptions) -> int:
    """Write the results; 0, or the exit code of an interruption."""
    quiet, out = options.quiet, options.out
    if not quiet:
        console.note(f"Batch {many.batch_id}: {count:,} questions")
    drawn = not quiet and console.interactive() and (out is not None or not sys.stdout.isatty())
    try:
        with _writing(out) as write, _progress(many, count, wanted=drawn):
            for result in many:
                write(f"{_line(result, pending.pop(result.place))}\n")
    except KeyboardInterrupt:
        return INTERRUPTED
    return 0


@contextmanager
def _writing(out: Path | None) -> Generator[Callable[[str], None]]:
    """What writes a text and lets it go at once. A file is emptied when the first comes: a batch that cannot begin
    takes nothing away."""
    if out is None:
        yield partial(_write, sys.stdout)
        return
    from agentkit.errors import ConfigError

    unwritten = out.is_file()

    def write(text: str) -> None:
        nonlocal unwritten
        if unwritten:
            file.truncate(0)
            unwritten = False
        _write(file, text)

    try:
        with out.open("a", encoding="utf-8") as file:
            yield write
    except OSError as error:
        raise ConfigError(f"Cannot write the results to {out}: {error.strerror}.") from None


def _write(file: TextIO, text: str) -> None:
    file.write(text)
    file.flush()


def _line(result: BatchResult, row: Row) -> str:
    """A result as JSON; what else the question's line held stands under "input"."""
    from agentkit.codec import to_json

    run, error = result.run, result.error
    told: dict[str, object] = {
        "place": result.place,
        "line": row.line,
        "question": result.question,
        "status": result.status,
        "answer": result.answer,
        "stop_reason": None if run is None else run.stop_reason,
        "error": None if error is None else f"{type(error).__name__}: {error}",
        "run_id": result.run_id,
    }
    if run is not None:
        told |= {"value": run.value, "tokens": run.usage.tokens, "cost_usd": run.usage.cost_usd}
        told |= {"steps": len(run.steps), "seconds": round(run.usage.seconds, 3)}
    return to_json(told | ({"input": dict(row.rest)} if row.rest else {}))


@contextmanager
def _progress(many: Batch, count: int, *, wanted: bool) -> Generator[None]:
    """A bar on stderr, which counts runs as they end and not as their results come in order."""
    if not wanted:
        yield
        return
    from rich.live import Live

    draw: Callable[[], RenderableType] = partial(_drawn, many, count)
    with Live(get_renderable=draw, console=console.stderr(), refresh_per_second=8, transient=True):
        yield


def _drawn(many: Batch, count: int) -> RenderableType:
    from rich.progress_bar import ProgressBar
    from rich.table import Table

    summary = many.summary
    grid = Table.grid(padding=(0, 1))
    grid.add_row(ProgressBar(count, summary.done, width=40), f"{summary.done:,} of {count:,}", _parts(summary))
    return grid


def _parts(summary: BatchSummary) -> str:
    from agentkit.cli.text import counted

    named = (
        (summary.limit, "at a limit"),
        (summary.waiting, "waiting for a person"),
        (summary.failed, "failed"),
        (summary.not_run, "not run"),
        (summary.from_journal, "from the journal"),
    )
    cost = [f"${summary.cost_usd:.4f}"] if summary.cost_usd else []
    told = [f"{number:,} {what}" for number, what in named if number]
    return " · ".join([*told, counted(summary.tokens, "token"), *cost, f"{summary.seconds:.1f} s"])


def _tell_end(many: Batch, count: int, file: str, *, interrupted: bool, quiet: bool) -> None:
    """How it went, what failed, and how to go on."""
    summary, failures = many.summary, many.failures
    for result in failures[:TOLD_FAILURES]:
        console.problem(f"Question {result.place + 1}: {result.error}")
    if len(failures) > TOLD_FAILURES:
        console.problem(f"{len(failures) - TOLD_FAILURES:,} more failed; the results say why.")
    if quiet and not interrupted:
        return
    if interrupted:
        console.note(f"Interrupted after {summary.done:,} of {count:,}.")
    console.note(f"{summary.answered:,} of {count:,} answered · {_parts(summary)}")
    left = interrupted or summary.failed or summary.not_run or summary.waiting
    if left and many.is_resumable:
        console.note(f"Go on with: run-agent batch {file} --id {many.batch_id} and the same options")


def _exit_code(summary: BatchSummary) -> int:
    if summary.failed:
        return FAILED
    if summary.waiting:
        return WAITS
    return LIMIT if summary.limit or summary.not_run else 0
