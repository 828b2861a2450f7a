"""Programs in replies (PAL). The ids are the cases of the collection."""

import pytest

from agentkit.messages import Malformed
from agentkit.parse import Code, CodeReader, Cut, code

SOLUTION = "def solution():\n    return 4"
SECOND = "def solution():\n    return 5"


def source(text: str, entry: str = "auto") -> str:
    found = code(text, entry=entry)
    assert isinstance(found, Code), found
    return found.source


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(f"Let me see.\n```python\n{SOLUTION}\n```\nDone.", SOLUTION, id="D1"),
        pytest.param(f"```\nan output\n```\n```python\n{SOLUTION}\n```", SOLUTION, id="D1-not-the-first-fence"),
        pytest.param(f"```\n{SOLUTION}\n```", SOLUTION, id="D2"),
        pytest.param(f"```text\n{SOLUTION}\n```", SOLUTION, id="D2-label"),
        pytest.param(f"```py title=x.py\n{SOLUTION}\n```", SOLUTION, id="D2-info-string"),
        pytest.param(SOLUTION, SOLUTION, id="D3"),
        pytest.param(f"```python   \n{SOLUTION}\n```", SOLUTION, id="D5"),
        pytest.param(f"<code>  \n{SOLUTION}\n</code>", SOLUTION, id="D5-tag"),
        pytest.param("print(1 + 2)", "print(1 + 2)", id="D6"),
        pytest.param(f"```python\n{SOLUTION}\n```\nor\n```python\n{SECOND}\n```", SOLUTION, id="D7-first"),
        pytest.param(
            "```python\nimport math\n```\nthen\n```python\nmath.pi\n```", "import math\n\nmath.pi", id="D7-joined"
        ),
        pytest.param(f"<code>\n{SOLUTION}\n</code>", SOLUTION, id="D8"),
        pytest.param(f"{SOLUTION}\n\n\nQuestion: How many?\n\n{SECOND}", SOLUTION, id="D9"),
        pytest.param(
            f"{SOLUTION}\n\n\n# Question: How many?\n\n\n{SECOND}",
            f"{SOLUTION}\n\n\n# Question: How many?",
            id="D9-comment",
        ),
        pytest.param(f"\n{SOLUTION}\n\n\n\n\n", SOLUTION, id="D10"),
        pytest.param("answer = 4", "answer = 4", id="D17"),
        pytest.param(f"Here it is:\n\n{SOLUTION}\n\nThis gives four.", SOLUTION, id="prose-around"),
        pytest.param(f"```python\n{SOLUTION}", SOLUTION, id="unclosed"),
        pytest.param(f"```python\n{SOLUTION}\n``", SOLUTION, id="cut-in-fence"),
        pytest.param(f"<code>\n{SOLUTION}\n</cod", SOLUTION, id="cut-in-tag"),
        pytest.param(f"```python\n{SOLUTION}\n\nThat gives four.", SOLUTION, id="unclosed-with-prose"),
        pytest.param(f"~~~~python\n{SOLUTION}\n~~~~", SOLUTION, id="tildes"),
        pytest.param("Run ```python print(1)``` now.", "print(1)", id="inline"),
        pytest.param("```python\n    a = 1\n    print(a)\n```", "a = 1\nprint(a)", id="indented"),
        pytest.param(
            "  1. Code:\n     ```python\n     a = 1\n     print(a)\n     ```", "a = 1\nprint(a)", id="in-a-list"
        ),
        pytest.param(">>> a = 1\n>>> print(a)\n1", "a = 1\nprint(a)", id="session"),
        pytest.param("```python\r\nprint(1)\r\n```", "print(1)", id="crlf"),
        pytest.param(f"<think>```python\nprint(0)\n```</think>```python\n{SOLUTION}\n```", SOLUTION, id="think"),
        pytest.param(
            f"muse ```python\nprint(0)\n```</think>\n```python\n{SOLUTION}\n```",
            SOLUTION,
            id="think-opened-in-the-prompt",
        ),
        pytest.param("42", "42", id="number"),
        pytest.param("```python\nif 1:\n\tprint('a\tb\u00a0')\n```", "if 1:\n\tprint('a\tb\u00a0')", id="tabs"),
        pytest.param("```python\nif 1:\n\u00a0 print(1)\n```", "if 1:\n  print(1)", id="no-break-space"),
        pytest.param("```python\nprint('\\d')\n```", "print('\\d')", id="odd-escape"),
    ],
)
def test_the_program(text: str, expected: str) -> None:
    assert source(text) == expected


