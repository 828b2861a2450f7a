"""The grammars: everything they allow is JSON that fits the tool, in a form the agent reads."""

from __future__ import annotations

import re
import tokenize
from datetime import date, datetime, time
from enum import StrEnum
from io import StringIO
from types import GenericAlias
from typing import Annotated, Any, Literal, Union
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, Field, TypeAdapter, create_model

from agentkit.messages import JSON, Action, Finish, Malformed
from agentkit.models.base import ReplyFormat
from agentkit.models.gbnf import Rules
from agentkit.models.grammar import Held, held_to
from agentkit.models.json_grammar import JsonGrammar
from agentkit.parse import decide
from agentkit.tool import tool

from .gbnf import Sampler


class Cabin(StrEnum):
    ECONOMY = "economy"
    BUSINESS = "business class"


class Passenger(BaseModel):
    name: str = Field(min_length=1)
    age: int | None = None
    bags: list[float] = []


class Tree(BaseModel):
    label: str
    children: list[Tree] = []
    twin: Tree | None = None


@tool
def book(
    flight: str,
    passengers: Annotated[list[Passenger], Field(min_length=1, max_length=3)],
    day: date,
    cabin: Cabin = Cabin.ECONOMY,
    flexible: bool = False,
    limit: Annotated[float, Field(gt=0, le=999.5)] | None = None,
) -> str:
    """Book a flight."""
    return flight


@tool
def now() -> str:
    """The time."""
    return ""


def value_sampler(schema: dict[str, JSON]) -> Sampler:
    rules = Rules()
    expression = JsonGrammar(rules, schema).value(schema)
    assert expression is not None
    return Sampler(rules.text(expression))


def model(members: list[tuple[Any, bool]]) -> type[BaseModel]:
    fields: dict[str, Any] = {
        f"field {index}": (kind, ... if required else Field(default=None))
        for index, (kind, required) in enumerate(members)
    }
    return create_model("Model", **fields)


