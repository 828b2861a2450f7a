"""The states before a step is found: the thought, the action's name, and the wait for its input."""

from __future__ import annotations

import re

from agentkit.parse.calls import Bracket, Paren, Wait
from agentkit.parse.collect import FENCE, Input, answer_data, unemphasised, without_action
from agentkit.parse.index import Entry
from agentkit.parse.inputs import call_input
from agentkit.parse.literals import fault, strict_object
from agentkit.parse.machine import Machine, State
from agentkit.parse.markers import Mark, find_mark
from agentkit.parse.objects import like_action
from agentkit.parse.whole import ActionJson

__all__ = ["Thought"]

_THINK = re.compile(r"<(/?)think(?:ing)?>", re.IGNORECASE)
_BARE = re.compile(r"[\s>*_#\-+•`]{0,40}+(\w[\w .\-]{0,63}?)\s{0,3}([\[(])").match
_OBJECT = re.compile(r"\{\s*[\"'](?=\w+[\"']\s*:)")
_OPENING = re.compile(r"\s*(?:`{3,}|~{3,})[\w+#.-]*[ \t]*").match
_BRACKET = re.compile(r"([^\[\](){}:：\"'“]{1,80}?)(\s*)([\[(])").match
_INPUT_INLINE = re.compile(r"\baction[ _-]?\d{0,4}[ _-]?input\s{0,4}\d{0,4}\s{0,4}[*_]{0,4}[:：]", re.IGNORECASE).search
_ANSWER_INLINE = re.compile(r"\bfinal[ _-]?answer\s*[:：]", re.IGNORECASE).search
_SEPARATED = re.compile(r"([^:：,{\"“]{1,80}?)\s*(?:[:：,]|->|=>|\s-\s|(?=[{\"“]))\s*(\S.*)").fullmatch
_MOST_OBJECTS = 50  # on one line; reading stays linear
_NO_ACTION = frozenset({"none", "no action", "none needed", "no action needed", "n/a", "na", "null", "nothing", ""})


