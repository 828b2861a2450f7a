"""One run, put together: the strategy's loop, the wrappers around its effects, and the events at both ends."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from functools import cached_property, lru_cache, partial
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast

from agentkit.act import Acting, act
from agentkit.answers import Answers
from agentkit.approval import Approver, OnApproval
from agentkit.ask import Asking, ask
from agentkit.budget import Ledger
from agentkit.conversation import Conversation, trimmed
from agentkit.default_journal import default_journal
from agentkit.errors import ConfigError, LeaseHeld, ModelError, NeedsPerson, RunExists
from agentkit.events import Answered, RunEnded, RunStarted
from agentkit.flow import Act, Ask, Effect, Flow, Perform, lower
from agentkit.guard import Guard
from agentkit.limits import Limits, Meter, limited
from agentkit.loop import Task, loop
from agentkit.messages import Message, Run, Step, Tokens, Turn, Usage
from agentkit.models import Model, Params
from agentkit.models.retry import RetryPolicy
from agentkit.operations import Call, Sleep
from agentkit.programs import PROGRAM, Programs
from agentkit.prompt import Template
from agentkit.strategies import Plan
from agentkit.vote import Vote

if TYPE_CHECKING:
    from agentkit.journal import Journal
    from agentkit.journal.fingerprint import Fingerprint
    from agentkit.journal.forking import Change
    from agentkit.journal.recorder import Recorder
    from agentkit.journal.recordings import Recording

__all__ = ["Assembly", "JournalChoice", "Start", "cost_usd"]

JournalChoice: TypeAlias = "Journal | Literal['default'] | None"

# What a prompt may use without having to.
AMBIENT = frozenset({"now"})


@dataclass(frozen=True, slots=True)
class Start:
    """What a run begins with; `batch` and `place` where it is one of many."""

    question: str
    history: tuple[Turn, ...]
    run_id: str
    now: datetime
    config: Mapping[str, object] | None = None
    batch: str | None = None
    place: int | None = None


@dataclass(frozen=True)
class Assembly:
    """An agent's parts, checked and ready.

    Attributes:
        wrap: wrappers below the journal: they see what is performed.
        above: wrappers above it: they see what is answered from the journal, too.
        ledger: where its runs share a budget.
    """

    models: tuple[Model, ...]
    plan: Plan
    answers: Answers
    limits: Limits
    params: Params
    retry: RetryPolicy
    approve: Approver | None
    wrap: Sequence[Callable[[Perform], Perform]]
    journal: JournalChoice = None
    on_approval: OnApproval = "ask"
    above: Sequence[Callable[[Perform], Perform]] = ()
    ledger: Ledger | None = None

    def flow(self, start: Start) -> Flow[Run]:
        """The whole run: the loop with its effects performed, from RunStarted to RunEnded."""
        journal = yield from self.opened()
        if journal is None:
            self.check_parks_nothing()
            return (yield from self._run(start))
        recorder = yield from journal.begin(start, self.fingerprint)
        try:
            return (yield from self._run(replace(recorder.start, config=start.config), recorder))
        finally:
            recorder.close()

    def resume(self, run_id: str, config: Mapping[str, object] | None, *, allow_drift: bool) -> Flow[Run]:
        """The same run from where its journal ends: what it has is not done again."""
        journal = yield from self.opened()
        if journal is None:
            raise ConfigError("Only an agent with a journal can resume a run: Agent(…, journal=Journal()).")
        taking = partial(journal.take, run_id, self.fingerprint, allow_drift=allow_drift)
        return (yield from self._taken(taking, config))

    def _taken(self, take: Callable[[], Recorder], config: Mapping[str, object] | None) -> Flow[Run]:
        hold = _Hold(take)
        try:
            recorder = cast("Recorder", (yield from Call(hold.take, {})))
            return (yield from self._run(replace(recorder.start, config=config), recorder))
        finally:
            hold.leave()

    def fork(
        self, parent: str | Recording, change: Change, run_id: str, config: Mapping[str, object] | None
    ) -> Flow[Run]:
        """A new run that goes on from the middle of another."""
        from agentkit.journal.forking import forked

        journal = yield from self.opened()
        if journal is None:
            raise ConfigError("Only an agent with a journal can fork a run: Agent(…, journal=Journal()).")

        def begin() -> None:
            known = journal.recording(parent) if isinstance(parent, str) else parent
            journal.add_fork(forked(known, change, run_id), self.fingerprint)

        yield from Call(begin, {})
        return (yield from self.resume(run_id, config, allow_drift=False))

    def ensure(self, start: Start, *, known: bool, allow_drift: bool) -> Flow[Run]:
        """The run of this name: begun, or carried on if the journal has it; waits while another process drives it.

        Without a journal: `flow`.
        """
        journal = yield from self.opened()
        if journal is None:
            return (yield from self.flow(start))
        if not known:
            with suppress(RunExists):
                return (yield from self.flow(start))
        take = partial(journal.take_same, start, self.fingerprint, allow_drift=allow_drift)
        while True:
            try:
                return (yield from self._taken(take, start.config))
            except LeaseHeld as held:
                yield from Sleep(min(max(held.seconds, 0.05), 1.0))

    def check_parks_nothing(self) -> None:
        """See that runs without a journal need none.

        Raises:
            ConfigError: they are to wait for approval.
        """
        if self.on_approval == "park":
            raise ConfigError("on_approval='park' needs a journal, in which the question waits: journal=Journal().")

    def opened(self) -> Flow[Journal | None]:
        """The journal, if runs are written down."""
        if self.journal == "default":
            return (yield from default_journal())
        return self.journal

    @cached_property
    def fingerprint(self) -> Fingerprint:
        """What the agent is, in short and in full."""
        from agentkit.journal.fingerprint import fingerprint

        return fingerprint(self)

    def _run(self, start: Start, recorder: Recorder | None = None) -> Flow[Run]:
        yield RunStarted(
            start.run_id,
            start.question,
            self.models[0].name,
            self.plan.name,
            self._tool_names,
            start.now.isoformat(),
        )
        meter = Meter(self.limits, ledger=self.ledger)
        solve = self._vote(start) if self.plan.samples > 1 else loop(self._task(start))
        programs: list[Programs] = []
        try:
            run = yield from lower(solve, self._perform(start, meter, programs, recorder))
        except NeedsPerson as error:
            run = cast("Run", error.run)  # the loop has set it
        except ModelError as error:
            if error.run is not None:
                error.run = _told(error.run, meter.usage(), start.run_id)
                if recorder is not None:
                    yield from recorder.end(error.run)
                yield RunEnded(error.run)
            raise
        finally:
            for session in programs:
                session.close()
        run = _told(run, meter.usage(), start.run_id)
        if recorder is not None:
            yield from recorder.end(run)
        yield RunEnded(run)
        return run

    def opening(self, start: Start) -> tuple[Message, ...]:
        """System message, earlier turns, question."""
        system = self._system(start.now.toordinal(), start.now.hour, start.now.minute)
        room = self.context_tokens
        kept = self.limits.history_tokens if room is None else min(self.limits.history_tokens, room // 2)
        earlier = trimmed(start.history, self.plan.prompts, kept)
        return (Message("system", system), *earlier, Message("user", self._question(start.question)))

    def _perform(self, start: Start, meter: Meter, programs: list[Programs], recorder: Recorder | None) -> Perform:
        plan = self.plan
        guard = Guard(plan.toolbox, plan.prompts, frozenset({PROGRAM} if plan.session else ()))
        acting = Acting(plan.toolbox, plan.prompts, meter, self.approve, start.run_id, start.now)
        if recorder is not None:
            acting.questions, acting.park, acting.left = recorder.questions, self.on_approval == "park", recorder.left
        asking = Asking(self.models, self.params, self.retry, meter, guard, acting, plan.reader, cost_usd, start.config)

        def perform(effect: Effect[Any]) -> Flow[Any]:
            if isinstance(effect, Ask):
                return ask(effect, asking)
            assert isinstance(effect, Act)
            if programs and effect.action.tool == PROGRAM and not effect.call:
                return programs[0].act(effect)
            return act(effect, acting)

        again = limited(perform, self.limits, meter)
        for wrapper in reversed(self.wrap):
            again = wrapper(again)
        performed = again if recorder is None else recorder.around(again, meter, plan.toolbox, plan.read)
        if plan.session is not None:
            programs.append(
                Programs(plan.session, plan.toolbox, plan.prompts, start.now, performed, again, memory=recorder)
            )
            performed = programs[0].around(performed)
        for wrapper in reversed(self.above):
            performed = wrapper(performed)
        return guard.around(performed)

    def _task(self, start: Start, sample: int = 0, taken: int = 0) -> Task:
        plan, limits = self.plan, self.limits
        bounds = [plan.max_steps, None if limits.max_steps is None else limits.max_steps - taken]
        return Task(
            question=start.question,
            conversation=Conversation(self.opening(start), plan.prompts, self.context_tokens),
            read=plan.read,
            format=plan.format,
            stop=plan.stop,
            prompts=plan.prompts,
            max_steps=min((bound for bound in bounds if bound is not None), default=None),
            last_call=limits.last_call and plan.samples == 1,
            last_call_text=plan.last_call,
            value=self.answers.value,
            history=start.history,
            sample=sample,
            first=taken + 1,
        )

    def _vote(self, start: Start) -> Flow[Run]:
        """Several programs, one answer: the majority of their values, as soon as it is decided."""
        vote, runs = Vote(self.plan.samples), list[Run]()
        steps: tuple[Step, ...] = ()
        for sample in range(self.plan.samples):
            run = yield from loop(self._task(start, sample, len(steps)))
            runs.append(run)
            steps += run.steps
            if run.stop_reason == "answer" and run.answer is not None:
                vote.cast(run.steps[-1].observation and run.steps[-1].observation.value, run.answer, sample)
            else:
                vote.abstain()
            if vote.decided or run.stop_reason not in ("answer", "max_steps"):
                break
        best = runs[-1] if vote.winner is None else runs[vote.winner]
        if best.answer is not None:
            yield Answered(best.answer, best.answer_is_implicit)
        return replace(best, steps=steps, votes=vote.counts)

    @cached_property
    def _tool_names(self) -> tuple[str, ...]:
        return tuple(self.plan.toolbox)

    @cached_property
    def context_tokens(self) -> int | None:
        """How much may be sent: the limit that was set, or three quarters of a window that a model tells of; the rest
        is for what it writes, and for the error of the estimate."""
        if self.limits.context_tokens is not None:
            return self.limits.context_tokens
        told = [getattr(model, "context_tokens", None) for model in self.models]
        return min((window * 3 // 4 for window in told if isinstance(window, int)), default=None)

    @cached_property
    def _system(self) -> Callable[[int, int, int], str]:
        """The system message for a day, hour and minute: it is not built again for each run."""
        return lru_cache(maxsize=1)(self._system_text)

    def _system_text(self, day: int, hour: int, minute: int) -> str:
        main, prompts = self.plan.prompts.main, self.plan.prompts
        now = datetime.combine(date.fromordinal(day), time(hour, minute)).strftime("%Y-%m-%d %H:%M, %A")
        values = {"now": now, "answer_format": self.answers.format, "examples": ""}
        if self.plan.examples:
            values["examples"] = prompts.say("tools", "examples", examples=self.plan.examples)
        if self.plan.tools_text is not None:
            values["tools"] = self.plan.tools_text
        both = Template(f"{main['instructions'].text}\n\n{main['context'].text}", main.where)
        # What there is nothing to say about need not be in the prompt; all else is strict.
        given = {name: text for name, text in values.items() if name in both.names or (text and name not in AMBIENT)}
        return _without_gaps(both.fill(**given))

    def _question(self, question: str) -> str:
        return self._asked.fill(question=question).strip()

    @cached_property
    def _asked(self) -> Template:
        main = self.plan.prompts.main
        return Template(f"{main['input data'].text}\n{main['output indicator'].text}", main.where)


class _Hold:
    """A run of the journal's, held until it is left: a task can be cancelled while a thread still takes the run."""

    def __init__(self, take: Callable[[], Recorder]) -> None:
        self._take = take
        self._lock = threading.Lock()
        self._recorder: Recorder | None = None
        self._left = False

    def take(self) -> Recorder:
        recorder = self._take()
        with self._lock:
            self._recorder = recorder
            left = self._left
        if left:
            recorder.close()
        return recorder

    def leave(self) -> None:
        with self._lock:
            self._left = True
            recorder = self._recorder
        if recorder is not None:
            recorder.close()


def cost_usd(model: str, tokens: Tokens) -> float | None:
    """What a call cost; None when the model's price is not known."""
    if ":" not in model:
        return None
    from agentkit.models.prices import cost

    return cost(model, tokens)


def _told(run: Run, usage: Usage, run_id: str) -> Run:
    """The loop's run with what only its surroundings know; `dataclasses.replace` takes four times as long."""
    return Run(
        run.question,
        run.steps,
        run.answer,
        run.stop_reason,
        usage,
        run_id,
        run.answer_is_implicit,
        run.history,
        run.value,
        run.votes,
    )


def _without_gaps(text: str) -> str:
    lines: list[str] = []
    for line in text.splitlines():
        if line.strip() or (lines and lines[-1]):
            lines.append(line.rstrip())
    return "\n".join(lines).strip()
