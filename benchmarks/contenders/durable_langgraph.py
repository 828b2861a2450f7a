"""LangChain's create_agent with LangGraph's SqliteSaver, as its documentation sets it up. argv: steps."""

import sqlite3
from collections.abc import Callable
from itertools import count
from typing import Any

from durable_clock import report
from langchain.agents import create_agent
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.tools import tool
from langgraph.checkpoint.sqlite import SqliteSaver


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


def start(path: str) -> tuple[Callable[[int], object], Callable[[], None]]:
    connection = sqlite3.connect(path, check_same_thread=False)
    model = Scripted()
    agent = create_agent(model, [add], checkpointer=SqliteSaver(connection))
    thread = count()

    def run(steps: int) -> None:
        model.left = steps
        settings: Any = {"recursion_limit": 5000, "configurable": {"thread_id": str(next(thread))}}
        result = agent.invoke({"messages": [("user", "Add the numbers.")]}, settings)
        assert result["messages"][-1].content == "done"

    return run, connection.close


report(start)
