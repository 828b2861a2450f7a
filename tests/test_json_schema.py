"""From a JSON Schema to a check: the parts of the dialect that tools use."""

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from agentkit.errors import ConfigError
from agentkit.json_schema import adapter
from agentkit.messages import JSON


def check(schema: dict[str, JSON], value: JSON, definitions: dict[str, JSON] | None = None) -> object:
    """A value, as it comes out of an object whose one property has this schema."""
    whole: dict[str, JSON] = {"properties": {"x": schema}, "required": ["x"], "$defs": definitions or {}}
    return adapter(whole, "t").validate_python({"x": value})["x"]


@pytest.mark.parametrize(
    ("schema", "value", "found"),
    [
        ({"type": "string"}, "a", "a"),
        ({"type": "string"}, 7, "7"),
        ({"type": "integer"}, "7", 7),
        ({"type": "number"}, 7, 7),
        ({"type": "number"}, "7.5", 7.5),
        ({"type": "boolean"}, "true", True),
        ({"type": "null"}, None, None),
        ({"type": ["integer", "null"]}, None, None),
        ({"type": "integer", "nullable": True}, None, None),
        ({"anyOf": [{"type": "integer"}, {"type": "string"}]}, "a", "a"),
        ({"oneOf": [{"type": "integer"}, {"type": "string"}]}, 3, 3),
        ({"allOf": [{"type": "integer"}]}, "3", 3),
        ({"enum": ["a", 2, None]}, 2, 2),
        ({"enum": [{"a": 1}]}, {"b": 2}, {"b": 2}),
        ({"const": "a"}, "a", "a"),
        ({"type": "array", "items": {"type": "integer"}}, ["1", 2], [1, 2]),
        ({"type": "array"}, ["1", 2], ["1", 2]),
        ({"type": "object"}, {"a": [1]}, {"a": [1]}),
        ({"type": "object", "additionalProperties": {"type": "integer"}}, {"a": "1"}, {"a": 1}),
        ({"type": "object", "properties": {"a": {"type": "integer"}}}, {"a": "1", "b": 2}, {"a": 1, "b": 2}),
        ({"type": "object", "properties": {"a-b c": {"type": "integer"}}}, {"a-b c": "1"}, {"a-b c": 1}),
        ({"$ref": "#/$defs/Word"}, 3, "3"),
        ({"$ref": "#/$defs/nowhere"}, 3, 3),
        ({"$ref": "elsewhere.json#/x"}, 3, 3),
        ({"pattern": "(?=a)b"}, 3, 3),
        ({}, {"a": 1}, {"a": 1}),
    ],
)
def test_what_fits(schema: dict[str, JSON], value: JSON, found: JSON) -> None:
    assert check(schema, value, {"Word": {"type": "string"}}) == found


@pytest.mark.parametrize(
    ("schema", "value", "fault"),
    [
        ({"type": "string"}, None, "valid string"),
        ({"type": "integer"}, "seven", "valid integer"),
        ({"type": "integer"}, 7.5, "valid integer"),
        ({"type": "number", "minimum": 0}, -0.5, "greater than or equal to 0"),
        ({"type": "number", "maximum": 1}, 2, "less than or equal to 1"),
        ({"type": "integer", "exclusiveMinimum": 0}, 0, "greater than 0"),
        ({"type": "integer", "exclusiveMaximum": 9}, 9, "less than 9"),
        ({"type": "integer", "multipleOf": 5}, 7, "multiple of 5"),
        ({"type": "string", "minLength": 2}, "a", "at least 2"),
        ({"type": "string", "maxLength": 2}, "abc", "at most 2"),
        ({"type": "array", "minItems": 1}, [], "at least 1"),
        ({"type": "array", "maxItems": 1}, [1, 2], "at most 1"),
        ({"type": "array", "items": {"enum": ["a"]}}, ["b"], "should be 'a'"),
        ({"const": "a"}, "b", "should be 'a'"),
        ({"type": "object", "properties": {"a": {}}, "required": ["a"]}, {}, "required"),
        ({"type": "object", "properties": {"a": {}}, "additionalProperties": False}, {"b": 1}, "not permitted"),
    ],
)
def test_what_does_not_fit(schema: dict[str, JSON], value: JSON, fault: str) -> None:
    with pytest.raises(ValidationError, match=fault):
        check(schema, value)


def test_unknown_names_are_refused_unless_the_schema_allows_them() -> None:
    closed: dict[str, JSON] = {"type": "object", "properties": {}}
    with pytest.raises(ValidationError, match="not permitted"):
        adapter(closed, "t").validate_python({"a": 1})
    assert adapter({**closed, "additionalProperties": True}, "t").validate_python({"a": 1}) == {"a": 1}


def test_a_type_that_contains_itself_ends() -> None:
    tree: dict[str, JSON] = {
        "type": "object",
        "properties": {"name": {"type": "string"}, "next": {"$ref": "#/$defs/Tree"}},
        "required": ["name"],
    }
    deep: JSON = {"name": "a", "next": {"anything": 1}}
    assert check({"$ref": "#/$defs/Tree"}, deep, {"Tree": tree}) == deep
    with pytest.raises(ValidationError, match="required"):
        check({"$ref": "#/$defs/Tree"}, {"next": deep}, {"Tree": tree})


def test_a_schema_that_makes_no_sense_is_refused_with_the_tool_s_name() -> None:
    with pytest.raises(ConfigError, match="Tool 't': its JSON Schema cannot be used"):
        adapter({"properties": 3}, "t")


_json: st.SearchStrategy[JSON] = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats(allow_nan=False) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)
_KINDS = ("string", "integer", "number", "boolean", "null", "array", "object", "odd", None)


@st.composite
def schemas(draw: st.DrawFn, depth: int = 2) -> dict[str, JSON]:
    schema: dict[str, JSON] = {"type": draw(st.sampled_from(_KINDS))}
    for keyword in draw(st.sets(st.sampled_from(["enum", "const", "minimum", "maxItems", "required", "nullable"]))):
        schema[keyword] = draw(_json)
    if depth:
        schema["items"] = draw(schemas(depth - 1))
        schema["properties"] = draw(st.dictionaries(st.text(max_size=3), schemas(depth - 1), max_size=2))
        schema["anyOf"] = draw(st.lists(schemas(depth - 1), max_size=2))
    return schema


@settings(max_examples=60, deadline=None)
@given(schemas(), _json)
def test_any_schema_checks_any_value_or_is_refused(schema: dict[str, JSON], value: JSON) -> None:
    with suppress(ValidationError, ConfigError):
        check(schema, value)
