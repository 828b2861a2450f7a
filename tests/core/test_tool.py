"""Tools: the decorator, the marks, the registry."""

import inspect

import pytest

from agentkit.errors import BadArguments, ConfigError
from agentkit.tool import Tool, tool
from agentkit.toolbox import Toolbox, fold


@tool(read_only=True)
def population(city: str) -> int:
    """How many people live in a city.

    Counted, not estimated.
    """
    return {"Oslo": 717_710}[city]


@tool
async def later(seconds: float = 0.0) -> str:
    """Wait."""
    return f"{seconds}"


def test_a_tool_is_still_the_function() -> None:
    assert population("Oslo") == 717_710
    assert inspect.signature(population).parameters.keys() == {"city"}
    assert population.__doc__ is not None and population.__doc__.startswith("How many")


def test_name_and_description_come_from_the_function() -> None:
    assert population.name == "population"
    assert population.description == "How many people live in a city."
    assert population.marks.read_only and not population.marks.needs_approval
    assert later.is_async and not population.is_async


def test_name_and_description_can_be_given() -> None:
    @tool(name="Stock DB", description="Prices.")
    def lookup(day: str) -> str:
        return day

    assert (lookup.name, lookup.description) == ("Stock DB", "Prices.")


@pytest.mark.parametrize("name", ["", " x", "a\nb", "x" * 65, "a:b"])
def test_names_a_model_could_not_write_are_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="no tool name"):
        tool(name=name)(lambda: None)


def test_what_may_act_twice_is_not_retried() -> None:
    with pytest.raises(ConfigError, match="act twice"):
        tool(retry=2)(lambda: None)
    with pytest.raises(ConfigError, match="timeout"):
        tool(timeout=0)(lambda: None)
    assert tool(retry=2, idempotent=True, name="ok")(lambda: None).marks.retry == 2


def test_marks_can_be_changed_on_a_copy() -> None:
    asked = population.with_marks(needs_approval=True)
    assert asked.marks.needs_approval and asked.marks.read_only
    assert not population.marks.needs_approval
    assert asked("Oslo") == 717_710


def test_a_bare_string_fills_the_one_text_argument() -> None:
    assert population.check("Oslo") == {"city": "Oslo"}
    assert later.check("") == {}
    with pytest.raises(BadArguments, match="JSON object"):
        later.check("3")


def test_toolbox_finds_tools_as_models_write_them() -> None:
    box = Toolbox([population, later])
    assert list(box) == ["population", "later"]
    for written in ("population", "Population", "POPULATION ", "`population`", "popu_lation"):
        assert box.find(written) is population
    assert box.find("nothing") is None
    assert box.nearest("populaton") == ["population"]
    assert fold("Search Web!") == fold("search_web")


def test_plain_functions_become_tools() -> None:
    def shout(text: str) -> str:
        """Say it louder."""
        return text.upper()

    box = Toolbox([shout])
    assert isinstance(box["shout"], Tool) and box["shout"].description == "Say it louder."


def test_names_that_a_model_could_confuse_are_refused() -> None:
    with pytest.raises(ConfigError, match="Two tools"):
        Toolbox([population, tool(name="Population")(lambda: None)])
    with pytest.raises(ConfigError, match="is no tool"):
        Toolbox([3])  # type: ignore[list-item]
