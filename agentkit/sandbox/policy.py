"""Layer 1 of the sandbox: compiles a program if the language policy allows it.

A usability and early-error layer and a first fence. It does not replace the sealed process: assume that a program
that gets past it runs arbitrary code there.
"""

import ast
import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from types import CodeType
from typing import Final, Literal

from .hooks import hooks
from .policy_transform import ProgramTransformer
from .policy_walk import MAX_NODES, TooLarge
from .wire import source_lines

__all__ = ["MAX_SOURCE", "Compiled", "Problem", "compile_plain", "compile_program", "hooks"]

MAX_SOURCE: Final = 200_000  # characters
_LONGEST_LINE: Final = 300
_PRIVATE: Final = re.compile(r"(?<!\w)_[^\W_]")  # a name with one leading underscore


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a program does not compile. `line` counts from 1; `source` is that line's text; `kind` is "program" for
    what Python itself refuses and "not_allowed" for what the policy refuses."""

    line: int
    message: str
    source: str
    kind: Literal["not_allowed", "program"]


@dataclass(frozen=True, slots=True)
class Compiled:
    """A code object, or every reason why there is none."""

    code: CodeType | None
    errors: tuple[Problem, ...]


class _Refused(Exception):
    def __init__(self, found: list[tuple[int, str]], kind: Literal["not_allowed", "program"]) -> None:
        super().__init__(found)
        self.found = found
        self.kind: Literal["not_allowed", "program"] = kind


def _restrict(tree: ast.Module, source: str) -> None:
    transformer = ProgramTransformer(tree, _private_names(tree) if _PRIVATE.search(source) else frozenset())
    try:
        transformer.node_contents_visit(tree)
    except TooLarge:
        raise _Refused([(1, f"program too large: more than {MAX_NODES} syntax nodes")], "program") from None
    if transformer.problems:
        raise _Refused(sorted(set(transformer.problems)), "not_allowed")
    if transformer.stars:  # only the compiler knows that a handler must not break, continue or return
        compile(source, "<program>", "exec", dont_inherit=True)


def _private_names(tree: ast.Module) -> frozenset[str]:
    """The names with a leading underscore that the program itself sets."""
    found: set[str] = set()
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(attr=name, ctx=ast.Store()) | ast.Name(id=name, ctx=ast.Store()):
                found.add(name)
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                found.add(name)
            case _:
                continue
    return frozenset(name for name in found if name.startswith("_"))


def _keep_last(tree: ast.Module) -> None:
    """The value of a trailing expression becomes the variable `_last_`."""
    last = tree.body[-1] if tree.body else None
    if isinstance(last, ast.Expr):
        assign = ast.Assign([ast.Name("_last_", ast.Store())], last.value)
        tree.body[-1] = ast.fix_missing_locations(ast.copy_location(assign, last))


def _build(source: str, filename: str, transform: Callable[[ast.Module, str], None]) -> CodeType:
    if len(source) > MAX_SOURCE:
        raise _Refused([(1, f"program too large: {len(source)} characters, limit {MAX_SOURCE}")], "program")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(source, filename)
            transform(tree, source)
            _keep_last(tree)
            return compile(tree, filename, "exec", dont_inherit=True)
    except SyntaxError as error:
        raise _Refused([(error.lineno or 1, f"SyntaxError: {error.msg}")], "program") from None
    except (RecursionError, MemoryError):
        raise _Refused([(1, "program nested too deeply")], "program") from None
    except UnicodeError:
        raise _Refused([(1, "the program holds characters that are not valid text")], "program") from None
    except (ValueError, OverflowError, SystemError) as error:  # null bytes; what only CPython's compiler notices
        raise _Refused([(1, f"SyntaxError: {error}")], "program") from None


def _compiled(source: str, filename: str, transform: Callable[[ast.Module, str], None]) -> Compiled:
    try:
        return Compiled(_build(source, filename, transform), ())
    except _Refused as refused:
        lines = source_lines(source) if len(source) <= MAX_SOURCE else []
        return Compiled(
            None,
            tuple(
                Problem(
                    line, message, lines[line - 1].strip()[:_LONGEST_LINE] if line <= len(lines) else "", refused.kind
                )
                for line, message in refused.found
            ),
        )


def compile_program(source: str, *, filename: str = "<program>") -> Compiled:
    """Compiles a program under the policy, for one namespace (globals and locals) that holds `hooks(...)`.

    Any text is accepted: what is wrong with it, all of it, stands in `errors`. A trailing expression's value is in
    `_last_` after the run.
    """
    return _compiled(source, filename, _restrict)


def compile_plain(source: str, *, filename: str = "<program>") -> Compiled:
    """The same without a policy: everything that Python accepts."""
    return _compiled(source, filename, lambda tree, text: None)
