"""An agent as a LangChain Runnable: in a chain, as a node of a LangGraph graph, in traces."""

from __future__ import annotations

import inspect
from collections.abc import AsyncGenerator, Coroutine, Generator, Mapping
from contextlib import aclosing, closing
from typing import TYPE_CHECKING, Any, Literal, TypeVar, cast

from langchain_core.runnables import Runnable, RunnableConfig

from agentkit.errors import ToolError
from agentkit.events import ActionStarted, Event, Observed, RunEnded
from agentkit.langchain_arguments import LangChainArguments
from agentkit.messages import Action, Run
from agentkit.runnable_io import AgentInput, Asked, read
from agentkit.toolbox import Toolbox

if TYPE_CHECKING:
    from langchain_core.callbacks import (
        AsyncCallbackManager,
        AsyncCallbackManagerForChainRun,
        AsyncCallbackManagerForToolRun,
        CallbackManager,
        CallbackManagerForChainRun,
        CallbackManagerForToolRun,
    )

    from agentkit.agent import Agent

__all__ = ["AgentRunnable"]

R = TypeVar("R")


# Any: the output has the shape of the input, which a Runnable's two type arguments cannot say; and with a union for
# the input, `batch` (which takes a list of inputs, and lists are invariant) would refuse a list of texts.
class AgentRunnable(Runnable[Any, Any]):
    """An agent as a Runnable.

    Input and output: see `agentkit.runnable_io.read`; with output="run" the output is the `Run`.

    The agent's run is a run of its own in a trace (LangSmith, callbacks), with the model calls and the tool calls as
    its children; its id is the `run_id` of the agentkit run. `stream` gives the answer in one piece, because an answer
    may still be refused while it is being written; `astream_events` tells what happens on the way.

    Args:
        agent: the agent.
        output: "answer" for an output in the shape of the input, "run" for the `Run`.
        name: the agent's name in traces, and on its messages.
    """

    def __init__(self, agent: Agent, *, output: Literal["answer", "run"] = "answer", name: str | None = None) -> None:
        self.agent = agent
        self.name = name or "agent"
        self._signs = name
        self._output = output

    @property
    def InputType(self) -> Any:  # noqa: N802 - LangChain's name
        return AgentInput

    def invoke(self, input: AgentInput, config: RunnableConfig | None = None, **kwargs: Any) -> Any:  # noqa: A002
        """Answer a question.

        Raises:
            ConfigError: the input has no question in it.
            ModelError: no model answered.
        """
        return self._call_with_config(self._run, input, config, **kwargs)

    async def ainvoke(self, input: AgentInput, config: RunnableConfig | None = None, **kwargs: Any) -> Any:  # noqa: A002
        """`invoke`, in the running event loop."""
        return await self._acall_with_config(self._arun, input, config, **kwargs)

    def _run(self, given: AgentInput, run_manager: CallbackManagerForChainRun, config: RunnableConfig) -> object:
        asked, run_id = read(given), str(run_manager.run_id)
        events = self.agent.stream(asked.question, history=asked.history, run_id=run_id, config=_plain(config))
        return _at_once(self._follow(asked, _as_async(events), run_manager.get_child()))

    async def _arun(
        self, given: AgentInput, run_manager: AsyncCallbackManagerForChainRun, config: RunnableConfig
    ) -> object:
        asked, run_id = read(given), str(run_manager.run_id)
        events = self.agent.astream(asked.question, history=asked.history, run_id=run_id, config=_plain(config))
        return await self._follow(asked, events, run_manager.get_child())

    async def _follow(
        self, asked: Asked, events: AsyncGenerator[Event, None], manager: CallbackManager | AsyncCallbackManager
    ) -> object:
        run: Run | None = None
        async with aclosing(events), aclosing(_ToolRuns(manager, self.agent.toolbox)) as tools:
            async for event in events:
                await tools.see(event)
                if isinstance(event, RunEnded):
                    run = event.run
        assert run is not None
        return run if self._output == "run" else asked.answered(run, self._signs)


class _ToolRuns:
    """Tells LangChain's callbacks of the tool calls; LangChain's own tools tell of theirs themselves."""

    def __init__(self, manager: CallbackManager | AsyncCallbackManager, toolbox: Toolbox) -> None:
        self._manager = manager
        self._toolbox = toolbox
        self._open: CallbackManagerForToolRun | AsyncCallbackManagerForToolRun | None = None

    async def see(self, event: Event) -> None:
        match event:
            case ActionStarted(action=action):
                await self.aclose()
                await self._begin(action)
            case Observed(observation=seen) if self._open is not None:
                run, self._open = self._open, None
                await _settled(run.on_tool_error(ToolError(seen.text)) if seen.failed else run.on_tool_end(seen.text))
            case _:
                pass

    async def _begin(self, action: Action) -> None:
        tool = self._toolbox.find(action.tool)
        if tool is None or isinstance(tool.arguments, LangChainArguments):
            return
        inputs = dict(action.input) if isinstance(action.input, Mapping) else None
        told = {"name": tool.name, "description": tool.description}
        run = await _settled(self._manager.on_tool_start(told, str(inputs or action.input), inputs=inputs))
        self._open = cast("CallbackManagerForToolRun | AsyncCallbackManagerForToolRun", run)

    async def aclose(self) -> None:
        """End a call that will not be observed: one started early that the model went back on, or a run cut short."""
        if self._open is not None:
            run, self._open = self._open, None
            await _settled(run.on_tool_error(ToolError("The call was given up.")))


def _plain(config: RunnableConfig) -> Mapping[str, object]:
    return cast("Mapping[str, object]", config)


async def _settled(result: object) -> object:
    """The result of one of LangChain's callbacks, which come sync and async."""
    return await result if inspect.isawaitable(result) else result


async def _as_async(events: Generator[Event, None, Run]) -> AsyncGenerator[Event, None]:
    with closing(events):
        for event in events:
            yield event


def _at_once(coroutine: Coroutine[object, None, R]) -> R:
    """Run a coroutine in which nothing waits: what is written for both worlds, in the sync one."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        return cast("R", done.value)
    raise AssertionError("something waited")
