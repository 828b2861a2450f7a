"""What a program cannot do, and what it is told instead."""

import pytest

from .layer1 import namespace, refusals, run


def told(source: str) -> str:
    """What the model reads when the program fails at run time."""
    with pytest.raises(Exception) as caught:  # noqa: PT011  (programs raise anything)
        run(source)
    return f"{caught.type.__name__}: {caught.value}"


@pytest.mark.parametrize(
    ("source", "line", "words"),
    [
        ("async def f(): pass", 1, "write a plain function"),
        ("def f():\n    await x", 2, "async is not available"),
        ("y = [x async for x in z]", 1, "async is not available"),
        ("class G(ExceptionGroup):\n    x = 1\n    def derive(self, errors): pass", 3, "except* would not ask it"),
        ("x = 1\neval('1')", 2, "eval() is not allowed: write the expression itself"),
        ("exec('x = 1')", 1, "exec() is not allowed"),
        ("globals()['x'] = 1", 1, "use a dict"),
        ("y = ().__class__", 1, "write type(x)"),
        ("import math\nmath.__dict__", 2, "write vars(x)"),
        ("print(__file__)", 1, "there are no files here"),
        ("f = len.__self__", 1, "'__self__' is not allowed as an attribute"),
        ("type(1).mro()", 1, "isinstance and issubclass"),
        ("class A:\n    def __getattr__(self, n): return n", 2, "define a method or a property"),
        ("class A(metaclass=M): pass", 1, "use a class decorator"),
        ("g = (i for i in [1])\ng.gi_frame", 2, "'gi_frame' is not allowed"),
        ("_getattr_ = 1", 1, "'_getattr_' is not allowed"),
        ("def f():\n    from math import *", 2, "only works at the top level"),
    ],
)
def test_a_refused_construct_is_named_with_its_line_and_a_way_out(source: str, line: int, words: str) -> None:
    [(found, message)] = refusals(source)
    assert found == line
    assert words in message


def test_all_refusals_are_collected_in_the_order_of_their_lines() -> None:
    found = refusals("x = a.__code__\ny = 1\n\nasync def f(): pass\nclass A:\n    def __reduce__(self): pass\n")
    assert [line for line, _ in found] == [1, 4, 6]


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("input('n? ')", "NameError: input() is not available: nobody can answer"),
        ("open('x.txt')", "NameError: open() is not available: there are no files here"),
        ("dir([])", "NameError: dir() is not available"),
        ("exit()", "NameError: exit() is not available: let the program end"),
        ("import sys\nsys.exit(1)", "NameError: sys.exit() is not available"),
        ("list(map(eval, ['1']))", "NameError: eval() is not available"),
        ("getattr(1, '__class__')", "AttributeError: '__class__' is not allowed"),
        ("'{0.__class__}'.format(1)", "pass the value itself"),
        ("type('A', (), {})", "TypeError: type() takes one argument here: write a class statement"),
        ("class A(type): pass", "TypeError: metaclasses are not available"),
        ("from math import nothing", "ImportError: cannot import name 'nothing' from 'math'"),
        ("from . import x", "ImportError: relative imports do not work here"),
        ("vars(3)", "TypeError: vars() works on instances of classes that the program defines"),
    ],
)
def test_what_is_missing_says_what_to_do(source: str, words: str) -> None:
    assert words in told(source)


def test_an_import_that_is_not_there_names_all_that_are() -> None:
    message = told("import os")
    assert message.startswith("ImportError: 'os' cannot be imported here. These can: abc, ")
    assert all(f" {name}" in message for name in ("math", "datetime", "dateutil", "json", "zoneinfo"))


def test_a_program_may_define_a_function_called_like_a_missing_one() -> None:
    source = "def eval(tree): return tree + 1\ndef input(text): return text\nanswer = (eval(1), input('x'))"
    assert run(source).space["answer"] == (2, "x")


def test_annotations_are_never_evaluated() -> None:
    source = (
        "x: undefined = 1\n"
        "def f(a: print('no'), *args: also.undefined, b: 1 / 0 = 2) -> whatever[()]:\n"
        "    c: nothing.here = a + b\n"
        "    return c\n"
        "class A:\n"
        "    y: print('no') = 3\n"
        "answer = (x, f(1), A.y)"
    )
    ran = run(source)
    assert ran.space["answer"] == (1, 3, 3)
    assert ran.printed == ""


def test_bare_except_and_base_exception_do_not_catch_what_stops_a_program() -> None:
    class Stop(BaseException):
        pass

    def stop() -> None:
        raise Stop

    clauses = ("except:", "except BaseException:", "except Exception:", "except* BaseException:", "except* Exception:")
    for clause in clauses:
        with pytest.raises(Stop):
            run(f"try:\n    stop()\n{clause}\n    pass", space=namespace() | {"stop": stop})


def test_a_str_subclass_is_no_attribute_name() -> None:
    source = "class S(str):\n    def __eq__(self, o): return False\n    __hash__ = None\ngetattr(1, S('__class__'))"
    assert told(source) == "TypeError: attribute name must be string, not 'S'"
