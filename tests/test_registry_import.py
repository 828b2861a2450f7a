"""Tools by name: built in, from modules, from files; and what is said when there are none."""

import sys
from pathlib import Path

import pytest
from langchain_core.tools import tool as langchain_tool

from agentkit.errors import ConfigError
from agentkit.registry_import import built_in, load_tools
from agentkit.toolbox import Toolbox

MINE = '''
from dataclasses import dataclass
from agentkit import tool

LIMIT = 3

@dataclass
class Place:
    name: "str"

@tool(read_only=True)
def population(city: str) -> int:
    """How many people live in a city."""
    return 717_710

def shout(text: str) -> str:
    """Say it louder."""
    return text.upper()

@tool
def _hidden() -> None:
    """Not for others."""

class Desk:
    @staticmethod
    def open() -> str:
        """Open it."""
        return "open"

BOTH = [population, shout]
'''
TRAVEL = [
    "search_flights",
    "search_hotels",
    "book_flight",
    "book_hotel",
    "get_booking",
    "list_bookings",
    "cancel_booking",
]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with a module, a package and nothing else; what is imported from it is forgotten."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", sys.path.copy())
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    (tmp_path / "mine.py").write_text(MINE)
    (tmp_path / "agentkit_test_package").mkdir()
    (tmp_path / "agentkit_test_package" / "__init__.py").write_text("")
    (tmp_path / "agentkit_test_package" / "mine.py").write_text(MINE)
    return tmp_path


@pytest.fixture(autouse=True)
def _forget() -> object:
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if "agentkit_test_" in name:
            del sys.modules[name]


def names(specs: str | list[str]) -> list[str]:
    return [tool.name for tool in load_tools(specs)]


def refusal(spec: str) -> str:
    with pytest.raises(ConfigError) as caught:
        load_tools(spec)
    text = str(caught.value)
    assert "\n" not in text
    return text


def test_built_in_tools() -> None:
    assert names("calculator") == ["calculator"]
    assert sorted(names("travel")) == sorted(TRAVEL)
    every = names("all")
    assert {*TRAVEL, "calculator", "search_web", "python"} == set(every) == set(built_in())
    assert len(every) == len(set(every))


def test_several_names_give_each_tool_once() -> None:
    assert sorted(names(["travel", "search_flights", "travel"])) == sorted(TRAVEL)
    Toolbox(load_tools(["all", "travel", "python"]))


def test_python_runs_programs() -> None:
    (python,) = load_tools("python")
    assert python.marks.read_only and python.text_argument == "code"


@pytest.mark.parametrize("place", ["mine.py", "./mine.py", "agentkit_test_package.mine"])
def test_tools_of_a_module(folder: Path, place: str) -> None:
    assert names(place) == ["population"]
    assert names(f"{place}:population") == ["population"]
    assert names(f"{place}:shout") == ["shout"]
    assert names(f"{place}:BOTH") == ["population", "shout"]
    assert names(f"{place}:Desk.open") == ["open"]
    (tool,) = load_tools(f"{place}:population")
    assert tool("Oslo") == 717_710 and tool.marks.read_only


def test_a_file_is_imported_once(folder: Path) -> None:
    (folder / "counted.py").write_text(
        "import builtins\nbuiltins.counted = getattr(builtins, 'counted', 0) + 1\n" + MINE
    )
    assert load_tools("counted.py:population")[0] is load_tools(str(folder / "counted.py"))[0]
    import builtins

    assert builtins.__dict__.pop("counted") == 1


def test_a_file_may_import_what_lies_beside_it(folder: Path) -> None:
    (folder / "sub").mkdir()
    (folder / "sub" / "agentkit_test_helper.py").write_text("WORD = 'hi'\n")
    (folder / "sub" / "uses.py").write_text(
        "from agentkit_test_helper import WORD\ndef greet() -> str:\n    'Greet.'\n    return WORD\n"
    )
    (tool,) = load_tools("sub/uses.py:greet")
    assert tool() == "hi"


def test_a_module_says_what_it_exports(folder: Path) -> None:
    (folder / "agentkit_test_exports.py").write_text(MINE + "\n__all__ = ['shout', 'BOTH']\n")
    assert "There are no tools in agentkit_test_exports" in refusal("agentkit_test_exports")


def test_langchain_tools_of_a_module(folder: Path) -> None:
    assert langchain_tool is not None
    (folder / "theirs.py").write_text(
        "from langchain_core.tools import tool\n@tool\ndef shout(text: str) -> str:\n    'Louder.'\n    return text\n"
    )
    assert names("theirs.py") == names("theirs.py:shout") == ["shout"]


@pytest.mark.parametrize(
    ("spec", "text"),
    [
        ("calculater", "There is no tool 'calculater'. Did you mean calculator?"),
        ("travle", "Did you mean travel?"),
        ("", "There is no tool ''."),
        ("zzz", "path/to/file.py:function"),
        ("travel_tools", "There is no tool 'travel_tools'."),
        ("nowhere.mod", "There is no module 'nowhere.mod'. Check how it is written"),
        ("nowhere.mod:f", "There is no module 'nowhere.mod'"),
        ("agentkit_test_package.nothing:f", "There is no module 'agentkit_test_package.nothing'"),
        ("no module:f", "neither a module's name nor a path"),
        ("mnie.py", "There is no file mnie.py. Did you mean mine.py?"),
        ("nowhere/mine.py:f", "There is no file nowhere/mine.py."),
        ("mine.py:", "ends in a colon"),
        ("mine.py:populaton", "There is no 'populaton' in mine.py. Did you mean population?"),
        ("mine.py:zzz", "There is no 'zzz' in mine.py. There are: population, shout."),
        ("mine.py:LIMIT", "mine.py:LIMIT is of type int, and no tool"),
        ("mine.py:Place", "is the class Place, and no tool"),
        (
            "json.tool",
            "There are no tools in json.tool. Mark functions with @agentkit.tool, or name one: json.tool:main",
        ),
        ("keyword", "name one: keyword:function"),
    ],
)
def test_what_there_is_not(folder: Path, spec: str, text: str) -> None:
    assert text in refusal(spec)


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("\n\nraise KeyError('key')", "bad.py fails when it is imported: KeyError: 'key' (bad.py, line 3)"),
        ("def f(:\n", "SyntaxError: invalid syntax (bad.py, line 1)"),
        ("import sys\nsys.exit('bye')", "SystemExit: bye (bad.py, line 2)"),
        ("import no_such_thing", "bad.py imports 'no_such_thing', which is not installed"),
        ("import json\njson.loads('{')\n", "(decoder.py, line"),
        ("raise ValueError('one\\ntwo')", "ValueError: one two"),
    ],
)
def test_a_file_that_fails_is_told_in_one_line(folder: Path, code: str, text: str) -> None:
    (folder / "bad.py").write_text(code)
    assert text in refusal("bad.py:f")
    (folder / "bad.py").write_text(MINE)
    assert names("bad.py:population") == ["population"]  # repaired, it is read again


def test_a_module_that_fails_is_told_in_one_line(folder: Path) -> None:
    (folder / "agentkit_test_bad.py").write_text("from agentkit import nothing_of_the_kind")
    text = refusal("agentkit_test_bad:f")
    assert text.startswith("agentkit_test_bad fails when it is imported: ImportError: cannot import name")
    assert "agentkit_test_bad.py, line 1" in text
