"""The language policy as a syntax tree transformation: what is not listed here does not compile.

RestrictedPython's guards for items, iteration, unpacking and augmented assignment exist to protect a host's objects
in the host's process. A program here has a process of its own in which there is nothing to protect but names, so
those guards are left out and almost every expression compiles to what CPython would run.
"""

import ast
from collections.abc import Callable
from typing import Final, TypeAlias, TypeVar, cast

from RestrictedPython.transformer import RestrictingNodeTransformer

from .policy_names import (
    DENIED,
    GUARDED,
    METHODS,
    NAME_LISTS,
    TUPLE_NAMES,
    attribute_refusal,
    binding_refusal,
    field_refusal,
    is_dunder,
    is_reserved,
    store_refusal,
)

MAX_NODES: Final = 20_000

_Visited: TypeAlias = ast.AST | list[ast.stmt] | None
_Node = TypeVar("_Node", bound=ast.AST)
_Item = TypeVar("_Item")

# Calls of these are refused before the program starts, unless the program defines the name itself.
_REFUSED_CALLS: Final = {
    "eval": "write the expression itself; int(), float() or json.loads() read data",
    "exec": "write the statements themselves",
    "compile": "write the code itself",
    "globals": "use a dict for names that are made up at run time",
    "locals": "use a dict for names that are made up at run time",
    "breakpoint": "print what you want to see",
}
_SPECIAL_ANNOTATIONS: Final = frozenset({"ClassVar", "InitVar", "KW_ONLY"})
_OWN: Final = frozenset({"self", "other"})  # whose .__class__ and .__dict__ are read through type() and vars()


class TooLarge(Exception):
    """The program has more than `MAX_NODES` syntax nodes."""


def _name(identifier: str) -> ast.Name:
    return ast.Name(identifier, ast.Load())


def _at(new: _Node, old: ast.AST) -> _Node:
    """`new` and what it contains, placed where `old` stands."""
    ast.copy_location(new, old)
    return ast.fix_missing_locations(new)


def _call(hook: str, *arguments: ast.expr) -> ast.Call:
    return ast.Call(_name(hook), list(arguments), [])


