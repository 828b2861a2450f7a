"""LangGraph graphs for tests, typed as the Runnables they are."""

# LangGraph leaves type arguments of its own out:
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false

from typing import Any, cast

from langchain_core.messages import AnyMessage
from langchain_core.runnables import Runnable
from langgraph.graph import END, START, MessagesState, StateGraph

State = dict[str, list[AnyMessage]]


def one_node(node: Runnable[Any, Any], name: str = "node") -> Runnable[object, State]:
    """A graph of one node over LangGraph's MessagesState."""
    graph = StateGraph(MessagesState)
    graph.add_node(name, node)
    graph.add_edge(START, name)
    graph.add_edge(name, END)
    return cast("Runnable[object, State]", graph.compile())
