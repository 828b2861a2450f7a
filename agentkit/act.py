"""Running an action: find the tool, check the arguments, ask for approval, call, and tell what came of it."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from datetime import datetime

from agentkit.approval import Approver, Questions
from agentkit.approving import approved
from agentkit.codec import json_bytes
from agentkit.errors import AgentkitError, BadArguments, ConfigError, ToolError
from agentkit.events import ActionStarted
from agentkit.flow import Act, Flow
from agentkit.limits import Meter
from agentkit.messages import JSON, Action, Observation, ObservationKind
from agentkit.operations import Begin, Call, Join, Pending, Sleep
from agentkit.prompt import Prompts
from agentkit.schema import IdempotencyKey, RunContext
from agentkit.toolbox import AnyTool, Toolbox

__all__ = ["Acting", "act", "begin_early", "call_key"]

log = logging.getLogger("agentkit.tool")


@dataclass(frozen=True, slots=True)
class Early:
    """A tool that runs already."""

    action: Action
    pending: Pending
    started: float


@dataclass(slots=True)
class Acting:
    """What the actions of one run share.

    Attributes:
        questions: where approval is asked for in writing; without it nothing can wait.
        park: where nobody answers at once, let the question wait.
        left: threads of calls that were left before their end.
    """

    toolbox: Toolbox
    prompts: Prompts
    meter: Meter
    approve: Approver | None
    run_id: str
    now: datetime
    early: Early | None = None
    questions: Questions | None = None
    park: bool = False
    left: list[Future[object]] = field(default_factory=list["Future[object]"])


def act(effect: Act, acting: Acting) -> Flow[Observation]:
    """The observation of an action; never raises for what a model or a tool did wrong."""
    action = effect.action
    early, acting.early = acting.early, None
    if early is not None and early.action != action:
        early.pending.cancel()
        early = None
    tool = acting.toolbox.find(action.tool)
    if tool is None:
        return _unknown(action, acting)
    try:
        arguments = tool.check(action.input)
    except BadArguments as error:
        return _say(acting, "bad_arguments", "bad_arguments", tool=tool.name, message=error)
    context = None
    if tool.marks.needs_approval or tool.arguments.injected:
        context = _context(acting, effect.step, effect.call)
    if tool.marks.needs_approval:
        assert context is not None
        try:
            approval = yield from approved(tool, arguments, context, acting)
        except ToolError as error:
            return _say(acting, "tool_error", "tool_error", tool=tool.name, message=error)
        if not approval.granted:
            return _say(acting, "refused", "refused", tool=tool.name, reason=approval.reason)
        if approval.arguments is not None:
            return (yield from _run_edited(effect, tool, approval.arguments, context, acting))
    if early is None:
        yield ActionStarted(action, effect.step)
    acting.meter.count_call(effect.step, effect.call)
    return (yield from _outcome(tool, _call(tool, arguments, context, acting), early, acting))


def _run_edited(
    effect: Act, tool: AnyTool, given: Mapping[str, JSON], context: RunContext, acting: Acting
) -> Flow[Observation]:
    """Run what a person put in place of the model's call, and tell the model."""
    yield ActionStarted(replace(effect.action, input=given), effect.step)
    acting.meter.count_call(effect.step, effect.call)
    seen = yield from _outcome(tool, _call(tool, tool.check(given), context, acting), None, acting)
    if seen.final:
        return seen  # the run's answer, which no model reads
    text = acting.prompts.say("observations", "edited", text=seen.text, tool=tool.name, arguments=_json_text(given))
    return replace(seen, text=text)


def _context(acting: Acting, step: int, call: int) -> RunContext:
    return RunContext(acting.run_id, step, acting.now, call_key(acting.run_id, step, call))


def call_key(run_id: str, step: int, call: int) -> IdempotencyKey:
    """The name of one call for good: the same after a crash."""
    return IdempotencyKey(f"{run_id}:{step}:{call}")


def begin_early(action: Action, step: int, acting: Acting) -> Flow[None]:
    """Start a read-only tool while the model is still writing; `act` picks up the result."""
    tool = acting.toolbox.find(action.tool)
    if acting.early is not None or tool is None or not tool.marks.read_only or tool.marks.needs_approval:
        return
    try:
        arguments = tool.check(action.input)
    except BadArguments:
        return
    call = _call(tool, arguments, _context(acting, step, 0), acting)
    pending: Pending = yield from Begin(call)
    acting.early = Early(action, pending, time.monotonic())
    yield ActionStarted(action, step, early=True)


def _call(tool: AnyTool, arguments: dict[str, object], context: RunContext | None, acting: Acting) -> Call:
    timeout, remaining = tool.marks.timeout, acting.meter.remaining()
    if remaining is not None:
        timeout = remaining if timeout is None else min(timeout, remaining)
    given = arguments if context is None else tool.inject(dict(arguments), context)
    return Call(tool.function, given, tool.is_async, timeout, tool.coroutine)


