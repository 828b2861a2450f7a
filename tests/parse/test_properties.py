"""What holds for every text: reading never raises, and the size of the pieces does not matter."""

from hypothesis import given
from hypothesis import strategies as st

from agentkit.messages import Action
from agentkit.parse import Code, CodeReader, Cut, Reader, Ready, ToolIndex, answer, code, decide
from agentkit.tool import tool


@tool
def search(query: str) -> str:
    """Look something up."""
    return query


@tool
def book(id: int, name: str = "x") -> str:  # noqa: A002  # models send "id"
    """Book it."""
    return f"{id}{name}"


@tool
def now() -> str:
    """The time."""
    return ""


INDEXES = (ToolIndex.of(["search", "book", "now", "Stock DB"]), ToolIndex.of([search, book, now]))
# Pieces of the language that models write; at random they make the odd cases that people do not think of.
PIECES = (
    "Thought: ", "Action: ", "Action Input: ", "Final Answer: ", "Answer:", "Observation: ", "Question: ", "Action 2:",
    "**Action:**", "- ", "1. ", "**", ":", "：", "\n", "\n", "\n", " ", "\r\n", "\u2028", "search", "book", "now",
    "Foo", "Stock DB", "finish", "None", "search[", "finish[", "search(", "[", "]", "(", ")", "{", "}", '"', "'", "\\",
    "\\n", ",", "1", '"id":', '"action": ', '{"query": "x"}', '{"id": 1}', "{'id': 1}", '{"id": 1',
    '{"action": "search", "action_input": "q"}', '{"name": "book", "arguments": {"id": 3}}', "[{", "```", "```json",
    "```python\n", "~~~", "<think>", "</think>", "<code>", "</code>", "</cod", "Obs", "Act", "Observation", "x", "é",
    "def solution():\n    return 1\n", "print(1)\n", "import math\n", "answer = 1\n", ">>> ",
)  # fmt: skip
TEXT = st.one_of(st.lists(st.sampled_from(PIECES), max_size=30).map("".join), st.text(max_size=200))
SIZES = st.lists(st.integers(1, 12), min_size=1, max_size=8)


def pieces(text: str, sizes: list[int]) -> list[str]:
    """The text in pieces of these sizes, over and over."""
    found: list[str] = []
    start, turn = 0, 0
    while start < len(text):
        size = sizes[turn % len(sizes)]
        found.append(text[start : start + size])
        start, turn = start + size, turn + 1
    return found


@given(TEXT, st.sampled_from(INDEXES), SIZES)
def test_every_chunking_gives_the_same_decision(text: str, index: ToolIndex, sizes: list[int]) -> None:
    whole = decide(text, index)
    reader = Reader(index)
    started: Action | None = None
    was_cut = False
    for piece in pieces(text, sizes):
        match reader.feed(piece):
            case Ready(action):
                assert started is None
                started = action
            case Cut():
                was_cut = True
                break
            case None:
                pass
    kept = reader.text
    decision = reader.close()
    assert decision == whole
    assert decide(kept, index) == whole
    assert text.startswith(kept)
    assert (kept == text and decision.dropped == whole.dropped) or was_cut
    assert started is None or started == decision


@given(TEXT, st.sampled_from(INDEXES), st.integers(0, 80))
def test_a_ready_action_stays_whatever_follows(text: str, index: ToolIndex, end: int) -> None:
    """So a tool that was started early is never one that the whole reply would not have started."""
    reader = Reader(index)
    sign = reader.feed(text[:end])
    if isinstance(sign, Ready):
        assert decide(text, index) == sign.action


@given(TEXT, st.booleans(), st.sampled_from(["auto", "solution", "last", "var:answer", "stdout", "any"]), SIZES)
def test_programs(text: str, truncated: bool, entry: str, sizes: list[int]) -> None:
    whole = code(text, entry=entry, truncated=truncated)
    reader = CodeReader(entry=entry)
    was_cut = any(reader.feed(piece) for piece in pieces(text, sizes))
    decision = reader.close(truncated=truncated)
    assert text.startswith(reader.text)
    if was_cut:
        assert isinstance(decision, Code)
        assert decision == code(reader.text, entry=entry)
    else:
        assert decision == whole
    if isinstance(whole, Code):
        compile(whole.source, "program", "exec", dont_inherit=True)


@given(TEXT)
def test_an_answer_is_never_empty_or_an_error(text: str) -> None:
    found = answer(text)
    assert found.type == "malformed" or found.answer


@given(TEXT, st.sampled_from(INDEXES))
def test_the_token_limit_only_turns_steps_into_errors(text: str, index: ToolIndex) -> None:
    limited = decide(text, index, truncated=True)
    assert limited == decide(text, index) or (limited.type == "malformed" and limited.kind == "truncated")
