"""One run's side of the journal: the wrapper that writes its effects down, and answers those that it has.

intent committed → effect performed → result committed → result used
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any, cast

from agentkit.act import call_key
from agentkit.approval import Questions
from agentkit.assembly import Start
from agentkit.errors import JournalError, LimitReached, ModelError, NeedsAttention
from agentkit.flow import Act, Ask, Effect, Flow, Perform
from agentkit.journal.digests import Digests
from agentkit.journal.leases import Lease
from agentkit.journal.marked import Marked
from agentkit.journal.past import Past, call_of
from agentkit.journal.records import (
    ATTENTION,
    EffectRow,
    Failed,
    Outcome,
    Phase,
    Recorded,
    RunStatus,
    Why,
    comes_back,
    dump,
    json_text,
    load,
)
from agentkit.journal.secrets import Masks
from agentkit.limits import Meter
from agentkit.messages import JSON, Action, Decision, Observation, Reply, Run, Step, Usage
from agentkit.operations import Call, is_async
from agentkit.schema import IdempotencyKey
from agentkit.toolbox import AnyTool, Toolbox

if TYPE_CHECKING:
    from agentkit.journal.store import Store
    from agentkit.journal.writer import Job

__all__ = ["Recorder"]

log = logging.getLogger("agentkit.journal")


@dataclass(slots=True, eq=False)
class _Line:
    """An effect that is being written down.

    Attributes:
        number: of the effect in the run.
        name: of the tool, as the journal has it; None of a model call.
        acts: whether the world may be changed: then the disk must have it, not only the operating system.
    """

    effect: Ask | Act
    number: int
    name: str | None = None
    tool: AnyTool | None = None
    acts: bool = False


class Recorder:
    """Writes one run down, from its beginning or from where the journal ends. Effects may come side by side.

    Args:
        masks: what must not be written down.
        past: the effects that the journal has.
        number: of the next line.
        allow_drift: the agent may be another by now, so that the model would be asked something else than it was.
    """

    def __init__(
        self,
        store: Store,
        lease: Lease,
        start: Start,
        masks: Masks,
        past: Sequence[Recorded] = (),
        number: int = 0,
        *,
        allow_drift: bool = False,
    ) -> None:
        self.start = start
        self._store = store
        self._lease = lease
        self._lines = store.lines(lease)
        self._masks = masks
        self._digests = Digests()
        self._past = Past(lease.run_id, past, allow_drift=allow_drift)
        self._resumed = bool(past)
        # Next to each other in several threads: a count is taken in one go.
        self._numbers = count(number)
        self._effects = count(self._past.next_effect)
        self._first = True
        self._held = True
        store.heartbeat.add(lease)

    def around(
        self, perform: Perform, meter: Meter, toolbox: Toolbox, read: Callable[[Reply, Sequence[Step]], Decision]
    ) -> Perform:
        """The wrapper: every effect is answered from the journal, or performed and written down.

        Args:
            read: a reply as a decision: secret arguments stand in it before they are an action's.
        """
        self._marked = Marked(toolbox)
        self._toolbox = toolbox

        def recorded(effect: Effect[Any]) -> Flow[Any]:
            assert isinstance(effect, (Ask, Act))
            mark = self._mark(effect)
            known = self._past.find(effect, mark)
            if known is not None and known.outcome is not None:
                self._count(effect, known.outcome, meter)
                return known.outcome.value()
            line = self._line(effect, known)
            told = None if known is None else (yield from self._settle(known, line))
            if told is None:
                if self._resumed:
                    yield from self._check_secrets(known, line, mark)
                if known is None or known.phase != "intent":
                    yield self._intent(line, mark)
                outcome = yield from _performed(perform, effect, meter)
            else:
                assert isinstance(effect, Act)
                meter.count_call(effect.step, effect.call)
                outcome = Outcome(Usage(seconds=meter.seconds), observation=told)
            if self._resumed and isinstance(effect, Act) and not effect.call:
                self._past.check_calls(effect.step)
            return (yield from self._finish(line, outcome, read))

        return recorded

    def recall(self, act: Act) -> Observation:
        """What an action gave that a program takes again, only to get its variables back.

        Raises:
            JournalError: the program had not taken it.
        """
        known = self._past.call(act, self._mark(act))
        if known is None or known.outcome is None:
            raise self._past.another_program(act.step)
        return cast("Observation", known.outcome.value())

    def check_again(self, program: Act, seen: Observation) -> None:
        """See that a program whose variables are wanted gave what it gave the first time.

        Raises:
            JournalError: it did not.
        """
        known = self._past.program(program.step)
        assert known is not None and known.outcome is not None and known.outcome.observation is not None
        if self._masks.json(_timeless(seen)) != _timeless(known.outcome.observation):
            raise JournalError(
                f"Run {self._lease.run_id!r} cannot go on: its program of step {program.step} was run again to get its "
                "variables back, and gave something else than before. Time or chance decides what it does."
            )

    @property
    def questions(self) -> Questions:
        """Where the run's questions about approval wait, and what was said to them."""
        return self._store.approvals.of(self._lease, self._arguments, self._masks.text)

    def end(self, run: Run) -> Flow[None]:
        """Write down how the run ended, and let go of it."""
        status: RunStatus = "ended"
        if run.stop_reason in ("needs_approval", "needs_attention", "error"):
            status = cast("RunStatus", run.stop_reason)
        else:
            self._past.check_end()
        answer = None if run.answer is None else self._masks.text(run.answer)
        yield self._lines.end(status, run.stop_reason, answer)
        self._held = False

    def close(self) -> None:
        """Let go of a run that was left before its end, so that it can be resumed at once."""
        self._store.heartbeat.remove(self._lease)
        if self._held:
            self._held = False
            with suppress(JournalError):  # whatever ended the run is being told already
                self._lines.leave()

    def _count(self, effect: Ask | Act, outcome: Outcome, meter: Meter) -> None:
        """The meter is below the journal: what is not performed again must count all the same."""
        usage = outcome.usage
        if isinstance(effect, Act):
            if outcome.counted:
                meter.count_call(effect.step, effect.call)
            if usage is not None:
                meter.restore_time(usage.seconds)
            for each in () if effect.call else self._past.calls(effect):  # a program's own actions
                if each.outcome is not None and each.outcome.counted:
                    meter.count_call(each.step, each.call)
        elif usage is not None:
            meter.restore(usage)

    def _mark(self, effect: Ask | Act) -> str:
        """The effect's digest; none of a model call that may be told marked arguments which stood, before they were
        known, in a text that is in the journal as it was."""
        if isinstance(effect, Act):
            if not self._marked:
                return self._digests.of(effect, self._masks.json)
            self._masks.add(self._marked.values(effect.action))
            return self._digests.of(replace(effect, action=self._marked.without(effect.action)), self._masks.json)
        if self._masks.has_marked:
            return ""
        first, self._first = self._first, False
        return self._digests.of(effect, self._masks.json if first or self._masks.found else None)

    def _line(self, effect: Ask | Act, known: Recorded | None) -> _Line:
        number = next(self._effects) if known is None else known.effect
        if isinstance(effect, Ask):
            return _Line(effect, number)
        name = effect.action.tool
        tool = self._toolbox.find(name)
        return _Line(effect, number, name[:64], tool, tool is not None and not tool.marks.read_only)

    def _check_secrets(self, known: Recorded | None, line: _Line, mark: str) -> Flow[None]:
        """See that no argument is wanted that the journal does not keep.

        Raises:
            NeedsAttention: one is.
        """
        if isinstance(line.effect, Act) and self._marked.lacks(line.effect.action):
            yield from self._ask_person(known, line, "secret", mark)

    def _intent(self, line: _Line, mark: str) -> Job:
        """To commit the intent of an effect."""
        return self._lines.write(self._row(line, "intent", None, mark, self._wanted(line.effect)), durable=line.acts)

    def _settle(self, known: Recorded, line: _Line) -> Flow[Observation | None]:
        """What is known of an effect that a crash cut off; None if it is to be performed.

        Raises:
            NeedsAttention: it may have happened, and must not happen twice.
        """
        effect, tool = line.effect, line.tool
        if isinstance(effect, Ask) or known.phase == "retry" or tool is None or tool.marks.read_only:
            return None
        if not (yield from self._can_have_run(tool, effect)):
            return None
        if tool.reconcile is not None:
            return (yield from self._reconciled(tool, known, line))
        if not tool.marks.idempotent:
            yield from self._ask_person(known, line, "interrupted")
        return None

    def _can_have_run(self, tool: AnyTool, effect: Act) -> Flow[bool]:
        """Whether the tool can have been called at all: not while its call waits for approval, or before anybody was
        asked. (A tool that was changed may not have needed approval then.)"""
        begun = yield from Call(partial(self._store.approvals.let_go, self._lease.run_id, self._key(effect)), {})
        if begun is None:
            return self._past.allow_drift or not tool.marks.needs_approval
        return begun is True

    def _reconciled(self, tool: AnyTool, known: Recorded, line: _Line) -> Flow[Observation | None]:
        """What the tool itself knows of the call.

        Raises:
            NeedsAttention: it could not tell.
        """
        assert tool.reconcile is not None and isinstance(line.effect, Act)
        call = Call(partial(tool.reconcile, self._key(line.effect)), {}, is_async(tool.reconcile), tool.marks.timeout)
        try:
            answer: object = yield from call
        except Exception as error:
            log.error("tool=%s | reconcile failed", tool.name, exc_info=error)
            answer = error
        match answer:
            case None | Observation():
                return answer
            case str():
                return Observation(answer, final=tool.marks.return_direct)
            case _:  # or a developer's slip: to guess what it means could act twice
                if not isinstance(answer, Exception):
                    log.error("tool=%s | reconcile must give text, an Observation or None", tool.name)
                yield from self._ask_person(known, line, "cannot_tell")
                return None

    def _ask_person(self, known: Recorded | None, line: _Line, why: Why, mark: str | None = None) -> Flow[None]:
        """Commit that a person must say what became of an action, and stop.

        Raises:
            NeedsAttention: always.
        """
        log.warning("run=%s | needs attention at step %d: %s", self._lease.run_id, line.effect.step, why)
        if known is None or known.phase != "unknown":
            row = self._row(line, "unknown", why, mark, self._wanted(line.effect))
            yield self._lines.write(row, durable=line.acts)
        raise NeedsAttention(ATTENTION[why])

    def _finish(
        self, line: _Line, outcome: Outcome, read: Callable[[Reply, Sequence[Step]], Decision]
    ) -> Flow[Reply | Observation]:
        """Commit a result, and use what was committed, secrets apart: a resumed run gets the same."""
        if outcome.reply is not None and self._marked:
            decision = read(outcome.reply, ())
            self._masks.add(self._marked.values(decision) if isinstance(decision, Action) else ())
        text = dump(outcome)
        row = self._row(line, "result", _kind(outcome), None, self._masks.json(text))
        if line.acts:
            # Its intent was synced, and does not let it happen again: to sync its result can wait until something acts
            # again, or the run ends.
            yield self._lines.write(row, durable=False, by_the_end=True)
        else:
            self._lines.later(row)  # it can be had again: no need to wait for the disk before the next intent does
        return outcome.value() if comes_back(outcome) else load(Outcome, text).value()

    def _row(self, line: _Line, phase: Phase, outcome: str | None, mark: str | None, text: str | None) -> EffectRow:
        effect, number = line.effect, next(self._numbers)
        return EffectRow(number, line.number, phase, effect.step, call_of(effect), line.name, outcome, mark, text, None)

    def _wanted(self, effect: Ask | Act) -> str | None:
        """The action; its thought and what was dropped stand in the reply before."""
        if isinstance(effect, Ask):
            return None
        action = self._marked.without(effect.action) if self._marked else effect.action
        return self._masks.json(json_text({"tool": action.tool, "input": action.input}))

    def _arguments(self, tool: str, given: Mapping[str, object]) -> str:
        """A call's arguments as they may be written down."""
        plain = cast("dict[str, JSON]", json.loads(json_text(given)))
        if not self._marked:
            return self._masks.json(json_text(plain))
        action = Action(tool, plain)
        self._masks.add(self._marked.values(action))
        return self._masks.json(json_text(self._marked.without(action).input))

    def _key(self, effect: Act) -> IdempotencyKey:
        return call_key(self._lease.run_id, effect.step, effect.call)


def _performed(perform: Perform, effect: Ask | Act, meter: Meter) -> Flow[Outcome]:
    """Perform an effect; what the loop takes as a result is an outcome, and all else is raised."""
    try:
        result: object = yield from perform(effect)
    except LimitReached as limit:
        return Outcome(meter.usage(), failed=Failed(str(limit), limit.limit))
    except ModelError as error:
        if not isinstance(effect, Ask) or not effect.last:
            raise  # the run ends here, and a resumed one asks again
        # Its text may tell addresses and keys, and the loop does not ask for it.
        return Outcome(meter.usage(), failed=Failed(type(error).__name__))
    if isinstance(effect, Act):
        counted = meter.has_called(effect.step, effect.call)
        return Outcome(Usage(seconds=meter.seconds), observation=cast("Observation", result), counted=counted)
    return Outcome(meter.usage(), reply=cast("Reply", result))


def _timeless(seen: Observation) -> str:
    return dump(Outcome(observation=replace(seen, seconds=0.0)))


def _kind(outcome: Outcome) -> str:
    if outcome.observation is not None:
        return outcome.observation.kind
    return "ok" if outcome.failed is None else outcome.failed.limit or "error"
