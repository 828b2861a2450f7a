"""The quick way through the usual shape reads what the full reader reads."""

import json

from hypothesis import given
from hypothesis import strategies as st

from agentkit import Toolbox, tool
from agentkit.parse import ToolIndex, decide
from agentkit.parse.plain import plain_step
from agentkit.parse.reader import read_fully


@tool
def add(a: int, b: int = 0) -> int:
    """Add."""
    return a + b


@tool(name="say-it.now")
def say(text: str) -> str:
    """Say."""
    return text


INDEXES = (ToolIndex.of(["add", "say-it.now"]), ToolIndex.of(Toolbox([add, say])))
NAMES = st.sampled_from(["add", "say-it.now", "Add", "finish", "nothing"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
INPUTS = st.dictionaries(st.sampled_from(["a", "b", "text", "x"]), VALUES, max_size=3).map(json.dumps)
RAW = st.text(alphabet='{}[]":,ab1 \\\n\tTAFO', max_size=40).map(lambda text: "{" + text + "}")
THOUGHTS = st.text(max_size=60) | st.text(alphabet="Thoug: Action\nFinal*_<>`", max_size=60)


@given(st.none() | THOUGHTS, NAMES, INPUTS | RAW, st.sampled_from(["", "\n", "  \n\n", " x"]), st.sampled_from(INDEXES))
def test_both_ways_read_the_same(thought: str | None, name: str, given: str, end: str, index: ToolIndex) -> None:
    text = f"{'' if thought is None else f'Thought: {thought}' + chr(10)}Action: {name}\nAction Input: {given}{end}"
    quick = plain_step(text, index)
    assert quick is None or quick == read_fully(text, index)
    assert decide(text, index) == read_fully(text, index)


ANSWERS = st.text(max_size=60) | st.text(alphabet="Obs Final Answer:</>{}*.\"'\n\r\t12", max_size=60)


@given(
    st.none() | THOUGHTS,
    ANSWERS,
    st.sampled_from(["", "\n", " \n", "\nObs", "\nAction: add"]),
    st.sampled_from(INDEXES),
)
def test_both_ways_read_the_same_answer(thought: str | None, answer: str, end: str, index: ToolIndex) -> None:
    text = f"{'' if thought is None else f'Thought: {thought}' + chr(10)}Final Answer: {answer}{end}"
    quick = plain_step(text, index)
    assert quick is None or quick == read_fully(text, index)
    assert decide(text, index) == read_fully(text, index)


def test_the_usual_shape_takes_the_quick_way() -> None:
    text = 'Thought: I add the next two numbers.\nAction: add\nAction Input: {"a": 3, "b": 1}'
    for index in INDEXES:
        assert plain_step(text, index) is not None
        assert plain_step("Thought: I know it.\nFinal Answer: 4 eggs, I think.", index) is not None
