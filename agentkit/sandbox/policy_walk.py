"""Walks a program's syntax tree: what is not known to be harmless and has no handler is refused."""

import ast
from collections.abc import Callable, Mapping
from typing import ClassVar, Final, TypeAlias, TypeVar, cast

from RestrictedPython.transformer import RestrictingNodeTransformer

MAX_NODES: Final = 20_000

Visited: TypeAlias = ast.AST | list[ast.stmt] | None
_Node = TypeVar("_Node", bound=ast.AST)
_Item = TypeVar("_Item")

ASYNC: Final = "async is not available: write a plain function and call it directly"


class TooLarge(Exception):
    """The program has more than `MAX_NODES` syntax nodes."""


_UNKNOWN: Final[dict[str, str]] = dict.fromkeys(("AsyncFunctionDef", "AsyncFor", "AsyncWith", "Await"), ASYNC)


def _classes(names: str) -> frozenset[type[ast.AST]]:
    return frozenset(getattr(ast, name) for name in names.split() if hasattr(ast, name))


# No children to look at, no names.
_LEAVES: Final = (
    _classes("Load Store Del Constant Pass Break Continue And Or Not Invert UAdd USub MatchSingleton")
    | _classes("Add Sub Mult MatMult Div Mod Pow LShift RShift BitOr BitXor BitAnd FloorDiv")
    | _classes("Eq NotEq Lt LtE Gt GtE Is IsNot In NotIn")
    | {str, int, type(None)}
)
# Allowed as they are.
_PLAIN: Final = _LEAVES | _classes(
    "Module Expr If For While Try With withitem Return Raise Assert Delete Starred "
    "BoolOp BinOp UnaryOp IfExp Dict Set List Tuple ListComp SetComp DictComp GeneratorExp Yield YieldFrom "
    "Compare FormattedValue JoinedStr TemplateStr Interpolation Subscript Slice arguments "
    "Match match_case MatchValue MatchSequence MatchOr"
)


def loaded(name: str) -> ast.Name:
    """The name, read."""
    return ast.Name(name, ast.Load())


def call(function: ast.expr, *arguments: ast.expr) -> ast.Call:
    """A call of a function."""
    return ast.Call(function, list(arguments), [])


def placed(new: _Node, old: ast.AST) -> _Node:
    """`new` and what it contains, placed where `old` stands."""
    ast.copy_location(new, old)
    return ast.fix_missing_locations(new)


class Walker(RestrictingNodeTransformer):
    """Several times as fast as ast.NodeTransformer. A subclass names its handlers by node class."""

    handlers: ClassVar[Mapping[str, Callable[..., Visited]]] = {}
    _by_class: ClassVar[dict[type[ast.AST], Callable[..., Visited]]] = {}

    def __init_subclass__(cls) -> None:
        cls._by_class = {getattr(ast, name): value for name, value in cls.handlers.items() if hasattr(ast, name)}

    def __init__(self) -> None:
        super().__init__()
        self.problems: list[tuple[int, str]] = []
        self._nodes = 0

    def error(self, node: ast.AST, info: str) -> None:
        """Notes a refusal at the node's line."""
        self.problems.append((getattr(node, "lineno", 1), info))

    def not_allowed(self, node: ast.AST) -> None:
        """Notes that nothing is known about this kind of node."""
        kind = node.__class__.__name__
        self.error(node, _UNKNOWN.get(kind, f"{kind} is not allowed"))

    def visit(self, node: ast.AST) -> Visited:
        """Dispatches on the exact class. Unknown nodes are refused."""
        kind = node.__class__
        if kind in _PLAIN:
            return self.node_contents_visit(node)
        handler = self._by_class.get(kind)
        if handler is not None:
            return handler(self, node)
        self.not_allowed(node)
        return node

    def node_contents_visit(self, node: _Node) -> _Node:
        """Visits a node's children in place."""
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise TooLarge
        for field in node._fields:
            value: object = getattr(node, field, None)
            kind = value.__class__
            if kind is list:
                self.visit_all(cast("list[ast.AST]", value))
            elif kind not in _LEAVES and isinstance(value, ast.AST):
                setattr(node, field, self.visit(value))
        return node

    def visit_all(self, nodes: list[_Item]) -> None:
        """Visits a list in place; a handler may put several statements in the place of one."""
        longer: list[_Item] | None = None
        for index, node in enumerate(nodes):
            new = node
            if node.__class__ not in _LEAVES and isinstance(node, ast.AST):
                new = cast("_Item", self.visit(node))
            if longer is None and new.__class__ is list:
                longer = nodes[:index]
            if longer is None:
                nodes[index] = new
            elif new.__class__ is list:
                longer.extend(cast("list[_Item]", new))
            else:
                longer.append(new)
        if longer is not None:
            nodes[:] = longer


def bound_name(node: ast.AST) -> str | None:
    """The name that a function, class, assignment, argument or import binds."""
    match node:
        case ast.FunctionDef(name=name) | ast.ClassDef(name=name) | ast.arg(arg=name):
            return name
        case ast.Name(id=name, ctx=ast.Store()):
            return name
        case ast.alias(name=name, asname=renamed):
            return renamed or name
        case _:
            return None
