"""States that read an action written as one JSON object."""

from __future__ import annotations

from typing import Protocol

from agentkit.parse.collect import Json
from agentkit.parse.machine import Machine, State
from agentkit.parse.markers import Mark
from agentkit.parse.objects import Call, read_action

__all__ = ["ActionJson"]


class Back(Protocol):
    """The state in which the object began."""

    def leave(self) -> None:
        """The object is an action."""
        ...

    def resume(self, text: str, rest: str) -> None:
        """The object is none: `text` is its text, and `rest` follows it on its line."""
        ...


class ActionJson(Json):
    """An object that may be a whole action."""

    __slots__ = ("_back", "_named")
    incomplete = "inside the action"

    def __init__(self, machine: Machine, back: Back, *, named: bool = False) -> None:
        super().__init__(machine)
        self._back = back
        self._named = named  # it stands behind `Action:`

    def closed(self, text: str, rest: str) -> None:
        if not self._read(text):
            self._back.resume(text, rest)
        elif rest:
            self.machine.state.text(rest)

    def broken(self, text: str) -> None:
        if not self._read(text):
            self._back.resume(text, "")

    def _read(self, text: str) -> bool:
        machine = self.machine
        call = read_action(text, machine.index, named=self._named)
        if call is None:
            return False
        self._back.leave()
        if call.thought and not machine.full_thought():
            machine.thought.append(call.thought)
        if machine.fence:
            machine.state = Fenced(machine, call)
        else:
            machine.conclude(call.entry, call.given)
        return True


class Fenced(State):
    """Behind an action in a code fence: a second object in it would make the action ambiguous."""

    __slots__ = ("_call",)

    def __init__(self, machine: Machine, call: Call) -> None:
        super().__init__(machine)
        self._call = call

    def marker(self, mark: Mark) -> None:
        self._conclude()
        self.machine.state.marker(mark)

    def read_line(self, line: str) -> None:
        before, fence, after = line.partition("```" if "```" in line else "~~~")
        if "{" in before:
            self.machine.fail("multiple", "There is more than one object in the fence.")
            self.machine.dropped.append(line + "\n")
        elif fence:
            self._conclude()
            self.machine.dropped.append(after + "\n")

    def end(self) -> None:
        if self.line:
            self.newline()
        if self.machine.state is self:
            self._conclude()

    def _conclude(self) -> None:
        self.machine.conclude(self._call.entry, self._call.given)
