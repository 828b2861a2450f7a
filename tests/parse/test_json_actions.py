"""Actions as JSON objects. The ids are the cases of the collection."""

import pytest

from agentkit.messages import Action, Finish, Malformed
from agentkit.parse import ToolIndex, decide

TOOLS = ToolIndex.of(["foo", "lookup", "get user"])
ACTION = '{"action": "foo", "action_input": "bar"}'


@pytest.mark.parametrize(
    ("text", "tool", "given"),
    [
        pytest.param(f"I will.\n\n  Action:\n  ```json\n  {ACTION}\n  ```", "foo", "bar", id="C1"),
        pytest.param(f"I will.\n\n  Action:\n  ```\n  {ACTION}\n  ```", "foo", "bar", id="C2"),
        pytest.param(f"Thought: t\n```\n{ACTION}\n```", "foo", "bar", id="C3"),
        pytest.param(f"   ```json\n{ACTION}\n```", "foo", "bar", id="C5"),
        pytest.param(
            'Thought: t\nAction:\n{"name": "get user", "arguments": {"id": 1}}', "get user", {"id": 1}, id="C7"
        ),
        pytest.param('[{"action": "lookup", "input": "abc"}]', "lookup", "abc", id="C8"),
        pytest.param('Action: [{"action": "lookup", "input": "abc"}]', "lookup", "abc", id="C8-marker"),
        pytest.param(f"```\n{ACTION}\n```\nand then\n```\n{ACTION}\n```", "foo", "bar", id="C13"),
        pytest.param("Thought: y\n action: foo\n ACTION INPUT: bar", "foo", "bar", id="C15"),
        pytest.param(f"start {ACTION} end", "foo", "bar", id="C17"),
        pytest.param(f"Text{ACTION}", "foo", "bar", id="C19"),
        pytest.param(f'{{"a": 1}} and {{"b": 2}} then {ACTION}', "foo", "bar", id="other-objects-first"),
        pytest.param('{"tool": "foo", "input": {"a": 1}}', "foo", {"a": 1}, id="tool-input"),
        pytest.param('{"tool_name": "foo", "tool_input": "x"}', "foo", "x", id="tool-name"),
        pytest.param('{"function": {"name": "foo", "arguments": "{\\"a\\": 1}"}}', "foo", {"a": 1}, id="function"),
        pytest.param('{"action": {"name": "foo", "input": "x"}}', "foo", "x", id="nested"),
        pytest.param('{"action": "foo", "action_input": "{\\"a\\": 1}"}', "foo", '{"a": 1}', id="text-stays-text"),
        pytest.param('{"action": "foo", "action_input": [1, 2]}', "foo", "[1, 2]", id="list"),
        pytest.param('{\n  "action_input": "x",\n  "action": "foo"\n}', "foo", "x", id="pretty-and-reversed"),
        pytest.param("{'action': 'foo', 'action_input': {'a': True,},}", "foo", {"a": True}, id="python-literal"),
        pytest.param(
            '{"action": "foo", "action_input": "a\nObservation: b"}', "foo", "a\nObservation: b", id="raw-newline"
        ),
        pytest.param(f"```json {ACTION}```", "foo", "bar", id="fence-in-one-line"),
        pytest.param("{hm\nAction: foo\nAction Input: bar", "foo", "bar", id="lone-brace-before"),
        pytest.param('{"a": "\nAction: foo\nAction Input: bar', "foo", "bar", id="open-string-before"),
        pytest.param(
            '{"a": 1\nThought: b\nAction: foo\nAction Input: {"c": 2}', "foo", {"c": 2}, id="open-object-before"
        ),
        pytest.param(f"<think>Action: lookup\n</think>{ACTION}", "foo", "bar", id="behind-thinking"),
    ],
)
def test_actions(text: str, tool: str, given: object) -> None:
    decision = decide(text, TOOLS)
    assert isinstance(decision, Action), decision
    assert (decision.tool, decision.input) == (tool, given)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        pytest.param("Final Answer: all is well", "all is well", id="C4"),
        pytest.param('{"action": "Final Answer", "action_input": "4"}', "4", id="C6"),
        pytest.param('{"action": "finish", "action_input": {"answer": "4"}}', "4", id="answer-in-object"),
        pytest.param('{"action": "Final Answer", "action_input": {"a": 1, "b": 2}}', '{"a": 1, "b": 2}', id="object"),
        pytest.param('{"thought": "t", "final_answer": "4"}', "4", id="key"),
    ],
)
def test_answers(text: str, answer: str) -> None:
    decision = decide(text, TOOLS)
    assert isinstance(decision, Finish), decision
    assert decision.answer == answer


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        pytest.param('Action:\n{"name": "foo", "arguments": {"a": 1', "bad_json", id="C7-broken"),
        pytest.param('{"foo": "bar"}', "no_marker", id="C9"),
        pytest.param('{"foo": "bar"', "no_marker", id="C11"),
        pytest.param(f"```\n{ACTION}\n{ACTION}\n```", "multiple", id="C12"),
        pytest.param(f"```json\n[{ACTION},\n{ACTION}]\n```", "multiple", id="C12-list"),
        pytest.param("```json\n{invalid}\n```", "bad_json", id="C14"),
        pytest.param("xaction: test", "no_marker", id="C16"),
        pytest.param('action": "foo", "action_input": "bar"}', "bad_json", id="C20-missing-brace"),
        pytest.param('{"action": ""foo", "action_input": "bar"} so', "bad_json", id="C20-doubled-quote"),
        pytest.param('{"action": "foo", "action_input": "bar" so', "bad_json", id="C20-unclosed"),
        pytest.param("}}", "bad_json", id="C20-braces"),
        pytest.param('{"action": "nope", "action_input": "bar"}', "unknown_tool", id="unknown"),
        pytest.param('{"action": "foo"}', "missing_input", id="no-input"),
        pytest.param('Action: {"a": 1}', "missing_action", id="no-name"),
        pytest.param('The record is {"name": "Bob", "age": 5}.', "no_marker", id="data-with-a-name"),
    ],
)
def test_malformed(text: str, kind: str) -> None:
    decision = decide(text, TOOLS)
    assert isinstance(decision, Malformed), decision
    assert decision.kind == kind


