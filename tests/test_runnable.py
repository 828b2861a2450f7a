"""An agent as a LangChain Runnable: shapes of input and output, traces, batches, graphs."""

import asyncio
import runpy
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from langchain_core.callbacks import AsyncCallbackHandler
from langchain_core.language_models import FakeListChatModel
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import tool as langchain_tool

from agentkit.agent import Agent
from agentkit.errors import ConfigError, ModelError, ToolError
from agentkit.messages import Run, Turn
from agentkit.models.base import Request
from agentkit.runnable import AgentRunnable
from agentkit.testing import ScriptedModel
from agentkit.tool import tool
from agentkit.toolbox import ToolLike
from tests.support.graphs import one_node, streamed
from tests.support.traces import Seen, Tracer


@tool(read_only=True)
def population(city: str) -> int:
    """How many people live in a city."""
    if city == "Atlantis":
        raise ToolError("It has sunk.")
    return 717_710


@langchain_tool
def country(city: str) -> str:
    """Which country a city is in."""
    return "Norway"


LOOK_UP = "Thought: look it up\nAction: population\nAction Input: Oslo"
ANSWER = "Thought: I know\nFinal Answer: 717710"


def scripted(*replies: str) -> tuple[ScriptedModel, AgentRunnable]:
    model = ScriptedModel(replies)
    return model, Agent(model, [population]).as_runnable()


def invoke(runnable: AgentRunnable, given: Any, config: RunnableConfig | None = None) -> Any:
    return runnable.invoke(given, config)


def ainvoke(runnable: AgentRunnable, given: Any, config: RunnableConfig | None = None) -> Any:
    return asyncio.run(runnable.ainvoke(given, config))


either = pytest.mark.parametrize("call", [invoke, ainvoke])
Call = Callable[..., Any]


# --- shapes ---


@either
@pytest.mark.parametrize(
    ("given", "found"),
    [
        ("How many?", "717710"),
        ({"question": "How many?"}, {"answer": "717710"}),
        ({"input": "How many?", "other": 3}, {"output": "717710"}),
    ],
)
def test_the_output_has_the_shape_of_the_input(call: Call, given: object, found: object) -> None:
    model, runnable = scripted(LOOK_UP, ANSWER)
    with model:
        assert call(runnable, given) == found
    assert "How many?" in model.requests[0].messages[-1].text


@either
@pytest.mark.parametrize("given", [{"messages": [("user", "How many?")]}, [HumanMessage("How many?")]])
def test_messages_in_a_message_out(call: Call, given: object) -> None:
    _, runnable = scripted(LOOK_UP, ANSWER)
    found = call(runnable, given)
    message = found if isinstance(found, AIMessage) else found["messages"][0]
    assert isinstance(message, AIMessage) and message.content == "717710" and message.name is None
    used = message.usage_metadata
    assert used is not None and used["total_tokens"] == used["input_tokens"] + used["output_tokens"] > 0
    told = message.response_metadata
    assert (told["stop_reason"], told["model_calls"], told["tool_calls"]) == ("answer", 2, 1)
    assert len(told["run_id"]) == 36  # the id of the trace, a UUID


@either
def test_the_whole_run_if_asked_for(call: Call) -> None:
    run = call(Agent(ScriptedModel([ANSWER])).as_runnable(output="run"), {"messages": [HumanMessage("?")]})
    assert isinstance(run, Run) and run.answer == "717710" and len(run.steps) == 1


def test_in_a_chain() -> None:
    model, runnable = scripted(ANSWER)
    prompt = ChatPromptTemplate.from_messages([("system", "Be brief."), ("user", "How many live in {city}?")])
    assert (prompt | runnable | StrOutputParser()).invoke({"city": "Oslo"}) == "717710"
    assert "Be brief.\n\nHow many live in Oslo?" in model.requests[0].messages[-1].text


def test_an_agent_with_a_name_signs() -> None:
    runnable = AgentRunnable(Agent(ScriptedModel([ANSWER])), name="statistician")
    assert runnable.invoke([HumanMessage("?")]).name == "statistician"
    assert runnable.get_name() == "statistician" and scripted()[1].get_name() == "agent"


def conversation(request: Request) -> list[tuple[str, str]]:
    """What the model is sent, without the system message and the words around the question."""
    return [(message.role, message.text) for message in request.messages[1:]]


def test_earlier_messages_are_the_history() -> None:
    model, runnable = scripted(ANSWER)
    runnable.invoke(
        [
            AIMessage("Welcome!"),
            HumanMessage("Hello."),
            HumanMessage("Where is Oslo?"),
            AIMessage("", tool_calls=[{"name": "country", "args": {}, "id": "1"}]),
            ToolMessage("Norway", tool_call_id="1"),
            AIMessage("In Norway."),
            HumanMessage([{"type": "text", "text": "How many live there?"}]),
        ]
    )
    asked, answered, now = conversation(model.requests[0])
    assert asked == ("user", "Hello.\n\nWhere is Oslo?")
    assert answered == ("assistant", "Final Answer: In Norway.")
    assert now[0] == "user" and "How many live there?" in now[1]