def between(pair: list[int]) -> Any:
    return st.sampled_from(
        [
            Annotated[int, Field(ge=pair[0], le=pair[1])],
            Annotated[int, Field(gt=pair[0])],
            Annotated[int, Field(lt=pair[1])],
            Annotated[float, Field(ge=pair[0] / 8, le=pair[1] / 8)],
            Annotated[float, Field(gt=pair[0] / 8, lt=pair[1] / 8 + 1)],
            Annotated[float, Field(gt=pair[0])],
            Annotated[str, Field(min_length=abs(pair[0]) // 20, max_length=100 + abs(pair[1]))],
        ]
    )


# Any: type annotations made while the test runs have no static type.
Types = st.SearchStrategy[Any]
plain: Types = st.sampled_from([str, int, float, bool, None, date, time, datetime, UUID, Any, Cabin, Passenger, Tree])
free: Types = st.sampled_from([dict[str, int], dict[str, list[Passenger]], tuple[int, str], list[Any], set[int]])
enums: Types = st.lists(st.one_of(st.text(max_size=8), st.integers(-(2**62), 2**62), st.booleans()), min_size=1).map(
    lambda values: Literal[tuple(values)]
)
numbers: Types = st.tuples(st.integers(-1200, 1200), st.integers(-1200, 1200)).map(sorted).flatmap(between)
types: Types = st.recursive(
    st.one_of(plain, free, enums, numbers),
    lambda inner: st.one_of(
        inner.map(lambda kind: GenericAlias(list, (kind,))),
        st.tuples(inner, inner).map(lambda pair: Union[pair]),  # noqa: UP007 - `None | None` is no type
        st.lists(st.tuples(inner, st.booleans()), max_size=4).map(model),
    ),
    max_leaves=4,
)


@given(kind=types, seed=st.integers(0, 2**32))
@settings(max_examples=150, deadline=None)
def test_every_value_fits_its_schema(kind: Any, seed: int) -> None:
    adapter = TypeAdapter[object](kind)
    schema = adapter.json_schema()
    sample = value_sampler(schema).write(seed)
    adapter.validate_json(sample)
    assert len(sample) < 40_000


@pytest.mark.parametrize(
    ("schema", "texts"),
    [
        ({"const": 'a"\n'}, {'"a\\"\\n"'}),
        ({"enum": [1, None, "é"]}, {"1", "null", '"é"'}),
        ({"type": "integer", "minimum": 8, "maximum": 11}, {"8", "9", "10", "11"}),
        ({"type": "integer", "minimum": -1, "exclusiveMaximum": 1}, {"-1", "0"}),
        ({"type": ["boolean", "null"]}, {"true", "false", "null"}),
        ({"type": "array", "items": {"const": 1}, "minItems": 1, "maxItems": 2}, {"[1]", "[1, 1]"}),
        ({"allOf": [{"$ref": "#/$defs/a"}], "$defs": {"a": {"properties": {"x": {"const": 1}}}}}, {"{}", '{"x": 1}'}),
        (
            {"type": "object", "required": ["b"], "properties": {k: {"const": 0} for k in "abc"}},
            {'{"b": 0}', '{"a": 0, "b": 0}', '{"b": 0, "c": 0}', '{"a": 0, "b": 0, "c": 0}'},
        ),
        (
            {"type": "object", "properties": {"a": {"const": 0}, "b": {"const": 0}}},
            {"{}", '{"a": 0}', '{"b": 0}', '{"a": 0, "b": 0}'},
        ),
        ({"type": "object", "properties": {}, "additionalProperties": False}, {"{}"}),
    ],
)
def test_small_schemas_give_exactly_their_values(schema: dict[str, JSON], texts: set[str]) -> None:
    sampler = value_sampler(schema)
    assert {sampler.write(seed) for seed in range(200)} == texts


@given(low=st.integers(-3000, 3000), size=st.integers(0, 60))
@settings(max_examples=60, deadline=None)
def test_integer_ranges_hold_every_number_in_them(low: int, size: int) -> None:
    sampler = value_sampler({"type": "integer", "minimum": low, "maximum": low + size})
    written = {int(sampler.write(seed)) for seed in range(60 * (size + 1))}
    assert written <= set(range(low, low + size + 1))
    assert {low, low + size} <= written


def test_a_type_that_contains_itself_ends() -> None:
    sampler = value_sampler(TypeAdapter(Tree).json_schema())
    depths = [sampler.write(seed).count('"twin": {') for seed in range(50)]
    assert max(depths) >= 1
    endless: dict[str, JSON] = {
        "$defs": {"t": {"properties": {"t": {"$ref": "#/$defs/t"}}, "required": ["t"]}},
        "$ref": "#/$defs/t",
    }
    assert JsonGrammar(Rules(), endless).value(endless) is None


class Written:
    """Writes whole replies in a format, as the model under the grammar would."""

    def __init__(self, form: ReplyFormat) -> None:
        held = held_to(form)
        assert held.grammar
        self._opening = held.opening
        self._rest = Sampler(held.grammar)

    def __call__(self, seed: int) -> str:
        return self._opening + self._rest.write(seed)


TOOLS = {each.name: each for each in (book, now)}
REACT = Written(ReplyFormat("react", tuple(each.schema for each in TOOLS.values())))


@given(seed=st.integers(0, 2**32))
@settings(max_examples=200, deadline=None)
def test_react_replies_name_a_tool_and_fit_it(seed: int) -> None:
    text = REACT(seed)
    match decide(text, tuple(TOOLS)):
        case Action(tool=name, input=arguments):
            assert isinstance(arguments, dict)
            assert TOOLS[name].accepts(arguments)
            assert name == "book" or arguments == {}
        case Finish(answer=answer):
            assert answer
        case Malformed() as fault:
            pytest.fail(f"{fault.reason}: {text!r}")


def test_both_ways_of_a_react_reply_are_open_with_tools_and_only_the_answer_without() -> None:
    with_tools = Written(ReplyFormat("react", (now.schema,)))
    assert {with_tools(seed).endswith("\nAction: now\nAction Input: {}") for seed in range(50)} == {True, False}
    without = Written(ReplyFormat("react"))
    assert all(re.fullmatch(r"Thought: \S.*\nFinal Answer: \S.*", without(seed)) for seed in range(50))


CODE = Written(ReplyFormat("code"))


@given(seed=st.integers(0, 2**32))
@settings(deadline=None)
def test_a_program_stands_in_one_fence(seed: int) -> None:
    text = CODE(seed)
    assert re.fullmatch(r"```python\n(\S.*\n)(.*\n)*```", text)
    assert text.count("```") == 2


@given(seed=st.integers(0, 2**32))
@settings(deadline=None)
def test_each_line_of_a_program_closes_its_brackets_and_texts(seed: int) -> None:
    for line in CODE(seed).splitlines()[1:-1]:
        tokens = list(tokenize.generate_tokens(StringIO(f"{line.strip()}\n").readline))  # raises where one is open
        assert not any(token.type == tokenize.ERRORTOKEN for token in tokens), line


def test_an_answer_is_one_line_and_a_free_text_has_no_grammar() -> None:
    answer = Written(ReplyFormat("answer"))
    assert all(re.fullmatch(r"Final Answer: \S.{0,399}", answer(seed)) for seed in range(50))
    assert held_to(ReplyFormat("text")) == Held()