class Thought(State):
    """Text before the step."""

    __slots__ = (
        "_behind",
        "_emphasis",
        "_faulty",
        "_marked",
        "_plain",
        "_reason",
        "_searched",
        "_skipped",
        "_started",
        "_thinking",
    )
    incomplete = "before an action or an answer"

    def __init__(self, machine: Machine, *, skipped: bool = False) -> None:
        super().__init__(machine)
        self._skipped = skipped  # behind `Action: None`, whose input means nothing
        self._marked = skipped  # a marker has been seen
        self._behind = False  # the current line stands behind a marker
        self._emphasis = ""  # of that marker
        self._faulty = ""  # what is wrong with an object that was meant to be an action
        self._plain = False  # an object that turned out to be text is being read again
        self._searched = 0  # the current line was searched for objects up to here
        self._started = False  # the current line is not blank
        self._thinking = False  # inside <think>

    def marker(self, mark: Mark) -> None:
        machine = self.machine
        if self._thinking:
            self.line.append(mark.raw)
        elif mark.kind == "thought":
            self._marked = self._behind = True
            self._emphasis = mark.emphasis
        elif mark.kind == "action":
            machine.state = Name(machine)
        elif mark.kind == "answer":
            machine.state = answer_data(machine, mark)
        elif mark.kind == "input" and not self._skipped:
            machine.state = without_action(machine)
        else:
            self.line.append(mark.raw)  # an earlier observation or question, said again
            self._started = True

    def text(self, piece: str) -> None:
        if not self._started and (start := piece.lstrip()):
            self._started = True
            if start[0] == "{" and not self._thinking and not self._plain:
                self.line.append(piece[: -len(start)])
                self.machine.state = ActionJson(self.machine, self)
                self.machine.state.text(start)
                return
        self.line.append(piece)

    def read_line(self, line: str) -> None:
        searched, self._searched, self._started = self._searched, 0, False
        behind, self._behind = self._behind, False
        if self._emphasis:
            line, self._emphasis = unemphasised(line.strip(), self._emphasis), ""
        if self._thinking or ("<" in line and _THINK.search(line)):
            self._read_thinking(line)
        elif not (
            (("```" in line or "~~~" in line) and self._read_fence(line))
            or (("[" in line or "(" in line) and not (searched or behind) and self._read_bare(line))
            or ("{" in line and not self._plain and self._read_objects(line, searched))
        ):
            self.machine.thought.append(line)

    def _read_thinking(self, line: str) -> None:
        start = 0
        for tag in _THINK.finditer(line):
            if tag[1]:
                if not self._thinking:  # the opening tag was in the prompt
                    self.machine.thought.clear()
                    self._marked = False
                self._thinking, start = False, tag.end()
            elif not self._thinking:
                self.machine.thought.append(line[start : tag.start()])
                self._thinking = True
        if not self._thinking:
            self.machine.pour(line[start:] + "\n", line_start=True)

    def _read_fence(self, line: str) -> bool:
        opening = _OPENING(line)
        if FENCE(line) is not None:
            self.machine.fence = not self.machine.fence
        elif opening is not None and line.startswith("{", opening.end()):
            self.machine.fence = True
            self.machine.pour(line[opening.end() :] + "\n")
        else:
            return False
        return True

    def _read_bare(self, line: str) -> bool:
        """`Search[x]` or `search("x")` alone on a line, without `Action:` before it."""
        found = _BARE(line)
        entry = self.machine.index.find(found[1]) if found else None
        if found is None or entry is None:
            return False
        rest = line[found.end() :]
        if found[2] == "(" and not self._is_call(entry, rest):
            return False
        state = Bracket(self.machine, entry) if found[2] == "[" else Paren(self.machine, entry, remark=True)
        self.machine.state = state
        state.text(rest)
        state.newline()
        return True

    @staticmethod
    def _is_call(entry: Entry, rest: str) -> bool:
        inside = rest.rstrip(" .;`*\t\r")
        return inside.endswith(")") and bool(inside[:-1].strip()) and call_input(entry, inside[:-1]) is not None

    def _read_objects(self, line: str, searched: int) -> bool:
        """Look for actions as objects amid the line. True: another state has taken over."""
        for _ in range(_MOST_OBJECTS):
            found = _OBJECT.search(line, searched)
            if found is None:
                break
            self.line = [line[: found.start()]]
            self.machine.state = ActionJson(self.machine, self)
            self.machine.state.text(line[found.start() :])
            if not self._resumed():
                self.machine.state.newline()
                return True
            line, searched = "".join(self.line), self._searched
        self.line.clear()
        self._searched, self._started = 0, False
        return False

    def _resumed(self) -> bool:
        return self.machine.state is self

    def leave(self) -> None:
        """The object on this line is an action: what stands before it belongs to the thought."""
        self.machine.thought.append("".join(self.line))
        self.line.clear()

    def resume(self, text: str, rest: str) -> None:
        """An object turned out to be no action: it is text, and `rest` follows it on its line."""
        self.machine.state = self
        if strict_object(text):
            self.line.append(text)
        else:
            if self.machine.fence or like_action(text):
                self._faulty = self._faulty or fault(text)
            self._plain = True
            self.machine.pour(text)
            self._plain = False
        if self.machine.state is self:
            self._searched, self._started = sum(map(len, self.line)), bool(self.line)
        if rest:
            self.machine.state.text(rest)

    def end(self) -> None:
        if self.line:
            self.newline()
            if self.machine.state is not self:
                return
        machine = self.machine
        thought = machine.full_thought()
        if not self._faulty and (like_action(thought) or thought.startswith("}")):
            self._faulty = fault(thought)
        if self._faulty:
            machine.fail("bad_json", self._faulty)
        elif _ends_in_marker(thought):
            machine.thought = [thought.rpartition("\n")[0]]
            machine.fail("missing_action", "The reply ends in a marker.")
        elif self._marked:
            machine.fail("missing_action", "There is only a thought.")
        else:
            machine.fail("no_marker", machine.note or ("" if thought else "The reply is empty."))


