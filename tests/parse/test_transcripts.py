"""Whole completions of older models, which write on after their step. The ids are the cases of the collection."""

import pytest

from agentkit.messages import Action, Finish
from agentkit.parse import Cut, Reader, decide

TOOLS = ["Calculator", "Stock DB"]


@pytest.mark.parametrize(
    ("text", "tool", "given"),
    [
        pytest.param(
            " I will need a power.\nAction: Calculator \nAction Input: 3.14^0.12345",
            "Calculator",
            "3.14^0.12345",
            id="E1",
        ),
        pytest.param(
            "\nThought: Do I need to use a tool?  Yes\nAction: Stock DB\nAction Input: January 1st data for ABC ",
            "Stock DB",
            "January 1st data for ABC",
            id="E4",
        ),
    ],
)
def test_actions(text: str, tool: str, given: str) -> None:
    decision = decide(text, TOOLS)
    assert isinstance(decision, Action)
    assert (decision.tool, decision.input) == (tool, given)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        pytest.param(
            " The final answer is:\nFinal Answer: 1.15\n\nQuestion: How tall?\nThought: I will need to lookup heights.",
            "1.15",
            id="E2",
        ),
        pytest.param(" So\nFinal Answer: 2^0.0442 = 1.0311\n\nQuestion:", "2^0.0442 = 1.0311", id="E3"),
        pytest.param(
            " Do I need to use a tool? No\nAI: The stock price fell.\n\nIt was windy.\n\nNew input: Thanks. Bye.",
            "The stock price fell.\n\nIt was windy.",
            id="E5",
        ),
    ],
)
def test_answers_end_where_the_next_turn_is_invented(text: str, answer: str) -> None:
    decision = decide(text, TOOLS)
    assert isinstance(decision, Finish)
    assert decision.answer == answer
    reader = Reader(TOOLS)
    signs = [reader.feed(character) for character in text]
    assert Cut() in signs or text.endswith("0311")
    assert reader.text.rstrip().endswith(answer)
