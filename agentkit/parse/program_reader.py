"""Reading a reply that holds a program, as it streams."""

from __future__ import annotations

import re

from agentkit.messages import Malformed
from agentkit.parse.blocks import closes, opening
from agentkit.parse.markers import find_mark
from agentkit.parse.programs import Code, code
from agentkit.parse.reader import Cut, Sign

__all__ = ["CodeReader"]

_MOST_TRIES = 16  # each reads all the text so far
_SOLUTION = re.compile(r"def solution\b").match


class CodeReader:
    """Signals `Cut` behind the first complete program: the closing fence, or where the next question is invented."""

    def __init__(self, *, entry: str = "auto") -> None:
        self._entry = entry
        self._kept: list[str] = []
        self._line: list[str] = []
        self._fence = ""
        self._solutions = 0
        self._tries = 0
        self._cut = False

    @property
    def text(self) -> str:
        return "".join(self._kept) + "".join(self._line)

    def feed(self, chunk: str) -> Sign | None:
        if self._cut:
            return None
        *lines, last = chunk.split("\n")
        for line in lines:
            self._line.append(line)
            self._read("".join(self._line))
            self._line.clear()
            if self._cut:
                return Cut()
        if last:
            self._line.append(last)
        return None

    def close(self, *, truncated: bool = False) -> Code | Malformed:
        """The program: `code` of `text`."""
        return code(self.text, entry=self._entry, truncated=truncated and not self._cut)

    def _read(self, line: str) -> None:
        """A complete line; where it begins what is invented, it is left out."""
        if self._fence:
            self._kept += (line, "\n")
            if line.rstrip().endswith(self._fence):
                self._fence = "" if closes(line, self._fence) or not opening(line) else self._fence
                self._cut = not self._fence and self._complete()
            return
        if self._invented(line) and self._complete():
            self._cut = True
            return
        self._kept += (line, "\n")
        found = opening(line) if "```" in line or "~~~" in line else None
        self._fence = found[0] if found else ""

    def _invented(self, line: str) -> bool:
        if _SOLUTION(line):
            self._solutions += 1
            return self._solutions > 1
        mark = find_mark(line) if self._solutions else None
        return mark is not None and mark.kind in ("question", "observation")

    def _complete(self) -> bool:
        self._tries += 1
        return self._tries <= _MOST_TRIES and isinstance(code("".join(self._kept), entry=self._entry), Code)
