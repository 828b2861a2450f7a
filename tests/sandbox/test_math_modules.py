"""numpy and sympy on demand: loaded in the zygote, numbers out as numbers, symbols as text."""

from collections.abc import Iterator
from fractions import Fraction
from importlib.util import find_spec

import pytest

from agentkit.sandbox import Sandbox

pytestmark = pytest.mark.skipif(not (find_spec("numpy") and find_spec("sympy")), reason="needs the extra [math]")


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(modules=("numpy", "sympy")) as made:
        yield made


@pytest.mark.parametrize(
    ("code", "value"),
    [
        ("import numpy as np\nnp.arange(6).reshape(2, 3).sum(axis=0)", [3, 5, 7]),
        ("import numpy as np\nnp.float64(1.5)", 1.5),
        ("import numpy as np\nnp.int64(7)", 7),
        ("import numpy as np\nnp.bool_(True)", True),
        ("import numpy as np\n[np.float64(0.5), np.array([1 + 2j])]", [0.5, [1 + 2j]]),
        ("import numpy as np\nnp.linalg.solve(np.array([[2.0, 0], [0, 4]]), np.array([2.0, 8]))", [1.0, 2.0]),
        ("import numpy as np\nround(float(np.mean([1, 2, 4])), 3)", 2.333),
        ("import sympy\nx = sympy.Symbol('x')\nsympy.solve(x**2 - 4, x)", [-2, 2]),
        ("x = Symbol('x')\nsolve(Eq(3 * x, 1), x)", [Fraction(1, 3)]),
        ("x = Symbol('x')\nsimplify((x**2 - 1) / (x - 1))", "x + 1"),
        ("import sympy\nsympy.Float('0.25')", 0.25),
        ("import sympy\nsympy.sqrt(8)", "2*sqrt(2)"),
        ("import sympy\n{sympy.Integer(2): sympy.Rational(1, 2)}", {2: Fraction(1, 2)}),
    ],
)
def test_results_are_numbers_or_text(sandbox: Sandbox, code: str, value: object) -> None:
    result = sandbox.run(code)
    assert result.error is None
    assert result.value == value
    assert type(result.value) is type(value)


def test_they_are_not_there_unless_asked_for() -> None:
    with Sandbox() as plain:
        error = plain.run("import numpy").error
        assert error is not None
        assert error.type == "ImportError"


def test_limits_hold_in_c_code(sandbox: Sandbox) -> None:
    error = sandbox.run("import numpy as np\nnp.ones((1 << 16, 1 << 14))").error
    assert error is not None
    assert (error.kind, error.type) == ("memory", "MemoryError")
    assert sandbox.run("1").value == 1


def test_files_stay_closed(sandbox: Sandbox) -> None:
    error = sandbox.run("import sympy\nsympy.sympify(\"open('/etc/passwd').read()\")").error
    assert error is not None
    assert "root:" not in str(error)


@pytest.mark.parametrize("code", ["import random\nrandom.random()", "import numpy as np\nfloat(np.random.rand())"])
def test_programs_do_not_share_random_numbers(sandbox: Sandbox, code: str) -> None:
    assert len({str(sandbox.run(code).value) for _ in range(4)}) == 4
