"""`decide` reads a whole reply; `Reader` the same reply as it streams."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, TypeAlias

from agentkit.messages import Action, Decision, Finish, Malformed
from agentkit.parse.blocks import without_thinking
from agentkit.parse.index import ToolIndex, Tools
from agentkit.parse.machine import Machine
from agentkit.parse.markers import Mark, find_mark, may_become_mark
from agentkit.parse.plain import plain_step
from agentkit.parse.states import Thought

__all__ = [
    "Cut",
    "PlainReader",
    "Reader",
    "Ready",
    "Sign",
    "TextReader",
    "answer",
    "as_implicit",
    "decide",
    "read_fully",
]


@dataclass(frozen=True, slots=True)
class Ready:
    """The action is complete and certain: `close()` will give the same."""

    action: Action


@dataclass(frozen=True, slots=True)
class Cut:
    """Whatever follows is imagination: the stream can be closed."""


Sign: TypeAlias = Ready | Cut


class TextReader(Protocol):
    """Reads a reply as it streams."""

    @property
    def text(self) -> str:
        """The reply so far, without what is cut off."""
        ...

    def feed(self, chunk: str) -> Sign | None:
        """Read the next piece. A `Cut` in it tells more than a `Ready` before it, and is what is returned."""
        ...


def decide(text: str | None, tools: Tools, *, truncated: bool = False) -> Decision:
    """What a reply is: an action, a final answer, or neither. Never raises, whatever the text.

    Args:
        text: the reply.
        tools: a `ToolIndex` (made once, fastest), a Toolbox, tools, or just their names. Without schemas an object
            becomes a dict and everything else stays text.
        truncated: the reply ended at its token limit, so what stands open at its end is not complete.
    """
    index = tools if isinstance(tools, ToolIndex) else ToolIndex.of(tools)
    if not isinstance(text, str):
        return Malformed("no_marker", "The reply is not text.")
    return plain_step(text, index) or read_fully(text, index, truncated=truncated)


def read_fully(text: str, index: ToolIndex, *, truncated: bool = False) -> Decision:
    """`decide` for any text, of the usual shape or not."""
    machine = Machine(index, Thought)
    machine.pour(text, line_start=True)
    return machine.close(truncated=truncated)


def as_implicit(malformed: Malformed, text: str) -> Finish:
    """A text without markers taken as the final answer, as after the second one in a row."""
    return Finish(malformed.thought or text.strip(), implicit=True)


def answer(text: str) -> Finish | Malformed:
    """A reply that is an answer in plain words; a final-answer marker in it is heeded, but not needed."""
    found = decide(text, _NO_TOOLS)
    if isinstance(found, Finish) and found.answer:
        return found
    plain = without_thinking(text).strip()
    return Finish(plain) if plain else Malformed("no_marker", "The reply is empty.")


_NO_TOOLS = ToolIndex(())


class Reader:
    """Reads a reply as it streams. Linear in the length of the reply, whatever the size of the pieces."""

    def __init__(self, tools: Tools) -> None:
        self._machine = Machine(ToolIndex.of(tools), Thought)
        self._kept: list[str] = []
        self._after: list[str] = []  # what came after the cut
        self._head: str | None = ""  # the current line while it may still begin with a marker
        self._told = False
        self._cut = False

    @property
    def text(self) -> str:
        return "".join(self._kept) + (self._head or "")

    def feed(self, chunk: str) -> Sign | None:
        start = 0
        while not self._cut:
            end = chunk.find("\n", start)
            piece = chunk[start:] if end < 0 else chunk[start:end]
            if piece:
                self._piece(piece)
            if self._cut or end < 0:
                self._after.append(chunk[end:] if self._cut and end >= 0 else "")
                break
            self._newline()
            start = end + 1
        else:
            self._after.append(chunk)
            return None
        return self._sign()

    def close(self, *, truncated: bool = False) -> Decision:
        """The decision: `decide` of `text`, with what was cut off as `dropped`."""
        self._flush()
        self._machine.dropped += self._after
        self._after = []
        return self._machine.close(truncated=truncated and not self._cut)

    def _piece(self, piece: str) -> None:
        if self._head is None:
            self._kept.append(piece)
            self._machine.state.text(piece)
            return
        self._head += piece
        mark = find_mark(self._head) if ":" in piece or "：" in piece else None
        if mark is not None:
            self._mark(self._head, mark)
        elif not may_become_mark(self._head):
            self._flush()

    def _mark(self, head: str, mark: Mark) -> None:
        machine = self._machine
        machine.state.marker(mark)
        rest = head[len(mark.raw) :]
        self._head = None
        if machine.decision is not None:
            self._cut = True
            self._after.append(rest)
            return
        self._kept.append(head)
        if rest:
            machine.state.text(rest)

    def _flush(self) -> None:
        head, self._head = self._head, None
        if head:
            self._kept.append(head)
            self._machine.state.text(head)

    def _newline(self) -> None:
        self._flush()
        self._kept.append("\n")
        self._machine.state.newline()
        self._head = ""

    def _sign(self) -> Sign | None:
        if self._cut:
            return Cut()
        decision = self._machine.decision
        if self._told or not isinstance(decision, Action):
            return None
        self._told = True
        return Ready(decision)


class PlainReader:
    """Only gathers the text: for replies in which everything counts."""

    def __init__(self) -> None:
        self._kept: list[str] = []

    @property
    def text(self) -> str:
        return "".join(self._kept)

    def feed(self, chunk: str) -> Sign | None:
        self._kept.append(chunk)
        return None
