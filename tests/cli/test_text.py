"""Words and lines for people."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentkit.cli.text import arguments, code_of, counted, folded, printable, summary
from agentkit.messages import Action, Run, Usage


@given(st.text())
def test_nothing_printable_says_moves_the_cursor(text: str) -> None:
    assert all(char.isprintable() or char in "\n\u200c\u200d" for char in printable(text))


@given(st.text(alphabet=st.characters(categories=["L", "N", "P", "S"])))
def test_plain_text_is_left_as_it_is(text: str) -> None:
    assert printable(text) == text


def test_controls_are_shown_as_pictures() -> None:
    assert printable("a\x1b[2Jb\r\nc\x07") == "a␛[2Jb\nc␇"
    assert printable("Oslo \u202eemoR") == "Oslo �emoR"
    assert printable("👩\u200d🚀\u00a0x") == "👩\u200d🚀 x"


@pytest.mark.parametrize(
    ("text", "head", "rest"),
    [
        ("one\ntwo", "one\ntwo", ""),
        ("\n".join("abcdefgh"), "\n".join("abcdefgh"), ""),
        ("\n".join("abcdefghi"), "\n".join("abcdefgh"), "… 1 more line"),
        ("x" * 1203, "x" * 1200, "… 3 more characters"),
        ("", "", ""),
    ],
)
def test_folding(text: str, head: str, rest: str) -> None:
    assert folded(text) == (head, rest)


def test_arguments_as_in_a_call() -> None:
    assert arguments({"city": "Oslo", "days": 3}) == "city='Oslo', days=3"
    assert arguments("Oslo") == "'Oslo'"
    assert arguments("") == ""


def test_a_program_is_told_from_other_actions() -> None:
    assert code_of(Action("python", {"code": "1 + 1"})) == "1 + 1"
    assert code_of(Action("python", "1 + 1")) == "1 + 1"
    assert code_of(Action("python", {"code": "1 + 1", "other": 2})) is None
    assert code_of(Action("search", {"code": "1 + 1"})) is None


def test_the_summary() -> None:
    run = Run("?", usage=Usage(input_tokens=1200, output_tokens=34, cost_usd=0.0012, seconds=2.34))
    assert summary(run) == "0 steps · 1,234 tokens (1,200 in, 34 out) · $0.0012 · 2.3 s"
    assert counted(1, "token") == "1 token"
