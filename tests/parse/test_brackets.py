"""The bracket dialect `Search[x]` of the ReAct paper and its successors. The ids are the cases of the collection."""

import pytest

from agentkit.messages import Action, Finish, Malformed
from agentkit.parse import ToolIndex, decide

TOOLS = ToolIndex.of(["Search", "Lookup", "think", "click"])


@pytest.mark.parametrize(
    ("text", "tool", "given"),
    [
        pytest.param("foo\nAction: Search[foo]", "Search", "foo", id="B1"),
        pytest.param("Action: Search[a [b] c]", "Search", "a [b] c", id="B4"),
        pytest.param("Action: Search[a] b]", "Search", "a] b", id="B4-greedy"),
        pytest.param("Action: search[foo]", "Search", "foo", id="B6"),
        pytest.param(
            "Try.\nAction 4: \n\nLookup[West Virginia, New York]", "Lookup", "West Virginia, New York", id="B7"
        ),
        pytest.param(
            "Action 3: Lookup[The Dark Tower (2017 film)] on different website",
            "Lookup",
            "The Dark Tower (2017 film)",
            id="B10",
        ),
        pytest.param("t\n\nAction 2: Search[x]", "Search", "x", id="B12"),
        pytest.param("Action: think[the options are 'a', 'b',", "think", "the options are 'a', 'b',", id="B13"),
        pytest.param(
            "Action: click[Acid [ 20 Pre-Wet Towelettes ] + Bag]",
            "click",
            "Acid [ 20 Pre-Wet Towelettes ] + Bag",
            id="B14",
        ),
        pytest.param("Action 1: Search[A], Search[B], Search[C]", "Search", "A", id="B17"),
        pytest.param('Action: Search["Wallace and Gromit"]', "Search", "Wallace and Gromit", id="B19"),
        pytest.param("Thought: t\nAction: search[x]", "Search", "x", id="B20"),
        pytest.param("Thought: a\nAction: Search[x]\nThought: b\nAction: Lookup[y]", "Search", "x", id="B22"),
        pytest.param("Action: search[awards] Kevin Wayne Durant", "Search", "awards", id="B24"),
        pytest.param("Action: search[what is X known for?", "Search", "what is X known for?", id="B25"),
        pytest.param("Action: search[what is X?\nObservation: y]", "Search", "what is X?", id="B25-marker"),
        pytest.param("I look it up.\nSearch[x]", "Search", "x", id="without-marker"),
        pytest.param("Action: Search [x]", "Search", "x", id="blank"),
        pytest.param("Thought: Search[y] will do.\nAction: Search[x]", "Search", "x", id="call-in-a-thought"),
        pytest.param("Action: **Search[x]**", "Search", "x", id="emphasis"),
        pytest.param("Action: `Search[x]`", "Search", "x", id="code"),
        pytest.param('Action: Search[{"q": ["a", "b"]}]', "Search", {"q": ["a", "b"]}, id="object"),
        pytest.param("Action: Search[a\nb]\nObservation: y", "Search", "a\nb", id="lines"),
        pytest.param("Action: Search[]", "Search", "", id="empty"),
        pytest.param("Action: Search[Observation: x]", "Search", "Observation: x", id="marker-inside"),
    ],
)
def test_actions(text: str, tool: str, given: object) -> None:
    decision = decide(text, TOOLS)
    assert isinstance(decision, Action), decision
    assert (decision.tool, decision.input) == (tool, given)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        pytest.param("Thought: done\nAction 3: Finish[2022]", "2022", id="B2"),
        pytest.param("It is so.\nAction 3: \n\nFinish[NOT ENOUGH INFO]", "NOT ENOUGH INFO", id="B7"),
        pytest.param("I give up.\n\nAction 7:\n\nFinish[NOT ENOUGH INFO]", "NOT ENOUGH INFO", id="B8"),
        pytest.param("Action:  finish[yes]", "yes", id="B21"),
        pytest.param("finish[Thought: I need to search again.]", "Thought: I need to search again.", id="B27"),
        pytest.param("Action: finish[]", "", id="B28"),
        pytest.param("Finish[x]", "x", id="without-marker"),
        pytest.param("Action: Finish[Two:\n- a\n- b]", "Two:\n- a\n- b", id="lines"),
        pytest.param("Action: Finish[Two:\n- a\n- b", "Two:\n- a\n- b", id="never-closed"),
        pytest.param('Action: finish(answer="42")', "42", id="call"),
        pytest.param('Action: Finish["42"]', "42", id="quotes"),
    ],
)
def test_answers(text: str, answer: str) -> None:
    decision = decide(text, TOOLS)
    assert isinstance(decision, Finish), decision
    assert decision.answer == answer


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        pytest.param("Action: BadAction[x]", "unknown_tool", id="B3"),
        pytest.param("The first sentence says so. So it is not an album.\nAction 2", "missing_action", id="B9"),
        pytest.param("Action 2: Login", "unknown_tool", id="B11"),
        pytest.param("Action: exit[quit]", "unknown_tool", id="B15"),
        pytest.param("Action: Compare[services of X and Y]", "unknown_tool", id="B18"),
        pytest.param("Action: frob[Fridge - W]\nAction: search[tales]", "unknown_tool", id="B23"),
        pytest.param("Action: reflect[How can I improve?]", "unknown_tool", id="B26"),
        pytest.param("Paris[1] is the capital.", "no_marker", id="citation"),
        pytest.param("Action: finish[", "truncated", id="B28-nothing-behind-the-bracket"),
        pytest.param("search (the verb) means to look.", "no_marker", id="prose"),
    ],
)
def test_malformed(text: str, kind: str) -> None:
    decision = decide(text, TOOLS)
    assert isinstance(decision, Malformed), decision
    assert decision.kind == kind


def test_an_unknown_verb_is_told_the_known_ones() -> None:
    """B5"""
    decision = decide("Action: Compare[x]", TOOLS)
    assert isinstance(decision, Malformed)
    assert decision.reason == "Unknown tool 'Compare'. Tools: Search, Lookup, think, click."


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("Action: think[the options are 'a', 'b',", id="B13"),
        "Action: search(query='x",
        "Action: search",
        "Action: ",
        'Action: search\nAction Input: {"query": "x"',
        "Action: search\nAction Input: half a que",
        "Action: search\nAction Input:\n```\nhalf",
        "Thought: half a tho",
        "half a tho",
        '{"action": "search", "action_inp',
    ],
)
def test_a_reply_that_ends_at_its_token_limit_runs_nothing(text: str) -> None:
    decision = decide(text, TOOLS, truncated=True)
    assert isinstance(decision, Malformed)
    assert decision.kind == "truncated"


@pytest.mark.parametrize(
    "text", ["Action: search[x]", 'Action: search\nAction Input: {"q": 1}', "Final Answer: half of", "Finish[x]"]
)
def test_what_is_complete_at_the_token_limit_counts(text: str) -> None:
    assert decide(text, TOOLS, truncated=True) == decide(text, TOOLS)
    assert not isinstance(decide(text, TOOLS), Malformed)
