"""Code as action (CodeAct, Wang et al. 2024, arXiv:2402.01030): a program calls the tools.

Each call comes back here as an action like any other: same registry, checks, approval, budget, journal and events.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime
from queue import SimpleQueue
from typing import Any, Protocol, TypeAlias, cast

from agentkit.errors import BadArguments, ToolError
from agentkit.events import ActionStarted, Event, Observed
from agentkit.flow import Act, Effect, Flow, Perform, silent
from agentkit.interpreter import RESET, Interpreter, is_repeatable, observe, plain
from agentkit.messages import JSON, Action, Observation
from agentkit.operations import Begin, Call, Join, Receive, Spawn
from agentkit.prompt import Prompts
from agentkit.sandbox.calls import CALL_NUMBER
from agentkit.sandbox.result import Result, show
from agentkit.toolbox import AnyTool, Toolbox

__all__ = ["PROGRAM", "Memory", "Programs"]

PROGRAM = "python"


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A running program waits for `reply`. `number`: see `agentkit.sandbox.calls`; None where nobody counts."""

    tool: str
    input: Mapping[str, JSON]
    reply: Future[object]
    number: int | None


Inbox: TypeAlias = "SimpleQueue[ToolCall | Event | BaseException | None]"


class Memory(Protocol):
    """Who knows what programs did that ran before this process."""

    def recall(self, act: Act, /) -> Observation:
        """What an action gave that a program took; JournalError when it took none or another."""
        ...

    def check_again(self, program: Act, seen: Observation, /) -> None:
        """JournalError when a program, run again, gives something else than it gave."""
        ...


@dataclass(slots=True)
class Programs:
    """The programs of one run; their variables live on from one to the next.

    Attributes:
        session: makes the interpreter they share, when the first one comes.
        now: when the run began: the programs' clock, and the seed of their chance.
        perform: runs the actions that programs take.
        again: runs a program of before once more, to get its variables back.
        memory: of what they did in another process.
    """

    session: Callable[[], Interpreter]
    toolbox: Toolbox
    prompts: Prompts
    now: datetime
    perform: Perform
    again: Perform
    memory: Memory | None = None
    _interpreter: Interpreter | None = None
    _answer: list[object] = field(default_factory=list[object])
    _open: list[Future[object]] = field(default_factory=list["Future[object]"])
    _lacking: list[Act] = field(default_factory=list[Act])
    _ran: set[int] = field(default_factory=set[int])
    _rebuilding: bool = False
    _running: bool = False
    _over: bool = False

    def around(self, perform: Perform) -> Perform:
        """Takes note of the programs that `perform` answers without running them: their variables are lacking."""

        def noted(effect: Effect[Any]) -> Flow[Any]:
            if isinstance(effect, Act) and effect.action.tool == PROGRAM and not effect.call:
                return self._noted(effect, perform)
            return perform(effect)

        return noted

    def _noted(self, effect: Act, perform: Perform) -> Flow[Observation]:
        seen: Observation = yield from perform(effect)
        if effect.step not in self._ran:
            self._lacking.append(effect)
            if seen.value == RESET:
                self._lacking.clear()  # nothing of it, nor of what was before, was there for the next one
        return seen

    def act(self, effect: Act) -> Flow[Observation]:
        """Run the program of an action, and the actions it takes."""
        if not self._rebuilding:
            yield ActionStarted(effect.action, effect.step)
            yield from self._rebuild()
            self._ran.add(effect.step)
        inbox: Inbox = SimpleQueue()
        self._answer.clear()
        self._open.clear()
        self._running = True
        running = yield from Begin(Call(self._run, {"effect": effect, "inbox": inbox}))
        try:
            yield from self._serve(inbox, effect)
        except BaseException:
            self._abandon()  # the run is over while the program still runs: it must not wait for replies
            raise
        result = cast("Result", (yield from Join(running)))
        self._running = False
        return self._seen(result)

    def _rebuild(self) -> Flow[None]:
        """Run the programs again whose variables are lacking. They act on nothing: memory answers their calls.

        Raises:
            JournalError: they do not do what they did.
        """
        lacking, self._lacking = self._lacking, []
        if self.memory is None or not lacking:
            return
        self._rebuilding = True
        for effect in lacking:
            seen: Observation = yield from silent(self.again(effect))
            self.memory.check_again(effect, seen)
        self._rebuilding = False

    def _serve(self, inbox: Inbox, effect: Act) -> Flow[None]:
        """Answer the program's calls until it ends."""
        counted = 0
        while (item := (yield from Receive(inbox))) is not None:
            if isinstance(item, BaseException):
                raise item  # of a call that ran beside
            if not isinstance(item, ToolCall):
                yield item
                continue
            counted += 1
            act = Act(Action(item.tool, item.input), effect.step, item.number or counted)
            tool = self.toolbox.find(item.tool)
            if self._rebuilding:
                self._recall(item, act)
            elif tool is not None and tool.marks.read_only and not tool.marks.needs_approval:
                yield from Spawn(self._reply(item, act, beside=inbox), inbox)  # calls of one gather() run side by side
            else:
                yield from self._reply(item, act)  # a person is asked, and the world changed, one at a time

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

    def _run(self, effect: Act, inbox: Inbox) -> Result:
        if self._interpreter is None:
            self._interpreter = self.session()
        tools: dict[str, Callable[..., object]] = {
            tool.name: self._function(tool, inbox) for tool in self.toolbox.values()
        }
        tools["final_answer"] = self._final_answer
        code = _code(effect.action)
        try:
            if is_repeatable(self._interpreter):
                seed = f"{self.now.isoformat()} {effect.step}"
                return self._interpreter.run(code, tools=tools, entry="last", seed=seed, now=self.now)
            return self._interpreter.run(code, tools=tools, entry="last")
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
            plainly = {name: plain(value) for name, value in given.items()}
            inbox.put(ToolCall(tool.name, plainly, reply, CALL_NUMBER.get()))
            return reply.result()

        return call

    def _final_answer(self, answer: object) -> None:
        self._answer.append(answer)

    def _seen(self, result: Result) -> Observation:
        if not result.ok or not self._answer:
            return observe(result, self.prompts)
        answer = self._answer[0]
        return Observation(answer if isinstance(answer, str) else show(answer), value=plain(answer), final=True)

    def _recall(self, call: ToolCall, act: Act) -> None:
        assert self.memory is not None
        _tell(call.reply, self.memory.recall(act))

    def _reply(self, call: ToolCall, act: Act, beside: Inbox | None = None) -> Flow[None]:
        """Answer a call; what must end the run is raised, or put into the queue of whom this runs beside."""
        try:
            observation: Observation = yield from self.perform(act)
        except BaseException as error:
            if beside is not None:
                beside.put(error)  # before the program goes on, and ends
            _fail(call.reply, error)  # the program must not wait for ever
            if beside is not None and not isinstance(error, GeneratorExit):
                return
            raise
        yield Observed(observation, act.step)
        _tell(call.reply, observation)


def _code(action: Action) -> str:
    assert not isinstance(action.input, str)
    return str(action.input["code"])


def _tell(reply: Future[object], observation: Observation) -> None:
    if observation.failed:
        _fail(reply, ToolError(observation.text))
    elif not reply.done():
        reply.set_result(observation.text if observation.value is None else observation.value)


def _fail(reply: Future[object], error: BaseException) -> None:
    if not reply.done():
        reply.set_exception(error)
