"""The reading of a reply, as a machine that is fed markers, pieces of lines and line ends.

`pour` feeds it a text; `agentkit.parse.reader` feeds it a stream. It stops at the first complete step: what comes
later goes to `dropped`.
"""

from __future__ import annotations

from collections.abc import Callable

from agentkit.messages import Action, Decision, Finish, Malformed, MalformedKind
from agentkit.parse.index import Entry, ToolIndex
from agentkit.parse.inputs import Fault, Given
from agentkit.parse.markers import Mark, find_mark
from agentkit.parse.objects import answer_of

__all__ = ["Machine", "State"]


class State:
    """Where the machine is in a reply. By default a state gathers the current line and reads it at its end."""

    __slots__ = ("line", "machine")
    incomplete: str = ""  # what a reply that ends here at its token limit lacks

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.line: list[str] = []

    def marker(self, mark: Mark) -> None:
        """A marker stands at the start of this line; its content follows as text."""
        raise NotImplementedError

    def text(self, piece: str) -> None:
        """More of the current line."""
        self.line.append(piece)

    def newline(self) -> None:
        line = "".join(self.line)
        self.line.clear()
        self.read_line(line)

    def read_line(self, line: str) -> None:
        """A complete line, without its marker."""
        raise NotImplementedError

    def end(self) -> None:
        """The reply is over: conclude, or hand over to another state."""
        raise NotImplementedError


class Done(State):
    """Behind the first complete step."""

    __slots__ = ()

    def marker(self, mark: Mark) -> None:
        self.machine.dropped.append(mark.raw)

    def text(self, piece: str) -> None:
        self.machine.dropped.append(piece)

    def newline(self) -> None:
        self.machine.dropped.append("\n")


class Machine:
    """Reads one reply.

    Attributes:
        decision: the first complete step, once there is one; it never changes again.
        note: why there is no answer, if nothing better comes.
        fence: a code fence that was opened before the step stands open.
    """

    __slots__ = ("_first", "decision", "dropped", "fence", "index", "note", "state", "thought")

    def __init__(self, index: ToolIndex, first: Callable[[Machine], State]) -> None:
        self.index = index
        self.decision: Decision | None = None
        self.dropped: list[str] = []
        self.fence = False
        self.thought: list[str] = []
        self.note = ""
        self._first = first
        self.state = first(self)

    def pour(self, text: str, *, line_start: bool = False) -> None:
        """Feed a text, which begins at the start of a line or continues one."""
        start = 0
        while True:
            end = text.find("\n", start)
            line = text[start:] if end < 0 else text[start:end]
            mark = find_mark(line) if line_start else None
            if mark is not None:
                self.state.marker(mark)
                line = line[len(mark.raw) :]
            if line:
                self.state.text(line)
            if end < 0:
                return
            self.state.newline()
            start, line_start = end + 1, True
            if self.decision is not None:
                self.dropped.append(text[start:])
                return

    def close(self, *, truncated: bool = False) -> Decision:
        """The decision, now that the reply is over; `truncated`: it ended at its token limit."""
        if truncated and self.decision is None and self.state.incomplete:
            self.state.newline()  # the last line may be complete all the same
        if truncated and self.decision is None and self.state.incomplete:
            self.fail("truncated", f"The reply ended at its token limit {self.state.incomplete}.")
        while self.decision is None:
            self.state.end()
        dropped = "".join(self.dropped).strip()
        return _with_dropped(self.decision, dropped) if dropped else self.decision

    def start_over(self, note: str) -> None:
        """What was begun is no step: look on for one."""
        self.note = note
        self.state = self._first(self)

    def conclude(self, entry: Entry, given: Given) -> None:
        """The step is an action."""
        if entry.kind == "unknown":
            self.fail("unknown_tool", self.index.unknown(entry.name))
        elif isinstance(given, Fault):
            self.fail(given.kind, given.reason)
        elif entry.kind == "finish":
            self.finish(answer_of(given))
        else:
            self._decide(Action(entry.name, given, self.full_thought()))

    def finish(self, answer: str) -> None:
        """The step is a final answer."""
        self._decide(Finish(answer, self.full_thought()))

    def fail(self, kind: MalformedKind, reason: str) -> None:
        """The step cannot be read."""
        self._decide(Malformed(kind, reason, self.full_thought()))

    def full_thought(self) -> str:
        return "\n".join(self.thought).strip()

    def _decide(self, decision: Decision) -> None:
        self.decision = decision
        self.state = Done(self)


def _with_dropped(decision: Decision, dropped: str) -> Decision:
    match decision:
        case Action(tool, given, thought):
            return Action(tool, given, thought, dropped)
        case Finish(answer, thought, implicit):
            return Finish(answer, thought, implicit, dropped)
        case Malformed(kind, reason, thought):
            return Malformed(kind, reason, thought, dropped)
