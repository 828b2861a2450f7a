"""The tools, prepared once for reading what models write."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias, cast

from agentkit.messages import JSON
from agentkit.schema import Arguments
from agentkit.toolbox import fold

__all__ = ["Entry", "ToolIndex", "ToolShape", "Tools"]


class ToolShape(Protocol):
    """What the parser needs to know of a tool; `agentkit.tool.Tool` has it."""

    @property
    def name(self) -> str: ...

    @property
    def text_argument(self) -> str | None: ...

    @property
    def accepts_nothing(self) -> bool: ...

    @property
    def arguments(self) -> Arguments: ...

    def accepts(self, given: Mapping[str, JSON], /) -> bool: ...


Tools: TypeAlias = "ToolIndex | Mapping[str, ToolShape] | Iterable[ToolShape | str]"


@dataclass(frozen=True, slots=True)
class Entry:
    """What an action's name stands for.

    Attributes:
        name: the name as registered; as written, where it is not known.
        tool: its schema, where there is one.
        kind: a tool, the final answer written as an action (`Finish[…]`), or unknown.
    """

    name: str
    tool: ToolShape | None = field(default=None, repr=False)
    kind: str = "tool"


_FINISH = Entry("finish", kind="finish")
_FINISH_NAMES = ("finish", "finalanswer")  # as `fold` leaves them
_SHOWN = 20


class ToolIndex:
    """Tools by the names that models write. Make it once with `ToolIndex.of` and hand it to every call."""

    __slots__ = ("_exact", "_folded", "names")

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._exact = {entry.name: entry for entry in entries}
        self._folded: dict[str, Entry] = dict.fromkeys(_FINISH_NAMES, _FINISH)
        self._folded |= {key: entry for name, entry in reversed(self._exact.items()) if (key := fold(name))}
        self.names = tuple(self._exact)

    @classmethod
    def of(cls, tools: Tools) -> ToolIndex:
        """From a Toolbox, an iterable of tools, or just names (then there are no schemas)."""
        if isinstance(tools, ToolIndex):
            return tools
        items = cast("Iterable[ToolShape | str]", tools.values() if isinstance(tools, Mapping) else tools)
        return cls([Entry(item) if isinstance(item, str) else Entry(item.name, item) for item in items])

    def exact(self, name: str) -> Entry | None:
        """By the name as it is registered."""
        return self._exact.get(name)

    def find(self, written: str) -> Entry | None:
        """By exact name, else ignoring case, blanks and punctuation."""
        return self._exact.get(written) or self._folded.get(fold(written))

    def named(self, line: str) -> Entry | None:
        """Like `find`, for a line that is nothing but a name."""
        return self._exact.get(line) or (None if any(map(line.__contains__, "[({")) else self.find(line))

    def get(self, written: str) -> Entry:
        """Like `find`, with an entry of kind "unknown" for a name that there is not."""
        return self.find(written) or Entry(written.strip("\"'`*“”.,:;|- \t\r"), kind="unknown")

    def unknown(self, written: str) -> str:
        """That there is no such tool, and which there are."""
        if not self.names:
            return f"Unknown tool {_short(written)!r}. There are no tools."
        near = difflib.get_close_matches(fold(written[:80]), [fold(name) for name in self.names], n=1)
        hint = next((f" Did you mean {name!r}?" for name in self.names if near and fold(name) == near[0]), "")
        more = f" and {len(self.names) - _SHOWN} more" if len(self.names) > _SHOWN else ""
        return f"Unknown tool {_short(written)!r}.{hint} Tools: {', '.join(self.names[:_SHOWN])}{more}."


def _short(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "..."
