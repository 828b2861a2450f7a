"""The events of a run as what a person wants to read of them, in the order that reads well."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from agentkit.cli.text import arguments
from agentkit.events import (
    ActionStarted,
    ApprovalWaits,
    Event,
    FormatFault,
    LimitHit,
    ModelRetried,
    Observed,
    RunEnded,
    RunStarted,
    StepEnded,
    ThoughtTold,
)
from agentkit.messages import Action, Observation

__all__ = ["Called", "Remark", "Seen", "Story", "Telling", "Thought"]


@dataclass(frozen=True, slots=True)
class Thought:
    text: str


@dataclass(frozen=True, slots=True)
class Called:
    action: Action


@dataclass(frozen=True, slots=True)
class Seen:
    observation: Observation


@dataclass(frozen=True, slots=True)
class Remark:
    """Something went another way than planned."""

    text: str


Telling: TypeAlias = Thought | Called | Seen | Remark


class Story:
    """Turns events into tellings.

    A tool may start before the model's text is complete, so its thought is told with it and not twice. An action that
    never started (refused, unknown tool, bad arguments, repeated) is told from its step, before what came of it.
    """

    def __init__(self) -> None:
        self._thought = ""
        self._started = False
        self._held: Observation | None = None

    def tell(self, event: Event) -> Iterator[Telling]:
        match event:
            case RunStarted():
                self._reset()  # an interrupted run may have left a step open
            case ThoughtTold(text):
                yield from self._think(text)
            case ActionStarted(action):
                self._started = True
                yield from self._think(action.thought)
                yield Called(action)
            case Observed(observation):
                if self._started:
                    yield Seen(observation)
                else:
                    self._held = observation
            case StepEnded(step):
                if self._held is not None and isinstance(step.decision, Action):
                    yield Called(step.decision)
                    yield Seen(self._held)
                self._reset()
            case _:
                if remark := _remark(event):
                    yield Remark(remark)

    def _reset(self) -> None:
        self._thought, self._started, self._held = "", False, None

    def _think(self, text: str) -> Iterator[Telling]:
        if text and text != self._thought:
            self._thought = text
            yield Thought(text)


def _remark(event: Event) -> str:
    match event:
        case FormatFault(malformed):
            return f"The model's reply could not be used: {malformed.reason}"
        case ModelRetried(error=error, delay=delay):
            return f"{error} Trying again in {delay:.1f} s."
        case ApprovalWaits(tool=tool, arguments=given):
            return f"Waits for approval: {tool}({arguments(given)})"
        case LimitHit(text=text):
            return f"Limit reached: {text}."
        case RunEnded(run) if run.votes:
            return f"Vote: {', '.join(f'{value} × {count}' for value, count in run.votes)}."
        case _:
            return ""
