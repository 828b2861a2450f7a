"""Getting approval for a call, as a flow: from what was said before, from whoever is asked, or later."""

from __future__ import annotations

import logging
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, cast

from agentkit.approval import Approval, ApprovalRequest
from agentkit.errors import BadArguments, NeedsApproval, ToolError
from agentkit.events import ApprovalAsked, ApprovalWaits
from agentkit.flow import Flow
from agentkit.operations import Approve, Call

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agentkit.act import Acting
    from agentkit.messages import JSON
    from agentkit.schema import RunContext
    from agentkit.toolbox import AnyTool

__all__ = ["approved", "previewed"]

log = logging.getLogger("agentkit.tool")


def approved(tool: AnyTool, arguments: dict[str, object], context: RunContext, acting: Acting) -> Flow[Approval]:
    """What is said to a call. Arguments that come with a yes fit the tool, and differ from those that were asked about.

    Raises:
        NeedsApproval: the answer comes later; the question is written down.
        ToolError: the tool's preview says that the call cannot be done: nobody is asked.
    """
    request = _request(tool, arguments, context)
    known: Approval | None = None
    if acting.questions is not None:
        known = cast("Approval | None", (yield from Call(acting.questions.known, {"request": request})))
    if known is None or known.postponed:
        waits = known is not None
        if tool.preview is not None:
            told = yield from Call(partial(_preview_of_waiting if waits else _preview, tool, arguments, context), {})
            request = replace(request, preview=str(told))
        approval = yield from _decided(tool, request, acting, waits=waits)
    else:
        approval = _fitting(known, tool, request, acting)
        if approval.granted and acting.questions is not None:
            yield from Call(acting.questions.let_go, {"request": request})
    yield ApprovalAsked(tool.name, approval.granted, approval.reason, approval.arguments)
    return approval


def _decided(tool: AnyTool, request: ApprovalRequest, acting: Acting, *, waits: bool) -> Flow[Approval]:
    """The answer of whoever is asked now, kept before it counts.

    Args:
        waits: the question was written down before, and goes on waiting if nobody answers now.
    """
    answer = yield from _answered(request, acting, parks=acting.park or waits)
    answer = _fitting(answer, tool, request, acting)
    if acting.questions is not None:
        kept = yield from Call(acting.questions.keep, {"request": request, "answer": answer})
        answer = _fitting(cast("Approval", kept), tool, request, acting)  # another may have answered meanwhile
        if answer.postponed:
            yield ApprovalWaits(tool.name, _json(request.arguments), request.preview, request.key, request.step)
            raise NeedsApproval(f"{request} waits for approval.")
    if answer.postponed:
        log.warning("tool=%s | an answer was put off, and there is no journal in which the run could wait", tool.name)
        return Approval(False, acting.prompts.say("observations", "approval cannot wait"))
    return answer


def _answered(request: ApprovalRequest, acting: Acting, *, parks: bool) -> Flow[Approval]:
    """What the approver says. Anything but a clear yes is no; nobody to ask, or a failure to, is no or later."""
    if acting.approve is None:
        return Approval.later() if parks else Approval(False, acting.prompts.say("observations", "nobody to approve"))
    try:
        answer = yield from Approve(acting.approve, request)
    except Exception as error:
        log.error("tool=%s | approval could not be asked for", request.tool, exc_info=error)
        return Approval.later() if parks else Approval(False, f"It could not be asked for ({type(error).__name__}).")
    return answer if isinstance(answer, Approval) else Approval(answer is True)


def _fitting(answer: Approval, tool: AnyTool, request: ApprovalRequest, acting: Acting) -> Approval:
    """The answer, without arguments that change nothing; arguments that do not fit the tool make it a no."""
    if not answer.granted or answer.arguments is None:
        return answer
    try:
        checked = tool.check(answer.arguments)
    except BadArguments as error:
        log.warning("tool=%s | the approver's arguments do not fit: %s", tool.name, error)
        return replace(
            answer,
            granted=False,
            arguments=None,
            reason=acting.prompts.say("observations", "edit does not fit", message=error),
        )
    return replace(answer, arguments=None) if checked == request.arguments else answer


def _request(tool: AnyTool, arguments: dict[str, object], context: RunContext, preview: str = "") -> ApprovalRequest:
    return ApprovalRequest(
        tool.name,
        arguments,
        tool.description,
        context.run_id,
        context.step,
        context.key,
        preview,
        tool.arguments.schema,
        partial(_edited, tool, context),
    )


def _edited(tool: AnyTool, context: RunContext, arguments: Mapping[str, JSON]) -> ApprovalRequest:
    """See `ApprovalRequest.edited`."""
    checked = tool.check(arguments)
    return _request(tool, checked, context, _preview(tool, checked, context))


def _preview(tool: AnyTool, arguments: dict[str, object], context: RunContext) -> str:
    """What the call would do, in the tool's words; nothing where they cannot be had.

    Raises:
        ToolError: it could not be done.
    """
    try:
        return previewed(tool, arguments, context)
    except ToolError:
        raise
    except Exception as error:
        log.error("tool=%s | preview failed", tool.name, exc_info=error)
        return ""


def previewed(tool: AnyTool, arguments: Mapping[str, object], context: RunContext) -> str:
    """What the call would do, in the tool's words.

    Args:
        arguments: checked.

    Raises:
        ToolError: it could not be done. The tool may raise anything else as well.
    """
    return "" if tool.preview is None else str(tool.preview(**tool.inject(dict(arguments), context)))


def _preview_of_waiting(tool: AnyTool, arguments: dict[str, object], context: RunContext) -> str:
    """The same for a question that waits already: what cannot be done any more is for its answer to settle."""
    try:
        return _preview(tool, arguments, context)
    except ToolError as error:
        return str(error)


def _json(arguments: Mapping[str, object]) -> dict[str, JSON]:
    from pydantic_core import to_jsonable_python

    return cast("dict[str, JSON]", to_jsonable_python(dict(arguments), fallback=str, inf_nan_mode="constants"))
