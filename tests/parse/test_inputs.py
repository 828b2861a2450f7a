"""Inputs for tools whose schema is known."""

from collections.abc import Mapping

import pytest

from agentkit.messages import Action, Malformed
from agentkit.parse import ToolIndex, decide
from agentkit.tool import tool
from agentkit.toolbox import Toolbox


@tool
def search(query: str, limit: int = 3) -> str:
    """Look something up."""
    return f"{query}{limit}"


@tool
def book(flight: str, seats: int) -> str:
    """Book seats."""
    return f"{flight}{seats}"


@tool
def now() -> str:
    """The time."""
    return ""


@tool
def options(verbose: bool = False, level: int = 0) -> str:
    """Show options."""
    return f"{verbose}{level}"


INDEX = ToolIndex.of([search, book, now, options])


def given(name: str, text: str) -> Mapping[str, object] | str:
    decision = decide(f"Thought: t\nAction: {name}\nAction Input: {text}", INDEX)
    assert isinstance(decision, Action), decision
    return decision.input


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("weather in Oslo", {"query": "weather in Oslo"}),
        ('"weather in Oslo"', {"query": "weather in Oslo"}),
        ('{"query": "Oslo", "limit": 2}', {"query": "Oslo", "limit": 2}),
        ('{"query": "Oslo", "limit": 2', {"query": "Oslo", "limit": 2}),
        ('{"query": "Oslo" "limit": 2}', {"query": "Oslo", "limit": 2}),
        ("{query: Oslo}", {"query": "Oslo"}),
        ("{'query': 'Oslo'} I guess", {"query": "Oslo"}),
        ('{"x": 1}', {"query": '{"x": 1}'}),
        ('{"x": 1} and {"y": 2}', {"query": '{"x": 1} and {"y": 2}'}),
        ("{junk", {"query": "{junk"}),
        ("{x y}", {"query": "{x y}"}),
        ('"{\\"query\\": \\"Oslo\\"}"', {"query": "Oslo"}),
        ('{"action": "search", "action_input": {"query": "Oslo"}}', {"query": "Oslo"}),
        ('search({"query": "Oslo"})', {"query": "Oslo"}),
        ('search("Oslo", 2)', {"query": "Oslo", "limit": 2}),
        ('print({"query": "Oslo"})', {"query": 'print({"query": "Oslo"})'}),
        ("query = 5", {"query": "query = 5"}),
        ("None", {"query": "None"}),
        ('```json\n{"query": "Oslo"}\n```', {"query": "Oslo"}),
        ("```python\nprint(1)\n```", {"query": "```python\nprint(1)\n```"}),
    ],
)
def test_a_tool_that_takes_text(text: str, expected: object) -> None:
    assert given("search", text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"flight": "AB1", "seats": 2}', {"flight": "AB1", "seats": 2}),
        ('{"flight": "AB1", "seats": 2,}', {"flight": "AB1", "seats": 2}),
        ("{'pages': 1}", {"pages": 1}),
        ('flight="AB1", seats=2', {"flight": "AB1", "seats": 2}),
        ('book("AB1", 2)', {"flight": "AB1", "seats": 2}),
        ('book("AB1", seats=2)', {"flight": "AB1", "seats": 2}),
        ("{'flight': 'AB1' /* c */, 'seats': 2}, so", {"flight": "AB1", "seats": 2}),
        ("AB1, two seats", "AB1, two seats"),
        ('"AB1"', "AB1"),
    ],
)
def test_a_tool_that_takes_an_object(text: str, expected: object) -> None:
    assert given("book", text) == expected


@pytest.mark.parametrize(
    "text",
    [
        pytest.param('{"flight": "AB', id="a value cut short"),
        pytest.param('{"flight": , "seats": 2}', id="a value that a repair would invent"),
        pytest.param('{"flight": "AB1", "seats": many}', id="a repair that does not fit"),
        pytest.param("{AB1 2}", id="no object at all"),
    ],
)
def test_a_repair_that_does_not_hold_is_refused(text: str) -> None:
    decision = decide(f"Action: book\nAction Input: {text}", INDEX)
    assert isinstance(decision, Malformed)
    assert decision.kind == "bad_json"


def test_a_broken_object_with_the_tools_argument_is_no_text() -> None:
    decision = decide('Action: search\nAction Input: {"query": "Os', INDEX)
    assert isinstance(decision, Malformed)
    assert decision.reason == "Line 1: Unterminated string starting at at character 11."


@pytest.mark.parametrize("name", ["now", "options"])
@pytest.mark.parametrize("text", ["", "{}", "None", "n/a", "()"])
def test_tools_that_need_no_input(name: str, text: str) -> None:
    assert given(name, text) in ({}, "()")


@pytest.mark.parametrize(
    "text",
    [
        "Action: now",
        "Action: now\nThought: so",
        "Action: now()",
        "Action: now[]",
        '{"action": "now"}',
        '{"action": "now", "action_input": null}',
    ],
)
def test_no_input_at_all(text: str) -> None:
    decision = decide(text, INDEX)
    assert decision == Action("now", {})


@pytest.mark.parametrize("text", ["Action: book", "Action: search", "Action: search[]", "Action: book()"])
def test_a_missing_input_is_told(text: str) -> None:
    decision = decide(text, INDEX)
    assert isinstance(decision, Malformed)
    assert decision.kind == "missing_input"


def test_positional_arguments_that_do_not_fit_are_text() -> None:
    decision = decide('Action: search("a", 1, 2)', INDEX)
    assert decision == Action("search", {"query": '"a", 1, 2'})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"action": "search", "action_input": "Oslo"}', {"query": "Oslo"}),
        ('{"action": "search", "action_input": {"x": 1}}', {"query": '{"x": 1}'}),
        ('{"name": "book", "arguments": "{\\"flight\\": \\"AB1\\", \\"seats\\": 2}"}', {"flight": "AB1", "seats": 2}),
        ('{"name": "book", "arguments": {"flight": "AB1" "seats": 2}}', {"flight": "AB1", "seats": 2}),
        ('{"name": "book", "arguments": {"flight": "AB1", "seats": 2}', {"flight": "AB1", "seats": 2}),
        ('{"name": "book", "arguments": {"flight": "AB1"}}', {"flight": "AB1"}),
        ("Action: search[Oslo]", {"query": "Oslo"}),
    ],
)
def test_the_other_dialects_use_the_schema_too(text: str, expected: object) -> None:
    decision = decide(text, INDEX)
    assert isinstance(decision, Action), decision
    assert decision.input == expected


def test_a_registered_tool_named_finish_is_a_tool() -> None:
    assert decide("Action: finish[x]", ["finish"]) == Action("finish", "x")


@pytest.mark.parametrize("tools", [Toolbox([search]), [search], {"search": search}, ToolIndex.of([search])])
def test_tools_in_every_form(tools: Toolbox) -> None:
    assert decide("Action: SEARCH[Oslo]", tools) == Action("search", {"query": "Oslo"})


def test_without_tools_every_action_is_unknown() -> None:
    decision = decide("Action: search[Oslo]", [])
    assert decision == Malformed("unknown_tool", "Unknown tool 'search'. There are no tools.")
