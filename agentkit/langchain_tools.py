"""LangChain tools as agentkit tools, and agentkit tools as LangChain tools."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Unpack, cast, get_args

from langchain_core.messages import ToolMessage
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import BaseTool, InjectedToolCallId, StructuredTool, ToolException
from langchain_core.tools import Tool as SimpleTool
from langchain_core.tools.base import get_all_basemodel_annotations
from langchain_core.utils.pydantic import get_fields, model_json_schema
from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails, PydanticSerializationError, from_json, to_json

from agentkit.act import Acting, act
from agentkit.approval import Approver
from agentkit.errors import BadArguments, ConfigError, ToolError
from agentkit.events import Event, Observed
from agentkit.flow import Act, Flow
from agentkit.json_schema import adapter
from agentkit.limits import Limits, Meter
from agentkit.messages import JSON, Action, Observation
from agentkit.operations import adrive, drive
from agentkit.prompt import Prompts
from agentkit.schema import Arguments, IdempotencyKey, without_titles
from agentkit.tool import Marks, Tool, ToolOptions
from agentkit.toolbox import AnyTool, Toolbox

if TYPE_CHECKING:
    from langchain_core.tools.base import ArgsSchema

__all__ = ["LangChainArguments", "from_langchain", "to_langchain"]

_CALL_ID = "tool call id"  # no parameter can have this name


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


class LangChainArguments(Arguments):
    """The arguments of a LangChain tool: its `args_schema` (pydantic 2 or 1, or a JSON Schema), or those of `_run`.

    Raises:
        ConfigError: the model may not fill in a parameter, and nobody else does.
    """

    def __init__(self, tool: BaseTool, given: Mapping[str, object]) -> None:
        self._tool = tool
        self._given = given
        if missing := sorted(self._needed - given.keys()):
            name = missing[0]
            raise ConfigError(
                f"Tool {tool.name!r}: a model may not fill in {name!r}; "
                f"give it: from_langchain({tool.name}, injected={{{name!r}: …}})."
            )

    @cached_property
    def _model(self) -> ArgsSchema | None:
        """The tool's model of all its arguments; None when there is only a JSON Schema."""
        if isinstance(self._tool.args_schema, dict) or self._takes_one_text:
            return None
        return self._tool.get_input_schema()

    @property
    def _takes_one_text(self) -> bool:
        return isinstance(self._tool, SimpleTool) and self._tool.args_schema is None
