"""The audit: nothing dangerous within reach of programs, and it would find it."""

import functools
import inspect
import os
import sys
import typing
from collections.abc import Iterator
from importlib.util import find_spec
from types import CodeType, FunctionType, ModuleType

import pytest

from agentkit.sandbox.audit import Audit, audit, roots
from agentkit.sandbox.policy_names import METHODS, attribute_refusal, words


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


# A function that names one of these can open the objects it is called with.
OPENERS = frozenset(
    words(
        "__dict__ vars globals f_globals __globals__ modules _getframe setattr __setattr__ __getattribute__ deepcopy "
        "__reduce_ex__ exec eval open import_module __import__"
    )
)
# Read, and found to open nothing: they set names of their own, or check them, or look at the object's own class only.
REVIEWED = frozenset(
    words(
        "guards.checked_setattr standins.update_wrapper standins.SimpleNamespace.__eq__ functools.total_ordering "
        "typing._no_init_or_replace_init uuid.UUID.__init__ "
        "string.Template._compile_pattern uuid.UUID._from_int"  # since Python 3.14
    )
)


class Functions(Audit):
    """Keeps every function of Python code that a program can call, or have called by an operator or a descriptor."""

    def __init__(self, shown: list[object]) -> None:
        super().__init__(shown)
        self.found: dict[CodeType, FunctionType] = {}

    def _danger(self, value: object) -> str | None:
        values = [value, getattr(value, "__func__", None)]
        if isinstance(value, type):
            named = [item for kind in value.__mro__ for item in vars(kind).items()]
            values += [item for name, item in named if name in METHODS or attribute_refusal(name) is None]
            values += [item.fget for item in values if isinstance(item, property)]
        self.found |= {item.__code__: item for item in values if isinstance(item, FunctionType)}
        return super()._danger(value)


def codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for item in code.co_consts:
        if isinstance(item, CodeType):
            yield from codes(item)


def test_no_function_within_reach_opens_objects() -> None:
    starts, views = roots()
    functions = Functions(views)
    functions.walk(starts)
    opening = {
        f"{function.__module__.removeprefix('agentkit.sandbox.')}.{function.__qualname__}"
        for function in functions.found.values()
        if not OPENERS.isdisjoint(name for code in codes(function.__code__) for name in code.co_names)
    }
    assert len(functions.found) > 500
    assert opening <= REVIEWED
