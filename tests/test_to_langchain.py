"""agentkit's tools in LangChain: called as LangChain calls its own, with all that their marks say."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Literal

import pytest
from langchain_core.messages import AIMessage, HumanMessage, ToolCall, ToolMessage
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool
from langgraph.prebuilt import ToolNode

from agentkit.approval import Approval, ApprovalRequest
from agentkit.errors import ConfigError, ToolError
from agentkit.langchain_tools import from_langchain, to_langchain
from agentkit.tool import IdempotencyKey, RunContext, tool
from tests.support.graphs import one_node


def _tool_call(item: BaseTool, arguments: Mapping[str, object], call_id: str) -> ToolCall:
    return {"type": "tool_call", "name": item.name, "args": dict(arguments), "id": call_id}


def call(item: BaseTool, arguments: Mapping[str, object], call_id: str = "c1") -> ToolMessage:
    message = item.invoke(_tool_call(item, arguments, call_id))
    assert isinstance(message, ToolMessage)
    return message


def acall(item: BaseTool, arguments: Mapping[str, object], call_id: str = "c1") -> ToolMessage:
    message = asyncio.run(item.ainvoke(_tool_call(item, arguments, call_id)))
    assert isinstance(message, ToolMessage)
    return message


either = pytest.mark.parametrize("use", [call, acall])
Use = Callable[..., ToolMessage]


@tool
def book(city: str, nights: int = 1, *, kind: Literal["hotel", "hostel"] = "hotel", key: IdempotencyKey) -> object:
    """Book a room.

    Args:
        city: where to sleep.
    """
    if city == "Atlantis":
        raise ToolError("It has sunk. Try another city.")
    return {"city": city, "nights": nights, "kind": kind, "key": key}


def test_a_model_is_told_what_it_may_send() -> None:
    told = convert_to_openai_tool(to_langchain(book))["function"]
    assert (told["name"], told["description"]) == ("book", "Book a room.")
    assert told["parameters"]["properties"] == {
        "city": {"type": "string", "description": "where to sleep."},
        "nights": {"type": "integer", "default": 1},
        "kind": {"type": "string", "enum": ["hotel", "hostel"], "default": "hotel"},
    }
    assert told["parameters"]["required"] == ["city"]


@either
def test_arguments_are_checked_and_the_call_s_id_makes_the_key(use: Use) -> None:
    message = use(to_langchain(book), {"city": "Oslo", "nights": "2"}, "call_7")
    assert message.artifact == {"city": "Oslo", "nights": 2, "kind": "hotel", "key": "call_7:1:0"}
    assert message.content == '{"city":"Oslo","nights":2,"kind":"hotel","key":"call_7:1:0"}'
    assert (message.status, message.tool_call_id) == ("success", "call_7")


@either
@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"town": "Oslo"}, "there is no argument 'town'"),
        ({"city": "Oslo", "key": "mine"}, "there is no argument 'key'"),
        ({"city": "Atlantis"}, "It has sunk"),
    ],
)
def test_what_went_wrong_is_told_as_text(use: Use, arguments: dict[str, str], text: str) -> None:
    message = use(to_langchain(book), arguments)
    assert message.status == "error" and text in str(message.content)


def test_it_can_be_called_without_a_tool_call() -> None:
    text = to_langchain(book).invoke({"city": "Oslo"})
    assert isinstance(text, str) and '"city":"Oslo"' in text
    assert '"city":"Bergen"' in to_langchain(book).invoke("Bergen")


@either
def test_approval_is_asked_for(use: Use) -> None:
    asked: list[str] = []

    async def approve(request: ApprovalRequest) -> Approval:
        asked.append(str(request))
        return Approval(request.arguments["city"] == "Oslo", "only Oslo")

    careful = book.with_marks(needs_approval=True)
    item = to_langchain(careful, approve=approve)
    assert use(item, {"city": "Oslo"}).status == "success"
    refused = use(item, {"city": "Rome"})
    assert refused.status == "error" and "only Oslo" in str(refused.content)
    assert asked == ["book(city='Oslo')", "book(city='Rome')"]
    with pytest.raises(ConfigError, match=r"Tool 'book' needs approval: give to_langchain\(…, approve=…\)"):
        to_langchain(careful)


@either
def test_async_tools_timeouts_and_retries_work_under_both(use: Use) -> None:
    tries: list[int] = []

    @tool(timeout=0.2, return_direct=True)
    async def slow() -> None:
        """Never ends."""
        await asyncio.Event().wait()

    @tool(retry=1, idempotent=True)
    def shaky() -> str:
        """Works the second time."""
        tries.append(1)
        if len(tries) == 1:
            raise ToolError("busy", transient=True)
        return "done"

    item = to_langchain(slow)
    assert item.return_direct
    message = use(item, {})
    assert message.status == "error" and "0.2 s" in str(message.content)
    assert use(to_langchain(shaky), {}).content == "done"


def test_in_a_tool_node() -> None:
    @tool
    def whoami(context: RunContext) -> str:
        """Who calls."""
        return f"{context.run_id} {context.now.tzinfo is not None}"

    said = AIMessage("", tool_calls=[{"name": "whoami", "args": {}, "id": "call_9", "type": "tool_call"}])
    state = one_node(ToolNode([to_langchain(whoami)])).invoke({"messages": [HumanMessage("?"), said]})
    assert state["messages"][-1].content == "call_9 True"


@either
def test_there_and_back(use: Use) -> None:
    item = to_langchain(from_langchain(to_langchain(book), read_only=True))
    message = use(item, {"city": "Oslo"}, "call_3")
    assert message.artifact == {"city": "Oslo", "nights": 1, "kind": "hotel", "key": "call_3:1:0:1:0"}
    assert use(item, {"city": "Atlantis"}).status == "error"
