"""compile_program and compile_plain: values, errors, limits, sessions."""

import ast
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentkit.sandbox.policy import MAX_SOURCE, Compiled, Problem, compile_plain, compile_program

from .layer1 import namespace, run

BOTH = pytest.mark.parametrize("compiler", [compile_program, compile_plain])
Compiler = Callable[[str], Compiled]


@BOTH
def test_the_value_of_a_trailing_expression_is_kept(compiler: Compiler) -> None:
    for source, value in (("x = 2\nx * 3", 6), ("'only'", "only"), ("if 1:\n    5\n", None), ("x = 1", None)):
        compiled = compiler(source)
        assert compiled.code is not None
        space = namespace()
        exec(compiled.code, space)
        assert space.get("_last_") == value


@BOTH
def test_a_syntax_error_is_a_problem_of_the_program(compiler: Compiler) -> None:
    assert compiler("x = 1\ny = (1 +\n").errors == (
        Problem(2, "SyntaxError: '(' was never closed", "y = (1 +", "program"),
    )


@BOTH
@pytest.mark.parametrize(
    "source", ["a\0b", "\ud800", "x = 1\n return 2", "x = " + "9" * 5000, "def f():\n\tx\n        y"]
)
def test_text_that_is_no_program(compiler: Compiler, source: str) -> None:
    [problem] = compiler(source).errors
    assert problem.kind == "program"
    assert problem.message


@BOTH
@pytest.mark.parametrize(
    "source",
    [
        "(" * 300 + ")" * 300,
        "-" * 60_000 + "1",
        "x" + ".a" * 60_000,
        "x = " + "1+" * 60_000 + "1",
        "x" + "[0]" * 60_000,
    ],
    ids=["parentheses", "signs", "attributes", "sum", "items"],
)
def test_deep_nesting_is_told(compiler: Compiler, source: str) -> None:
    [problem] = compiler(source).errors
    assert problem.kind == "program"
    assert "nested" in problem.message


def test_a_program_of_ordinary_depth_compiles() -> None:
    elifs = "if x == 0: y = 0\n" + "".join(f"elif x == {n}: y = {n}\n" for n in range(1, 200))
    total = "z = " + " + ".join(str(n) for n in range(300))
    ran = run(f"x = 150\n{elifs}{total}\nanswer = (y, z)")
    assert ran.space["answer"] == (150, 44850)


def test_size_limits() -> None:
    assert "characters, limit 200000" in compile_program("#" * (MAX_SOURCE + 1)).errors[0].message
    assert "syntax nodes" in compile_program("f(1)\n" * 15_000).errors[0].message
    assert compile_program("#" * MAX_SOURCE).code is not None


def test_programs_of_a_session_share_one_namespace() -> None:
    space = namespace()
    run("class A:\n    def __init__(self): self._n = 1\na = A()\nimport math", space=space)
    run("def f(x): return a._n + x", space=space)
    run("answer = (f(2), a._n, math.floor(2.5), hasattr(a, '_n'))", space=space)
    assert space["answer"] == (3, 1, 2, True)


def test_warnings_of_the_compiler_stay_out_of_the_way() -> None:
    assert run(r"answer = 1 is 1, '\d'").space["answer"] == (True, "\\d")


def test_lines_are_those_of_the_source() -> None:
    with pytest.raises(ZeroDivisionError) as caught:
        run("x = 1\nfrom math import pi, e\n\n@str\ndef f(): pass\ny: int = 1 / 0\n")
    assert caught.traceback[-1].lineno == 5  # counted from 0


def test_the_source_line_of_a_problem_is_cut() -> None:
    [problem] = compile_program("x = 1\n    \ny.__code__" + " + 1" * 200).errors
    assert problem.source.startswith("y.__code__ + 1")
    assert len(problem.source) <= 300


VOCABULARY = (
    "def class if else for in while try except finally with as import from lambda yield return raise match case type "
    "async await global nonlocal del assert x y _a __b__ _c_ __init__ self . , : ; ( ) [ ] { } = == := + - ** @ * -> | "
    "'s' f'{x!r:>{y}}' 1 2.5 ... \n \t None __class__ _getattr_ gi_frame"
)
words = st.sampled_from(VOCABULARY.split(" "))


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.text(max_size=60), st.lists(words, max_size=25).map(" ".join)))
def test_any_text_compiles_or_is_explained(source: str) -> None:
    for compiled in (compile_program(source), compile_plain(source)):
        assert (compiled.code is None) == bool(compiled.errors)
        assert all(problem.line >= 1 and problem.message for problem in compiled.errors)


@settings(max_examples=200, deadline=None)
@given(st.lists(words, max_size=25).map(" ".join))
def test_what_does_not_parse_is_no_matter_of_the_policy(source: str) -> None:
    try:
        ast.parse(source)
    except SyntaxError:
        assert [problem.kind for problem in compile_program(source).errors] == ["program"]
    else:
        assert {problem.kind for problem in compile_plain(source).errors} <= {"program"}