def test_what_others_said_after_the_question_goes_along() -> None:
    model, runnable = scripted(ANSWER)
    runnable.invoke(
        [
            SystemMessage("Answer in Norwegian."),
            HumanMessage("How many?"),
            AIMessage("Oslo is meant.", name="researcher"),
            ToolMessage("cached: no", tool_call_id="1"),
        ]
    )
    told = conversation(model.requests[0])[-1][1]
    assert "Answer in Norwegian.\n\nHow many?\n\nresearcher: Oslo is meant.\n\ntool: cached: no" in told


@pytest.mark.parametrize(
    "history",
    [
        Run("Where is Oslo?", answer="In Norway."),
        [Turn("Where is Oslo?", (), "In Norway.")],
        [HumanMessage("Where is Oslo?"), AIMessage("In Norway.")],
        [("user", "Where is Oslo?"), ("assistant", "In Norway.")],
    ],
)
@pytest.mark.parametrize("key", ["history", "chat_history"])
def test_history_beside_a_question(history: object, key: str) -> None:
    model, runnable = scripted(ANSWER)
    runnable.invoke({"question": "How many live there?", key: history})
    first = conversation(model.requests[0])
    assert first[:2] == [("user", "Where is Oslo?"), ("assistant", "Final Answer: In Norway.")]


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (3, "An agent takes a text, messages, .* not 3"),
        ({}, "not a dict with nothing"),
        ({"query": "?"}, "not a dict with 'query'"),
        ({"question": 3}, "not a dict with 'question'"),
        ({"messages": "?"}, "not '\\?'"),
        ({"messages": []}, "none of the messages is a human's"),
        ([AIMessage("Hello.")], "none of the messages is a human's"),
        ([{"role": "nobody"}], "Not messages"),
        ([HumanMessage([{"type": "image", "base64": "", "mime_type": "image/png"}])], "no text"),
        ("  ", "question is empty"),
    ],
)
def test_what_has_no_question_is_refused(given: Any, text: str) -> None:
    with pytest.raises(ConfigError, match=text):
        scripted()[1].invoke(given)


def test_schemas_can_be_shown() -> None:
    _, runnable = scripted()
    assert "anyOf" in runnable.get_input_jsonschema()
    assert runnable.get_graph().draw_mermaid()


# --- traces ---


def traced(call: Call, replies: Sequence[str], tools: Sequence[ToolLike], **config: Any) -> Seen:
    tracer = Tracer()
    runnable = Agent(FakeListChatModel(responses=list(replies)), tools).as_runnable()
    call(runnable, "How many?", {"callbacks": [tracer], **config})
    return tracer.root


@either
def test_model_and_tool_calls_are_children_of_the_agent(call: Call) -> None:
    look = "Thought: look it up\nAction: population\nAction Input: {city}"
    replies = [look.format(city="Oslo"), look.format(city="Atlantis"), ANSWER]
    root = traced(call, replies, [population], tags=["mine"], metadata={"user": "ada"}, run_name="census")
    assert (root.name, root.kind, root.outputs) == ("census", "chain", {"output": "717710"})
    assert "mine" in root.tags
    assert root.kinds == ["llm", "tool", "llm", "tool", "llm"]
    for child in root.children:
        assert child.parent == root.id and "mine" in child.tags and child.metadata["user"] == "ada"
    asked, found, _, sunk, _ = root.children
    assert "Action Input: Oslo" in str(asked.outputs)
    assert (found.name, found.inputs, found.outputs) == ("population", {"city": "Oslo"}, {"output": "717710"})
    assert "It has sunk." in sunk.error


@either
def test_langchain_s_own_tools_tell_for_themselves_and_once(call: Call) -> None:
    root = traced(call, ["Action: country\nAction Input: Oslo", ANSWER], [country])
    (told,) = [child for child in root.children if child.kind == "tool"]
    assert (told.name, told.parent, told.outputs) == ("country", root.id, {"output": "Norway"})


@either
def test_a_failed_run_is_an_error_in_the_trace(call: Call) -> None:
    tracer = Tracer()
    model = ScriptedModel([LOOK_UP, ModelError("it is down")])
    with pytest.raises(ModelError, match="it is down"):
        call(Agent(model, [population]).as_runnable(), "How many?", {"callbacks": [tracer]})
    assert "it is down" in tracer.root.error