@pytest.mark.parametrize("text", ["```", "{", "}", "```json", "action:", "   ", None, "<think>", "\n", ":", "[{", "\0"])
def test_scraps_are_malformed(text: str | None) -> None:
    """C18"""
    assert isinstance(decide(text, TOOLS), Malformed)


def test_a_thought_inside_the_object_is_the_thought() -> None:
    decision = decide('{"thought": "t", "action": "foo", "action_input": "x"}', TOOLS)
    assert decision == Action("foo", "x", "t")


def test_the_text_before_is_the_thought() -> None:
    assert decide(f'One {{"a": 1}}.\nTwo {ACTION} three', TOOLS) == Action("foo", "bar", 'One {"a": 1}.\nTwo')


@pytest.mark.parametrize(
    "text",
    [
        "<think>Action: foo\nAction Input: no</think>\nAction: foo\nAction Input: yes",
        "I muse.\nMore.</think>Action: foo\nAction Input: yes",
        "<thinking>\n```\nFinish[no]\n```\n</thinking>\n\nAction: foo\nAction Input: yes",
        "Thought: <think>hm</think> I do.\nAction: foo\nAction Input: yes",
    ],
)
def test_thinking_is_ignored(text: str) -> None:
    decision = decide(text, TOOLS)
    assert isinstance(decision, Action)
    assert decision.input == "yes"
    assert "hm" not in decision.thought
    assert "muse" not in decision.thought


def test_thinking_that_never_ends_hides_the_rest() -> None:
    decision = decide("So.\n<think>Action: foo\nAction Input: x", TOOLS)
    assert decision == Malformed("no_marker", "", "So.")


@pytest.mark.parametrize("depth", [101, 900, 20_000])
def test_what_is_nested_too_deeply_is_refused(depth: int) -> None:
    decision = decide(f'Action: foo\nAction Input: {{"a": {"[" * depth}{"]" * depth}}}', TOOLS)
    assert decision == Malformed("bad_json", "It is nested too deeply.")


def test_numbers_that_json_does_not_have_are_refused() -> None:
    for number in ("NaN", "Infinity", "1e999"):
        decision = decide(f'Action: foo\nAction Input: {{"a": {number}}}', TOOLS)
        assert decision == Malformed("bad_json", f"{number} is not JSON.")
