"""The arguments that a tool marks as secret: found in what the model wrote, and left out of what is written down."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TypeAlias, cast

from agentkit.messages import JSON, Action
from agentkit.parse.literals import parse_python
from agentkit.schema import Arguments
from agentkit.toolbox import AnyTool, Toolbox

__all__ = ["MASK", "Marked", "marked_values"]

MASK = "***"
_Schema: TypeAlias = "Mapping[str, JSON]"


class Marked:
    """The tools of an agent that have secret arguments ("writeOnly" in their JSON Schema)."""

    def __init__(self, toolbox: Toolbox) -> None:
        self._toolbox = toolbox
        self._any = any(tool.arguments.has_secrets for tool in toolbox.values())

    def __bool__(self) -> bool:
        return self._any

    def values(self, action: Action) -> list[object]:
        """The secret values in an action: its own, or those that its program writes into calls."""
        found: list[object] = []
        self._masked(action, found)
        if isinstance(action.input, Mapping) and isinstance(code := action.input.get("code"), str):
            found += self._in_program(code)
        return found

    def without(self, action: Action) -> Action:
        """The action with MASK in place of its secret arguments."""
        return self._masked(action, []) if self._any else action

    def lacks(self, action: Action) -> bool:
        """Whether a secret argument of it is a MASK that was read from the journal."""
        found: list[object] = []
        self._masked(action, found)
        return any(isinstance(value, str) and MASK in value for value in found)

    def _masked(self, action: Action, found: list[object]) -> Action:
        tool = self._toolbox.find(action.tool)
        if tool is None or not tool.arguments.has_secrets:
            return action
        given = action.input
        if isinstance(given, str):
            name = tool.text_argument
            if name is None or not given:
                return action
            cut = _cut(tool.arguments.properties.get(name, {}), given, tool.arguments, found)
            return replace(action, input=cast("str", cut))
        return replace(
            action, input=cast("Mapping[str, JSON]", _cut(tool.arguments.schema, given, tool.arguments, found))
        )

    def _in_program(self, code: str) -> list[object]:
        try:
            tree = parse_python(code)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return []
        set_to: dict[str, list[ast.expr]] = {}
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign):
                for target in node.targets:
                    set_to.setdefault(ast.unparse(target), []).append(node.value)
        return [value for node in ast.walk(tree) for value in self._in_call(node, set_to)]

    def _in_call(self, node: ast.AST, set_to: Mapping[str, list[ast.expr]]) -> Iterator[object]:
        """The constants that one call gives to a tool's secret arguments, directly or by a variable."""
        named: list[tuple[AnyTool, list[ast.expr], list[ast.keyword]]] = []
        match node:
            case ast.Call(func=ast.Name(id=name), args=args, keywords=keywords):
                named = [(tool, args, keywords) for tool in self._found(name)]
            case ast.Tuple(elts=[ast.Name(id=name), *args]):  # as gather takes it
                named = [(tool, args, []) for tool in self._found(name)]
            case _:
                pass
        for tool, args, keywords in named:
            order = list(tool.arguments.properties)
            given = [*zip(order, args, strict=False), *((each.arg or "", each.value) for each in keywords)]
            for name, value in given:
                schema = tool.arguments.properties.get(name, {})
                for source in set_to.get(value.id, []) if isinstance(value, ast.Name) else [value]:
                    yield from _written(source, schema, tool.arguments)

    def _found(self, name: str) -> list[AnyTool]:
        tool = self._toolbox.get(name)
        return [tool] if tool is not None and tool.arguments.has_secrets else []


def marked_values(known: Arguments, given: Mapping[str, JSON]) -> list[object]:
    """What is given for secret arguments."""
    found: list[object] = []
    _cut(known.schema, given, known, found)
    return found


def _written(source: ast.expr, schema: _Schema, known: Arguments) -> list[object]:
    """The secret values in an expression: all its constants, where it is more than a value."""
    found: list[object] = []
    try:
        _cut(schema, ast.literal_eval(source), known, found)
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        if _is_secret(schema, known):
            found += [node.value for node in ast.walk(source) if isinstance(node, ast.Constant)]
    return found


def _cut(schema: _Schema, value: object, known: Arguments, found: list[object]) -> object:
    """The value with its secret parts masked; what they were is added to `found`."""
    if schema.get("writeOnly"):
        found.extend(_leaves(value))
        return MASK
    for part in _parts(schema, known):
        cut = _cut(part, value, known, found)
        if cut != value:
            return cut
    if isinstance(value, Mapping):
        inner = cast("Mapping[str, _Schema]", schema.get("properties") or {})
        given = cast("Mapping[str, object]", value)
        return {name: _cut(inner.get(name, {}), item, known, found) for name, item in given.items()}
    if isinstance(value, list) and isinstance(items := schema.get("items"), Mapping):
        return [_cut(items, item, known, found) for item in cast("list[object]", value)]
    return value  # pyright: ignore[reportUnknownVariableType] - what is left of Any


def _parts(schema: _Schema, known: Arguments) -> Iterator[_Schema]:
    if isinstance(reference := schema.get("$ref"), str):
        definitions = cast("Mapping[str, _Schema]", known.schema.get("$defs") or {})
        yield definitions.get(reference.rsplit("/", 1)[-1], {})
    for several in ("anyOf", "oneOf", "allOf"):
        yield from cast("list[_Schema]", schema.get(several) or [])


def _is_secret(schema: _Schema, known: Arguments) -> bool:
    return bool(schema.get("writeOnly")) or any(_is_secret(part, known) for part in _parts(schema, known))


def _leaves(value: object) -> Iterator[object]:
    match value:
        case Mapping():
            for item in cast("Mapping[str, object]", value).values():
                yield from _leaves(item)
        case list():
            for item in cast("list[object]", value):
                yield from _leaves(item)
        case _:
            yield value
