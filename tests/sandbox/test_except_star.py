"""`except*` under the policy: CPython's outcome for any groups, clauses and handlers, and nothing believed of them."""

import dis
import sys
from collections.abc import Iterator
from textwrap import indent
from types import CodeType
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentkit.sandbox.except_star import Star
from agentkit.sandbox.policy import compile_program

from .layer1 import namespace, refusals, run, sections

# What a handler does. `e` is its part, `kept` holds the parts and errors of before, `again` raises what is handled.
ACTIONS = (
    *("pass", "raise", "raise e", "raise e.exceptions[0]", "raise e.exceptions[-1]", "again()", "raise group"),
    *("raise OSError('new')", "raise OSError('new') from e", "raise OSError('new') from None", "raise kept[0]"),
    *("raise ExceptionGroup('more', [e, OSError('new')])", "raise ExceptionGroup('more', e.exceptions)"),
    *("e.add_note('seen'); raise", "e.add_note('seen'); raise e", "group.add_note('late'); raise", "del e; raise"),
    "raise ExceptionGroup('more', [kept[0], e])",
    "try: raise e\n        except ValueError: pass\n        finally: log.append('left')",
    "try: raise OSError('inner')\n        except OSError: raise",
    "try: raise OSError('inner')\n        except OSError as inner: kept.append(inner)",
    "try: raise e\n        except* ValueError as e: kept.append(e)\n        except* Late: raise",
    "try: raise ExceptionGroup('inner', [e, Late('n')])\n        except* Late as e: raise",
    "try: raise OSError('inner')\n        except* OSError: raise e",
    "kept[0].add_note('noted')",
)
KINDS = ("ValueError", "TypeError", "LookupError", "KeyError", "Late", "Exception", "(TypeError, KeyError)")
HEAD = """
class Mine(ExceptionGroup): pass
class Late(ValueError): pass
class Both(ExceptionGroup, LookupError): pass
log, kept = [], []
def again(): raise
def work():
    try:
        raise group
"""
LEAVES = ("ValueError(1)", "TypeError(2)", "KeyError(3)", "IndexError(4)", "Late(5)", "shared", "noted")
groups = st.recursive(
    st.sampled_from(LEAVES),
    lambda inner: st.builds(
        "{}('g', [{}])".format,
        st.sampled_from(["ExceptionGroup", "ExceptionGroup", "Mine", "Both"]),
        st.lists(inner, min_size=1, max_size=4).map(", ".join),
    ),
    max_leaves=10,
)
clauses = st.builds(
    "    except* {}{}:\n        log.append(({}))\n        {}\n".format,
    *(st.sampled_from(KINDS), st.just(" as e"), st.just("'handled', e, e.__context__"), st.sampled_from(ACTIONS)),
)
AROUND = (
    "try: work()\nexcept* Late as late: log.append(late)",
    "work()",
    "try: 1 / 0\nexcept ZeroDivisionError: work()",
    "try: work()\nexcept* (OSError, KeyError) as e: log.append(e); raise\nexcept* ValueError: pass",
    "try: raise kept[0] if kept else ValueError(9)\nexcept ValueError: work()",
    "for _ in range(2):\n    try: work()\n    except Exception as e: kept.append(e)\nwork()",
)


@st.composite
def programs(draw: st.DrawFn) -> str:
    """A function with one `except*` statement, and what is around its call."""
    group = draw(groups)
    noted = draw(st.sampled_from(["", "group.add_note('n')\n", "group.add_note('n'); group.add_note('m')\n"]))
    start = f"shared = noted = ValueError('s')\nnoted = KeyError('n')\nnoted.add_note('x')\ngroup = {group}\n{noted}"
    body = "".join(draw(st.lists(clauses, min_size=1, max_size=3)))
    end = draw(st.sampled_from(["", "    finally:\n        log.append('finally')\n", "    else:\n        pass\n"]))
    head, _, work = HEAD.partition("log, kept")
    return f"{head}{start}log, kept{work}{body}{end}{draw(st.sampled_from(AROUND))}\n"


def described(value: object, seen: dict[int, int]) -> object:
    """An exception and all that hangs on it, so that two can be compared; what came before is only named."""
    if isinstance(value, list | tuple):
        return [described(item, seen) for item in cast("list[object]", value)]
    if not isinstance(value, BaseException):
        return value
    if id(value) in seen:
        return seen[id(value)]
    seen[id(value)] = len(seen)
    known = [type(value).__name__, value.__suppress_context__, list(getattr(value, "__notes__", []))]
    own = [getattr(value, name) for name in (("message", "exceptions") if is_group(value) else ("args",))]
    return known + [described(item, seen) for item in (*own, value.__cause__, value.__context__)]


