"""What programs may import and find without importing."""

import math
import sys
from importlib.util import find_spec
from types import ModuleType

import pytest

from agentkit.sandbox.modules import BASE_MODULES, facades, load, prebound, warm

from .layer1 import run


def test_every_module_of_the_list_imports() -> None:
    for name in BASE_MODULES:
        assert run(f"import {name} as m\nanswer = m.__name__").space["answer"] == name


def test_a_facade_is_never_the_module_and_holds_no_module() -> None:
    shown = facades(BASE_MODULES)
    for name, facade in shown.items():
        assert isinstance(facade, ModuleType)
        assert facade is not sys.modules[name]
        inside = {key: value for key, value in vars(facade).items() if not key.startswith("__")}
        modules = {key for key, value in inside.items() if isinstance(value, ModuleType)}
        assert all(f"{name}.{key}" in shown for key in modules)
        assert not any(isinstance(value, type) and issubclass(value, type) for value in inside.values())


def test_writing_to_a_facade_leaves_the_module_alone() -> None:
    root = math.sqrt
    assert run("import math\nmath.sqrt = None\nanswer = math.sqrt").space["answer"] is None
    assert math.sqrt is root


def test_packages_and_their_parts() -> None:
    shown = facades(["collections.abc", "dateutil.relativedelta"])
    assert set(shown) == {"collections", "collections.abc", "dateutil", "dateutil.relativedelta"}
    assert vars(shown["dateutil"])["relativedelta"] is shown["dateutil.relativedelta"]


def test_an_unknown_module_is_an_import_error() -> None:
    with pytest.raises(ImportError):
        load(["no_such_module_here"])


def test_what_is_there_without_an_import() -> None:
    source = (
        "answer = (math.floor(2.5), factorial(4), gcd(12, 18), comb(4, 2), datetime(2020, 1, 31) + timedelta(days=1), "
        "date(2020, 1, 31) + relativedelta(months=1), Fraction(1, 2), Decimal('0.1'), statistics.mean([1, 3]))"
    )
    shown = "(2, 24, 6, 6, datetime.datetime(2020, 2, 1, 0, 0), datetime.date(2020, 2, 29), "
    shown += "Fraction(1, 2), Decimal('0.1'), 2)"
    assert repr(run(source).space["answer"]) == shown


def test_datetime_is_the_class_until_it_is_imported() -> None:
    source = (
        "a = datetime(2020, 1, 1)\nimport datetime\nanswer = (a == datetime.datetime(2020, 1, 1), datetime.MINYEAR)"
    )
    assert run(source).space["answer"] == (True, 1)


def test_prebound_names_follow_the_modules() -> None:
    assert "Symbol" not in prebound(["numpy"])
    if find_spec("sympy"):
        assert {"Symbol", "Eq", "solve", "simplify"} <= set(prebound(["sympy"]))


def test_warming_up_can_be_repeated() -> None:
    warm()
    warm()


@pytest.mark.skipif(not find_spec("numpy"), reason="numpy is not installed")
def test_numpy_without_its_files() -> None:
    source = (
        "import numpy as np\nfrom numpy.linalg import det\n"
        "a = np.arange(4).reshape(2, 2)\na[0] += 1\n"
        "answer = (round(float(det(a)), 9), float(a.mean()), a.tolist(), hasattr(np, 'load'))"
    )
    assert repr(run(source, "numpy").space["answer"]) == "(-1.0, 2.0, [[1, 2], [2, 3]], False)"


@pytest.mark.skipif(not find_spec("sympy"), reason="sympy is not installed")
def test_sympy_solves() -> None:
    source = (
        "from sympy.abc import y\nimport sympy as sp\nanswer = (solve(Eq(2 * Symbol('x'), 6)), str(sp.diff(y**2, y)))"
    )
    assert str(run(source, "sympy").space["answer"]) == "([3], '2*y')"