class ProgramTransformer(RestrictingNodeTransformer):  # type: ignore[misc]  # the package ships no types
    """Checks one parsed program and rewrites it in place. `problems` holds (line, message), in source order."""

    def __init__(self, tree: ast.Module, private: frozenset[str]) -> None:
        super().__init__()
        self.problems: list[tuple[int, str]] = []
        self._tree = tree
        self._private = private
        self._scopes = ["module"]
        self._nodes = 0
        self._line = 1

    # Walking. Own loops, several times as fast as ast.NodeTransformer's.

    def error(self, node: ast.AST, info: str) -> None:
        """Notes a refusal at the node's line."""
        self.problems.append((getattr(node, "lineno", self._line), info))

    def not_allowed(self, node: ast.AST) -> None:
        """Whatever this module does not know."""
        self.error(node, _UNKNOWN.get(node.__class__.__name__, f"{node.__class__.__name__} is not allowed"))

    def visit(self, node: ast.AST) -> _Visited:
        """Dispatches on the exact class. Unknown nodes are refused."""
        kind = node.__class__
        if kind in _PLAIN:
            return self.node_contents_visit(node)
        handler = _HANDLERS.get(kind)
        return handler(self, node) if handler else self.generic_visit(node)

    def node_contents_visit(self, node: _Node) -> _Node:
        """Visits a node's children in place."""
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise TooLarge
        for field in node._fields:
            value = getattr(node, field, None)
            if value.__class__ is list:
                self._visit_list(value)
            elif value.__class__ in _LEAVES:
                continue
            elif isinstance(value, ast.AST):
                setattr(node, field, self.visit(value))
        return node

    def _visit_list(self, values: list[_Item]) -> None:
        kept: list[_Item] | None = None
        for index, value in enumerate(values):
            if value.__class__ in _LEAVES or not isinstance(value, ast.AST):
                new = value
            else:
                new = cast("_Item", self.visit(value))
            if kept is None and new.__class__ is list:
                kept = values[:index]
            if kept is None:
                values[index] = new
            elif isinstance(new, list):
                kept.extend(new)
            else:
                kept.append(new)
        if kept is not None:
            values[:] = kept

    def _inside(self, scope: str, node: _Node) -> _Node:
        self._scopes.append(scope)
        try:
            return self.node_contents_visit(node)
        finally:
            self._scopes.pop()

    @property
    def _in_class(self) -> bool:
        return self._scopes[-1] == "class"

    def _check_binding(self, node: ast.AST, name: str | None) -> None:
        refusal = binding_refusal(name, in_class=self._in_class) if name else None
        if refusal:
            self.error(node, refusal)

    # Names

    def _visit_name(self, node: ast.Name) -> _Visited:
        name = node.id
        if name[0] != "_" and not (self._in_class and name in DENIED):
            return node
        if name == "__name__" and isinstance(node.ctx, ast.Load):
            return node
        self._check_binding(node, name)
        return node

    def _visit_scope_names(self, node: ast.Global | ast.Nonlocal) -> _Visited:
        for name in node.names:
            self._check_binding(node, name)
        return node

    def _visit_arg(self, node: ast.arg) -> _Visited:
        if node.arg[0] == "_" and is_reserved(node.arg):
            self.error(node, f"{node.arg!r} is not allowed as an argument")
        node.annotation = None
        return node

    def _visit_keyword(self, node: ast.keyword) -> _Visited:
        if node.arg and node.arg[0] == "_" and is_reserved(node.arg):
            self.error(node, f"{node.arg!r} is not allowed as an argument")
        return self.node_contents_visit(node)

    # Attributes

    def _visit_attribute(self, node: ast.Attribute) -> _Visited:
        name = node.attr
        if name[0] != "_" and name not in DENIED and name not in GUARDED:
            return self.node_contents_visit(node)
        load = isinstance(node.ctx, ast.Load)
        special = self._special_attribute(node) if load else None
        if special is not None:
            return special
        refusal = attribute_refusal(name) if load else store_refusal(name)
        if refusal:
            self.error(node, refusal)
        self.node_contents_visit(node)
        if not load or refusal or self._is_clear(name):
            return node
        return _at(_call("_getattr_", node.value, ast.Constant(name)), node)

    def _is_clear(self, name: str) -> bool:
        """Whether this private name needs no look at the object: the program sets it itself, or it is well known."""
        if name in GUARDED:
            return False
        if name in self._private or name in TUPLE_NAMES or is_reserved(name):
            return True
        return name.startswith("__") and "class" in self._scopes  # the compiler puts the class's name before it

    def _special_attribute(self, node: ast.Attribute) -> ast.expr | None:
        """Idioms that have a safe equal: self.__class__, x.__class__.__name__, self.__dict__, object.__setattr__."""
        inner = node.value
        if isinstance(inner, ast.Name):
            hook = {"__class__": "_type_", "__dict__": "_vars_"}.get(node.attr)
            if hook and inner.id in _OWN:
                return _at(_call(hook, inner), node)
            if inner.id == "object" and node.attr == "__setattr__":
                return _at(_name("_setattr_"), node)
        if node.attr == "__name__" and isinstance(inner, ast.Attribute) and inner.attr == "__class__":
            self.visit(inner.value)
            node.value = _at(_call("_type_", inner.value), inner)
            return node
        return None

    # Assignments and annotations

    def _visit_assign(self, node: ast.Assign) -> _Visited:
        target = node.targets[0]
        if len(node.targets) == 1 and isinstance(target, ast.Name) and self._is_name_list(target.id):
            self._check_name_list(target.id, node.value)
            return node
        return self.node_contents_visit(node)

    def _is_name_list(self, name: str) -> bool:
        return self._in_class and name in NAME_LISTS

    def _check_name_list(self, name: str, value: ast.expr) -> None:
        """__slots__ and __match_args__ become attribute names."""
        if isinstance(value, ast.Dict):
            items: list[ast.expr | None] = [*value.keys, *value.values]
        else:
            items = [*value.elts] if isinstance(value, ast.Tuple | ast.List | ast.Set) else [value]
        for item in items:
            if not isinstance(item, ast.Constant) or not isinstance(item.value, str):
                self.error(value, f"{name} must be a literal tuple of names")
                return
            refusal = field_refusal(item.value)
            if item.value in GUARDED and name == "__match_args__":
                refusal = f"{item.value!r} is not allowed in __match_args__"
            if refusal:
                self.error(item, refusal)

    def _visit_aug_assign(self, node: ast.AugAssign) -> _Visited:
        if isinstance(node.target, ast.Attribute) and node.target.attr in GUARDED:
            self.error(node, f"augmented assignment to .{node.target.attr} is not allowed: write x = x + y")
        return self.node_contents_visit(node)

    def _visit_ann_assign(self, node: ast.AnnAssign) -> _Visited:
        """Annotations are never evaluated. In a class one still makes a field, so None stands in for it."""
        special = self._special_annotation(node.annotation)
        target = node.target
        if self._in_class and isinstance(target, ast.Name) and node.simple and not self._is_name_list(target.id):
            node.annotation = _at(_name(special) if special else ast.Constant(None), node)
            node.target = self._expression(target)
            node.value = node.value and self._expression(node.value)
            return node
        if node.value is not None:
            return self.visit(_at(ast.Assign([target], node.value), node))
        self.visit(target)
        if self._scopes[-1] == "function" and isinstance(target, ast.Name):
            node.annotation = _at(ast.Constant(None), node)
            return node
        return _at(ast.Pass(), node)

    def _expression(self, node: ast.expr) -> ast.expr:
        new = self.visit(node)
        assert isinstance(new, ast.expr) or new is None
        return new or node

    @staticmethod
    def _special_annotation(node: ast.expr) -> str | None:
        """The hook for an annotation that dataclasses must see: ClassVar[...], InitVar[...], KW_ONLY."""
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            name = node.value.partition("[")[0].rpartition(".")[2]
        else:
            outer = node.value if isinstance(node, ast.Subscript) else node
            name = outer.id if isinstance(outer, ast.Name) else outer.attr if isinstance(outer, ast.Attribute) else ""
        return f"_{name}_" if name in _SPECIAL_ANNOTATIONS else None

    # Functions and classes

    def _visit_function(self, node: ast.FunctionDef) -> _Visited:
        self._check_binding(node, node.name)
        node.returns = None
        decorators, node.decorator_list = node.decorator_list, []
        self._visit_list(decorators)
        self._inside("function", node)
        node.decorator_list = decorators
        return node

    def _visit_lambda(self, node: ast.Lambda) -> _Visited:
        return self._inside("function", node)

    def _visit_class(self, node: ast.ClassDef) -> _Visited:
        self._check_binding(node, node.name)
        self._visit_list(node.bases)
        self._visit_list(node.keywords)
        self._visit_list(node.decorator_list)
        for keyword in list(node.keywords):
            if keyword.arg is None:
                self.error(node, "**keywords in a class statement are not allowed: write them out")
            elif keyword.arg == "metaclass":
                self._replace_metaclass(node, keyword)
        bases, keywords, decorators = node.bases, node.keywords, node.decorator_list
        node.bases, node.keywords, node.decorator_list = [], [], []
        self._inside("class", node)
        node.bases, node.keywords, node.decorator_list = bases, keywords, decorators
        return node

    def _replace_metaclass(self, node: ast.ClassDef, keyword: ast.keyword) -> None:
        """metaclass=ABCMeta means the same as the base ABC; no other metaclass is available."""
        value = keyword.value
        name = value.id if isinstance(value, ast.Name) else value.attr if isinstance(value, ast.Attribute) else ""
        if name != "ABCMeta":
            self.error(node, "metaclasses are not allowed: use a class decorator or inheritance")
        node.keywords.remove(keyword)
        node.bases.append(_at(_name("_ABC_"), node))

    def _visit_type_parameter(self, node: ast.AST) -> _Visited:
        """Bounds and defaults of type parameters (3.12) are annotations."""
        self._check_binding(node, getattr(node, "name", None))
        for field in ("bound", "default_value"):
            if getattr(node, field, None) is not None:
                setattr(node, field, None)
        return node

    def _visit_handler(self, node: ast.ExceptHandler) -> _Visited:
        """A bare except must not catch the time limit."""
        self._check_binding(node, node.name)
        if node.type is None:
            node.type = _at(_name("_Exception_"), node)
            self._visit_list(node.body)
            return node
        return self.node_contents_visit(node)

    # Calls, comprehensions, match

    def _visit_call(self, node: ast.Call) -> _Visited:
        if isinstance(node.func, ast.Name) and node.func.id in _REFUSED_CALLS and not self._binds(node.func.id):
            self.error(node, f"{node.func.id}() is not allowed: {_REFUSED_CALLS[node.func.id]}")
        return self.node_contents_visit(node)

    def _binds(self, name: str) -> bool:
        return any(
            (isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == name)
            or (isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Store))
            or (isinstance(node, ast.arg) and node.arg == name)
            or (isinstance(node, ast.alias) and (node.asname or node.name) == name)
            for node in ast.walk(self._tree)
        )

    def _visit_comprehension(self, node: ast.comprehension) -> _Visited:
        if node.is_async:
            self.error(node.target, _ASYNC)
        return self.node_contents_visit(node)

    def _visit_capture(self, node: ast.AST) -> _Visited:
        self._check_binding(node, getattr(node, "name", None) or getattr(node, "rest", None))
        return self.node_contents_visit(node)

    def _visit_match_class(self, node: ast.MatchClass) -> _Visited:
        for name in node.kwd_attrs:
            refusal = attribute_refusal(name)
            private = name.startswith("_") and not self._is_clear(name)
            if refusal or name in GUARDED or private:
                self.error(
                    node, refusal or f"{name!r} is not allowed in a class pattern: match the object, then read it"
                )
        return self.node_contents_visit(node)

    # Imports become calls, so that the real import machinery stays out of reach and C code keeps it.

    def _visit_import(self, node: ast.Import) -> _Visited:
        new: list[ast.stmt] = []
        for alias in node.names:
            bound = alias.asname or alias.name.partition(".")[0]
            self._check_binding(node, bound)
            loaded = _call("_import_", ast.Constant(alias.name), ast.Constant(alias.asname is not None))
            new.append(_at(ast.Assign([ast.Name(bound, ast.Store())], loaded), node))
        return new

    def _visit_import_from(self, node: ast.ImportFrom) -> _Visited:
        module = "." * node.level + (node.module or "")
        if module == "__future__":
            return _at(ast.Pass(), node)
        new: list[ast.stmt] = []
        for alias in node.names:
            if alias.name == "*":
                if len(self._scopes) > 1:
                    self.error(node, "import * only works at the top level: name what you need")
                new.append(_at(ast.Expr(_call("_import_all_", ast.Constant(module))), node))
                continue
            bound = alias.asname or alias.name
            self._check_binding(node, bound)
            loaded = _call("_import_from_", ast.Constant(module), ast.Constant(alias.name))
            new.append(_at(ast.Assign([ast.Name(bound, ast.Store())], loaded), node))
        return new