def is_group(value: object) -> bool:
    return isinstance(value, BaseExceptionGroup)


def outcome(code: CodeType, space: dict[str, object]) -> object:
    escaped: BaseException | None = None
    try:
        exec(code, space)
    except Exception as error:
        escaped = error
    return described([space["log"], space["kept"], escaped], {})


@settings(max_examples=400, deadline=None)
@given(programs())
def test_any_statement_comes_to_what_it_comes_to_in_cpython(source: str) -> None:
    compiled = compile_program(source).code
    assert compiled is not None
    plain: dict[str, object] = {}
    assert outcome(compiled, namespace()) == outcome(compile(source, "<plain>", "exec"), plain)


# Compiling


def codes(code: CodeType) -> Iterator[CodeType]:
    """A code object and all that are in it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from codes(constant)


@pytest.mark.parametrize("source", [pytest.param(source, id=title) for title, source in sections("except-star.txt")])
def test_the_interpreters_own_is_never_compiled(source: str) -> None:
    def operations(code: CodeType) -> set[str]:
        return {item.opname for inner in codes(code) for item in dis.get_instructions(inner)}

    compiled = compile_program(source).code
    assert compiled is not None
    plain = compile(source, "<plain>", "exec")
    assert ("CHECK_EG_MATCH" in operations(plain)) == ("except*" in source or "* ValueError" in source)
    assert "CHECK_EG_MATCH" not in operations(compiled)


HANDLERS = (
    *("return", "return 1", "break", "continue", "pass\ncontinue", "if x:\n    break", "yield", "x = lambda: (yield)"),
    *("with x:\n    return", "for x in y:\n    return", "while x:\n    return 2", "while x:\n    continue"),
    *("for x in y:\n    break", "for x in y:\n    pass\nelse:\n    break", "def f():\n    return 1"),
    *("class A:\n    continue", "try:\n    break\nfinally:\n    pass", "try:\n    pass\nexcept KeyError:\n    return"),
    "try:\n    pass\nexcept* KeyError:\n    return",
    "try:\n    pass\nexcept* KeyError:\n    pass\nelse:\n    continue",
    "for x in y:\n    try:\n        pass\n    except* KeyError:\n        break",
)


@pytest.mark.parametrize("handler", HANDLERS)
@pytest.mark.parametrize("around", ["", "for i in x:", "def f(x):", "def f(x):\n    for i in x:"])
def test_what_a_handler_may_not_do_is_what_the_compiler_says(around: str, handler: str) -> None:
    statement = "try:\n    pass\nexcept* ValueError:\n" + indent(handler, "    ") + "\nelse:\n    pass"
    source = f"{around}\n{indent(statement, '    ' * len(around.splitlines()))}\n"
    assert refusals(source) == plainly_refused(source)


def plainly_refused(source: str) -> list[tuple[int | None, str]]:
    try:
        compile(source, "<plain>", "exec")
    except SyntaxError as error:
        return [(error.lineno, f"SyntaxError: {error.msg}")]
    return []


def test_break_in_a_handler_is_named() -> None:
    source = "for i in x:\n    try:\n        pass\n    except* ValueError:\n        break\n"
    assert refusals(source) == [
        (5, "SyntaxError: 'break', 'continue' and 'return' cannot appear in an except* block"),
    ]


@pytest.mark.parametrize(
    ("source", "line", "words"),
    [
        ("try:\n    pass\nexcept* ValueError as _x_:\n    pass", 3, "'_x_' is not allowed as a variable"),
        ("try:\n    pass\nexcept* ValueError as __star_1__:\n    pass", 3, "not allowed as a variable"),
        ("try:\n    pass\nexcept* _Star_:\n    pass", 3, "'_Star_' is not allowed"),
        ("try:\n    pass\nexcept* x.__class__:\n    pass", 3, "write type(x)"),
        ("try:\n    pass\nexcept* ValueError as e:\n    e.__traceback__", 4, "print(repr(error))"),
        ("class G(ExceptionGroup):\n    def split(self, kind): pass", 2, "except* would not ask it"),
        ("class G(A, ExceptionGroup[ValueError]):\n    subgroup = 1", 2, "except* would not ask it"),
        ("class G(BaseExceptionGroup):\n    if x:\n        from y import z as derive", 3, "except* would not ask it"),
    ],
)
def test_what_the_policy_refuses(source: str, line: int, words: str) -> None:
    [(found, message)] = refusals(source)
    assert found == line
    assert words in message


def nested(depth: int) -> str:
    """Statements in the handler of one another."""
    levels = [indent("try:\n    f()\nexcept* ValueError as e:", "    " * level) for level in range(depth)]
    return "\n".join([*levels, "    " * depth + "pass"])


def test_handlers_may_be_four_deep() -> None:
    assert refusals(nested(4)) == []
    [(_, message)] = refusals(nested(5))
    assert message == "SyntaxError: too many statically nested blocks"


def test_a_group_may_have_functions_of_any_name_inside_its_methods() -> None:
    source = (
        "class G(ExceptionGroup):\n    def f(self):\n        split = 3\n        return split\nclass H:\n    split = 4"
    )
    assert refusals(source) == []


# Running


def traced(error: BaseException | None) -> list[str]:
    """The files that the traceback of an exception goes through, those of this test left out."""
    files: list[str] = []
    trace = error.__traceback__ if error else None
    while trace is not None:
        files.append(trace.tb_frame.f_code.co_filename)
        trace = trace.tb_next
    return [file for file in files if "tests" not in file]


def test_what_passes_through_has_seen_no_frame_of_the_policy() -> None:
    source = """
