"""One run's side of the journal: the wrapper that writes its effects down, and answers those that it has.

intent committed → effect performed → result committed → result used
"""

from __future__ import annotations

import json
import logging
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, wait
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any, Literal, cast

from agentkit.act import call_key
from agentkit.approval import Questions
from agentkit.assembly import Start
from agentkit.errors import JournalError, LimitReached, ModelError, NeedsAttention
from agentkit.flow import Act, Ask, Effect, Flow, Perform
from agentkit.journal.digests import Digests, digest
from agentkit.journal.leases import Lease, busy
from agentkit.journal.marked import Marked
from agentkit.journal.outcomes import failed_as, outcome_of, timeless
from agentkit.journal.past import Past, call_of
from agentkit.journal.records import (
    ATTENTION,
    Outcome,
    Phase,
    Recorded,
    RunStatus,
    Why,
    comes_back,
    dump,
    json_text,
    load,
    storable,
)
from agentkit.journal.secrets import Masks
from agentkit.limits import Meter
from agentkit.messages import JSON, Action, Decision, Observation, Reply, Run, Step, Usage
from agentkit.operations import Call, is_async
from agentkit.schema import IdempotencyKey
from agentkit.toolbox import AnyTool, Toolbox

if TYPE_CHECKING:
    from agentkit.journal.lines import Line
    from agentkit.journal.store import Store

__all__ = ["Recorder", "State"]

log = logging.getLogger("agentkit.journal")

State = Literal["begun", "taken", "ended"]


@dataclass(slots=True, eq=False)
class _Line:
    """An effect that is being written down.

    Attributes:
        number: of the effect in the run.
        mark: its digest.
        wanted: of an action, as it is written down.
        name: of the tool, likewise; None of a model call.
        acts: whether the world may be changed: then the disk must have it, not only the operating system.
    """

    effect: Ask | Act
    number: int
    mark: str
    wanted: str | None = None
    name: str | None = None
    tool: AnyTool | None = None
    acts: bool = False


