"""1,000 runs at once in one event loop, LangChain's create_agent."""

import asyncio
from typing import Any

from crowd import report
from langchain.agents import create_agent
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.tools import tool


@tool
async def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


class Scripted(BaseChatModel):
    steps: int
    seconds: float

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def bind_tools(self, tools: Any, **_: Any) -> "Scripted":
        return self

    def _generate(self, messages: Any, stop: Any = None, run_manager: Any = None, **_: Any) -> ChatResult:
        raise NotImplementedError

    async def _agenerate(self, messages: Any, stop: Any = None, run_manager: Any = None, **_: Any) -> ChatResult:
        await asyncio.sleep(self.seconds)
        number = len(messages) // 2
        calls = [{"name": "add", "args": {"a": number, "b": 1}, "id": str(number)}] if number < self.steps - 1 else []
        message = AIMessage(content="I add the next two numbers." if calls else "done", tool_calls=calls)
        return ChatResult(generations=[ChatGeneration(message=message)])


def make(steps: int, seconds: float) -> Any:
    return create_agent(Scripted(steps=steps, seconds=seconds), [add])


async def run(agent: Any) -> None:
    result = await agent.ainvoke({"messages": [("user", "Add the numbers.")]}, {"recursion_limit": 100})
    assert result["messages"][-1].content == "done"


report(make, run)
