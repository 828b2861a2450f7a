"""From a signature to a JSON Schema, and from what a model sends to what a function wants."""

from collections.abc import Callable
from datetime import date
from enum import Enum
from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, Field

from agentkit.errors import BadArguments, ConfigError
from agentkit.schema import FunctionArguments, IdempotencyKey, RunContext


class Cabin(Enum):
    ECONOMY = "economy"
    BUSINESS = "business"


class Guest(BaseModel):
    name: str
    age: int = 30


def book(
    city: str,
    nights: int = 1,
    *,
    cabin: Cabin = Cabin.ECONOMY,
    day: date | None = None,
    guests: list[Guest] | None = None,
    kind: Literal["hotel", "hostel"] = "hotel",
    budget: Annotated[float, Field(gt=0)] = 100.0,
    key: IdempotencyKey | None = None,
    context: RunContext | None = None,
) -> str:
    """Book a room.

    Args:
        city: where to
            sleep.
        nights: how long.
    """
    return f"{city} {nights}"


ARGUMENTS = FunctionArguments(book, "book")


def test_schema_tells_types_descriptions_and_defaults() -> None:
    properties = ARGUMENTS.schema["properties"]
    assert isinstance(properties, dict)
    assert properties["city"] == {"type": "string", "description": "where to sleep."}
    assert properties["nights"] == {"type": "integer", "description": "how long.", "default": 1}
    assert properties["kind"] == {"type": "string", "enum": ["hotel", "hostel"], "default": "hotel"}
    assert ARGUMENTS.schema["required"] == ["city"]
    assert ARGUMENTS.schema["additionalProperties"] is False


def test_what_the_agent_fills_in_is_hidden_from_the_model() -> None:
    assert ARGUMENTS.injected == {"key": IdempotencyKey, "context": RunContext}
    assert "key" not in ARGUMENTS.signature
    with pytest.raises(BadArguments, match="no argument 'key'"):
        ARGUMENTS.check({"city": "Oslo", "key": "mine"})


def test_values_arrive_as_the_function_wants_them() -> None:
    checked = ARGUMENTS.check(
        {"city": "Oslo", "nights": "3", "cabin": "business", "day": "2026-12-01", "guests": [{"name": "Ada"}]}
    )
    assert checked == {
        "city": "Oslo",
        "nights": 3,
        "cabin": Cabin.BUSINESS,
        "day": date(2026, 12, 1),
        "guests": [Guest(name="Ada")],
    }


def test_a_number_is_fine_where_text_is_wanted() -> None:
    assert ARGUMENTS.check({"city": 42}) == {"city": "42"}


def test_every_fault_is_told_at_once_with_what_is_expected() -> None:
    with pytest.raises(BadArguments) as caught:
        ARGUMENTS.check({"cty": "Oslo", "nights": "two", "budget": -5})
    text = str(caught.value)
    assert "'city' is missing" in text
    assert "there is no argument 'cty'" in text
    assert "nights: Input should be a valid integer" in text and "(you gave 'two')" in text
    assert "budget: Input should be greater than 0" in text
    assert 'Expected {"city": string, "nights": integer = 1' in text


def test_the_one_required_text_argument() -> None:
    assert ARGUMENTS.text_argument == "city"

    def two(a: str, b: str) -> str:
        return a + b

    def number(n: int) -> int:
        return n

    assert FunctionArguments(two, "two").text_argument is None
    assert FunctionArguments(number, "number").text_argument is None


def test_the_signature_spells_out_choices_wherever_the_schema_keeps_them() -> None:
    assert """"cabin": 'economy' | 'business' = 'economy'""" in ARGUMENTS.signature
    assert """"kind": 'hotel' | 'hostel' = 'hotel'""" in ARGUMENTS.signature
    assert '"guests": list of object | null' in ARGUMENTS.signature


def test_open_ended_functions_take_further_names() -> None:
    def anything(**names: str) -> int:
        return len(names)

    assert FunctionArguments(anything, "anything").check({"a": "b"}) == {"a": "b"}


@pytest.mark.parametrize("name", ["copy", "schema", "json", "model_config"])
def test_argument_names_that_pydantic_models_would_refuse(name: str) -> None:
    function = eval(f"lambda {name}: {name}")
    function.__annotations__[name] = int
    assert FunctionArguments(function, "f").check({name: "3"}) == {name: 3}


def test_parameters_that_cannot_be_named_are_refused() -> None:
    def positional(a: int, /) -> int:
        return a

    def star(*a: int) -> int:
        return len(a)

    for function in (positional, star):
        with pytest.raises(ConfigError, match="given by name"):
            _ = FunctionArguments(function, "f").schema


def test_unresolvable_and_unknown_types_are_refused_with_the_tool_s_name() -> None:
    class Custom:
        pass

    def odd(thing: Custom) -> None: ...

    def forward(thing: "Nowhere") -> None: ...  # type: ignore[name-defined]  # noqa: F821

    functions: list[Callable[..., object]] = [odd, forward]
    for function in functions:
        with pytest.raises(ConfigError, match="Tool 'f'"):
            _ = FunctionArguments(function, "f").schema


@pytest.mark.parametrize(
    "doc",
    [
        "Do.\n\nArgs:\n    n: how many.",
        "Do.\n\nParameters\n----------\nn : int\n    how many.",
        "Do.\n\n:param n: how many.",
    ],
)
def test_docstring_styles(doc: str) -> None:
    def f(n: int) -> int:
        return n

    f.__doc__ = doc
    assert FunctionArguments(f, "f").schema["properties"] == {"n": {"type": "integer", "description": "how many."}}