parts = []
def work():
    try:
        raise ExceptionGroup("g", [ValueError(1), TypeError(2), ExceptionGroup("h", [KeyError(3)])])
    except* ValueError as e:
        parts.append(e)
        raise
    except* TypeError as e:
        parts.append(e)
        raise e
    except* KeyError as e:
        parts.append(e)
        raise OSError from e
work()
"""
    space = namespace()
    with pytest.raises(ExceptionGroup) as caught:
        run(source, space=space)
    parts = cast("list[BaseException]", space["parts"])
    group: ExceptionGroup[Exception] = caught.value
    found = [group, *group.exceptions, *parts]
    assert len(found) == 7
    assert all(set(traced(error)) == {"<program>"} for error in found)


def test_nothing_is_left_in_the_namespace() -> None:
    source = "try:\n    raise ValueError\nexcept* ValueError as e:\n    pass\ntry:\n    pass\nexcept* KeyError: pass\n"
    space = namespace()
    before = set(space)
    run(source, space=space)
    assert set(space) == before


def test_no_class_keeps_a_name_of_it() -> None:
    source = "class A:\n    try:\n        raise ValueError\n    except* ValueError as e:\n        x = 1\n"
    kind = run(source).space["A"]
    assert {name for name in vars(kind) if not name.startswith("__")} == {"x"}
    assert not [name for name in vars(kind) if "star" in name]


def test_what_was_caught_in_the_place_of_a_part_is_raised_again() -> None:
    """Memory may run out where the interpreter raises the part."""
    try:
        raise ValueError(1)
    except ValueError:
        star = Star()
        assert star.match(ValueError)
        with pytest.raises(MemoryError):
            handle(star)


def handle(star: Star) -> None:
    try:
        raise MemoryError
    except MemoryError:
        star.restore()


@pytest.mark.parametrize("depth", range(24))
def test_a_handler_is_never_shown_what_is_no_part(depth: int) -> None:
    """Wherever the stack ends inside of the statement, it runs with a group of what it catches or not at all."""
    source = f"""
seen = []
def fall(n):
    if n:
        return fall(n - 1)
    try:
        raise ExceptionGroup("g", [ValueError(1), TypeError(2)])
    except* ValueError as e:
        seen.append(e)
    except* TypeError as e:
        seen.append(e)
        raise
def start(n):
    try:
        fall(n)
    except RecursionError:
        return "deep"
    except ExceptionGroup as e:
        return e
outcomes = [start(limit - n) for n in range({depth} * 10, {depth} * 10 + 10)]
"""
    space = run(source, space=namespace() | {"limit": sys.getrecursionlimit()}).space
    assert {repr(error) for error in cast("list[object]", space["seen"])} <= {
        *("ExceptionGroup('g', [ValueError(1)])", "ExceptionGroup('g', [TypeError(2)])"),
    }
    kinds = {repr(outcome) for outcome in cast("list[object]", space["outcomes"])}
    assert kinds - {"'deep'", "ExceptionGroup('g', [TypeError(2)])"} == set()
