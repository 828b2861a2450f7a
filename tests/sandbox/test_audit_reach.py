"""The audit: nothing dangerous within reach of programs, and it would find it."""

import functools
import inspect
import os
import sys
import typing
from importlib.util import find_spec
from types import ModuleType

import pytest

from agentkit.sandbox.audit import Audit, audit


def test_nothing_dangerous_is_within_reach() -> None:
    assert audit() == []


@pytest.mark.skipif(not (find_spec("numpy") and find_spec("sympy")), reason="numpy and sympy are not installed")
@pytest.mark.timeout(300)
def test_nothing_dangerous_is_within_reach_of_the_math_stack() -> None:
    assert audit(["numpy", "sympy"]) == []


class Holder:
    """Has what a program must not reach, a few steps away."""

    def __init__(self, value: object) -> None:
        self.steps = [{"a": (value,)}]


@pytest.mark.parametrize(
    "value",
    [
        *(
            os,
            os.getpid,
            eval,
            open,
            type,
            os.getcwd,
            inspect.currentframe(),
            audit.__code__,
            vars(os),
            sys.modules,
            typing.Literal[1],
        ),
        *({"__builtins__": 1}, functools.singledispatch, typing.ForwardRef("x"), str.format),
    ],
    ids=str,
)
def test_it_finds_what_is_planted(value: object) -> None:
    [finding] = Audit([]).walk({"x": Holder(value)})
    assert finding.path == "x.steps[0]['a'][0]"


def test_it_finds_a_module_behind_a_class_attribute() -> None:
    class Door:
        _module = os

    assert [item.path for item in Audit([]).walk({"d": Door()})] == ["d._module"]


def test_a_facade_is_no_module() -> None:
    facade = ModuleType("math")
    assert Audit([facade]).walk({"m": facade}) == []
    assert len(Audit([]).walk({"m": facade})) == 1
