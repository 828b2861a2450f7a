"""Text ReAct with `Action:` and `Final Answer:`. The ids are the cases of the collection the parser was designed on."""

import pytest

from agentkit.messages import Action
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


def tool(text: str) -> tuple[str, object]:
    """The tool and input in a text that is an action."""
    decision = decide(text, TOOLS)
    assert isinstance(decision, Action), decision
    return decision.tool, decision.input


@pytest.mark.parametrize(
    ("text", "name", "given"),
    [
        pytest.param(
            "Thought: cold?\nAction: search\nAction Input: how warm is Oslo?", "search", "how warm is Oslo?", id="A1"
        ),
        pytest.param("I look.\n    Action: foo\n    Action Input: bar", "foo", "bar", id="A4"),
        pytest.param("Observation: old\nAction: foo\nAction Input: bar\nFinal Answer: X", "foo", "bar", id="A9"),
        pytest.param("Thought: a game\nAction: Search\nAction Input: NBA", "Search", "NBA", id="A10"),
        pytest.param("Action: Search \nAction Input: NBA", "Search", "NBA", id="A11"),
        pytest.param(
            "Action: Python\nAction Input:\n```\nimport unittest\n\nunittest.main()\n```",
            "Python",
            "```\nimport unittest\n\nunittest.main()\n```",
            id="A12",
        ),
        pytest.param(
            "Action:\nTerminal\n\nAction Input:\nls -l ~/.conf.d/\n", "Terminal", "ls -l ~/.conf.d/", id="A13"
        ),
        pytest.param(
            'Action: sql\nAction Input: SELECT "Name", MAX(x) FROM t GROUP BY "Name" ',
            "sql",
            'SELECT "Name", MAX(x) FROM t GROUP BY "Name"',
            id="A14",
        ),
        pytest.param(
            "Action: Search\nAction Input: NBA\nObservation: invented\nThought: so\nFinal Answer: 1994",
            "Search",
            "NBA",
            id="A19",
        ),
        pytest.param("Action 2: Search\nAction 2 Input: x", "Search", "x", id="A20-numbers"),
        pytest.param("Action 2: Search\nAction 2 Input 2: x", "Search", "x", id="A20-both-numbers"),
        pytest.param('Action: Search\nAction Input: "weather in Oslo"', "Search", "weather in Oslo", id="A21"),
        pytest.param("Action: my_action\nAction Input: my action input", "my_action", "my action input", id="A23"),
        pytest.param(
            "Action: foo\nAction Input: Run this:\n```python\nprint(1)\n\nprint(2)\n```",
            "foo",
            "Run this:\n```python\nprint(1)\n\nprint(2)\n```",
            id="A24",
        ),
        pytest.param("Action: foo\nAction Input: the input\nObservation: the result", "foo", "the input", id="A25"),
        pytest.param("Action: foo\nAction Input: the input\nObs", "foo", "the input", id="A26"),
        pytest.param("Action: foo\nAction Input: <b>1</b> </cod", "foo", "<b>1</b>", id="A26-tag"),
        pytest.param("Action: foo\nAction Input: what's up? @$%^&*", "foo", "what's up? @$%^&*", id="A27"),
        pytest.param('Action: foo\nAction Input: ** {"task": "t"}', "foo", {"task": "t"}, id="A28"),
        pytest.param("Action: foo\nAction Input: *a* ** b", "foo", "*a* ** b", id="A28-emphasis-in-text"),
        pytest.param('Action: foo\nAction Input: "temperature in SF"', "foo", "temperature in SF", id="A29"),
        pytest.param("Action: foo\nAction Input: {x y}", "foo", "{x y}", id="A30-braces"),
        pytest.param("Action: foo\nAction Input: <x y>", "foo", "<x y>", id="A30-angles"),
        pytest.param("Action: foo\nAction Input: (x y)", "foo", "(x y)", id="A30-parentheses"),
        pytest.param("Action: foo\nAction Input: [temperature in {SF}]", "foo", "[temperature in {SF}]", id="A31"),
        pytest.param("Action: foo\nAction Input: \"what's it in 'SF'?\"", "foo", "what's it in 'SF'?", id="A32"),
        pytest.param('Action: foo\nAction Input: "[what is it?]"', "foo", "[what is it?]", id="A34"),
        pytest.param(
            "Action: foo\nAction Input: what is\nthe temperature?", "foo", "what is\nthe temperature?", id="A35"
        ),
        pytest.param("Action: foo\nAction Input: in SF? \\n", "foo", "in SF? \\n", id="A36"),
        pytest.param('Action: foo\nAction Input: {"a": [1, {"b": null}]}', "foo", {"a": [1, {"b": None}]}, id="A37"),
        pytest.param('Action: foo\nAction Input: "what is it?', "foo", "what is it?", id="A38"),
        pytest.param("Action: **foo**\nAction Input: x", "foo", "x", id="A39-emphasis"),
        pytest.param("Action: **** foo ****\nAction Input: x", "foo", "x", id="A39-more-emphasis"),
        pytest.param("Action: *foo\nAction Input: x", "foo", "x", id="A39-half-emphasis"),
        pytest.param("**Action:** foo\n**Action Input:** x", "foo", "x", id="A39-markers"),
        pytest.param("**Action: foo**\n**Action Input: x**", "foo", "x", id="A39-lines"),
        pytest.param("Action: foo\nAction Input: x\nFinal Answer: y", "foo", "x", id="A42"),
        pytest.param("  Thought: t  \n  Action: foo  \n  Action Input:   x y  ", "foo", "x y", id="A44"),
        pytest.param('Thought: t\nAction: add\nAction Input: {"a":1,"b":1}', "add", {"a": 1, "b": 1}, id="A46"),
        pytest.param('Thought: t\n\n\nAction: add\n\nAction Input: {"a": 1}', "add", {"a": 1}, id="A47"),
        pytest.param('Action: add\nAction Input: {"a": 1, "b": {}}', "add", {"a": 1, "b": {}}, id="A48"),
        pytest.param('Action: add\nAction Input: QueryTool({"a":1,"b":1})', "add", {"a": 1, "b": 1}, id="A49"),
        pytest.param('Action: add (add two numbers)\nAction Input: {"a": 1}', "add", {"a": 1}, id="A50"),
        pytest.param('Action: add2\nAction Input: {"a": 1}', "add2", {"a": 1}, id="A51"),
        pytest.param('Action: add\nAction Input: {\n  "a": 1,\n  "b":\n    2\n}', "add", {"a": 1, "b": 2}, id="A52"),
        pytest.param("Action: 加法\nAction Input: x", "加法", "x", id="A53"),
        pytest.param("Action：foo\nAction Input： x", "foo", "x", id="full-width"),
        pytest.param("ACTION: FOO\naction input: x", "foo", "x", id="case"),
        pytest.param('Action: "foo".\nAction Input: x', "foo", "x", id="punctuation"),
        pytest.param("- Action: foo\n- Action Input: x", "foo", "x", id="bullets"),
        pytest.param("1. Thought: t\n2. Action: foo\n3. Action Input: x", "foo", "x", id="numbered-list"),
        pytest.param("### Action: foo\n> Action Input: x", "foo", "x", id="heading-and-quote"),
        pytest.param("Action: foo Action Input: x", "foo", "x", id="one-line"),
        pytest.param('Action: foo, Action Input: {"a": 1}', "foo", {"a": 1}, id="one-line-object"),
        pytest.param('Action: foo {"a": 1}', "foo", {"a": 1}, id="one-line-without-marker"),
        pytest.param('Action: foo: "x y"', "foo", "x y", id="one-line-colon"),
        pytest.param('Action: foo\n{"a": 1}', "foo", {"a": 1}, id="object-without-marker"),
        pytest.param("Action: foo\nInput: x", "foo", "x", id="short-marker"),
        pytest.param(
            'Action: foo\nAction Input:\n```json\n{"a": 1}\n```\nSo I wait.', "foo", {"a": 1}, id="fenced-object"
        ),
        pytest.param("```\nThought: t\nAction: foo\nAction Input: x\n```", "foo", "x", id="all-in-a-fence"),
        pytest.param("Action: foo\nAction Input: {'a': 1, 'b': None}", "foo", {"a": 1, "b": None}, id="python-literal"),
        pytest.param('Action: foo\nAction Input: {"a": true,}', "foo", {"a": True}, id="trailing-comma"),
        pytest.param("Action: foo\nAction Input: {'re': '\\d'}", "foo", {"re": "\\d"}, id="python-literal-escape"),
        pytest.param('Action: foo\nAction Input: {"a": 1} and so on', "foo", {"a": 1}, id="trailing-prose"),
        pytest.param('Action: foo\nAction Input: {"a": "x\ny"}', "foo", {"a": "x\ny"}, id="raw-newline"),
        pytest.param('Action: foo\nAction Input: "say \\"hi\\""', "foo", 'say "hi"', id="json-string"),
        pytest.param("Action: foo\nAction Input: 'it's me'", "foo", "it's me", id="apostrophe"),
        pytest.param("Action: foo\r\nAction Input: x\r\nObservation: y", "foo", "x", id="crlf"),
        pytest.param('Action: search(query="x", n=3)', "search", {"query": "x", "n": 3}, id="call"),
        pytest.param('Action: search("x")', "search", "x", id="call-positional"),
        pytest.param("I try.\nsearch('x')", "search", "x", id="call-without-marker"),
        pytest.param("Action: search(what is (x))", "search", "what is (x)", id="call-of-prose"),
        pytest.param('Action: search(\n  query="a (b",\n)', "search", {"query": "a (b"}, id="call-over-lines"),
        pytest.param("Action: search()", "search", {}, id="call-empty"),
        pytest.param("Action: search()\nAction Input: x", "search", "x", id="call-then-input"),
    ],
)
def test_actions(text: str, name: str, given: object) -> None:
    assert tool(text) == (name, given)
