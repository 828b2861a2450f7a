"""`import agentkit.tools` stays light, and its names are there when they are asked for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import agentkit.tools

ROOT = Path(__file__).parents[2]


def loaded(program: str, *modules: str) -> set[str]:
    """Which of these modules are loaded after the program."""
    shown = f"import sys\n{program}\nprint(*(name for name in {modules!r} if name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", shown], capture_output=True, text=True, check=True, cwd=ROOT)
    return set(done.stdout.split())


HEAVY = ("sqlalchemy", "ddgs", "pydantic", "tenacity", "langchain_core")


def test_the_package_alone_loads_nothing_heavy() -> None:
    assert loaded("import agentkit.tools", *HEAVY) == set()


def test_travel_tools_load_no_database_before_they_are_used() -> None:
    assert loaded("from agentkit.tools import search_flights, search_web, calculator", *HEAVY) <= {"pydantic"}


def test_every_name_is_there() -> None:
    for name in agentkit.tools.__all__:
        assert getattr(agentkit.tools, name) is not None
        assert name in dir(agentkit.tools)


def test_an_unknown_name() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nosuch'"):
        getattr(agentkit.tools, "nosuch")  # noqa: B009 - a checker would refuse the plain form


def test_a_submodule_does_not_hide_the_tool_of_its_name() -> None:
    setattr(agentkit.tools, "calculator", ModuleType("agentkit.tools.calculator"))  # noqa: B010 - as import does
    assert agentkit.tools.calculator("2 + 2") == "4"
