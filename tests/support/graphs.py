"""LangGraph graphs for tests, typed as the Runnables they are."""

# LangGraph leaves type arguments of its own out:
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false

from collections.abc import Iterator
from typing import Any, cast

from langchain_core.messages import AnyMessage, BaseMessage
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


def streamed(graph: Runnable[object, State], state: object) -> Iterator[BaseMessage]:
    """Messages as LangGraph streams them: pieces of what models write, and what nodes add to the state."""
    for piece in graph.stream(state, stream_mode="messages"):
        yield cast("tuple[BaseMessage, object]", piece)[0]
