"""The incremental reader: when it says that an action may start, and when that the stream may be closed."""

import pytest

from agentkit.messages import Action, Finish, Malformed
from agentkit.parse import Cut, PlainReader, Reader, Ready, ToolIndex, decide

TOOLS = ToolIndex.of(["search", "note", "now"])
OBJECT = 'Action: search\nAction Input: {"q": "a}b", "n": {"m": 1}}'


def first_sign(text: str, chunk: int = 1) -> tuple[str, Ready | Cut | None]:
    """What was read when the first sign came, and the sign."""
    reader = Reader(TOOLS)
    for start in range(0, len(text), chunk):
        if sign := reader.feed(text[start : start + chunk]):
            return text[: start + chunk], sign
    return text, None


def test_an_object_is_ready_at_its_last_character() -> None:
    read, sign = first_sign(OBJECT + "\nObservation: x")
    assert read == OBJECT
    assert sign == Ready(Action("search", {"q": "a}b", "n": {"m": 1}}))


@pytest.mark.parametrize(
    "step",
    [
        '{"action": "search", "action_input": {"q": "x"}}',
        'Action:\n{"name": "search", "arguments": {"q": "x"}}',
        'Action: search\n{"q": "x"}',
        '**Action:** search\n**Action Input:** {\n  "q": "x"\n}',
    ],
)
def test_every_form_of_object_is_ready_at_its_last_character(step: str) -> None:
    read, sign = first_sign(f"Thought: t\n{step}\nmore")
    assert read == f"Thought: t\n{step}"
    assert sign == Ready(Action("search", {"q": "x"}, "t"))


@pytest.mark.parametrize(
    "step",
    [
        "Action: search[x]\n",
        'Action: search("x")\n',
        "search[x]\n",
        "Action: search\nAction Input:\n```\nx\n```\n",
        '```json\n{"action": "search", "action_input": {"q": 1}}\n```\n',
    ],
)
def test_a_line_is_ready_at_its_end(step: str) -> None:
    read, sign = first_sign(f"{step}more")
    assert read == step
    assert isinstance(sign, Ready)


@pytest.mark.parametrize(
    "marker", ["Observation:", "OBSERVATION 1 :", "**Observation**:", "- observation：", "Thought:"]
)
@pytest.mark.parametrize("chunk", [1, 2, 5])
def test_text_ends_where_a_marker_begins(marker: str, chunk: int) -> None:
    text = "Action: search\nAction Input: a b\nc\n"
    read, sign = first_sign(text + marker + " invented", chunk)
    assert sign == Cut()
    assert len(read) - len(text + marker) < chunk


def test_the_cut_leaves_no_remains() -> None:
    reader = Reader(TOOLS)
    assert reader.feed("Action: search\nAction Input: a b\nObser") is None
    assert reader.feed("vation") is None
    assert reader.feed(": 12\nThought: so") == Cut()
    assert reader.text == "Action: search\nAction Input: a b\n"
    assert reader.feed("more\n") is None
    decision = reader.close()
    assert decision == Action("search", "a b")
    assert decision.dropped == "Observation: 12\nThought: somore"


def test_ready_comes_once_and_then_the_cut() -> None:
    reader = Reader(TOOLS)
    text = OBJECT + "\n\nSo I wait.\nObservation: x\nFinal Answer: y"
    signs = [sign for character in text if (sign := reader.feed(character))]
    assert [type(sign) for sign in signs] == [Ready, Cut]
    assert reader.text == OBJECT + "\n\nSo I wait.\n"
    assert reader.close() == Action("search", {"q": "a}b", "n": {"m": 1}})


def test_a_cut_says_more_than_the_ready_before_it() -> None:
    reader = Reader(TOOLS)
    assert reader.feed(OBJECT + "\nObservation: x") == Cut()


@pytest.mark.parametrize("marker", ["Question:", "New input:", "Observation:", "Thought:", "Final Answer:"])
def test_an_answer_is_cut_at_the_next_marker(marker: str) -> None:
    read, sign = first_sign(f"Final Answer: a\n\nb\n{marker} c")
    assert sign == Cut()
    assert read.endswith(marker)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param('Action: note\nAction Input: {"t": "a\nObservation: b"}', id="JSON string"),
        pytest.param('{"action": "note", "action_input": "a\nObservation: b"}', id="JSON action"),
        pytest.param("Action: note\nAction Input: a\n```\nObservation: b\n```\nc", id="fence"),
        pytest.param("Action: note\nAction Input: a Observation: b", id="amid a line"),
        pytest.param("Action: note[a Observation: b]", id="brackets"),
        pytest.param("Final Answer: a\n~~~\nObservation: b\n~~~\nc", id="fence in an answer"),
        pytest.param("<think>\nAction: note\nAction Input: a\nObservation: b\n</think>Final Answer: c", id="think"),
        pytest.param("Observation: said before\nThought: a\nFinal Answer: c", id="before the step"),
        pytest.param("Question: said again\nAction: now\nAction Input: x", id="question before the step"),
        pytest.param("Final Answer: Observations are many", id="no marker"),
    ],
)
def test_data_cuts_nothing(text: str) -> None:
    reader = Reader(TOOLS)
    assert not any(isinstance(reader.feed(character), Cut) for character in text)
    assert reader.text == text
    decision = reader.close()
    assert decision == decide(text, TOOLS)
    assert not isinstance(decision, Malformed)


def test_a_malformed_step_is_cut_too() -> None:
    reader = Reader(TOOLS)
    assert reader.feed("Action: nope\nAction Input: x\nObservation: y") == Cut()
    assert isinstance(reader.close(), Malformed)


def test_the_token_limit_counts_for_what_stands_open() -> None:
    reader = Reader(TOOLS)
    reader.feed("Action: search\nAction Input: half a")
    decision = reader.close(truncated=True)
    assert isinstance(decision, Malformed)
    assert decision.kind == "truncated"


def test_the_token_limit_does_not_count_behind_a_cut() -> None:
    reader = Reader(TOOLS)
    reader.feed("Action: search\nAction Input: whole\nObservation:")
    assert reader.close(truncated=True) == Action("search", "whole")


def test_the_plain_reader_keeps_everything() -> None:
    reader = PlainReader()
    assert reader.feed("a\nObservation: ") is None
    assert reader.feed("b") is None
    assert reader.text == "a\nObservation: b"


def test_closing_twice_gives_the_same() -> None:
    reader = Reader(TOOLS)
    reader.feed("Final Answer: 4\nThought: x")
    assert reader.close() == reader.close() == Finish("4")
