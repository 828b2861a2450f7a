"""`run-agent "question"`: one question, one answer."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from agentkit.cli import console
from agentkit.cli.options import OUTPUT, AskOptions, RunOptions, takes

if TYPE_CHECKING:
    from agentkit.cli.lines import LineDisplay
    from agentkit.cli.live import LiveDisplay
    from agentkit.cli.sinks import Sink
    from agentkit.cli.watching import Outcome
    from agentkit.messages import Run

__all__ = ["ask", "display", "print_outcome", "show_answer", "tell_end", "watching"]


@takes(AskOptions)
def ask(
    options: AskOptions,
    context: typer.Context,
    question: Annotated[str, typer.Argument(metavar="QUESTION", help="The question; '-' reads it from stdin.")],
    json: Annotated[
        bool, typer.Option("--json", rich_help_panel=OUTPUT, help="The whole run as one JSON document.")
    ] = False,
    jsonl: Annotated[
        bool, typer.Option("--jsonl", rich_help_panel=OUTPUT, help="Every event as one line of JSON, as it happens.")
    ] = False,
) -> None:
    """Answer a question. This is what happens without a command.

    \b
    Examples:
      run-agent "What is 15% of 3,480?"
      run-agent "Who won the 2022 Fields medals?" -m bedrock:us.amazon.nova-lite-v1:0 -t search_web
      run-agent "How many days from 2024-02-10 to 2025-03-01?" --strategy pal
      echo "Which flights go from Oslo to Rome tomorrow?" | run-agent - -t search_flights
    """
    if json and jsonl:
        context.fail("Choose one of --json and --jsonl.")
    if context.args:
        context.fail("Put the question in quotes, so that it is one argument.")
    text = sys.stdin.read() if question == "-" else question
    if not text.strip():
        context.fail("The question is empty.")
    outcome = _answered(options, text.strip(), jsonl=jsonl)
    print_outcome(outcome, options, json=json, jsonl=jsonl)
    raise typer.Exit(outcome.exit_code)


def _answered(options: AskOptions, question: str, *, jsonl: bool) -> Outcome:
    from agentkit.cli.keeping import commands, kept
    from agentkit.cli.setup import make_agent, settled
    from agentkit.cli.watching import watch

    shown = display(options)
    with ExitStack() as stack:
        options = settled(options)
        journal = stack.enter_context(kept(options))
        agent = stack.enter_context(make_agent(options, shown.paused, journal=journal))
        outcome = watch(agent, question, watching(options, shown, stack, jsonl=jsonl))
        return replace(outcome, runs=commands(options, journal))


def watching(options: RunOptions, shown: LiveDisplay | LineDisplay, stack: ExitStack, *, jsonl: bool) -> list[Sink]:
    """Who is told of a run's events, until the stack is closed."""
    from agentkit.cli.sinks import json_lines, trace

    sinks: list[Sink] = [json_lines] * jsonl + stack.enter_context(trace(options.trace))
    if not options.quiet:
        stack.enter_context(shown.showing())
        sinks.append(shown)
    return sinks


def display(options: RunOptions) -> LiveDisplay | LineDisplay:
    """Drawn where that can be done, else written."""
    if options.quiet or not console.interactive():
        from agentkit.cli.lines import LineDisplay

        return LineDisplay(full=options.verbose)
    from agentkit.cli.live import LiveDisplay

    return LiveDisplay(console.stderr(), full=options.verbose)


def print_outcome(outcome: Outcome, options: RunOptions, *, json: bool, jsonl: bool) -> None:
    """The answer on stdout in the form that was asked for, and on stderr how it ended."""
    if json:
        from agentkit.codec import to_json

        console.answer(to_json(outcome.run, indent=2))
    elif not jsonl:
        show_answer(outcome, quiet=options.quiet)
    tell_end(outcome, quiet=options.quiet)


def show_answer(outcome: Outcome, *, quiet: bool) -> None:
    """The answer on stdout; in a terminal with room around it."""
    text = outcome.run.answer
    if text is not None:
        console.answer(f"\n{text}\n\n" if sys.stdout.isatty() and not quiet else text)


def tell_end(outcome: Outcome, *, quiet: bool) -> None:
    """What there is to know besides the answer, on stderr."""
    from agentkit.cli.text import steps_taken, summary
    from agentkit.cli.watching import WAITS

    run = outcome.run
    if outcome.error is not None:
        console.problem(str(outcome.error))
    elif run.stop_reason == "interrupted":
        console.note(f"Interrupted after {steps_taken(run)}.")
    elif run.stop_reason in WAITS:
        console.say(_how_to_answer(run, outcome.runs or "run-agent runs"), "fault")
    if quiet:
        return
    if run.stop_reason == "answer" and run.answer_is_implicit:
        console.note("The model did not mark this as its final answer.")
    elif run.stop_reason not in ("answer", "interrupted", "error", *WAITS):
        console.note("This answer is made from what was known when the limit was reached.")
    console.note(summary(run))
    if outcome.runs is not None and (hint := _how_to_go_on(run, outcome.runs)):
        console.note(hint)


def _how_to_go_on(run: Run, runs: str) -> str:
    """The command that carries on a run which did not come to its own end."""
    if run.stop_reason in ("interrupted", "error"):
        return f"Resume with: {runs} resume {run.run_id}"
    if run.stop_reason in ("answer", "needs_approval", "needs_attention") or not run.steps:
        return ""
    return f"Go on with a higher limit: {runs} fork {run.run_id} --at {run.steps[-1].number} --max-…"


def _how_to_answer(run: Run, runs: str) -> str:
    """What a person does about a run that waits for one."""
    if run.stop_reason == "needs_approval":
        answer = f"See the call: {runs} pending {run.run_id}\n"
        answer += f"Answer:       {runs} approve {run.run_id}   (or: deny)\n"
    else:
        answer = f"Say what happened: {runs} resolve {run.run_id} --help\n"
    return f"Run {run.run_id} waits for you.\n{answer}Then:         {runs} resume {run.run_id}"
