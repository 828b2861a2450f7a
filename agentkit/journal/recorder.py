"""One run's side of the journal: the wrapper that writes its effects down, and answers those that it has.

intent committed → effect performed → result committed → result used
"""

from __future__ import annotations

import asyncio
import hashlib
import inspect
import logging
from collections.abc import Awaitable, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from agentkit.act import call_key
from agentkit.approval import Answer, Approval, ApprovalRequest, Approver
from agentkit.assembly import Start
from agentkit.errors import ConfigError, JournalError, LimitReached, ModelError, NeedsAttention
from agentkit.flow import Act, Ask, Effect, Flow, Perform
from agentkit.journal.leases import Lease, user
from agentkit.journal.records import Failed, Outcome, Phase, Recorded, RunStatus, digest, dump, load
from agentkit.limits import Meter
from agentkit.messages import Action, Observation, Reply, Run
from agentkit.operations import Call, is_async
from agentkit.toolbox import AnyTool, Toolbox

if TYPE_CHECKING:
    from agentkit.journal.store import EffectRow, Store

__all__ = ["Recorder"]

log = logging.getLogger("agentkit.journal")


class Recorder:
    """Writes one run down, from its beginning or from where the journal ends.

    Args:
        past: the effects that the journal has.
        number: of the next line.
        allow_drift: the agent may be another by now, so that the model would be asked something else than it was.
    """

    def __init__(
        self,
        store: Store,
        lease: Lease,
        start: Start,
        past: Sequence[Recorded] = (),
        number: int = 0,
        *,
        allow_drift: bool = False,
    ) -> None:
        self.start = start
        self._store = store
        self._lease = lease
        self._past = past
        self._number = number
        self._effect = 0
        self._allow_drift = allow_drift
        self._held = True

    def around(self, perform: Perform, meter: Meter, toolbox: Toolbox) -> Perform:
        """The wrapper: every effect is answered from the journal, or performed and written down."""

        def recorded(effect: Effect[Any]) -> Flow[Any]:
            assert isinstance(effect, (Ask, Act))
            mark = digest(effect)
            if self._effect < len(self._past):
                known = self._past[self._effect]
                self._check(known, effect, mark)
                if known.outcome is not None:
                    self._effect += 1
                    _count(known.outcome, meter)
                    return known.outcome.value()
                told = yield from self._settle(known, effect, toolbox)
                if told is not None:
                    meter.tool_calls += 1
                    return (yield from self._finish(effect, Outcome(meter.usage(), observation=told), toolbox))
            else:
                yield from self._write(effect, toolbox, "intent", mark)
            outcome = yield from _performed(perform, effect, meter)
            return (yield from self._finish(effect, outcome, toolbox))

        return recorded

    def approver(self, approve: Approver) -> Approver:
        """The same, with what it says written down before it counts; what the journal has is not asked again."""

        def ask(request: ApprovalRequest, /) -> Answer | Awaitable[Answer]:
            mark = _arguments_digest(request)
            if known := self._store.approval(request.run_id, request.key, mark):
                return known
            answer = approve(request)
            if inspect.isawaitable(answer):
                return self._heard_later(answer, request, mark)
            return self._heard(answer, request, mark)

        return ask

    def end(self, run: Run) -> Flow[None]:
        """Write down how the run ended, and let go of it."""
        status: RunStatus = "ended"
        if run.stop_reason in ("needs_attention", "error"):
            status = cast("RunStatus", run.stop_reason)
        elif self._effect < len(self._past):
            raise self._another_way(f"it ends after {self._effect} effects")
        yield from Call(partial(self._store.end, self._lease, status, run.stop_reason, run.answer), {})
        self._held = False

    def close(self) -> None:
        """Let go of a run that was left before its end, so that it can be resumed at once."""
        if self._held:
            self._held = False
            with suppress(JournalError):  # whatever ended the run is being told already
                self._store.release(self._lease)

    def _check(self, known: Recorded, effect: Ask | Act, mark: str) -> None:
        if known.digest == mark or (self._allow_drift and isinstance(effect, Ask) and known.kind == "ask"):
            return
        raise self._another_way(f"at step {effect.step} it wants something else")

    def _another_way(self, how: str) -> ConfigError:
        return ConfigError(
            f"Run {self._lease.run_id!r} cannot be resumed: {how}, unlike the journal. Something that decides its way "
            "was changed (limits, tools, agentkit itself)."
        )

    def _settle(self, known: Recorded, effect: Ask | Act, toolbox: Toolbox) -> Flow[Observation | None]:
        """What is known of an effect that a crash cut off; None if it is to be performed.

        Raises:
            NeedsAttention: it may have happened, and must not happen twice.
        """
        if not isinstance(effect, Act):
            return None
        if known.phase == "retry":
            yield from self._write(effect, toolbox, "intent", known.digest)
            return None
        tool = toolbox.find(effect.action.tool)
        if tool is None or tool.marks.read_only:
            return None
        if not self._allow_drift and tool.marks.needs_approval and not (yield from self._was_approved(effect)):
            return None
        if tool.reconcile is not None:
            return (yield from self._reconciled(tool, effect))
        if tool.marks.idempotent:
            return None
        raise self._attention(f"It is not known whether {tool.name} happened at step {effect.step}.")

    def _was_approved(self, effect: Act) -> Flow[bool]:
        """Whether the tool can have been called at all. (One that was changed may not have asked then.)"""
        approval = yield from Call(
            self._store.approval, {"run_id": self._lease.run_id, "key": self._key(effect), "digest": None}
        )
        return isinstance(approval, Approval) and approval.granted

    def _reconciled(self, tool: AnyTool, effect: Act) -> Flow[Observation | None]:
        """What the tool itself knows of the call.

        Raises:
            NeedsAttention: it could not tell.
        """
        assert tool.reconcile is not None
        asking = partial(tool.reconcile, call_key(self._lease.run_id, effect.step, effect.call))
        call = Call(asking, {}, is_async(tool.reconcile), tool.marks.timeout)
        try:
            answer: object = yield from call
        except Exception as error:
            log.error("tool=%s | reconcile failed", tool.name, exc_info=error)
            raise self._attention(f"{tool.name} could not tell whether it happened.") from error
        match answer:
            case None | Observation():
                return answer
            case str():
                return Observation(answer, final=tool.marks.return_direct)
            case _:  # a developer's slip; to guess what it means could act twice
                raise self._attention(f"reconcile of {tool.name} must give text, an Observation or None.")

    def _attention(self, why: str) -> NeedsAttention:
        log.warning("run=%s | needs attention: %s", self._lease.run_id, why)
        return NeedsAttention(why)

    def _finish(self, effect: Ask | Act, outcome: Outcome, toolbox: Toolbox) -> Flow[Reply | Observation]:
        """Commit a result, and use what was committed: a resumed run gets the same."""
        text = dump(outcome)
        yield from self._write(effect, toolbox, "result", None, text, _kind(outcome))
        self._effect += 1
        return load(Outcome, text).value()

    def _write(
        self,
        effect: Ask | Act,
        toolbox: Toolbox,
        phase: Phase,
        mark: str | None,
        text: str | None = None,
        outcome: str | None = None,
    ) -> Flow[None]:
        from agentkit.journal.store import EffectRow  # loads SQLAlchemy, which is loaded by now

        row = EffectRow(
            number=self._number,
            effect=self._effect,
            phase=phase,
            kind="act" if isinstance(effect, Act) else "ask",
            step=effect.step,
            tool=effect.action.tool[:64] if isinstance(effect, Act) else None,
            key=self._key(effect) if isinstance(effect, Act) else None,
            outcome=outcome,
            digest=mark,
            payload=_wanted(effect) if phase == "intent" else text,
        )
        self._number += 1
        yield from Call(self._append, {"row": row, "durable": _acts(effect, toolbox)})

    def _append(self, row: EffectRow, *, durable: bool) -> None:
        self._store.append(self._lease, row, durable=durable)

    def _key(self, effect: Act) -> str:
        return call_key(self._lease.run_id, effect.step, effect.call)

    async def _heard_later(self, answer: Awaitable[Answer], request: ApprovalRequest, mark: str) -> Answer:
        return await asyncio.to_thread(self._heard, await answer, request, mark)

    def _heard(self, answer: Answer, request: ApprovalRequest, mark: str) -> Approval:
        from agentkit.journal.store import ApprovalRow

        approval = answer if isinstance(answer, Approval) else Approval(answer is True)
        row = ApprovalRow(
            key=request.key,
            digest=mark,
            step=request.step,
            tool=request.tool,
            arguments=_arguments(request).decode(),
            granted=approval.granted,
            reason=approval.reason,
            by=user(),
        )
        self._store.approve(self._lease, row)
        return approval


