"""Steps written as text read back the same."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentkit.messages import JSON, Action, Finish
from agentkit.parse import Dialect, ToolIndex, decide, render

NAMES = ("search", "Stock DB", "get_user", "add2", "加法", "a.b-c", "x")
TOOLS = ToolIndex.of(NAMES)
DIALECTS: tuple[Dialect, ...] = ("marker", "bracket", "json")
TEXT = st.one_of(
    st.text(max_size=60),
    st.text(alphabet="ab \n:\"'{}[]()`*\\Observation", max_size=40),
    st.sampled_from(
        ["Observation: x", "a\nObs", '{"a": 1}', '"quoted"', "a\nThought: b", "```\nx", "[x", "x]", " x ", "{x"]
    ),
)
LEAF: st.SearchStrategy[JSON] = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), TEXT
)
OBJECT: st.SearchStrategy[Mapping[str, JSON]] = st.dictionaries(
    TEXT,
    st.recursive(
        LEAF, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3), max_leaves=8
    ),
    max_size=4,
)
THOUGHT = st.sampled_from(["", "I need this.", "First a.\n\nThen b.", "It is 1 [2] {3}."])


@given(st.sampled_from(NAMES), st.one_of(TEXT, OBJECT), THOUGHT, st.sampled_from(DIALECTS))
def test_actions(name: str, given: Mapping[str, JSON] | str, thought: str, dialect: Dialect) -> None:
    action = Action(name, given, thought)
    assert decide(render(action, dialect), TOOLS) == action


@given(TEXT, THOUGHT, st.sampled_from(DIALECTS))
def test_answers(answer: str, thought: str, dialect: Dialect) -> None:
    finish = Finish(answer, thought)
    assert decide(render(finish, dialect), TOOLS) == finish


@pytest.mark.parametrize(
    ("step", "dialect", "text"),
    [
        (Action("search", {"q": "é"}, "t"), "marker", 'Thought: t\nAction: search\nAction Input: {"q": "é"}'),
        (Action("search", "Oslo"), "marker", "Action: search\nAction Input: Oslo"),
        (Action("search", "a\nb"), "marker", 'Action: search\nAction Input: "a\\nb"'),
        (Action("search", "Oslo", "t"), "bracket", "Thought: t\nAction: search[Oslo]"),
        (Action("search", "Oslo"), "json", '{"action": "search", "action_input": "Oslo"}'),
        (Finish("Two\nlines", "t"), "marker", "Thought: t\nFinal Answer: Two\nlines"),
        (Finish("yes", "t"), "bracket", "Thought: t\nAction: Finish[yes]"),
        (Finish("yes"), "json", '{"action": "Final Answer", "action_input": "yes"}'),
    ],
)
def test_the_forms(step: Action | Finish, dialect: Dialect, text: str) -> None:
    assert render(step, dialect) == text
