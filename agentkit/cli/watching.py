"""Running an agent while others watch, and ending with a `Run` whatever happens."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterable
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from agentkit.cli.sinks import Sink
from agentkit.errors import ModelError
from agentkit.events import ActionStarted, ApprovalAsked, Event, ModelStarted, RunEnded, RunStarted, StepEnded
from agentkit.messages import Run, Step, Turn, Usage

if TYPE_CHECKING:
    from agentkit.agent import Agent

__all__ = ["WAITS", "Outcome", "watch", "watch_events"]

LIMIT, REFUSED, WAITING, INTERRUPTED = 3, 4, 5, 130

WAITS = frozenset({"needs_approval", "needs_attention"})
"""The stop reasons of a run that waits for a person."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended.

    Attributes:
        refused: an approval was refused and none was granted after it.
        error: what the model failed with; `run` then holds the steps before.
        runs: how to call `run-agent runs` for the journal that has the run; None where none has.
    """

    run: Run
    refused: bool = False
    error: ModelError | None = None
    runs: str | None = None

    @property
    def exit_code(self) -> int:
        if self.error is not None:
            return 1
        if self.run.stop_reason == "interrupted":
            return INTERRUPTED
        if self.run.stop_reason in WAITS:
            return WAITING
        if self.run.stop_reason != "answer":
            return LIMIT
        return REFUSED if self.refused else 0


def watch(agent: Agent, question: str, sinks: Iterable[Sink], history: Run | None = None) -> Outcome:
    """Run the agent; every event goes to every sink. Ctrl-C ends the run with what is known.

    Raises:
        ModelError: the model failed before the run began.
    """
    earlier = (*history.history, history.turn) if history else ()
    return watch_events(agent.stream(question, history=history), sinks, question, earlier)


def watch_events(
    events: Generator[Event, None, object], sinks: Iterable[Sink], question: str, history: tuple[Turn, ...] = ()
) -> Outcome:
    """`watch`, for a run that is begun already."""
    tally = _Tally(question, history)
    everyone = (tally, *sinks)
    try:
        with closing(events):
            for event in events:
                _tell(everyone, event)
    except KeyboardInterrupt:
        if tally.ended is None:
            _tell(everyone, RunEnded(tally.interrupted()))
    except ModelError as error:
        if tally.ended is None:
            raise
        return Outcome(tally.ended, tally.refused, error)
    assert tally.ended is not None
    return Outcome(tally.ended, tally.refused)


def _tell(sinks: Iterable[Sink], event: Event) -> None:
    for sink in sinks:
        sink(event)


@dataclass(slots=True)
class _Tally:
    """What is known of a run at any time, from its events alone."""

    question: str
    history: tuple[Turn, ...]
    run_id: str = ""
    steps: list[Step] = field(default_factory=list[Step])
    model_calls: int = 0
    tool_calls: int = 0
    refused: bool = False
    ended: Run | None = None
    started: float = field(default_factory=time.monotonic)

    def __call__(self, event: Event, /) -> None:
        match event:
            case RunStarted(run_id):
                self.run_id = run_id
            case ModelStarted():
                self.model_calls += 1
            case ActionStarted():
                self.tool_calls += 1
            case ApprovalAsked(granted=granted):
                self.refused = not granted
            case StepEnded(step):
                self.steps.append(step)
            case RunEnded(run):
                self.ended = run
            case _:
                pass

    def interrupted(self) -> Run:
        replies = [step.reply for step in self.steps]
        costs = [reply.cost_usd for reply in replies]
        usage = Usage(
            input_tokens=sum(reply.tokens.input for reply in replies),
            output_tokens=sum(reply.tokens.output for reply in replies),
            cached_tokens=sum(reply.tokens.cached for reply in replies),
            saved_tokens=sum(reply.saved_tokens for reply in replies),
            model_calls=self.model_calls,
            tool_calls=self.tool_calls,
            cost_usd=sum(cost for cost in costs if cost is not None) if replies and None not in costs else None,
            seconds=time.monotonic() - self.started,
        )
        return Run(
            self.question,
            tuple(self.steps),
            stop_reason="interrupted",
            usage=usage,
            run_id=self.run_id,
            history=self.history,
        )
