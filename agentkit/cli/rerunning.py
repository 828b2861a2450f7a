"""`run-agent runs resume|replay|fork`: runs carried on, seen again, and begun in the middle of others."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from agentkit.cli import console
from agentkit.cli.asking import display, print_outcome, watching
from agentkit.cli.front import Command
from agentkit.cli.keeping import opened, options_of, origin_of
from agentkit.cli.looking import RunId, Source, found, recorded
from agentkit.cli.options import OUTPUT, AgentName, AgentOptions, RunOptions, takes

if TYPE_CHECKING:
    from agentkit.agent import Agent
    from agentkit.cli.watching import Outcome
    from agentkit.events import Event
    from agentkit.journal import Recording
    from agentkit.journal.replaying import Replay, Speed
    from agentkit.messages import Run

__all__ = ["fork", "register", "replay", "resume"]

Json: TypeAlias = Annotated[
    bool, typer.Option("--json", rich_help_panel=OUTPUT, help="The whole run as one JSON document.")
]
JsonLines: TypeAlias = Annotated[
    bool, typer.Option("--jsonl", rich_help_panel=OUTPUT, help="Every event as one line of JSON, as it happens.")
]


def register(runs: typer.Typer) -> None:
    """Make these commands of `run-agent runs`."""
    for command in (resume, replay, fork):
        runs.command(cls=Command)(command)


@takes(RunOptions)
def resume(
    options: RunOptions,
    run_id: RunId,
    allow_drift: Annotated[
        bool, typer.Option("--allow-drift", help="Go on although prompts, tools or model are others by now.")
    ] = False,
    agent: AgentName = None,
    json: Json = False,
    jsonl: JsonLines = False,
) -> None:
    """Carry on a run where its journal ends. What it has done is not done again.

    \b
    Examples:
      run-agent runs resume 5f1c9a30
      run-agent runs resume trip --agent ./mine.py:agent
    """

    def events(made: Agent, recording: Recording) -> Generator[Event, None, object]:
        from agentkit.operations import drive

        return drive(made.resume_flow(recording.run_id, allow_drift=allow_drift))

    _driven(options, run_id, agent, events, json=json, jsonl=jsonl)


@takes(AgentOptions)
def fork(
    options: AgentOptions,
    run_id: Source,
    at: Annotated[int, typer.Option(min=1, metavar="STEP", help="The first step that is done anew.")],
    edit_reply: Annotated[
        str | None, typer.Option(metavar="TEXT", help="What the model is to have said at that step.")
    ] = None,
    edit_observation: Annotated[
        str | None, typer.Option(metavar="TEXT", help="What is to have come of that step's action.")
    ] = None,
    agent: AgentName = None,
    json: Json = False,
    jsonl: JsonLines = False,
) -> None:
    """Begin a new run in the middle of another. Earlier steps are copied, and nothing of them is done again.

    The agent is that of the other run, with the options given here in place of its own.

    \b
    Examples:
      run-agent runs fork 5f1c9a30 --at 3 -m openai:gpt-5
      run-agent runs fork 5f1c9a30 --at 2 --edit-observation "No flights on that day."
      run-agent runs fork 5f1c9a30 --at 15 --max-steps 30
    """

    def events(made: Agent, recording: Recording) -> Generator[Event, None, object]:
        from agentkit.operations import drive

        return drive(made.fork_flow(recording, at, reply=edit_reply, observation=edit_observation))

    _driven(options, run_id, agent, events, json=json, jsonl=jsonl)


def _driven(
    options: RunOptions,
    source: str,
    name: str | None,
    events: Callable[[Agent, Recording], Generator[Event, None, object]],
    *,
    json: bool,
    jsonl: bool,
) -> None:
    from agentkit.cli.remaking import overlaid, remade
    from agentkit.cli.watching import watch_events

    if json and jsonl:
        raise typer.BadParameter("choose one of them", param_hint="'--json' and '--jsonl'")
    if options.trace is not None:
        options = replace(options, trace=options.trace.absolute())
    shown = display(options)
    with ExitStack() as stack:
        with opened() as journal:
            recording, place = recorded(journal, source), journal.url  # as it is from this folder
        known = None if name else options_of(recording.run.get("origin"))
        origin = None if known is None else _origin(overlaid(known, options), recording)
        journal = stack.enter_context(opened(place, origin=origin))
        made = stack.enter_context(remade(recording, journal, name, options, shown.paused))
        sinks = watching(options, shown, stack, jsonl=jsonl)
        outcome: Outcome = watch_events(events(made, recording), sinks, recording.question, recording.start.history)
    outcome = replace(outcome, runs="run-agent runs")
    print_outcome(outcome, options, json=json, jsonl=jsonl)
    raise typer.Exit(outcome.exit_code)


def _origin(options: AgentOptions, recording: Recording) -> str:
    from agentkit.cli.remaking import go_to

    go_to(recording)  # a file that an option names is relative to that folder
    return origin_of(options)


def replay(
    source: Source,
    speed: Annotated[
        str, typer.Option(metavar="X|max", help="1: as fast as it was; 10: ten times; max: at once.")
    ] = "max",
    agent: AgentName = None,
    json: Json = False,
    jsonl: JsonLines = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", rich_help_panel=OUTPUT, help="No progress.")] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", rich_help_panel=OUTPUT, help="Long observations whole.")
    ] = False,
) -> None:
    """See a run again, offline: no model is asked, no tool is called, and the result must be the same.

    Exits with 1, and says where, when it is not.

    \b
    Examples:
      run-agent runs replay 5f1c9a30 --speed 1
      run-agent runs replay trip.json
    """
    from agentkit.cli.remaking import agent_object
    from agentkit.cli.text import steps_taken
    from agentkit.journal.replaying import Replay

    recording = found(source)
    options = RunOptions(quiet=quiet, verbose=verbose)
    assembly = None if agent is None else agent_object(agent).assembly
    replayed = Replay(recording, assembly, _speed(speed))
    run = _shown(replayed, options, jsonl=jsonl)
    if json:
        from agentkit.codec import to_json

        console.answer(to_json(run, indent=2))
    elif run.answer is not None and not jsonl:
        console.answer(run.answer)
    if not quiet:
        far = "" if recording.status == "ended" else f", as far as the run went ({recording.status})"
        console.note(f"Replayed: {steps_taken(run)}, and the same result{far}.")


def _shown(replayed: Replay, options: RunOptions, *, jsonl: bool) -> Run:
    shown = display(options)
    with ExitStack() as stack:
        sinks = watching(options, shown, stack, jsonl=jsonl)
        for event in replayed.events():
            for sink in sinks:
                sink(event)
    assert replayed.run is not None
    return replayed.run


def _speed(text: str) -> Speed:
    if text == "max":
        return "max"
    try:
        return float(text)
    except ValueError:
        raise typer.BadParameter(f"a number or max, not {text!r}", param_hint="'--speed'") from None
