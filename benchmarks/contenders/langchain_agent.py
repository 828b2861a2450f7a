"""LangChain's create_agent with a scripted chat model."""

from typing import Any

from clock import report
from langchain.agents import create_agent
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.tools import tool


@tool
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


class Scripted(BaseChatModel):
    left: int = 0

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def bind_tools(self, tools: Any, **_: Any) -> "Scripted":
        return self

    def _generate(self, messages: Any, stop: Any = None, run_manager: Any = None, **_: Any) -> ChatResult:
        self.left -= 1
        calls = [{"name": "add", "args": {"a": self.left, "b": 1}, "id": str(self.left)}] if self.left else []
        message = AIMessage(content="I add the next two numbers." if calls else "done", tool_calls=calls)
        return ChatResult(generations=[ChatGeneration(message=message)])


def run(steps: int) -> None:
    model.left = steps
    result = agent.invoke({"messages": [("user", "Add the numbers.")]}, {"recursion_limit": 5000})
    assert result["messages"][-1].content == "done"


model = Scripted()
agent = create_agent(model, [add])
report(run)
