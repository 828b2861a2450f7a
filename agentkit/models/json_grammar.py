"""From JSON Schema to GBNF, llama.cpp's grammar notation.

Every text such a grammar allows is JSON in `json.dumps` spacing, fits the schema, and is bounded in length, so that
generation always ends. Properties come in the schema's order. Values marked "x-copied" can only be what the
conversation says (see `copy_grammar`). Not enforced (the tool's own validation still is):
`pattern`, `multipleOf`, `uniqueItems`, formats other than date, time, date-time and uuid.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TypeAlias, cast

from agentkit.messages import JSON
from agentkit.models import number_grammar
from agentkit.models.copy_grammar import Heard, copied
from agentkit.models.gbnf import Rules, any_of, literal

__all__ = ["JsonGrammar"]

Schema: TypeAlias = "Mapping[str, JSON]"
Path: TypeAlias = "tuple[str, ...]"

STRING = 120
"""Characters in a string, unless the schema's own minLength or maxLength says otherwise."""
STRING_MAX = 1000
ITEMS = 6
"""Items in an array or in an object with free keys, unless the schema's own bounds say otherwise."""
ITEMS_MAX = 50
REF_DEPTH = 5
"""References followed inside one another; a recursive type is cut off here."""

_STRING_CHAR = r'[^"\\\x00-\x1F\x7F\x85\u2028\u2029] | "\\" ["\\/bfnrt]'
_DAY = (
    '("0" [13578] | "1" [02]) "-" ("0" [1-9] | [12] [0-9] | "3" [01]) | '
    '("0" [469] | "11") "-" ("0" [1-9] | [12] [0-9] | "30") | "02-" ("0" [1-9] | "1" [0-9] | "2" [0-8])'
)
_CLOCK = '("0" [0-9] | "1" [0-9] | "2" [0-3]) ":" [0-5] [0-9] ":" [0-5] [0-9]'


