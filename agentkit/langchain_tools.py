"""LangChain tools as agentkit tools, and agentkit tools as LangChain tools."""

from __future__ import annotations

import secrets
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Unpack

from langchain_core.messages import ToolMessage
from langchain_core.tools import BaseTool, StructuredTool, ToolException
from langchain_core.tools import Tool as SimpleTool
from pydantic import ValidationError
from pydantic_core import PydanticSerializationError, from_json, to_json

from agentkit.act import Acting, act
from agentkit.approval import Approver
from agentkit.errors import ConfigError, ToolError
from agentkit.events import Event, Observed
from agentkit.flow import Act, Flow
from agentkit.langchain_arguments import LangChainArguments, told
from agentkit.limits import Limits, Meter
from agentkit.messages import JSON, Action, Observation
from agentkit.operations import adrive, drive
from agentkit.prompt import Prompts
from agentkit.tool import Marks, Tool, ToolOptions
from agentkit.toolbox import AnyTool, Toolbox

__all__ = ["from_langchain", "to_langchain"]


def from_langchain(
    tool: BaseTool, *, injected: Mapping[str, object] | None = None, **marks: Unpack[ToolOptions]
) -> AnyTool:
    """An agentkit tool that calls a LangChain tool.

    The model sees what a LangChain model would see. Sync runs call `invoke`, async runs `ainvoke` where the tool has a
    coroutine. A ToolException is told to the model as the tool's `handle_tool_error` puts it. With
    response_format="content_and_artifact" the observation's `value` is the artifact, if it is plain data.

    Args:
        tool: any LangChain tool.
        injected: values for parameters that the model may not fill in (`InjectedToolArg`).
        marks: see `Marks`; LangChain's tools do not say what they change, so tell here. `return_direct` is the tool's.

    Raises:
        ConfigError: such a parameter has neither a default nor a value here, or the schema makes no sense.
    """
    arguments = LangChainArguments(tool, dict(injected or {}))
    # The copy lets errors through, so that they are known as errors; `_translated` words them as the tool would.
    bare = tool.model_copy(update={"handle_tool_error": False, "handle_validation_error": False})

    def invoke(**given: object) -> object:
        with _translated(tool, arguments):
            return _result(bare.invoke(arguments.call(given)))

    async def ainvoke(**given: object) -> object:
        with _translated(tool, arguments):
            return _result(await bare.ainvoke(arguments.call(given)))

    has_sync, has_async = _functions(tool)
    options: ToolOptions = {"return_direct": tool.return_direct, **marks}
    return Tool(
        invoke if has_sync else ainvoke,
        tool.name,
        " ".join(tool.description.split()),
        arguments,
        Marks(**options),
        ainvoke if has_sync and has_async else None,
    )


def to_langchain(tool: AnyTool, *, approve: Approver | None = None) -> StructuredTool:
    """A LangChain tool that calls an agentkit tool, with all that its marks say: checks, approval, timeout, retries.

    What went wrong is told to the model as text (a ToolMessage with status "error"). The idempotency key comes from
    the tool call's id, so a graph that resumes and makes the same call again does nothing twice.

    Args:
        tool: any agentkit tool.
        approve: who agrees to each call of a tool that needs approval.

    Raises:
        ConfigError: the tool needs approval and nobody is there to give it.
    """
    if tool.marks.needs_approval and approve is None:
        raise ConfigError(
            f"Tool {tool.name!r} needs approval: give to_langchain(…, approve=…), or, where something else asks, "
            "the tool .with_marks(needs_approval=False)."
        )
    toolbox, prompts = Toolbox([tool]), Prompts.choose("react")

    def flow(given: Mapping[str, JSON] | str, call_id: str | None) -> Flow[None]:
        now = datetime.now().astimezone()
        acting = Acting(toolbox, prompts, Meter(Limits()), approve, call_id or secrets.token_hex(8), now)
        observation = yield from act(Act(Action(tool.name, given), step=1), acting)
        yield Observed(observation, 1)

    def call(given: Mapping[str, JSON] | str, call_id: str | None) -> tuple[str, JSON]:
        *_, last = drive(flow(given, call_id))
        return _outcome(last)

    async def acall(given: Mapping[str, JSON] | str, call_id: str | None) -> tuple[str, JSON]:
        *_, last = [event async for event in adrive(flow(given, call_id))]
        return _outcome(last)

    return _AgentkitTool(
        name=tool.name,
        description=tool.description,
        args_schema=tool.arguments.schema,
        func=call,
        coroutine=acall,
        return_direct=tool.marks.return_direct,
        response_format="content_and_artifact",
        handle_tool_error=True,
    )


class _AgentkitTool(StructuredTool):
    """Hands the input on as it came, with the call's id; agentkit checks it."""

    def _to_args_and_kwargs(
        self, tool_input: str | dict[str, JSON], tool_call_id: str | None
    ) -> tuple[tuple[()], dict[str, object]]:
        return (), {"given": tool_input, "call_id": tool_call_id}


def _outcome(last: Event) -> tuple[str, JSON]:
    assert isinstance(last, Observed)
    if last.observation.failed:
        raise ToolException(last.observation.text)
    return last.observation.text, last.observation.value


@contextmanager
def _translated(tool: BaseTool, arguments: LangChainArguments) -> Generator[None]:
    """LangChain's errors as ours."""
    try:
        yield
    except ToolException as error:
        raise ToolError(told(tool.handle_tool_error, error) or str(error) or "It failed.") from error
    except ValidationError as error:
        if arguments.is_theirs(error):
            raise arguments.explain(error) from error
        raise


def _result(found: object) -> object:
    if not isinstance(found, ToolMessage):
        return found
    if found.status == "error":
        raise ToolError(found.text)
    try:
        artifact: JSON = from_json(to_json(found.artifact, inf_nan_mode="null"))
    except PydanticSerializationError:
        artifact = None  # an image, a data frame: for programs, not for the record
    return found.text if artifact is None else Observation(found.text, value=artifact)


def _functions(tool: BaseTool) -> tuple[bool, bool]:
    """Whether a tool can be called sync, and async without a thread."""
    func, coroutine = getattr(tool, "func", None), getattr(tool, "coroutine", None)
    kind = (
        StructuredTool if isinstance(tool, StructuredTool) else SimpleTool if isinstance(tool, SimpleTool) else BaseTool
    )
    # The two methods are what a subclass is asked to override, so overriding them is what tells.
    has_sync = func is not None or type(tool)._run is not kind._run  # pyright: ignore[reportPrivateUsage]
    has_async = coroutine is not None or type(tool)._arun is not kind._arun  # pyright: ignore[reportPrivateUsage]
    return has_sync, has_async