def _performed(perform: Perform, effect: Ask | Act, meter: Meter) -> Flow[Outcome]:
    """Perform an effect; what the loop takes as a result is an outcome, and all else is raised."""
    try:
        result: object = yield from perform(effect)
    except LimitReached as limit:
        return Outcome(meter.usage(), failed=Failed(str(limit), limit.limit))
    except ModelError as error:
        if not isinstance(effect, Ask) or not effect.last:
            raise  # the run ends here, and a resumed one asks again
        return Outcome(meter.usage(), failed=Failed(str(error)))
    if isinstance(result, Observation):
        return Outcome(meter.usage(), observation=result)
    return Outcome(meter.usage(), reply=cast("Reply", result))


def _count(outcome: Outcome, meter: Meter) -> None:
    """The meter is below the journal: what is not performed again must count all the same."""
    if outcome.usage is None:
        meter.tool_calls += 1
    else:
        meter.restore(outcome.usage)


def _kind(outcome: Outcome) -> str:
    if outcome.observation is not None:
        return outcome.observation.kind
    return "ok" if outcome.failed is None else outcome.failed.limit or "error"


def _wanted(effect: Ask | Act) -> str | None:
    """The action; its thought and what was dropped stand in the reply before."""
    return dump(Action(effect.action.tool, effect.action.input)) if isinstance(effect, Act) else None


def _acts(effect: Ask | Act, toolbox: Toolbox) -> bool:
    """Whether the world may be changed: then the disk must have it, not only the operating system."""
    if not isinstance(effect, Act):
        return False
    tool = toolbox.find(effect.action.tool)
    return tool is not None and not tool.marks.read_only


def _arguments(request: ApprovalRequest) -> bytes:
    from pydantic_core import to_json

    return to_json(dict(request.arguments), fallback=str, inf_nan_mode="constants")


def _arguments_digest(request: ApprovalRequest) -> str:
    return hashlib.sha256(request.tool.encode() + b"\n" + _arguments(request)).hexdigest()