def test_async_handlers_are_awaited_in_the_loop() -> None:
    threads: list[int] = []

    class Handler(AsyncCallbackHandler):
        async def on_tool_start(self, *args: Any, **kwargs: Any) -> None:
            await asyncio.sleep(0)
            threads.append(threading.get_ident())

    _, runnable = scripted(LOOK_UP, ANSWER)
    ainvoke(runnable, "How many?", {"callbacks": [Handler()]})
    assert threads == [threading.get_ident()]


def test_events_can_be_watched() -> None:
    async def names() -> list[tuple[str, str]]:
        runnable = Agent(FakeListChatModel(responses=[LOOK_UP, ANSWER]), [population]).as_runnable()
        return [(event["event"], event["name"]) async for event in runnable.astream_events("How many?")]

    seen = asyncio.run(names())
    assert seen[0] == ("on_chain_start", "agent") and seen[-1] == ("on_chain_end", "agent")
    assert ("on_tool_start", "population") in seen and ("on_tool_end", "population") in seen
    assert ("on_chat_model_stream", "FakeListChatModel") in seen


# --- streams and batches ---


def test_the_answer_streams_in_one_piece() -> None:
    async def pieces() -> list[Any]:
        return [piece async for piece in scripted(LOOK_UP, ANSWER)[1].astream("How many?")]

    assert list(scripted(LOOK_UP, ANSWER)[1].stream("How many?")) == ["717710"]
    assert asyncio.run(pieces()) == ["717710"]


@pytest.mark.parametrize("size", [1, 2])
def test_batches_keep_their_order_and_their_bound(size: int) -> None:
    lock, running, most = threading.Lock(), set[int](), list[int]()

    def reply(request: Request) -> str:
        with lock:
            running.add(id(request))
            most.append(len(running))
        threading.Event().wait(0.01)
        with lock:
            running.discard(id(request))
        return f"Final Answer: {request.messages[-1].text.split('number ')[1][0]}"

    runnable = Agent(ScriptedModel([reply] * 6)).as_runnable()
    questions = [f"number {n}" for n in range(6)]
    assert runnable.batch(questions, {"max_concurrency": size}) == list("012345")
    assert max(most) <= size


def test_async_batches_run_side_by_side() -> None:
    async def main() -> tuple[list[Any], float]:
        loop = asyncio.get_running_loop()
        runnable = Agent(ScriptedModel([ANSWER] * 20, delay=0.2)).as_runnable()
        began = loop.time()
        return await runnable.abatch(["?"] * 20), loop.time() - began

    answers, seconds = asyncio.run(main())
    assert answers == ["717710"] * 20
    assert seconds < 2  # one after the other they would take 4


def test_a_batch_may_give_errors_back() -> None:
    runnable = scripted(ANSWER)[1]
    good, bad = runnable.batch(["How many?", ""], {"max_concurrency": 1}, return_exceptions=True)
    assert good == "717710" and isinstance(bad, ConfigError)


# --- LangGraph ---


def test_a_node_of_a_graph() -> None:
    model, runnable = scripted(LOOK_UP, ANSWER)
    graph = one_node(runnable)
    messages = graph.invoke({"messages": [("user", "How many?")]})["messages"]
    assert [message.type for message in messages] == ["human", "ai"]
    assert messages[-1].content == "717710"
    model.done()


def test_a_node_of_an_async_graph_with_its_trace() -> None:
    tracer = Tracer()
    graph = one_node(Agent(FakeListChatModel(responses=[LOOK_UP, ANSWER]), [population]).as_runnable(), "census")
    state = asyncio.run(graph.ainvoke({"messages": [("user", "How many?")]}, {"callbacks": [tracer]}))
    assert state["messages"][-1].content == "717710"
    (node,) = [child for child in tracer.root.children if child.name == "census"]
    (agent,) = node.children
    assert agent.name == "agent" and agent.kinds == ["llm", "tool", "llm"]


def test_tokens_of_the_model_stream_out_of_a_graph() -> None:
    graph = one_node(Agent(FakeListChatModel(responses=[ANSWER])).as_runnable())
    pieces = [str(piece.content) for piece in streamed(graph, {"messages": [("user", "?")]})]
    assert ("".join(pieces[:-1]), pieces[-1]) == (ANSWER, "717710")


def test_the_example_runs(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["langgraph_node.py"])
    runpy.run_path(str(Path(__file__).parents[1] / "examples" / "langgraph_node.py"), run_name="__main__")
    printed = capsys.readouterr().out.splitlines()
    assert printed[:3] == ["run LangGraph", "  run census", "    run agent"]
    assert "      tool population {'city': 'Oslo'}" in printed
    assert printed[-1] == "Oslo is larger, by 425,919 people. (3 model calls)"
