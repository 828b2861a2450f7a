"""Code as action (CodeAct, Wang et al. 2024, arXiv:2402.01030): a program calls the tools.

Each call comes back here as an action like any other: same registry, checks, approval, budget, journal and events.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import TypeAlias, cast

from agentkit.errors import BadArguments, ToolError
from agentkit.events import ActionStarted, Event, Observed
from agentkit.flow import Act, Flow, Perform
from agentkit.interpreter import Interpreter, observe, plain
from agentkit.messages import JSON, Action, Observation
from agentkit.operations import Begin, Call, Join, Receive, Spawn
from agentkit.prompt import Prompts
from agentkit.sandbox.result import Result, show
from agentkit.toolbox import AnyTool, Toolbox

__all__ = ["PROGRAM", "Programs"]

PROGRAM = "python"


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A running program waits for `reply`."""

    tool: str
    input: Mapping[str, JSON]
    reply: Future[object]


Inbox: TypeAlias = "SimpleQueue[ToolCall | Event | None]"


@dataclass(slots=True)
class Programs:
    """The programs of one run; their variables live on from one to the next.

    Attributes:
        session: makes the interpreter they share, when the first one comes.
        perform: runs the actions that programs take.
    """

    session: Callable[[], Interpreter]
    toolbox: Toolbox
    prompts: Prompts
    perform: Perform
    _interpreter: Interpreter | None = None
    _answer: list[object] = field(default_factory=list[object])
    _open: list[Future[object]] = field(default_factory=list["Future[object]"])
    _running: bool = False
    _over: bool = False

    def act(self, effect: Act) -> Flow[Observation]:
        """Run the program of an action, and the actions it takes."""
        yield ActionStarted(effect.action, effect.step)
        inbox: Inbox = SimpleQueue()
        self._answer.clear()
        self._open.clear()
        self._running = True
        running = yield from Begin(Call(self._run, {"code": _code(effect.action), "inbox": inbox}))
        try:
            yield from self._serve(inbox, effect)
        except BaseException:
            self._abandon()  # the run is over while the program still runs: it must not wait for replies
            raise
        result = cast("Result", (yield from Join(running)))
        self._running = False
        return self._seen(result)

    def _serve(self, inbox: Inbox, effect: Act) -> Flow[None]:
        """Answer the program's calls until it ends."""
        number = 0
        while (item := (yield from Receive(inbox))) is not None:
            if not isinstance(item, ToolCall):
                yield item
                continue
            number += 1
            answer = self._reply(item, Act(Action(item.tool, item.input), effect.step, number))
            tool = self.toolbox.find(item.tool)
            if tool is not None and tool.marks.read_only and not tool.marks.needs_approval:
                yield from Spawn(answer, inbox)  # calls of one gather() run side by side
            else:
                yield from answer  # a person is asked, and the world changed, one at a time

    def close(self) -> None:
        """End the session, if there is one."""
        session, self._interpreter = self._interpreter, None
        if session is None:
            return
        if self._running:
            # It waits for its program, up to the program's limit; nobody who leaves a run early should.
            threading.Thread(target=session.close, name="agentkit-session", daemon=True).start()
        else:
            session.close()

    def _abandon(self) -> None:
        self._over = True
        for reply in self._open:
            if not reply.done():
                reply.set_exception(ToolError("The run is over."))

    def _run(self, code: str, inbox: Inbox) -> Result:
        if self._interpreter is None:
            self._interpreter = self.session()
        tools: dict[str, Callable[..., object]] = {
            tool.name: self._function(tool, inbox) for tool in self.toolbox.values()
        }
        try:
            return self._interpreter.run(code, tools={**tools, "final_answer": self._final_answer}, entry="last")
        finally:
            inbox.put(None)

    def _function(self, tool: AnyTool, inbox: Inbox) -> Callable[..., object]:
        """What the program calls: it hands the call over and waits."""
        names = list(cast("Mapping[str, JSON]", tool.arguments.schema["properties"]))

        def call(*args: object, **kwargs: object) -> object:
            if len(args) > len(names):
                raise BadArguments(f"{tool.name} takes {len(names)} arguments: {tool.arguments.signature}.")
            given = {**dict(zip(names, args, strict=False)), **kwargs}
            reply: Future[object] = Future()
            self._open.append(reply)
            if self._over:
                raise ToolError("The run is over.")
            inbox.put(ToolCall(tool.name, {name: plain(value) for name, value in given.items()}, reply))
            return reply.result()

        return call

    def _final_answer(self, answer: object) -> None:
        self._answer.append(answer)

    def _seen(self, result: Result) -> Observation:
        if not result.ok or not self._answer:
            return observe(result, self.prompts)
        answer = self._answer[0]
        return Observation(answer if isinstance(answer, str) else show(answer), value=plain(answer), final=True)

    def _reply(self, call: ToolCall, act: Act) -> Flow[None]:
        try:
            observation: Observation = yield from self.perform(act)
        except BaseException as error:
            _fail(call.reply, error)  # the program must not wait for ever
            raise
        yield Observed(observation, act.step)
        if observation.failed:
            _fail(call.reply, ToolError(observation.text))
        elif not call.reply.done():
            call.reply.set_result(observation.text if observation.value is None else observation.value)


def _code(action: Action) -> str:
    assert not isinstance(action.input, str)
    return str(action.input["code"])


def _fail(reply: Future[object], error: BaseException) -> None:
    if not reply.done():
        reply.set_exception(error)