_ASYNC: Final = "async is not available: write a plain function and call it directly"
_UNKNOWN: Final = {
    **dict.fromkeys(("AsyncFunctionDef", "AsyncFor", "AsyncWith", "Await"), _ASYNC),
    "TryStar": "except* is not allowed: catch ExceptionGroup with except and look at its .exceptions",
}


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
    "Module Expr If For While Try With withitem Return Raise Assert Delete Starred NamedExpr "
    "BoolOp BinOp UnaryOp IfExp Dict Set List Tuple ListComp SetComp DictComp GeneratorExp Yield YieldFrom "
    "Compare FormattedValue JoinedStr TemplateStr Interpolation Subscript Slice arguments "
    "Match match_case MatchValue MatchSequence MatchOr TypeAlias"
)
_Handler: TypeAlias = Callable[[ProgramTransformer, ast.AST], _Visited]
_HANDLERS: Final[dict[type[ast.AST], _Handler]] = {
    getattr(ast, name): handler
    for name, handler in {
        "Name": ProgramTransformer._visit_name,
        "Global": ProgramTransformer._visit_scope_names,
        "Nonlocal": ProgramTransformer._visit_scope_names,
        "arg": ProgramTransformer._visit_arg,
        "keyword": ProgramTransformer._visit_keyword,
        "Attribute": ProgramTransformer._visit_attribute,
        "Assign": ProgramTransformer._visit_assign,
        "AugAssign": ProgramTransformer._visit_aug_assign,
        "AnnAssign": ProgramTransformer._visit_ann_assign,
        "FunctionDef": ProgramTransformer._visit_function,
        "Lambda": ProgramTransformer._visit_lambda,
        "ClassDef": ProgramTransformer._visit_class,
        "TypeVar": ProgramTransformer._visit_type_parameter,
        "ParamSpec": ProgramTransformer._visit_type_parameter,
        "TypeVarTuple": ProgramTransformer._visit_type_parameter,
        "ExceptHandler": ProgramTransformer._visit_handler,
        "Call": ProgramTransformer._visit_call,
        "comprehension": ProgramTransformer._visit_comprehension,
        "MatchAs": ProgramTransformer._visit_capture,
        "MatchStar": ProgramTransformer._visit_capture,
        "MatchMapping": ProgramTransformer._visit_capture,
        "MatchClass": ProgramTransformer._visit_match_class,
        "Import": ProgramTransformer._visit_import,
        "ImportFrom": ProgramTransformer._visit_import_from,
    }.items()
    if hasattr(ast, name)
}