class Recorder:
    """Writes one run down, from its beginning or from where the journal ends. Effects may come side by side.

    Args:
        masks: what must not be written down.
        past: the effects that the journal has.
        number: of the next line.
        state: of the run: it has just begun, was taken over, or has ended with an answer and is only read, so that
            there is nothing to hold and nothing to write.
        allow_drift: the agent may be another by now, so that the model would be asked something else than it was.

    Attributes:
        left: threads of calls that were left before their end.
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
        state: State = "taken",
        allow_drift: bool = False,
    ) -> None:
        self.start = start
        self.left: list[Future[object]] = []
        self._store = store
        self._lease = lease
        self._lines = store.lines(lease, begun=state == "begun")
        self._masks = masks
        self._digests = Digests()
        self._past = Past(lease.run_id, past, allow_drift=allow_drift)
        self._resumed = bool(past)
        # Next to each other in several threads: a count is taken in one go.
        self._numbers = count(number)
        self._effects = count(self._past.next_effect)
        self._first = True
        self._over = state == "ended"
        self._held = not self._over
        self._pid = os.getpid()
        self._begun = 0
        if self._held:
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
            mark, wanted = self._want(effect)
            known = self._past.find(effect, mark, self._unmasked)
            if known is not None and known.outcome is not None:
                self._count(effect, known.outcome, meter)
                return known.outcome.value()
            if self._over:
                raise self._past.goes_on()
            line = self._line(effect, known, mark, wanted)
            told = None if known is None else (yield from self._settle(known, line))
            if told is None:
                if self._resumed:
                    yield from self._check_secrets(known, line)
                self._begun += line.acts
                if known is None or known.phase != "intent":
                    yield self._lines.write(self._lined(line, "intent"), durable=line.acts)
                try:
                    outcome = outcome_of(effect, (yield from perform(effect)), meter)
                except (LimitReached, ModelError) as error:
                    outcome = failed_as(effect, error, meter)
            else:
                meter.count_call(effect.step, call_of(effect))
                outcome = Outcome(Usage(seconds=meter.seconds), observation=told)
            if self._resumed and isinstance(effect, Act) and not effect.call:
                self._past.check_calls(effect.step)
            if outcome.reply is not None and self._marked:
                self._mask_arguments(read(outcome.reply, ()))
            text = dump(outcome)
            result = self._lined(line, "result", outcome.kind, self._masks.json(text))
            if line.acts:
                # Its intent is on the disk, and does not let it happen again: its result can follow when something acts
                # again, or the run ends.
                yield self._lines.write(result, durable=False, by_the_end=True)
                self._begun = 0  # actions come one at a time
            else:
                self._lines.later(result)  # it can be had again: it need not wait for the disk
            # What is used is what was committed, secrets apart: a resumed run gets the same.
            return outcome.value() if comes_back(outcome) else load(Outcome, text).value()

        return recorded

    def recall(self, act: Act) -> Observation:
        """What an action gave that a program takes again, only to get its variables back.

        Raises:
            JournalError: the program had not taken it.
        """
        known = self._past.call(act, self._want(act)[0], self._unmasked)
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
        if self._masks.json(timeless(seen)) != timeless(known.outcome.observation):
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
        if self._over:
            return
        answer = None if run.answer is None else self._masks.text(run.answer)
        yield self._lines.end(status, run.stop_reason, answer)
        self._held = False
        if status == "needs_approval":
            yield from Call(partial(self._store.approvals.settle, self.start.run_id), {})

    def close(self) -> None:
        """Let go of a run that was left before its end, so that it can be resumed at once; or, where a tool goes on
        acting in a thread that cannot be stopped, when that has ended."""
        # A child that was forked in the middle of a run, by a tool, does not end its parent's run.
        held, self._held = self._held and self._pid == os.getpid(), False
        going_on = [each for each in self.left if not each.done()] if self._begun else []
        if held and going_on:
            # Who resumed the run now could be told that its action did not happen, and do it beside that thread.
            busy.add(self._lease.owner)
            log.warning(
                "run=%s | was left while an action goes on in its thread, and is held as long", self.start.run_id
            )
            threading.Thread(target=self._leave_after, args=(going_on,), name="agentkit-leaving", daemon=True).start()
        else:
            self._leave(held=held)

    def _leave_after(self, going_on: Sequence[Future[object]]) -> None:
        wait(going_on)
        self._leave(held=True)
        busy.discard(self._lease.owner)

    def _leave(self, *, held: bool) -> None:
        self._store.heartbeat.remove(self._lease)
        if held:
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

    def _want(self, effect: Ask | Act) -> tuple[str, str | None]:
        """The effect's digest, and what is written down of an action (its thought and what was dropped stand in the
        reply before). There is no digest of a model call that may be told marked arguments which stood, before they
        were known, in a text that is in the journal as it was."""
        if isinstance(effect, Act):
            action = effect.action
            if self._marked:
                self._mask_arguments(action)
                action = self._marked.without(action)
            tool, given = json_text(action.tool), json_text(action.input)
            wanted = f'{{"tool":{tool},"input":{given}}}'
            masked = self._masks.json(wanted)
            if masked != wanted:  # a resumed run wants what is masked
                told = cast("dict[str, object]", json.loads(masked))
                tool, given = json_text(told["tool"]), json_text(told["input"])
            return digest(tool, given, effect.step, effect.call), masked
        if self._masks.has_marked:
            return "", None
        first, self._first = self._first, False
        return self._digests.of(effect, self._masks.json if first or self._masks.found else None), None

    def _unmasked(self, effect: Ask | Act) -> str:
        """The digest of an effect in which nothing but marked arguments is masked."""
        if isinstance(effect, Ask):
            return Digests().of(effect)
        action = self._marked.without(effect.action)
        return digest(json_text(action.tool), json_text(action.input), effect.step, effect.call)

    def _mask_arguments(self, decision: Decision) -> None:
        if isinstance(decision, Action):
            self._masks.add(self._marked.values(decision))

    def _line(self, effect: Ask | Act, known: Recorded | None, mark: str, wanted: str | None) -> _Line:
        number = next(self._effects) if known is None else known.effect
        if isinstance(effect, Ask):
            return _Line(effect, number, mark)
        name = effect.action.tool
        tool = self._toolbox.find(name)
        acts = tool is not None and not tool.marks.read_only
        known_as = name if tool is not None else self._masks.text(name)
        return _Line(effect, number, mark, wanted, storable(known_as[:64]), tool, acts)

    def _lined(self, line: _Line, phase: Phase, outcome: str | None = None, result: str | None = None) -> Line:
        """A line of the effect's: of its result, or of what is wanted."""
        what = line.effect.step, call_of(line.effect), line.name
        told = (outcome, None, result) if phase == "result" else (outcome, line.mark, line.wanted)
        return self._lines.line(next(self._numbers), line.number, phase, what, told)

    def _check_secrets(self, known: Recorded | None, line: _Line) -> Flow[None]:
        """See that no argument is wanted that the journal does not keep.

        Raises:
            NeedsAttention: one is.
        """
        if not self._marked or not isinstance(line.effect, Act):
            return
        wanted = [line.effect.action]
        if line.tool is not None and line.tool.marks.needs_approval:
            changed = Call(partial(self._store.approvals.given, self._lease.run_id, self._key(line.effect)), {})
            given = cast("list[dict[str, JSON]]", (yield from changed))
            wanted += [replace(wanted[0], input=each) for each in given]
        if any(self._marked.lacks(action) for action in wanted):
            yield from self._ask_person(known, line, "secret")

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

    def _ask_person(self, known: Recorded | None, line: _Line, why: Why) -> Flow[None]:
        """Commit that a person must say what became of an action, and stop.

        Raises:
            NeedsAttention: always.
        """
        log.warning("run=%s | needs attention at step %d: %s", self._lease.run_id, line.effect.step, why)
        if known is None or known.phase != "unknown":
            yield self._lines.write(self._lined(line, "unknown", why), durable=line.acts)
        raise NeedsAttention(ATTENTION[why])

    def _arguments(self, tool: str, given: Mapping[str, object]) -> str:
        """A call's arguments as they may be written down."""
        plain = cast("dict[str, JSON]", json.loads(json_text(given)))
        if not self._marked:
            return self._masks.json(json_text(plain), names=True)
        action = Action(tool, plain)
        self._masks.add(self._marked.values(action))
        return self._masks.json(json_text(self._marked.without(action).input), names=True)

    def _key(self, effect: Act) -> IdempotencyKey:
        return call_key(self._lease.run_id, effect.step, effect.call)
