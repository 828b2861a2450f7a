"""States behind a tool's name: its brackets, its parentheses, or the wait for its input."""

from __future__ import annotations

import re

from agentkit.parse.collect import FENCE, Input, InputJson, answer_data
from agentkit.parse.index import Entry
from agentkit.parse.inputs import Given, call_input, no_input, read_input, unquoted
from agentkit.parse.machine import Machine, State
from agentkit.parse.markers import Mark

__all__ = ["Bracket", "Paren", "Wait"]

_ALIAS = re.compile(r"\s*[*_]*(?:tool |function )?(?:input|arguments|args|parameters)[*_]*[ \t]*[:：]", re.I).match


class Bracket(State):
    """`Search[…`: up to the bracket that closes it, which may stand some lines below."""

    __slots__ = ("_depth", "_entry", "_lines")
    incomplete = "inside the brackets"

    def __init__(self, machine: Machine, entry: Entry) -> None:
        super().__init__(machine)
        self._entry = entry
        self._lines: list[str] = []
        self._depth = 1

    def read_line(self, line: str) -> None:
        self._lines.append(line)
        self._depth += line.count("[") - line.count("]")
        if self._depth <= 0:
            text = "\n".join(self._lines)
            end = _closing(text)
            self._conclude(text[:end], text[end + 1 :])

    def marker(self, mark: Mark) -> None:
        self._unclosed()
        self.machine.state.marker(mark)

    def end(self) -> None:
        if self.line:
            self.newline()
        if self.machine.state is self:
            self._unclosed()

    def _unclosed(self) -> None:
        """The model ended before the bracket: the argument is the rest of the line, an answer all there is."""
        text = "\n".join(self._lines)
        if not text.strip():
            self.machine.fail("truncated", "The reply ends behind the opening bracket.")
        elif self._entry.kind == "finish":
            self._conclude(text, "")
        else:
            end = text.rfind("]")
            first, _, rest = text.partition("\n")
            self._conclude(*((first, rest) if end < 0 else (text[:end], text[end + 1 :])))

    def _conclude(self, inside: str, rest: str) -> None:
        if self._entry.kind == "finish":
            self.machine.finish(unquoted(inside.strip()))
        else:
            self.machine.conclude(self._entry, read_input(self._entry, inside))
        self.machine.dropped.append(rest + "\n")


def _closing(text: str) -> int:
    """Where the bracket closes: the first balanced `]`, but a later one that would have no partner goes with it."""
    depth, end = 1, -1
    for found in re.finditer(r"[\[\]]", text):
        depth += 1 if found.group() == "[" else -1
        if (depth == 0 and end < 0) or depth < 0:
            end, depth = found.start(), 0
    return end


class Paren(State):
    """`search(…`: a call, or a remark in parentheses behind the name."""

    __slots__ = ("_depth", "_entry", "_lines", "_remark")
    incomplete = "inside the call"

    def __init__(self, machine: Machine, entry: Entry, *, remark: bool) -> None:
        super().__init__(machine)
        self._entry = entry
        self._lines: list[str] = []
        self._depth = 1
        self._remark = remark  # a blank stands before the parenthesis

    def read_line(self, line: str) -> None:
        self._lines.append(line)
        self._depth += line.count("(") - line.count(")")
        if self._depth <= 0:
            self._conclude()

    def marker(self, mark: Mark) -> None:
        self._conclude()
        self.machine.state.marker(mark)

    def end(self) -> None:
        if self.line:
            self.newline()
        if self.machine.state is self:
            self._conclude()

    def _conclude(self) -> None:
        text = "\n".join(self._lines)
        end = _closing_paren(text)
        closing, inside = end >= 0, text[:end] if end >= 0 else text
        given = call_input(self._entry, inside) if closing and inside.strip() else None
        if given is None:
            inline = "" if self._remark else inside.strip()
            called = closing and not inside.strip()
            self.machine.state = Wait(self.machine, self._entry, inline, called=called)
        elif self._entry.kind == "finish":
            self.machine.conclude(self._entry, given)
        else:
            self.machine.conclude(self._entry, given if given != {} else no_input(self._entry))


def _closing_paren(text: str) -> int:
    """Where the call's parenthesis closes, outside of quotes if they pair up, else the last one; -1 for none."""
    depth, quote = 1, ""
    for found in re.finditer(r"[()\"']|\\.", text):
        sign = found.group()
        if quote or sign in "\"'":
            quote = "" if sign == quote else quote or sign
        elif sign in "()":
            depth += 1 if sign == "(" else -1
            if depth == 0:
                return found.start()
    return text.rfind(")")


class Wait(State):
    """The tool is named; its input is to come.

    `inline`: what stands behind the name and is the input if no other comes. `called`: written as `name()`.
    """

    __slots__ = ("_called", "_entry", "_inline", "_started")
    incomplete = "before the input"

    def __init__(self, machine: Machine, entry: Entry, inline: str = "", *, called: bool = False) -> None:
        super().__init__(machine)
        self._entry = entry
        self._inline = inline
        self._called = called
        self._started = False

    def text(self, piece: str) -> None:
        if not self._started and (start := piece.lstrip()):
            self._started = True
            if start[0] == "{":
                self.machine.state = InputJson(self.machine, self._entry)
                self.machine.state.text(start)
                return
        self.line.append(piece)

    def marker(self, mark: Mark) -> None:
        if mark.kind == "input":
            self.machine.state = Input(self.machine, self._entry, mark.emphasis)
        elif mark.kind == "answer" and self._entry.kind == "finish":
            self.machine.state = answer_data(self.machine, mark)
        else:
            self._conclude()
            self.machine.state.marker(mark)

    def read_line(self, line: str) -> None:
        self._started = False
        if FENCE(line):
            self.machine.fence = not self.machine.fence
        elif alias := _ALIAS(line):
            self.machine.state = Input(self.machine, self._entry)
            self.machine.state.text(line[alias.end() :])
            self.machine.state.newline()

    def end(self) -> None:
        if self.line:
            self.newline()
        if self.machine.state is self:
            self._conclude()

    def _conclude(self) -> None:
        entry = self._entry
        given: Given
        if self._inline:
            given = read_input(entry, self._inline)
        elif self._called and entry.tool is None and entry.kind == "tool":
            given = {}
        else:
            given = no_input(entry)
        self.machine.conclude(entry, given)
