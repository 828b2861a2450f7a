"""Text ReAct: final answers, what cannot be read, and what is kept beside the step. See `test_marker_text`."""

import pytest

from agentkit.messages import Action, Decision, Finish, Malformed
from agentkit.parse import ToolIndex, decide

TOOLS = ToolIndex.of(
    [
        "search",
        "foo",
        "Search",
        "Python",
        "Terminal",
        "sql",
        "my_action",
        "add",
        "add2",
        "加法",
        "Stock DB",
        "Calculator",
    ]
)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        pytest.param("Thought: t\nFinal Answer: It is 21 degrees", "It is 21 degrees", id="A2"),
        pytest.param("Final Answer: The best dish is paella ", "The best dish is paella", id="A5"),
        pytest.param("Final Answer: X\n\nAction: foo\nAction Input: bar", "X", id="A8"),
        pytest.param("Final Answer:\n1994", "1994", id="A15"),
        pytest.param("Final Answer: 1994\n1993", "1994\n1993", id="A16"),
        pytest.param("Final Answer: one\nFinal Answer: two", "one", id="A22"),
        pytest.param("Thought: enough\nAnswer: 2", "2", id="A55"),
        pytest.param("Answer: Here it is:\n\nsecond line.", "Here it is:\n\nsecond line.", id="A56"),
        pytest.param("I worked it out.\nAnswer: The sum is 8", "The sum is 8", id="A59"),
        pytest.param("Answer: The sum is 8", "The sum is 8", id="A59-bare"),
        pytest.param("**Final Answer:** 4", "4", id="bold-marker"),
        pytest.param("**Final Answer**: 4", "4", id="bold-keyword"),
        pytest.param("**Final Answer: 4**", "4", id="bold-line"),
        pytest.param("**Final Answer:** **4**", "**4**", id="bold-answer"),
        pytest.param("Action: Final Answer\nAction Input: 4", "4", id="as-a-tool"),
        pytest.param("Action: Final Answer: 4", "4", id="as-a-tool-in-one-line"),
        pytest.param("Action: None\nFinal Answer: 4", "4", id="no-action"),
        pytest.param("Action: None\nAction Input: None\nFinal Answer: 4", "4", id="no-action-no-input"),
        pytest.param("Final Answer:\nFinal Answer: 4", "4", id="announced-twice"),
        pytest.param(
            "Final Answer: use\n```yaml\nAction: run\n```\nand wait",
            "use\n```yaml\nAction: run\n```\nand wait",
            id="fence",
        ),
        pytest.param("Final Answer: use\n```yaml\nAction: run", "use\n```yaml", id="fence-never-closed"),
        pytest.param("Final Answer: it says Observation: x", "it says Observation: x", id="marker-amid-a-line"),
        pytest.param("Final Answer: Drama\nAction", "Drama\nAction", id="word-that-is-no-marker"),
    ],
)
def test_answers(text: str, answer: str) -> None:
    decision = decide(text, TOOLS)
    assert isinstance(decision, Finish), decision
    assert decision.answer == answer
    assert not decision.implicit


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        pytest.param("Thought: t\nAction: search Final Answer:\nAction Input: q", "both", id="A3"),
        pytest.param("Thought: I need to search for it.", "missing_action", id="A6"),
        pytest.param("Thought: t\nAction: foo", "missing_input", id="A7"),
        pytest.param("Thought: t\nAction: Search\nThought: NBA", "missing_input", id="A17"),
        pytest.param("Thought: t\nThought: Search\nAction Input: NBA", "missing_action", id="A18"),
        pytest.param("Action: ****\nAction Input: q", "missing_action", id="A39-only-emphasis"),
        pytest.param("Action:\nAction Input: q", "missing_action", id="A39-empty"),
        pytest.param("Thought: t\nAction Input: q", "missing_action", id="A40"),
        pytest.param("Thought: t\nAction: search\n", "missing_input", id="A41"),
        pytest.param("It is hard to say.", "no_marker", id="A57"),
        pytest.param("Action: foo\nAnswer: 4", "missing_input", id="A58-without-input"),
        pytest.param("Action: BadAction\nAction Input: x", "unknown_tool", id="A60"),
        pytest.param("Action: search the web\nAction Input: x", "unknown_tool", id="longer-name"),
        pytest.param("Final Answer:", "no_marker", id="empty-answer"),
        pytest.param("", "no_marker", id="empty"),
        pytest.param("Thought: t\nAct", "missing_action", id="cut-in-marker"),
        pytest.param("Action: foo\nFinal Answer: 4", "missing_input", id="answer-instead-of-input"),
    ],
)
def test_malformed(text: str, kind: str) -> None:
    decision = decide(text, TOOLS)
    assert isinstance(decision, Malformed), decision
    assert decision.kind == kind


@pytest.mark.parametrize(
    "given",
    [
        pytest.param('{"a": b}', id="unquoted-value"),
        pytest.param('{a: "b"}', id="unquoted-key"),
        pytest.param('{"a": "b"', id="unclosed"),
        pytest.param('{"a" "b"}', id="missing-colon"),
        pytest.param('{"a": 1 "b": 2}', id="missing-comma"),
        pytest.param('{"a": 1, "?b?: 2}', id="odd-key"),
        pytest.param("{junk", id="hopeless"),
        pytest.param("{'a': ['b'] /* c */}, along those lines.", id="A54-comment"),
    ],
)
def test_without_a_schema_broken_json_is_not_guessed_at(given: str) -> None:
    """A33, A43, A54: nothing could tell a right repair from a wrong one."""
    decision = decide(f"Action: foo\nAction Input: {given}\nObservation: x", TOOLS)
    assert isinstance(decision, Malformed)
    assert decision.kind == "bad_json"
    assert decision.reason.startswith("Line 1: ")
    assert "character" in decision.reason


def test_the_reason_tells_where() -> None:
    decision = decide('Action: foo\nAction Input: {\n  "a": 1\n  "b": 2\n}', TOOLS)
    assert isinstance(decision, Malformed)
    assert decision.reason == "Line 3: Expecting ',' delimiter at character 3."


def test_an_unknown_tool_is_told_what_there_is() -> None:
    decision = decide("Action: serch\nAction Input: x", ["search", "calculator"])
    assert decision == Malformed(
        "unknown_tool", "Unknown tool 'serch'. Did you mean 'search'? Tools: search, calculator."
    )


def test_a_long_list_of_tools_is_cut() -> None:
    decision = decide("Action: zzz\nAction Input: x", [f"tool{n}" for n in range(100)])
    assert isinstance(decision, Malformed)
    assert decision.reason.endswith("tool19 and 80 more.")


@pytest.mark.parametrize(
    ("text", "kind", "thought", "dropped"),
    [
        ("Thought: a\nb\n\nAction: foo\nAction Input: x", Action, "a\nb", ""),
        ("first\nThought: a\nAction: foo\nAction Input: {}\nObservation: 1", Action, "first\n a", "Observation: 1"),
        ("Thought: a\nFinal Answer: x\n\nQuestion: y", Finish, "a", "Question: y"),
        ("**Thought:** a\nAction: foo[x] tail\nmore", Action, "a", "tail\nmore"),
        ("Thought: a\nAction: nope[x]\nThought: b", Malformed, "a", "Thought: b"),
    ],
)
def test_thought_and_rest_are_kept(text: str, kind: type[Decision], thought: str, dropped: str) -> None:
    decision = decide(text, TOOLS)
    assert isinstance(decision, kind)
    assert decision.thought == thought
    assert decision.dropped == dropped