class JsonGrammar:
    """Adds the rules of one schema's values to `rules`.

    Methods return a GBNF expression, or None where no value can be written within the bounds (a required part of a
    type that contains itself without end, or a value to copy that nobody has said).

    Args:
        heard: what values marked "x-copied" are copied from; nothing: the mark is ignored.
    """

    def __init__(self, rules: Rules, root: Schema, heard: Heard | None = None) -> None:
        self._rules = rules
        self._root = root
        self._heard = heard or Heard()
        self._missed = False

    def arguments(self) -> str | None:
        """The whole schema as an object: a tool's arguments. None while a required one has nothing to copy."""
        found = self._object(self._root, ())
        return found if found or self._missed else self._map(True, ())

    def value(self, schema: JSON, path: Path = ()) -> str | None:
        """Any value that fits the schema; `path` holds the references that led here."""
        if isinstance(schema, Mapping) and schema.get("x-copied") and self._heard:
            return self._copied(schema)
        return self._fitting(schema, path)

    def _fitting(self, schema: JSON, path: Path) -> str | None:
        if schema is False:
            return None
        if not isinstance(schema, Mapping) or not schema:
            return self._anything()
        if "$ref" in schema:
            return self._reference(str(schema["$ref"]), path)
        if "const" in schema or "enum" in schema:
            values = [schema["const"]] if "const" in schema else _list(schema["enum"])
            return any_of([_constant(value) for value in values]) if values else None
        if "allOf" in schema:
            return self.value(self._merged(schema), path)
        for word in ("anyOf", "oneOf"):
            if word in schema:
                return self._first_of(_list(schema[word]), path)
        kind = schema.get("type")
        if isinstance(kind, Sequence) and not isinstance(kind, str):
            return self._first_of([{**schema, "type": each} for each in kind], path)
        return self._typed(kind, schema, path)

    def _copied(self, schema: Schema) -> str | None:
        values = copied(schema["x-copied"], schema.get("type"), self._heard)
        if values is None and (words := self._heard.words()):
            self._rules.include(words)
            return '"\\"" copied "\\""'
        self._missed = self._missed or not values
        return any_of([literal(value) for value in values]) if values else None

    def _typed(self, kind: JSON, schema: Schema, path: Path) -> str | None:
        match kind:
            case "null" | "boolean":
                return '"null"' if kind == "null" else '("true" | "false")'
            case "integer":
                return self._rules.add("integer", number_grammar.integer(*_limits(schema)))
            case "number":
                return self._rules.add("number", number_grammar.number(*_limits(schema)))
            case "string":
                return self._string(schema)
            case "array":
                return self._array(schema, path)
            case "object":
                return self._object(schema, path)
            case _:
                return self._untyped(schema, path)

    def _untyped(self, schema: Schema, path: Path) -> str | None:
        if "properties" in schema:
            return self._object(schema, path)
        if "items" in schema or "prefixItems" in schema:
            return self._array(schema, path)
        return self._anything()

    def _first_of(self, schemas: Sequence[JSON], path: Path) -> str | None:
        found = [each for each in (self.value(schema, path) for schema in schemas) if each is not None]
        return any_of(list(dict.fromkeys(found))) if found else None

    def _reference(self, pointer: str, path: Path) -> str | None:
        if len(path) >= REF_DEPTH or path.count(pointer) > 1:
            return None
        return self.value(self._resolve(pointer), (*path, pointer))

    def _resolve(self, pointer: str) -> JSON:
        place: JSON = self._root
        for part in pointer.removeprefix("#").strip("/").split("/"):
            key = part.replace("~1", "/").replace("~0", "~")
            place = place.get(key) if isinstance(place, Mapping) else None
        return place if place is not None else {}

    def _merged(self, schema: Schema) -> Schema:
        """`allOf` of objects as one object: enough for what schema generators write."""
        merged: dict[str, JSON] = {key: value for key, value in schema.items() if key != "allOf"}
        for part in _list(schema["allOf"]):
            whole = self._resolve(str(part["$ref"])) if isinstance(part, Mapping) and "$ref" in part else part
            for key, value in _mapping(whole).items():
                if key == "properties":
                    merged[key] = {**_mapping(merged.get(key)), **_mapping(value)}
                elif key == "required":
                    merged[key] = [*_list(merged.get(key)), *_list(value)]
                else:
                    merged.setdefault(key, value)
        return merged

    def _string(self, schema: Schema) -> str:
        match schema.get("format"):
            case "date":
                return self._rules.add("date", f'"\\"" {self._date()} "\\""')
            case "time":
                return self._rules.add("time", f'"\\"" {_CLOCK} "\\""')
            case "date-time":
                return self._rules.add("moment", f'"\\"" {self._date()} "T" {_CLOCK} "Z\\""')
            case "uuid":
                return self._rules.add("uuid", r'"\"" [0-9a-f]{8} ("-" [0-9a-f]{4}){3} "-" [0-9a-f]{12} "\""')
            case _:
                low = min(_size(schema, "minLength", 0), STRING_MAX)
                high = min(max(_size(schema, "maxLength", STRING), low), STRING_MAX)
                char = self._rules.add("char", _STRING_CHAR)
                return self._rules.add("string", f'"\\"" {char}{{{low},{high}}} "\\""')

    def _date(self) -> str:
        return f'("19" | "20") [0-9] [0-9] "-" {self._rules.add("day", _DAY)}'

    def _array(self, schema: Schema, path: Path) -> str | None:
        prefix = _list(schema.get("prefixItems"))
        if prefix:
            parts = [self.value(item, path) for item in prefix]
            if None in parts:
                return None
            inner = ' ", " '.join(cast("list[str]", parts))
            return self._rules.add("tuple", f'"[" {inner} "]"')
        low = min(_size(schema, "minItems", 0), ITEMS_MAX)
        high = min(max(_size(schema, "maxItems", ITEMS), low), ITEMS_MAX)
        item = self.value(schema.get("items", {}), path) if high else None
        if item is None:
            return '"[]"' if low == 0 else None
        return self._rules.add("array", f'"[" {_separated(item, low, high)} "]"')

    def _object(self, schema: Schema, path: Path) -> str | None:
        extra = schema.get("additionalProperties", True)
        if "properties" not in schema and extra is not False:
            return self._map(extra, path)
        required = set(_list(schema.get("required")))
        members: list[tuple[str, bool]] = []
        for name, part in _mapping(schema.get("properties")).items():
            value = self.value(part, path)
            if value is not None:
                key = literal(json.dumps(name, ensure_ascii=False) + ": ")
                members.append((f"{key} {value}", name in required))
            elif name in required:
                return None
        return self._rules.add("object", '"{" ' + self._members(members) + '"}"')

    def _members(self, members: list[tuple[str, bool]]) -> str:
        """The members in order; a comma stands before each but the first one that is written."""
        after = ""  # what may follow a member, from the last one backwards
        start: list[str] = []  # what may stand at the beginning
        for member, is_required in reversed(members):
            if is_required:
                start = []
            start.append(f"{member} {after}".strip())
            more = f'", " {member}' if is_required else f'(", " {member})?'
            after = self._rules.add("more", f"{more} {after}".strip())
        if not start:
            return ""
        ending = "" if any(required for _, required in members) else "?"
        return f"({' | '.join(reversed(start))}){ending} "

    def _map(self, extra: JSON, path: Path) -> str:
        value = self.value({} if extra is True else extra, path)
        if value is None:
            return '"{}"'
        key = self._string({"minLength": 1, "maxLength": 40})
        return self._rules.add("map", f'"{{" {_separated(f"""{key} ": " {value}""", 0, ITEMS)} "}}"')

    def _anything(self) -> str:
        """Any JSON value, nested once."""
        number = self._rules.add("number", number_grammar.number(None, None))
        scalar = self._rules.add("scalar", f'{self._string({})} | {number} | "true" | "false" | "null"')
        key = self._string({"minLength": 1, "maxLength": 40})
        flat = f'"[" {_separated(scalar, 0, ITEMS)} "]"'
        pairs = _separated(f'{key} ": " {scalar}', 0, ITEMS)
        return self._rules.add("anything", f'{scalar} | {flat} | "{{" {pairs} "}}"')


def _separated(item: str, low: int, high: int) -> str:
    if high == 1:
        return item if low else f"({item})?"
    run = f'{item} (", " {item}){{{max(low - 1, 0)},{high - 1}}}'
    return run if low else f"({run})?"


def _constant(value: JSON) -> str:
    return literal(json.dumps(value, ensure_ascii=False))


def _mapping(value: JSON) -> Schema:
    return value if isinstance(value, Mapping) else {}


def _list(value: JSON) -> Sequence[JSON]:
    return value if isinstance(value, Sequence) and not isinstance(value, str) else ()


def _size(schema: Schema, word: str, otherwise: int) -> int:
    value = schema.get(word)
    return int(value) if isinstance(value, (int, float)) else otherwise


def _limits(schema: Schema) -> tuple[number_grammar.Bound, number_grammar.Bound]:
    return _limit(schema, "minimum", "exclusiveMinimum"), _limit(schema, "maximum", "exclusiveMaximum")


def _limit(schema: Schema, including: str, excluding: str) -> number_grammar.Bound:
    for name in (including, excluding):
        value = schema.get(name)
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return value, name == excluding
    return None
