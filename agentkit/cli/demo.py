"""`run-agent demo`: the main job on real parts, and an honest word about what came of it."""

from __future__ import annotations

import math
import os
import tempfile
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from agentkit.cli import console
from agentkit.cli.asking import display, show_answer, tell_end
from agentkit.cli.options import AgentOptions

if TYPE_CHECKING:
    from agentkit.cli.watching import Outcome

__all__ = ["demo"]

PAL_QUESTION = (
    "A baker packs 17 boxes with 24 rolls each. She sells three quarters of the rolls at 45 cents each. "
    "How many dollars does she take?"
)
PAL_ANSWER = 137.7
TRAVEL_QUESTION = "Book the cheapest flight from Oslo to Rome tomorrow for Ada Lovelace."
MAX_STEPS = 8
TRAVEL_TOOLS = ["search_flights", "book_flight"]


def demo(
    which: Annotated[
        Literal["all", "pal", "travel"], typer.Argument(help="pal: a word problem. travel: search and book a flight.")
    ] = "all",
    model: Annotated[
        str | None, typer.Option("--model", "-m", metavar="MODEL", envvar="AGENTKIT_MODEL", help="As for a question.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Book without asking.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Long observations whole, tracebacks.")] = False,
) -> None:
    """See it at work: a question that a program answers, then a flight that is searched for and booked.

    The bookings are made in a database of its own, which is thrown away.

    \b
    Examples:
      run-agent demo
      run-agent demo travel -m bedrock:us.amazon.nova-lite-v1:0
    """
    from agentkit.cli.setup import default_model

    name = model or default_model()
    options = AgentOptions(model=name, yes=yes, verbose=verbose, max_steps=MAX_STEPS)
    outcomes: list[Outcome] = []
    if which in ("all", "pal"):
        outcomes.append(_pal(options))
    if which in ("all", "travel") and not _interrupted(outcomes):
        outcomes.append(_travel(options))
    _trust(name)
    raise typer.Exit(next((code for each in outcomes if (code := each.exit_code) in (1, 130)), 0))


def _interrupted(outcomes: list[Outcome]) -> bool:
    return any(each.run.stop_reason == "interrupted" for each in outcomes)


def _pal(options: AgentOptions) -> Outcome:
    _title("A question that needs a program", PAL_QUESTION)
    outcome = _run(replace(options, strategy="pal"), PAL_QUESTION)
    if outcome.run.answer is not None:
        right = _number(outcome.run.answer)
        verdict = "right" if right is not None and math.isclose(right, PAL_ANSWER, abs_tol=0.005) else "wrong"
        _verdict(verdict == "right", f"That is {verdict}: it is {PAL_ANSWER:.2f} dollars.")
    return outcome


def _number(text: str) -> float | None:
    try:
        return float(text.replace("$", "").replace(",", "").split()[0])
    except (ValueError, IndexError):
        return None


def _travel(options: AgentOptions) -> Outcome:
    _title("A question that needs tools, and your consent", TRAVEL_QUESTION)
    with tempfile.TemporaryDirectory(prefix="agentkit-demo-") as folder:
        # The travel tools open their database when they are first used.
        os.environ["AGENTKIT_TRAVEL_DB"] = str(Path(folder) / "travel.db")
        cheapest = _cheapest()
        outcome = _run(replace(options, tool=TRAVEL_TOOLS), TRAVEL_QUESTION)
        booked = _bookings()
    if outcome.refused and "confirmed" not in booked:
        _verdict(True, f"In the database: {booked} You did not allow one.")
        return outcome
    wanted = booked.count("confirmed") == 1 and f": {cheapest} " in booked and ", Ada Lovelace, " in booked
    fault = "" if wanted else f" That is not what was asked for: {cheapest} is the cheapest flight."
    _verdict(wanted, f"In the database: {booked}{fault}")
    return outcome


def _cheapest() -> str:
    """The id of the flight that is asked for."""
    from agentkit.registry_import import load_tools
    from agentkit.schema import IdempotencyKey, RunContext

    (search,) = load_tools("search_flights")
    now = RunContext("demo", 0, datetime.now().astimezone(), IdempotencyKey("demo"))
    return str(search("Oslo", "Rome", "tomorrow", now)).split()[0]


def _bookings() -> str:
    """What the database says, whatever the model says."""
    from agentkit.registry_import import load_tools

    (tool,) = load_tools("list_bookings")
    return str(tool())


def _run(options: AgentOptions, question: str) -> Outcome:
    from agentkit.cli.setup import make_agent
    from agentkit.cli.watching import watch

    shown = display(options)
    with ExitStack() as stack:
        agent = stack.enter_context(make_agent(options, shown.paused, journal=None))
        stack.enter_context(shown.showing())
        outcome = watch(agent, question, [shown])
    show_answer(outcome, quiet=False)
    tell_end(outcome, quiet=False)
    return outcome


def _title(what: str, question: str) -> None:
    console.say(f"\n{what}", "bold")
    console.say(question)


def _verdict(good: bool, text: str) -> None:
    console.say(text, "good" if good else "fault")


def _trust(model: str) -> None:
    """Which model answered, and how far to trust it."""
    console.say("")
    if model.partition(":")[0] == "local":
        from agentkit.models.local import NOTICE, UNTRAINED

        notice = NOTICE if model == "local" else UNTRAINED
        console.note(f"{notice} A larger one: run-agent demo -m provider:model")
    else:
        console.note(f"Answered by {model}. Check what it says before you rely on it.")
