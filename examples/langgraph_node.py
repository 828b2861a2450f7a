"""An agent as a node of a LangGraph graph, beside a node of plain code, with every model and tool call traced.

Run it: python examples/langgraph_node.py (needs `pip install langgraph`; offline, the model follows a script).
With a real model: python examples/langgraph_node.py bedrock:us.amazon.nova-lite-v1:0
"""

# LangGraph leaves type arguments of its own out:
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false

from __future__ import annotations

import sys

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.language_models import FakeListChatModel
from langchain_core.messages import AIMessage, HumanMessage
from langgraph.graph import END, START, MessagesState, StateGraph

from agentkit import Agent, tool

SCRIPT = [
    "Thought: I need both numbers.\nAction: population\nAction Input: Oslo",
    "Thought: And the other.\nAction: population\nAction Input: Bergen",
    "Thought: Now I know both.\nFinal Answer: Oslo is larger, by 425,919 people.",
]


@tool(read_only=True)
def population(city: str) -> int:
    """How many people live in a city of Norway (2024)."""
    return {"oslo": 717_710, "bergen": 291_791}[city.casefold()]


class Narrator(BaseCallbackHandler):
    """Prints what a tracer (LangSmith, for one) is told: the runs, each under its parent."""

    def __init__(self) -> None:
        self.depth: dict[object, int] = {}

    def _told(self, kind: str, name: object, run_id: object, parent_run_id: object) -> None:
        self.depth[run_id] = self.depth.get(parent_run_id, -1) + 1
        print(f"{'  ' * self.depth[run_id]}{kind} {name}")

    def on_chain_start(self, serialized: object, inputs: object, **about: object) -> None:
        self._told("run", about.get("name"), about["run_id"], about["parent_run_id"])

    def on_chat_model_start(self, serialized: dict[str, object], messages: object, **about: object) -> None:
        self._told("model", serialized["name"], about["run_id"], about["parent_run_id"])

    def on_tool_start(self, serialized: dict[str, object], input_str: str, **about: object) -> None:
        self._told("tool", f"{serialized['name']} {input_str}", about["run_id"], about["parent_run_id"])


def sign(state: MessagesState) -> dict[str, list[AIMessage]]:
    """A node of plain code: it sees the agent's message, with what it used."""
    answer = state["messages"][-1]
    assert isinstance(answer, AIMessage)
    calls = answer.response_metadata["model_calls"]
    return {"messages": [AIMessage(f"{answer.text} ({calls} model calls)", id=answer.id)]}  # in its place


def main() -> None:
    model = sys.argv[1] if len(sys.argv) > 1 else FakeListChatModel(responses=SCRIPT)
    agent = Agent(model, [population])

    graph = StateGraph(MessagesState)
    graph.add_node("census", agent.as_runnable())
    graph.add_node("sign", sign)
    graph.add_edge(START, "census")
    graph.add_edge("census", "sign")
    graph.add_edge("sign", END)

    question = HumanMessage("Which is larger, Oslo or Bergen, and by how much?")
    state = graph.compile().invoke({"messages": [question]}, {"callbacks": [Narrator()]})
    print(state["messages"][-1].text)


if __name__ == "__main__":
    main()