def _ends_in_marker(thought: str) -> bool:
    """Whether the last line is the beginning of a marker at which the reply was cut."""
    last = thought.rsplit("\n", 1)[-1].strip(" *_0123456789")
    return len(last) >= 3 and any(word.startswith(last) for word in ("Action", "Final Answer", "Observation"))


class Name(State):
    """Behind `Action:`, up to the line that says which."""

    __slots__ = ("_started",)
    incomplete = "inside the action"

    def __init__(self, machine: Machine) -> None:
        super().__init__(machine)
        self._started = False

    def text(self, piece: str) -> None:
        if not self._started and (start := piece.lstrip(" \t\r*")):
            self._started = True
            if start[0] == "{":
                self.machine.state = ActionJson(self.machine, self, named=True)
                self.machine.state.text(start)
                return
        self.line.append(piece)

    def marker(self, mark: Mark) -> None:
        machine = self.machine
        if mark.kind == "answer":
            machine.state = answer_data(machine, mark)
        elif mark.kind == "input":
            machine.state = without_action(machine)
        elif mark.kind != "action":
            machine.fail("missing_action", "The action is empty.")
            machine.state.marker(mark)

    def read_line(self, line: str) -> None:
        self._started = False
        machine = self.machine
        written = line.strip(" \t\r*`")
        if entry := machine.index.named(written):
            machine.state = Wait(machine, entry)
            return
        if ("```" in line or "~~~" in line) and (opening := _OPENING(line)):
            machine.fence = not machine.fence
            line = line[opening.end() :]
            written = line.strip(" \t\r*`")
        if not written:
            return
        mark = find_mark(line)
        if mark is not None:
            self.marker(mark)
            rest = line[len(mark.raw) :]
        else:
            machine.state, rest = _after_name(machine, written, self)
        if rest:
            machine.state.text(rest)
        machine.state.newline()

    def leave(self) -> None:
        self.line.clear()

    def resume(self, text: str, rest: str) -> None:
        """The object behind `Action:` is no action."""
        if strict_object(text):
            self.machine.fail("missing_action", "The object names no action.")
        else:
            self.machine.fail("bad_json", fault(text))
        if rest:
            self.machine.state.text(rest)

    def end(self) -> None:
        if self.line:
            self.newline()
        if self.machine.state is self:
            self.machine.fail("missing_action", "The action is empty.")


def _after_name(machine: Machine, line: str, name: Name) -> tuple[State, str]:
    """What a line behind `Action:` leads to that is not just a tool's name, and the rest of the line for it."""
    if line.startswith("[") and (found := _OBJECT.search(line)):
        return ActionJson(machine, name, named=True), line[found.start() :]
    if found := _BRACKET(line):
        entry = machine.index.get(found[1])
        inside = line[found.end() :]
        return (Bracket(machine, entry) if found[3] == "[" else Paren(machine, entry, remark=bool(found[2]))), inside
    return _one_line(machine, line) or _unknown(machine, line)


def _one_line(machine: Machine, line: str) -> tuple[State, str] | None:
    """The name with more than a call behind it in the same line."""
    if found := _INPUT_INLINE(line):
        return Input(machine, machine.index.get(line[: found.start()])), line[found.end() :]
    if _ANSWER_INLINE(line):
        machine.fail("both", "The action and the final answer stand in one line.")
        return machine.state, ""
    found = _SEPARATED(line)
    entry = machine.index.find(found[1]) if found else None
    if found is None or entry is None:
        return None
    if found[2].startswith("{"):
        return Input(machine, entry), found[2]
    return Wait(machine, entry, found[2]), ""


def _unknown(machine: Machine, line: str) -> tuple[State, str]:
    if line.casefold().strip(" .-()") in _NO_ACTION:
        return Thought(machine, skipped=True), ""
    return Wait(machine, machine.index.get(line)), ""
