"""States that gather data: an object, a text of several lines, what stands between brackets.

Markers inside data are data. Where data turns out not to be what it began as (an object that never closes), it is
poured into the state that reads it otherwise; that happens at most once per state, so reading stays linear.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from agentkit.messages import JSON
from agentkit.parse.index import Entry
from agentkit.parse.inputs import fit, read_input
from agentkit.parse.literals import Scan, strict_object
from agentkit.parse.machine import Machine, State
from agentkit.parse.markers import Mark, without_remains

__all__ = ["FENCE", "Data", "Input", "InputJson", "Json", "answer_data", "unemphasised", "without_action"]

FENCE = re.compile(r"\s*(`{3,}|~{3,})([^`\n]*)$").match


class Data(State):
    """Text up to the next marker, end of an outer fence, or end of the reply.

    A code fence in it protects what it holds, once it is closed. A text that starts with a fence ends with it.
    """

    __slots__ = ("_block", "_complete", "_fence", "_fences", "_lines", "incomplete")

    def __init__(
        self,
        machine: Machine,
        complete: Callable[[str], None],
        *,
        incomplete: str = "inside the input",
        fences: bool = True,
        block: bool = False,
    ) -> None:
        super().__init__(machine)
        self._complete = complete
        self.incomplete = incomplete
        self._fences = fences
        self._block = block  # whether a fence at the start is the whole
        self._fence = ""
        self._lines: list[str] = []

    def marker(self, mark: Mark) -> None:
        if self._fence:
            self.line.append(mark.raw)
            return
        self._complete("\n".join(self._lines))
        self.machine.state.marker(mark)

    def read_line(self, line: str) -> None:
        fence = FENCE(line) if "```" in line or "~~~" in line else None
        if fence is None or not self._fences:
            self._lines.append(line)
        elif self._fence:
            self._lines.append(line)
            if fence[1].startswith(self._fence) and not fence[2].strip():
                self._fence = ""
                if self._block:
                    self._complete("\n".join(self._lines))
        elif self.machine.fence and not fence[2].strip() and any(map(str.strip, self._lines)):
            self._complete("\n".join(self._lines))  # the fence around the whole step ends
        else:
            self._fence = fence[1]
            self._block = self._block and not any(map(str.strip, self._lines))
            self._lines.append(line)

    def end(self) -> None:
        cut_in_line = bool(self.line)
        if cut_in_line:
            self.newline()
            if self.machine.state is not self:
                return
        text = "\n".join(self._lines)
        if self._fence:  # never closed, so it protects nothing
            self.machine.state = Data(self.machine, self._complete, incomplete=self.incomplete, fences=False)
            self.machine.pour(text if cut_in_line else text + "\n")
        else:
            self._complete(without_remains(text) if cut_in_line else text)


def input_data(machine: Machine, entry: Entry, emphasis: str = "") -> Data:
    """The input of an action as text."""

    def complete(text: str) -> None:
        machine.conclude(entry, read_input(entry, unemphasised(text.strip(), emphasis)))

    return Data(machine, complete, block=True)


def answer_data(machine: Machine, mark: Mark) -> Data:
    """A final answer, which may have several paragraphs."""

    def complete(text: str) -> None:
        answer = unemphasised(text.strip(), mark.emphasis)
        if answer:
            machine.finish(answer)
        else:  # only announced; it may come yet
            machine.start_over("The final answer is empty.")

    return Data(machine, complete, incomplete="")


def without_action(machine: Machine) -> Data:
    """An input that no action stands before."""
    return Data(machine, lambda _: machine.fail("missing_action", "There is an input without an action."))


def unemphasised(text: str, emphasis: str) -> str:
    """Content behind a marker without the emphasis that was opened before the marker, as in `**Answer: 4**`."""
    if not emphasis:
        return text
    if text.startswith(emphasis):
        return text[len(emphasis) :].lstrip()
    first, newline, rest = text.partition("\n")
    return first.rstrip().removesuffix(emphasis).rstrip() + newline + rest


class Input(State):
    """Behind `Action Input:`: its first character tells what it is."""

    __slots__ = ("_blanks", "_emphasis", "_entry")
    incomplete = "inside the input"

    def __init__(self, machine: Machine, entry: Entry, emphasis: str = "") -> None:
        super().__init__(machine)
        self._entry = entry
        self._emphasis = emphasis
        self._blanks: list[str] = []

    def text(self, piece: str) -> None:
        start = piece.lstrip(" \t\r*")
        if not start:
            self._blanks.append(piece)
        elif start[0] == "{":
            self.machine.state = InputJson(self.machine, self._entry)
            self.machine.state.text(start)
        else:
            self._as_data().text(piece)

    def _as_data(self) -> Data:
        data = input_data(self.machine, self._entry, self._emphasis)
        self.machine.state = data
        for blank in self._blanks:
            data.text(blank)
        return data

    def newline(self) -> None:
        self._blanks.clear()

    def marker(self, mark: Mark) -> None:
        self._as_data().marker(mark)

    def end(self) -> None:
        self._as_data()


class Json(State):
    """An object that began with `{`, up to its closing brace."""

    __slots__ = ("_scan",)

    def __init__(self, machine: Machine) -> None:
        super().__init__(machine)
        self._scan = Scan()

    def text(self, piece: str) -> None:
        end = self._scan.feed(piece)
        if end is None:
            self.line.append(piece)
        else:
            self.line.append(piece[:end])
            self.closed("".join(self.line), piece[end:])

    def newline(self) -> None:
        self.line.append("\n")
        self._scan.newline()

    def marker(self, mark: Mark) -> None:
        if self._scan.in_string:
            self.text(mark.raw)
            return
        self.broken("".join(self.line))
        self.machine.state.marker(mark)

    def end(self) -> None:
        self.broken("".join(self.line))

    def closed(self, text: str, rest: str) -> None:
        """The braces are balanced; `rest` follows on the same line."""
        raise NotImplementedError

    def broken(self, text: str) -> None:
        """It ended before the braces were balanced."""
        raise NotImplementedError


class InputJson(Json):
    """An object as an action's input."""

    __slots__ = ("_entry",)
    incomplete = "inside the input"

    def __init__(self, machine: Machine, entry: Entry) -> None:
        super().__init__(machine)
        self._entry = entry

    def text(self, piece: str) -> None:
        strict = None if self.line or "}" not in piece else strict_object(piece)
        if strict is None:
            super().text(piece)
        else:  # all of it in one piece: no need to look for the end
            self._conclude(strict[0], piece[: strict[1]], piece[strict[1] :])

    def closed(self, text: str, rest: str) -> None:
        strict = strict_object(text)
        self._conclude(strict[0] if strict else None, text, rest)

    def _conclude(self, value: dict[str, JSON] | None, text: str, rest: str) -> None:
        given = fit(self._entry, value) if value is not None else None
        if given is None:
            self.broken(text)
        else:
            self.machine.conclude(self._entry, given)
        if rest:
            self.machine.state.text(rest)

    def broken(self, text: str) -> None:
        self.machine.state = input_data(self.machine, self._entry)
        self.machine.pour(text)
