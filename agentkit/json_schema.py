"""From a JSON Schema to Python types that pydantic can check, for tools that come with a schema and no types (MCP).

What pydantic makes of the types is the same as for any tool: `"3"` is fine for an integer, and a fault is told in the
same words. What a type cannot say (patterns, `not`, `if`, several parts in `allOf`) is left to the tool itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Literal, NotRequired, TypeAlias, cast

from agentkit.errors import ConfigError
from agentkit.messages import JSON
from agentkit.schema import Arguments

if TYPE_CHECKING:
    from pydantic import TypeAdapter

__all__ = ["SchemaArguments", "adapter", "type_of"]

_Schema: TypeAlias = "Mapping[str, JSON]"

_SIMPLE: dict[str, object] = {"string": str, "integer": int, "number": int | float, "boolean": bool, "null": None}
_NUMBER, _TEXT, _LIST = ("integer", "number"), ("string",), ("array",)
_BOUNDS: dict[str, tuple[str, tuple[str, ...]]] = {  # keyword -> annotated_types' name, and the types it is for
    "minimum": ("Ge", _NUMBER),
    "maximum": ("Le", _NUMBER),
    "exclusiveMinimum": ("Gt", _NUMBER),
    "exclusiveMaximum": ("Lt", _NUMBER),
    "multipleOf": ("MultipleOf", _NUMBER),
    "minLength": ("MinLen", _TEXT),
    "maxLength": ("MaxLen", _TEXT),
    "minItems": ("MinLen", _LIST),
    "maxItems": ("MaxLen", _LIST),
}


def adapter(schema: _Schema, name: str) -> TypeAdapter[dict[str, object]]:
    """A pydantic adapter for the object that a schema describes.

    Names that the schema does not have are refused unless it allows them in so many words: a model that writes them
    expects something of them.

    Raises:
        ConfigError: the schema makes no sense.
    """
    from pydantic import TypeAdapter
    from pydantic.errors import PydanticUserError
    from pydantic_core import SchemaError

    is_open = schema.get("additionalProperties", False) is not False
    try:
        shape = _Types(schema).record(schema, name, is_open, ())
        return TypeAdapter(shape)  # type: ignore[arg-type]  # made at run time
    except (PydanticUserError, SchemaError, AttributeError, TypeError, ValueError) as error:
        first = str(error).strip().split("\n", 1)[0]
        raise ConfigError(f"Tool {name!r}: its JSON Schema cannot be used: {first}") from error


def type_of(schema: _Schema) -> object:
    """The type that a schema describes, as far as types can say it (dates and patterns are texts)."""
    return _Types(schema, numbers_as_text=False).of(schema)


class SchemaArguments(Arguments):
    """The arguments that a JSON Schema describes, where the tool itself is not at hand."""

    def __init__(self, schema: _Schema, name: str) -> None:
        self._schema = schema
        self._name = name

    @cached_property
    def schema(self) -> dict[str, JSON]:
        return dict(self._schema)

    @cached_property
    def _adapter(self) -> TypeAdapter[dict[str, object]]:
        return adapter(self._schema, self._name)

    def convert(self, given: Mapping[str, JSON]) -> dict[str, object]:
        return self._adapter.validate_python(given)


class _Types:
    """Types of the parts of one schema; `refs` are the references on the way to the part, so that none is endless.

    Args:
        numbers_as_text: take a number where a text is wanted, as tools do.
    """

    def __init__(self, root: _Schema, *, numbers_as_text: bool = True) -> None:
        self._root = root
        self._numbers_as_text = numbers_as_text

    def of(self, schema: JSON, refs: tuple[str, ...] = ()) -> object:
        if not isinstance(schema, Mapping):
            return object  # `true`: anything
        if "$ref" in schema:
            return self._referred(str(schema["$ref"]), refs)
        if isinstance(kinds := schema.get("type"), list):
            return self._union([{**schema, "type": kind} for kind in kinds], refs)
        found = self._plain(schema, refs)
        return _either([found, None]) if schema.get("nullable") is True else found

    def _plain(self, schema: _Schema, refs: tuple[str, ...]) -> object:
        match schema:
            case {"enum": [_, *_] as values}:
                return _literal(values)
            case {"const": value}:
                return _literal([value])
            case {"anyOf": [_, *_] as parts} | {"oneOf": [_, *_] as parts} | {"allOf": [_] as parts}:
                return self._union(parts, refs)
            case {"type": "array"}:
                item = self.of(schema.get("items"), refs)
                return _bounded(list[item], schema)  # type: ignore[valid-type]  # made at run time
            case {"type": "object"} if schema.get("properties"):
                return self.record(schema, "object", schema.get("additionalProperties") is not False, refs)
            case {"type": "object"}:
                element = self.of(schema.get("additionalProperties"), refs)
                return dict[str, element]  # type: ignore[valid-type]  # made at run time
            case _:
                return _bounded(_SIMPLE.get(str(schema.get("type")), object), schema)

    def record(self, schema: _Schema, name: str, is_open: bool, refs: tuple[str, ...]) -> object:
        """An object with named properties."""
        from pydantic import ConfigDict, with_config
        from typing_extensions import TypedDict

        required = cast("list[str]", schema.get("required") or [])
        fields: dict[str, object] = {}
        for key, part in cast("_Schema", schema.get("properties") or {}).items():
            hint = self.of(part, refs)
            fields[key] = hint if key in required else NotRequired[hint]
        config = ConfigDict(extra="allow" if is_open else "forbid", coerce_numbers_to_str=self._numbers_as_text)
        # The functional form takes names computed at run time; checkers only know the literal one.
        return with_config(config)(TypedDict(name, fields))  # type: ignore[operator]

    def _union(self, parts: Iterable[JSON], refs: tuple[str, ...]) -> object:
        return _either([self.of(part, refs) for part in parts])

    def _referred(self, ref: str, refs: tuple[str, ...]) -> object:
        found: JSON = self._root
        for key in ref.removeprefix("#/").split("/"):
            found = found.get(key.replace("~1", "/").replace("~0", "~")) if isinstance(found, Mapping) else None
        # A type that contains itself would need a name of its own; the tool checks what lies deeper.
        return object if found is None or ref in refs else self.of(found, (*refs, ref))


def _either(types: list[object]) -> object:
    from typing import Union

    return Union[tuple(types)]  # noqa: UP007 - made at run time


def _literal(values: Sequence[JSON]) -> object:
    if not all(value is None or isinstance(value, (str, int)) for value in values):
        return object
    return Literal[tuple(values)]


def _bounded(hint: object, schema: _Schema) -> object:
    import annotated_types  # pydantic's own names for bounds

    bounds = [
        getattr(annotated_types, name)(value)
        for keyword, (name, kinds) in _BOUNDS.items()
        if schema.get("type") in kinds and (value := _number(schema.get(keyword))) is not None
    ]
    return Annotated[hint, *bounds] if bounds else hint


def _number(value: JSON) -> int | float | None:
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None
