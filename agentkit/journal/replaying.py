"""A run once more, from its recording alone: the same loop, every effect answered from what was written down.

It is a resume in a journal of its own, in memory, by an agent that can do nothing: whatever the recording does not
answer is an error. What is recorded of each effect is told as events, as they came when the run was live.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from typing import Any, Literal, TypeAlias, cast

from agentkit.assembly import Assembly
from agentkit.codec import plain
from agentkit.errors import AgentkitError, ConfigError, JournalError
from agentkit.events import ActionStarted, Event, ModelStarted, Observed, RunEnded, RunStarted, StepEnded, TextDelta
from agentkit.flow import Act, Ask, Effect, Flow, Perform
from agentkit.journal.marked import MASK
from agentkit.journal.recordings import Happened, Recording
from agentkit.journal.records import storable
from agentkit.journal.spec import offline, rebuilt
from agentkit.messages import Action, Message, Reply, Run, Step, StopReason, Usage
from agentkit.operations import Sleep, drive

__all__ = ["Exchange", "Replay", "ReplayDiffers", "Speed"]

Speed: TypeAlias = "float | Literal['max']"
_LONGEST = 3600.0


class ReplayDiffers(JournalError, AssertionError):
    """A replay went another way than the run that was recorded; says where first."""


class _RecordingEnds(AgentkitError):
    """What is recorded is used up, in a run that had not ended."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """One model call: the messages exactly as the model got them, and its reply. `sample`: see `Ask`."""

    messages: tuple[Message, ...]
    reply: Reply
    step: int
    sample: int = 0


@dataclass
class Replay:
    """Replays a recording.

    Args:
        recording: the run.
        agent: that began it; by default it is made again from the recording.
        speed: 1 waits between events as the run did, 2 half as long, "max" not at all.
        allow_drift: the agent's prompts, tools or model may be others by now; what came of the run must be the same.

    Attributes:
        exchanges: its model calls so far.
        run: what came of it, when it is over.

    Raises:
        JournalError: the agent cannot be made from the recording.
    """

    recording: Recording
    agent: Assembly | None = None
    speed: Speed = "max"
    allow_drift: bool = False
    exchanges: list[Exchange] = field(default_factory=list[Exchange])
    run: Run | None = None
    _left: deque[Happened] = field(default_factory=deque[Happened])
    _steps: list[Step] = field(default_factory=list[Step])
    _at: str | None = None

    def __post_init__(self) -> None:
        if self.speed != "max" and not self.speed > 0:
            raise ConfigError(f"speed must be more than 0, or 'max', not {self.speed}.")
        known = [each for each in self.recording.happened if each.outcome is not None]
        # A program's own actions are told with it.
        self._left.extend(each for each in known if each.kind == "ask" or not each.call)
        self._inner = [each for each in known if each.kind == "act" and each.call]
        made = rebuilt(self.recording.agent) if self.agent is None else offline(self.agent)
        self._assembly = replace(made, wrap=(self._nothing,), above=(self._told,))

    def events(self) -> Generator[Event, None, Run]:
        """The run's events, from `RunStarted` to `RunEnded`.

        Raises:
            ReplayDiffers: it does not go as the recording says.
        """
        from agentkit.journal.journal import Journal

        with Journal("sqlite://", redact=None) as journal:
            journal.add(_answered(self.recording))
            agent = replace(self._assembly, journal=journal)
            events = drive(agent.resume(self.recording.run_id, None, allow_drift=self.allow_drift))
            try:
                yield from self._watched(events)
            except _RecordingEnds:
                self.run = self._as_far_as_it_goes()
                yield RunEnded(self.run)
            except ReplayDiffers:
                raise
            except (ConfigError, JournalError) as error:
                raise ReplayDiffers(self._why(error)) from error
        assert self.run is not None
        self._check(self.run)
        return self.run

    def _watched(self, events: Generator[Event, None, Run]) -> Generator[Event, None, None]:
        for event in events:
            match event:
                case RunStarted():
                    self._steps.clear()
                case StepEnded(step):
                    self._steps.append(step)
                case RunEnded(run):
                    self.run = run
                case _:
                    pass
            yield event

    def _nothing(self, perform: Perform) -> Perform:
        """In place of the world: an effect that comes here has no recorded result."""

        def missing(effect: Effect[Any]) -> Flow[Any]:
            assert isinstance(effect, (Ask, Act))
            if self.recording.status != "ended":
                raise _RecordingEnds
            raise ReplayDiffers(f"Step {effect.step}: {_wanted(effect)}, which the recording does not have.")
            yield  # a flow, like what it stands for

        return missing

    def _told(self, perform: Perform) -> Perform:
        """Tells of each effect as it was, and compares what is wanted with what was wanted."""

        def told(effect: Effect[Any]) -> Flow[Any]:
            assert isinstance(effect, (Ask, Act))
            known = self._left.popleft() if self._left else None
            if known is not None:
                self._compare(known, effect)
                yield from self._until(known.began)
                yield from self._beginning(known, effect)
            result = yield from perform(effect)
            if isinstance(effect, Ask):
                reply = cast("Reply", result)
                self.exchanges.append(Exchange(effect.messages, reply, effect.step, effect.sample))
                yield TextDelta(reply.text)
            return result

        return told

    def _beginning(self, known: Happened, effect: Ask | Act) -> Flow[None]:
        if isinstance(effect, Ask):
            model = known.outcome.reply.model if known.outcome and known.outcome.reply else ""
            yield ModelStarted(model, len(self.exchanges) + 1)
        else:
            yield ActionStarted(effect.action, effect.step)
            for each in [each for each in self._inner if each.step == effect.step]:
                assert each.action is not None and each.outcome is not None
                yield from self._until(each.began)
                yield ActionStarted(each.action, each.step)
                yield from self._until(each.ended)
                if each.outcome.observation is not None:
                    yield Observed(each.outcome.observation, each.step)
        yield from self._until(known.ended)

    def _until(self, at: str | None) -> Flow[None]:
        """Wait as long as the run did since the last event of a known time."""
        before, self._at = self._at, at or self._at
        if self.speed == "max" or before is None or at is None:
            return
        seconds = (datetime.fromisoformat(at) - datetime.fromisoformat(before)).total_seconds()
        if seconds > 0:  # a clock can have been set back
            yield from Sleep(min(seconds, _LONGEST) / self.speed)

    def _compare(self, known: Happened, effect: Ask | Act) -> None:
        if known.kind == "act" and isinstance(effect, Act) and known.action is not None:
            if not _same(known.action, effect.action) and not _has_masks(known):
                raise ReplayDiffers(
                    f"Step {effect.step}: {_wanted(effect)}, and the recording has "
                    f"{_call(known.action.tool, known.action.input)}."
                )
        elif (known.kind == "ask") is not isinstance(effect, Ask) or known.step != effect.step:
            had = "a model call" if known.kind == "ask" else "an action"
            raise ReplayDiffers(
                f"Step {effect.step}: {_wanted(effect)}, and the recording has {had} of step {known.step}."
            )

    def _why(self, error: AgentkitError) -> str:
        step = self.exchanges[-1].step + 1 if self.exchanges else 1
        text = str(error)
        if self.agent is None and "changed:" not in text:
            text += (
                " What a schema cannot say (a type's own checks, a strategy's own reading) is not in a recording: "
                "give the agent itself (agent=…)."
            )
        return f"The replay of run {self.recording.run_id!r} differs from step {step} on. {text}"

    def _as_far_as_it_goes(self) -> Run:
        stop = cast("StopReason", self.recording.stop_reason or "interrupted")
        start = self.recording.start
        return Run(
            start.question,
            tuple(self._steps),
            stop_reason=stop,
            usage=self.recording.usage,
            run_id=start.run_id,
            history=start.history,
        )

    def _check(self, run: Run) -> None:
        """See that it came to the same.

        Raises:
            ReplayDiffers: it did not.
        """
        recording = self.recording
        if self._left:
            raise ReplayDiffers(
                f"It ends after {len(run.steps)} steps, and the recording goes on: {_had(self._left[0])}."
            )
        if recording.status != "ended":
            return
        stored = None if run.answer is None else storable(run.answer)
        if run.stop_reason != recording.stop_reason:
            raise ReplayDiffers(f"It ends with {run.stop_reason!r}, and was recorded with {recording.stop_reason!r}.")
        if stored != recording.answer:
            raise ReplayDiffers(f"Its answer is {run.answer!r}, and was recorded as {recording.answer!r}.")
        for name in (each.name for each in fields(Usage) if each.compare):
            now, was = getattr(run.usage, name), getattr(recording.usage, name)
            if now != was:
                raise ReplayDiffers(f"Its usage differs: {name} is {now}, and was recorded as {was}.")


def _answered(recording: Recording) -> Recording:
    """The recording without what has no result: it is not to be tried again, and nobody is to be asked about it."""
    done = {row["effect"] for row in recording.effects if row["phase"] == "result"}
    return replace(
        recording, effects=tuple(row for row in recording.effects if row["effect"] in done), approvals=(), agent=None
    )


def _same(known: Action, wanted: Action) -> bool:
    """Whether it is the same call, as far as a recording can hold it."""
    if known.tool != wanted.tool:
        return False
    return known.input == wanted.input or known.input == plain(wanted.input)


def _wanted(effect: Ask | Act) -> str:
    if isinstance(effect, Ask):
        return "the model is asked"
    return f"it wants {_call(effect.action.tool, effect.action.input)}"


def _had(known: Happened) -> str:
    if known.action is None:
        return f"the model is asked at step {known.step}"
    return f"{_call(known.action.tool, known.action.input)} at step {known.step}"


def _call(tool: str, given: object) -> str:
    text = f"{tool}({given})"
    return text if len(text) <= 300 else f"{text[:297]}..."


def _has_masks(known: Happened) -> bool:
    """Whether secrets were taken out of the call; the loop reads them out of texts from which they were taken, too."""
    return known.action is not None and MASK in str(known.action.input)
