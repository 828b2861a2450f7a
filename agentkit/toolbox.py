"""The registry: the tools an agent may use, found by the names that models write."""

from __future__ import annotations

import difflib
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias, TypeGuard

from agentkit.errors import ConfigError
from agentkit.models.base import ToolSchema
from agentkit.tool import Tool, tool

if TYPE_CHECKING:
    from collections.abc import Callable

    from langchain_core.tools import BaseTool

__all__ = ["AnyTool", "ToolLike", "Toolbox", "as_tool", "fold", "is_tool"]

# Any: a registry holds tools of every signature; each is typed where it is defined.
AnyTool: TypeAlias = Tool[Any, Any]
ToolLike: TypeAlias = "AnyTool | BaseTool | Callable[..., object]"


class Toolbox(Mapping[str, AnyTool]):
    """Tools by name, in the order given.

    Takes agentkit tools, LangChain tools, and plain functions (which become tools without marks).

    Raises:
        ConfigError: two tools whose names a model could not tell apart, or something that is no tool.
    """

    def __init__(self, tools: Iterable[ToolLike] = ()) -> None:
        self._tools: dict[str, AnyTool] = {}
        self._folded: dict[str, AnyTool] = {}
        for item in tools:
            self._add(as_tool(item))

    def _add(self, item: AnyTool) -> None:
        other = self._folded.setdefault(fold(item.name), item)
        if other is not item:
            raise ConfigError(f"Two tools are called {item.name!r} (or nearly so: {other.name!r}); rename one.")
        self._tools[item.name] = item

    def __getitem__(self, name: str) -> AnyTool:
        return self._tools[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._tools)

    def __len__(self) -> int:
        return len(self._tools)

    def find(self, name: str) -> AnyTool | None:
        """By exact name, else ignoring case, blanks and punctuation."""
        return self._tools.get(name) or self._folded.get(fold(name))

    def nearest(self, name: str) -> list[str]:
        """The names most like this one, best first."""
        return [self._folded[key].name for key in difflib.get_close_matches(fold(name), self._folded, n=3)]

    def schemas(self) -> tuple[ToolSchema, ...]:
        return tuple(item.schema for item in self._tools.values())

    def plus(self, *tools: AnyTool) -> Toolbox:
        """A copy with further tools."""
        return Toolbox((*self._tools.values(), *tools))


def fold(name: str) -> str:
    """A name as far as models keep it: case, blanks and punctuation left out."""
    return re.sub(r"[\W_]+", "", name).casefold()


def as_tool(item: ToolLike) -> AnyTool:
    """An agentkit tool of whatever the user brought."""
    if _is_ours(item):
        return item
    if _is_langchain_s(item):
        from agentkit.langchain_tools import from_langchain

        return from_langchain(item)
    if callable(item):
        return tool(item)
    raise ConfigError(f"{item!r} is no tool: give a function, an agentkit tool or a LangChain tool.")


def is_tool(item: object) -> TypeGuard[AnyTool | BaseTool]:
    """Whether it is a tool already, of agentkit's or of LangChain's, and not a function that could become one."""
    return _is_ours(item) or _is_langchain_s(item)


def _is_ours(item: object) -> TypeGuard[AnyTool]:
    return isinstance(item, Tool)


def _is_langchain_s(item: object) -> TypeGuard[BaseTool]:
    # Looked up, not imported: whoever has a LangChain tool has loaded LangChain already.
    langchain = sys.modules.get("langchain_core.tools")
    return langchain is not None and isinstance(item, langchain.BaseTool)
