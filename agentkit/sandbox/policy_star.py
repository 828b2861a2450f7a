"""Compiles `except*` to plain `try` statements, so that the interpreter's own, which trusts a program's methods, is
never used. What happens in them is in except_star.py.

    try:                                            try:
        BODY                                            BODY
    except* KIND as error:                          except _Catchable_ as __star_1__:
        HANDLER                                         __star_1__ = _Star_()
                                                        if __star_1__.match(KIND):
                                                            try:
                                                                try:
                                                                    raise __star_1__.part
                                                                except _Catchable_ as error:
                                                                    __star_1__.restore()
                                                                    HANDLER
                                                            except _Catchable_:
                                                                __star_1__.collect()
                                                        if __star_1__.finish():
                                                            try:
                                                                raise __star_1__.part
                                                            except _Catchable_:
                                                                __star_1__.restore()
                                                                raise

That the part is really raised makes it the exception being handled: a bare `raise` raises it, and what a handler
raises has it as its `__context__`. The variable has a name that no program can use, and enums take it for no member.
"""

import ast
from collections.abc import Iterator
from typing import Final

from .policy_walk import call, loaded, placed

_GROUPS: Final = frozenset({"ExceptionGroup", "BaseExceptionGroup"})
_METHODS: Final = frozenset({"split", "subgroup", "derive"})
_COMPREHENSIONS: Final = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_SCOPES: Final = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda, *_COMPREHENSIONS)


def plain_try(node: ast.TryStar, number: int) -> ast.Try:
    """The statement in the place of `except*`. `number` tells those of one program apart."""
    state = f"__star_{number}__"
    start = ast.Assign([ast.Name(state, ast.Store())], call(loaded("_Star_")))
    clauses = [placed(_clause(state, handler), _first_line(handler)) for handler in node.handlers]
    handler = ast.ExceptHandler(loaded("_Catchable_"), state, [start, *clauses, _end(state)])
    placed(handler, _first_line(node.handlers[-1]))
    return placed(ast.Try(node.body, [handler], node.orelse, node.finalbody), node)


def _first_line(handler: ast.ExceptHandler) -> ast.Pass:
    """The words `except*` as a place: CPython gives the call of a method the line where its text ends."""
    line, column = handler.lineno, handler.col_offset
    return ast.Pass(lineno=line, col_offset=column, end_lineno=line, end_col_offset=column + len("except"))


def _clause(state: str, handler: ast.ExceptHandler) -> ast.If:
    assert handler.type is not None
    shown = _raised(state, handler.name, handler.body)
    kept = ast.ExceptHandler(loaded("_Catchable_"), None, [ast.Expr(_call(state, "collect"))])
    return ast.If(_call(state, "match", handler.type), [ast.Try([shown], [kept], [], [])], [])


def _end(state: str) -> ast.If:
    return ast.If(_call(state, "finish"), [_raised(state, None, [ast.Raise()])], [])


def _raised(state: str, name: str | None, body: list[ast.stmt]) -> ast.Try:
    """Runs a body while the part is the exception being handled."""
    part = ast.Raise(ast.Attribute(loaded(state), "part", ast.Load()))
    restore = ast.Expr(_call(state, "restore"))
    return ast.Try([part], [ast.ExceptHandler(loaded("_Catchable_"), name, [restore, *body])], [], [])


def _call(state: str, method: str, *arguments: ast.expr) -> ast.Call:
    return call(ast.Attribute(loaded(state), method, ast.Load()), *arguments)


# Groups with methods of their own


def unasked_methods(node: ast.ClassDef) -> Iterator[tuple[ast.AST, str]]:
    """Where a class of exception groups says how to split them, and why it may not."""
    if not any(_is_group(base) for base in node.bases):
        return
    for inner, name in _bound(node.body):
        if name in _METHODS:
            yield inner, f"{name!r} is not allowed in a class of exception groups, because except* would not ask it"


def _is_group(base: ast.expr) -> bool:
    """Whether a base is written as a group: ExceptionGroup, or ExceptionGroup[ValueError]."""
    outer = base.value if isinstance(base, ast.Subscript) else base
    return isinstance(outer, ast.Name) and outer.id in _GROUPS


def _bound(body: list[ast.stmt]) -> Iterator[tuple[ast.AST, str]]:
    """Each name that statements bind in their own scope, and where."""
    left: list[ast.AST] = list(body)
    while left:
        node = left.pop()
        match node:
            case ast.Name(id=name, ctx=ast.Store()):
                yield node, name
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                yield node, name
            case ast.alias(name=name, asname=other):
                yield node, other or name
            case _:
                pass
        if not isinstance(node, _SCOPES):
            left.extend(ast.iter_child_nodes(node))
