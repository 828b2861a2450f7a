"""Tools by name, as the command line gives them: built in, from a module, or from a file."""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import ModuleType
from typing import cast

from agentkit.errors import ConfigError
from agentkit.toolbox import AnyTool, as_tool, is_tool
from agentkit.user_modules import exists, is_file, load_module, member, nearest

__all__ = ["built_in", "load_tools"]

# By name, not by import: the framework does not depend on the tools that come with it.
_TOOLS = "agentkit.tools"
_GROUPS = {"travel": f"{_TOOLS}.travel", "all": _TOOLS}
_HELP = "A tool of your own: package.module:function, or path/to/file.py:function."


def load_tools(specs: str | Iterable[str]) -> list[AnyTool]:
    """The tools that names stand for, each once.

    Args:
        specs: one or several of: a built-in tool's name; "travel" (all travel tools); "all" (all built-in tools);
            `package.module` or `path/to/file.py` (all tools in it); `package.module:name` or `path/to/file.py:name`
            (a tool, a plain function, or a list of them).

    Raises:
        ConfigError: there is no such tool, module, file or name, or importing it fails; says what to do.
    """
    names = [specs] if isinstance(specs, str) else specs
    return list({id(tool): tool for name in names for tool in _load(name.strip())}.values())


def built_in() -> Mapping[str, AnyTool]:
    """The tools that come with agentkit, by name."""
    return {tool.name: tool for tool in _all_in(importlib.import_module(_TOOLS))}


def _load(spec: str) -> list[AnyTool]:
    if spec in _GROUPS:
        return _all_in(importlib.import_module(_GROUPS[spec]))
    place, colon, name = _split(spec)
    if colon:
        return _named(load_module(place), name, place)
    if is_file(place) or "." in place:
        return _some_in(load_module(place), place)
    tool = getattr(importlib.import_module(_TOOLS), place, None)
    if is_tool(tool):
        return [as_tool(tool)]
    if exists(place):
        return _some_in(load_module(place), place)
    raise ConfigError(f"There is no tool {spec!r}.{nearest(spec, (*built_in(), *_GROUPS))} {_HELP}")


def _split(spec: str) -> tuple[str, str, str]:
    """Place, colon, name; the colon of a drive (`C:\\mine.py`) is part of the place."""
    match = re.fullmatch(r"(.+?\.py)(:)?(.*)", spec)
    place, colon, name = match.groups("") if match else spec.partition(":")
    if colon and not name:
        raise ConfigError(f"{spec!r} ends in a colon: write a name after it, or leave it out for all tools of {place}.")
    return place, colon, name


def _named(module: ModuleType, name: str, place: str) -> list[AnyTool]:
    found = member(module, name, place, (*_tools(module), *_functions(module)))
    items = cast("Sequence[object]", found) if isinstance(found, (list, tuple)) else [found]
    for item in items:
        if not is_tool(item) and (isinstance(item, type) or not callable(item)):
            raise ConfigError(f"{place}:{name} is {_kind(item)}, and no tool: name a function or a tool.")
    return [as_tool(cast("Callable[..., object]", item)) for item in items]


def _kind(item: object) -> str:
    return f"the class {item.__name__}" if isinstance(item, type) else f"of type {type(item).__name__}"


def _some_in(module: ModuleType, place: str) -> list[AnyTool]:
    found = _all_in(module)
    if not found:
        # Plain functions only when they are named: a module has helpers, too.
        functions = _functions(module)
        example = f"{place}:{functions[0] if functions else 'function'}"
        raise ConfigError(f"There are no tools in {place}. Mark functions with @agentkit.tool, or name one: {example}.")
    return found


def _all_in(module: ModuleType) -> list[AnyTool]:
    return [as_tool(cast("Callable[..., object]", item)) for item in _tools(module).values()]


def _tools(module: ModuleType) -> dict[str, object]:
    """What is a tool already, by its name in the module: of what it exports, if it says so."""
    names = cast("Iterable[str]", getattr(module, "__all__", None) or vars(module))
    members = {name: getattr(module, name, None) for name in tuple(names) if not name.startswith("_")}
    return {name: item for name, item in members.items() if is_tool(item)}


def _functions(module: ModuleType) -> list[str]:
    """The public functions that are written in this module."""
    return [
        name
        for name, item in vars(module).items()
        if inspect.isfunction(item) and item.__module__ == module.__name__ and not name.startswith("_")
    ]
