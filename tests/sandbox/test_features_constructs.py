"""One test for each construct: under the policy a program gives what plain CPython gives."""

import io
import sys
from contextlib import redirect_stdout
from types import ModuleType

import pytest

from .layer1 import run, sections

FILES = ("language.txt", "except-star.txt", "functions.txt", "classes.txt", "dunders.txt")
SINCE = {"since-3.12.txt": (3, 12), "since-3.14.txt": (3, 14)}


def programs() -> list[object]:
    files = [*FILES, *(name for name, version in SINCE.items() if sys.version_info >= version)]
    return [pytest.param(source, id=title) for name in files for title, source in sections(name)]


def plain(source: str, monkeypatch: pytest.MonkeyPatch) -> tuple[object, str]:
    """The answer and the output of a program in CPython without a policy."""
    main = ModuleType("__main__")  # dataclasses look a class's module up
    monkeypatch.setitem(__import__("sys").modules, "__main__", main)
    printed = io.StringIO()
    with redirect_stdout(printed):
        exec(compile(source, "<plain>", "exec", dont_inherit=True), vars(main))
    return vars(main)["answer"], printed.getvalue()


@pytest.mark.parametrize("source", programs())
def test_a_construct_works_as_in_cpython(source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    answer, printed = plain(source, monkeypatch)
    ran = run(source)
    assert repr(ran.space["answer"]) == repr(answer)
    assert ran.printed == printed