@pytest.mark.parametrize(
    ("text", "entry", "kind"),
    [
        pytest.param("It is four.", "auto", "no_code", id="D4"),
        pytest.param("Four", "auto", "no_code", id="D4-word"),
        pytest.param("", "auto", "no_code", id="D4-empty"),
        pytest.param("def solution2():\n    return 4", "solution", "no_entry_point", id="D12"),
        pytest.param("def solution2():\n    return 4", "auto", "no_entry_point", id="D12-auto"),
        pytest.param("```python\nx = 1\n```", "var:answer", "no_entry_point", id="variable"),
        pytest.param("```python\nx = 1\n```", "last", "no_entry_point", id="last"),
        pytest.param("```python\nx = 1\n```", "stdout", "no_entry_point", id="stdout"),
        pytest.param("def solver():\n    # one\n    # two", "auto", "syntax", id="D21"),
        pytest.param("```python\nx = 1% * 2\nprint(x)\n```", "auto", "syntax", id="D22"),
        pytest.param(
            "```python\ndef solution():\n    John has 5 apples\n    return 5\n```", "auto", "syntax", id="D22-question"
        ),
        pytest.param("```python\nx = '\0'\n```", "auto", "syntax", id="null-byte"),
        pytest.param("```python\n" + "(" * 5000 + "\n```", "auto", "syntax", id="deep"),
        pytest.param("<think>```python\nprint(1)\n```", "auto", "no_code", id="thinking"),
    ],
)
def test_malformed(text: str, entry: str, kind: str) -> None:
    found = code(text, entry=entry)
    assert isinstance(found, Malformed), found
    assert found.kind == kind


@pytest.mark.parametrize(
    ("entry", "program"),
    [
        ("solution", SOLUTION),
        ("var:x", "x = 1"),
        ("last", "x = 1\nx"),
        ("stdout", "print(1)"),
        ("any", "x = 1"),
        ("auto", "ans = 1"),
        ("auto", "if True:\n    result = 1"),
    ],
)
def test_entry_points(entry: str, program: str) -> None:
    assert source(f"```python\n{program}\n```", entry) == program


def test_a_fault_is_told_with_its_line() -> None:
    found = code("```python\nx = 1\ny = 1% * x\n```")
    assert found == Malformed("syntax", "Line 2: invalid syntax: y = 1% * x.", "")


def test_what_stands_around_the_program() -> None:
    found = code(f"First.\n```python\n{SOLUTION}\n```\nThat is it.\n")
    assert found == Code(SOLUTION, "First.", "That is it.")


def test_blocks_are_joined_up_to_the_entry_point() -> None:
    text = f"```python\na = 1\n```\n```bash\nls\n```\n```python\n{SOLUTION}\n```\n```python\nprint(2)\n```"
    assert source(text, "solution") == f"a = 1\n\n{SOLUTION}"


def test_a_program_cut_at_the_token_limit_does_not_run() -> None:
    found = code(f"```python\n{SOLUTION}", truncated=True)
    assert isinstance(found, Malformed)
    assert found.kind == "truncated"


def stream(text: str) -> tuple[CodeReader, str]:
    """The reader after the text, one character at a time, and what had been read at the cut."""
    reader = CodeReader()
    for end, character in enumerate(text, 1):
        if reader.feed(character) == Cut():
            return reader, text[:end]
    return reader, text


@pytest.mark.parametrize(
    ("text", "read"),
    [
        (f"Hm.\n```python\n{SOLUTION}\n```\nDone.", f"Hm.\n```python\n{SOLUTION}\n```\n"),
        (f"{SOLUTION}\n\n\nQuestion: x\n{SECOND}", f"{SOLUTION}\n\n\nQuestion: x\n"),
        (f"{SOLUTION}\n\n\n# next\n{SECOND}\n", f"{SOLUTION}\n\n\n# next\ndef solution():\n"),
    ],
)
def test_the_stream_is_cut_behind_the_first_program(text: str, read: str) -> None:
    reader, seen = stream(text)
    assert seen == read
    found = reader.close()
    assert isinstance(found, Code)
    assert found.source.startswith(SOLUTION)
    assert "Question" not in reader.text
    assert SECOND not in reader.text


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("```python\nimport math\n```\nand then", id="no entry point yet"),
        pytest.param("```python\nx = (\n```\n", id="not Python"),
        pytest.param('def solution():\n    """\nQuestion: x\n    """\n    return 4\n', id="a question in a docstring"),
        pytest.param("<think>\n```python\nprint(1)\n```\nhm", id="thinking"),
        pytest.param("```python\nx = 1\nQuestion: int = 2\nprint(x)", id="an annotation"),
    ],
)
def test_data_cuts_nothing(text: str) -> None:
    reader, seen = stream(text)
    assert seen == text
    assert reader.text == text
    assert reader.close() == code(text)