def _outcome(tool: AnyTool, call: Call, early: Early | None, acting: Acting) -> Flow[Observation]:
    """Call the tool, again where its marks allow that, and make an observation of what happens."""
    started = time.monotonic() if early is None else early.started
    attempt = 0
    while True:
        try:
            value: object = yield call if early is None else Join(early.pending, call.timeout)
            return _result(tool, value, acting, time.monotonic() - started)
        except ConfigError:
            raise  # a tool that is set up wrongly is for the developer to mend, not for the model
        except Exception as error:
            _note_left(call, acting)
            early = None
            attempt += 1
            if attempt > tool.marks.retry or not _may_pass(error):
                return replace(_failure(tool, call, error, acting), seconds=time.monotonic() - started)
        except BaseException:  # the run is left
            _note_left(call, acting)
            raise
        yield from Sleep(min(0.2 * 2**attempt, acting.meter.remaining() or 5.0, 5.0))


def _note_left(call: Call, acting: Acting) -> None:
    """A thread cannot be stopped: what it does may still happen."""
    if call.thread is not None and not call.thread.done():
        acting.left.append(call.thread)


def _may_pass(error: Exception) -> bool:
    return error.transient if isinstance(error, ToolError) else not isinstance(error, AgentkitError)


def _failure(tool: AnyTool, call: Call, error: Exception, acting: Acting) -> Observation:
    if isinstance(error, ToolError):
        return _say(acting, "tool_error", "tool_error", tool=tool.name, message=error)
    if isinstance(error, TimeoutError) and call.timeout is not None:
        return _say(acting, "timeout", "timeout", tool=tool.name, seconds=f"{call.timeout:.3g}")
    log.error("tool=%s | failed", tool.name, exc_info=error)
    message = f"{type(error).__name__}: {without_paths(str(error))}".rstrip(": ")
    return _say(acting, "tool_error", "tool_error", tool=tool.name, message=message)


def _unknown(action: Action, acting: Acting) -> Observation:
    near = acting.toolbox.nearest(action.tool)
    hint = acting.prompts.say("observations", "did you mean", names=", ".join(near)) if near else ""
    names = ", ".join(acting.toolbox) or "none"
    return _say(acting, "unknown_tool", "unknown_tool", tool=action.tool, names=names, hint=hint)


def _say(acting: Acting, kind: ObservationKind, section: str, **values: object) -> Observation:
    return Observation(acting.prompts.say("observations", section, **values).strip(), kind)


def _result(tool: AnyTool, value: object, acting: Acting, seconds: float) -> Observation:
    """What a tool returned, as text for the model and as data."""
    if isinstance(value, Observation):
        final = value.final or (tool.marks.return_direct and not value.failed)
        return replace(value, text=_cut(value.text, tool.marks.max_chars, acting), final=final, seconds=seconds)
    if isinstance(value, str):
        text, data = value, None
    elif value is None:
        text, data = acting.prompts.say("observations", "no result"), None
    else:
        text, data = _as_json(value)
    return Observation(_cut(text, tool.marks.max_chars, acting), "ok", data, tool.marks.return_direct, seconds)


def _as_json(value: object) -> tuple[str, JSON]:
    if isinstance(value, (bool, int, float)):
        return str(value), value
    from pydantic_core import from_json

    text = _json_text(value)
    return text, from_json(text)


def _json_text(value: object) -> str:
    """As JSON, whatever it is: what was done must not count as failed because of how it is told."""
    try:
        return json_bytes(value).decode()
    except ValueError:  # a list that is in itself
        return json_bytes(repr(value)).decode()


def _cut(text: str, most: int, acting: Acting) -> str:
    if len(text) <= most:
        return text
    note = acting.prompts.say("observations", "cut", left_out=len(text) - most)
    return f"{text[: most * 2 // 3]}\n{note}\n{text[-(most // 3) :]}"


# Of a run of characters that may be a path, the part up to a blank or a mark that ends it. In two steps: one pattern
# for both would look through the rest of a long message once for each of its slashes.
_RUN = re.compile(r"(?<![\w:/.])(?:[A-Za-z]:)?+(?:[/\\][\w.\-+@ ]*+)++(?P<ended>(?=['\"\s,;:)\]]|$))?")


def without_paths(message: str) -> str:
    """The message with absolute paths of this machine cut to their last part: they are nobody's business."""
    return _RUN.sub(_last_part, message)


def _last_part(found: re.Match[str]) -> str:
    run = found[0]
    path = run if found["ended"] is not None else run[: run.rfind(" ") + 1]
    path = path.rstrip(" ")
    parts = re.split(r"[/\\]", path.rstrip("/\\"))
    return parts[-1] + run[len(path) :] if len(parts) > 1 else run
