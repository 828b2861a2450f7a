"""The language policy as a syntax tree transformation: what is not listed here does not compile.

RestrictedPython's guards for items, iteration, unpacking and augmented assignment exist to protect a host's objects
in the host's process. A program here has a process of its own in which there is nothing to protect but names, so
those guards are left out and almost every expression compiles to what CPython would run.
"""

import ast
from collections.abc import Callable, Mapping
from typing import ClassVar, Final, TypeVar

from .guards import FORMATS, check_format
from .policy_names import (
    CLOCKS,
    DENIED,
    GUARDED,
    NAME_LISTS,
    TUPLE_NAMES,
    attribute_refusal,
    binding_refusal,
    field_refusal,
    is_reserved,
    store_refusal,
)
from .policy_star import plain_try, unasked_methods
from .policy_walk import ASYNC, Visited, Walker, bound_name, call, loaded, placed

_Node = TypeVar("_Node", bound=ast.AST)

# Calls of these are refused before the program starts, unless the program defines the name itself.
_REFUSED_CALLS: Final = {
    "eval": "write the expression itself; int(), float() or json.loads() read data",
    "exec": "write the statements themselves",
    "compile": "write the code itself",
    "globals": "use a dict for names that are made up at run time",
    "locals": "use a dict for names that are made up at run time",
    "breakpoint": "print what you want to see",
}
_SLOTS: Final = frozenset({"__dict__", "__weakref__"})  # mean no attribute of the program's choice
_SPECIAL_ANNOTATIONS: Final = frozenset({"ClassVar", "InitVar", "KW_ONLY"})
_OWN: Final = frozenset({"self", "other"})  # whose .__class__ and .__dict__ are read through type() and vars()


def _call(hook: str, *arguments: ast.expr) -> ast.Call:
    return call(loaded(hook), *arguments)


def _is_clear_format(text: object, name: str) -> bool:
    """Whether this is "...".format with a text that reads no attribute a program may not."""
    if not isinstance(text, str) or name not in FORMATS:
        return False
    try:
        check_format(text)
    except (AttributeError, ValueError):  # told when it runs
        return False
    return True


class ProgramTransformer(Walker):
    """Checks one parsed program and rewrites it in place. `problems` holds (line, message)."""

    def __init__(self, tree: ast.Module, private: frozenset[str]) -> None:
        super().__init__()
        self._tree = tree
        self._private = private
        self._scopes = ["module"]
        self.stars = 0  # except* statements
        self._bound: frozenset[str | None] | None = None  # found at the first need

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

    def _visit_name(self, node: ast.Name) -> Visited:
        name = node.id
        if name[0] != "_" and not (self._in_class and name in DENIED):
            return node
        if name == "__name__" and isinstance(node.ctx, ast.Load):
            return node
        self._check_binding(node, name)
        return node

    def _visit_scope_names(self, node: ast.Global | ast.Nonlocal) -> Visited:
        for name in node.names:
            self._check_binding(node, name)
        return node

    def _visit_arg(self, node: ast.arg) -> Visited:
        if node.arg[0] == "_" and is_reserved(node.arg):
            self.error(node, f"{node.arg!r} is not allowed as an argument")
        node.annotation = None
        return node

    def _visit_keyword(self, node: ast.keyword) -> Visited:
        if node.arg and node.arg[0] == "_" and is_reserved(node.arg):
            self.error(node, f"{node.arg!r} is not allowed as an argument")
        return self.node_contents_visit(node)

    def _visit_named(self, node: ast.NamedExpr) -> Visited:
        """In the default of a method's argument it binds a name of the class."""
        if node.target.id in DENIED and "class" in self._scopes:
            self.error(node, f"{node.target.id!r} is not allowed as a name in a class")
        return self.node_contents_visit(node)

    # Attributes

    def _visit_attribute(self, node: ast.Attribute) -> Visited:
        name = node.attr
        if name[0] != "_" and name not in DENIED and name not in GUARDED and name not in CLOCKS:
            return self.node_contents_visit(node)
        load = isinstance(node.ctx, ast.Load)
        special = self._special_attribute(node) if load else None
        if special is not None:
            return special
        if load and isinstance(node.value, ast.Constant) and _is_clear_format(node.value.value, name):
            return node
        refusal = attribute_refusal(name) if load else store_refusal(name)
        if refusal:
            self.error(node, refusal)
        self.node_contents_visit(node)
        if not load or refusal or self._is_clear(name):
            return node
        return placed(_call("_getattr_", node.value, ast.Constant(name)), node)

    def _is_clear(self, name: str) -> bool:
        """Whether this private name needs no look at the object: the program sets it itself, or it is well known."""
        if name in GUARDED or name in CLOCKS:
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
                return placed(_call(hook, inner), node)
            if inner.id == "object" and node.attr == "__setattr__":
                return placed(loaded("_setattr_"), node)
        if node.attr == "__name__" and isinstance(inner, ast.Attribute) and inner.attr == "__class__":
            self.visit(inner.value)
            node.value = placed(_call("_type_", inner.value), inner)
            return node
        return None

    # Assignments and annotations

    def _visit_assign(self, node: ast.Assign) -> Visited:
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
            refusal = None if item.value in _SLOTS else field_refusal(item.value)
            if item.value in GUARDED and name == "__match_args__":
                refusal = f"{item.value!r} is not allowed in __match_args__"
            if refusal:
                self.error(item, refusal)

    def _visit_aug_assign(self, node: ast.AugAssign) -> Visited:
        if isinstance(node.target, ast.Attribute) and node.target.attr in GUARDED:
            self.error(node, f"augmented assignment to .{node.target.attr} is not allowed: write x = x + y")
        return self.node_contents_visit(node)

    def _visit_ann_assign(self, node: ast.AnnAssign) -> Visited:
        """Annotations are never evaluated. In a class one still makes a field, so None stands in for it."""
        special = self._special_annotation(node.annotation)
        target = node.target
        if self._in_class and isinstance(target, ast.Name) and node.simple and not self._is_name_list(target.id):
            node.annotation = placed(loaded(special) if special else ast.Constant(None), node)
            self.visit(target)
            node.value = node.value and self._expression(node.value)
            return node
        if node.value is not None:
            return self.visit(placed(ast.Assign([target], node.value), node))
        self.visit(target)
        if self._scopes[-1] == "function" and isinstance(target, ast.Name):
            node.annotation = placed(ast.Constant(None), node)
            return node
        return placed(ast.Pass(), node)

    def _expression(self, node: ast.expr) -> ast.expr:
        new = self.visit(node)
        return new if isinstance(new, ast.expr) else node

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

    def _visit_function(self, node: ast.FunctionDef) -> Visited:
        self._check_binding(node, node.name)
        node.returns = None
        variables = self._variables(node)
        decorators, node.decorator_list = node.decorator_list, []
        self.visit_all(decorators)
        kept = self._kept_annotation(node, decorators)
        self._inside("function", node)
        if kept is not None:
            kept[0].annotation = kept[1]
        node.decorator_list = decorators
        return [*variables, node] if variables else node

    def _kept_annotation(self, node: ast.FunctionDef, decorators: list[ast.expr]) -> tuple[ast.arg, ast.expr] | None:
        """Under `@name.register` the first argument's, as a lambda: singledispatch asks for it."""
        if not any(isinstance(item, ast.Attribute) and item.attr == "register" for item in decorators):
            return None
        first = next((item for item in (*node.args.posonlyargs, *node.args.args) if item.annotation), None)
        if first is None or first.annotation is None or isinstance(first.annotation, ast.Constant):
            return None
        nothing = ast.arguments([], [], None, [], [], None, [])
        return first, self._expression(placed(ast.Lambda(nothing, first.annotation), first))

    def _visit_lambda(self, node: ast.Lambda) -> Visited:
        return self._inside("function", node)

    def _visit_class(self, node: ast.ClassDef) -> Visited:
        self._check_binding(node, node.name)
        self.visit_all(node.bases)
        self.visit_all(node.keywords)
        self.visit_all(node.decorator_list)
        for keyword in list(node.keywords):
            if keyword.arg is None:
                self.error(node, "**keywords in a class statement are not allowed: write them out")
            elif keyword.arg == "metaclass":
                self._replace_metaclass(node, keyword)
        for place, refusal in unasked_methods(node):
            self.error(place, refusal)
        variables = self._variables(node)
        bases, keywords, decorators = node.bases, node.keywords, node.decorator_list
        node.bases, node.keywords, node.decorator_list = [], [], []
        self._inside("class", node)
        node.bases, node.keywords, node.decorator_list = bases, keywords, decorators
        return [*variables, node] if variables else node

    def _replace_metaclass(self, node: ast.ClassDef, keyword: ast.keyword) -> None:
        """metaclass=ABCMeta means the same as the base ABC; no other metaclass is available."""
        value = keyword.value
        name = value.id if isinstance(value, ast.Name) else value.attr if isinstance(value, ast.Attribute) else ""
        if name != "ABCMeta":
            self.error(node, "metaclasses are not allowed: use a class decorator or inheritance")
        node.keywords.remove(keyword)
        node.bases.append(placed(loaded("_ABC_"), node))

    def _variables(self, node: ast.ClassDef | ast.FunctionDef) -> list[ast.stmt]:
        """Type parameters (3.12) become variables that mean nothing: the real ones evaluate their bounds."""
        parameters: list[ast.AST] = getattr(node, "type_params", [])
        names = [str(getattr(parameter, "name", "")) for parameter in parameters]
        for name in names:
            self._check_binding(node, name)
        parameters.clear()
        if names and isinstance(node, ast.ClassDef):
            node.bases.append(placed(loaded("_Generic_"), node))
        return [
            placed(ast.Assign([ast.Name(name, ast.Store())], _call("_TypeVar_", ast.Constant(name))), node)
            for name in names
        ]

    def _visit_type_alias(self, node: ast.AST) -> Visited:
        """type X = ... (3.12): X is a name for annotations."""
        name = getattr(node, "name", None)
        assert isinstance(name, ast.Name)
        self._check_binding(node, name.id)
        return placed(ast.Assign([name], _call("_TypeVar_", ast.Constant(name.id))), node)

    def _visit_handler(self, node: ast.ExceptHandler) -> Visited:
        """A bare except must not catch the time limit."""
        self._check_binding(node, node.name)
        if node.type is None:
            node.type = placed(loaded("_Exception_"), node)
            self.visit_all(node.body)
            return node
        return self.node_contents_visit(node)

    def _visit_star(self, node: ast.TryStar) -> Visited:
        self.stars += 1
        number = self.stars
        return plain_try(self.node_contents_visit(node), number)

    # Calls, comprehensions, match

    def _visit_call(self, node: ast.Call) -> Visited:
        if isinstance(node.func, ast.Name) and node.func.id in _REFUSED_CALLS and not self._binds(node.func.id):
            self.error(node, f"{node.func.id}() is not allowed: {_REFUSED_CALLS[node.func.id]}")
        return self.node_contents_visit(node)

    def _binds(self, name: str) -> bool:
        if self._bound is None:
            self._bound = frozenset(map(bound_name, ast.walk(self._tree)))
        return name in self._bound

    def _visit_comprehension(self, node: ast.comprehension) -> Visited:
        if node.is_async:
            self.error(node.target, ASYNC)
        return self.node_contents_visit(node)

    def _visit_capture(self, node: ast.AST) -> Visited:
        self._check_binding(node, getattr(node, "name", None) or getattr(node, "rest", None))
        return self.node_contents_visit(node)

    def _visit_match_class(self, node: ast.MatchClass) -> Visited:
        for name in node.kwd_attrs:
            refusal = attribute_refusal(name)
            private = name.startswith("_") and not self._is_clear(name)
            if refusal or name in GUARDED or private:
                self.error(
                    node, refusal or f"{name!r} is not allowed in a class pattern: match the object, then read it"
                )
        return self.node_contents_visit(node)

    # Imports become calls, so that the real import machinery stays out of reach and C code keeps it.

    def _visit_import(self, node: ast.Import) -> Visited:
        new: list[ast.stmt] = []
        for alias in node.names:
            bound = alias.asname or alias.name.partition(".")[0]
            self._check_binding(node, bound)
            loaded = _call("_import_", ast.Constant(alias.name), ast.Constant(alias.asname is not None))
            new.append(placed(ast.Assign([ast.Name(bound, ast.Store())], loaded), node))
        return new

    def _visit_import_from(self, node: ast.ImportFrom) -> Visited:
        module = "." * node.level + (node.module or "")
        if module == "__future__":
            return placed(ast.Pass(), node)
        new: list[ast.stmt] = []
        for alias in node.names:
            if alias.name == "*":
                if len(self._scopes) > 1:
                    self.error(node, "import * only works at the top level: name what you need")
                new.append(placed(ast.Expr(_call("_import_all_", ast.Constant(module))), node))
                continue
            bound = alias.asname or alias.name
            self._check_binding(node, bound)
            loaded = _call("_import_from_", ast.Constant(module), ast.Constant(alias.name))
            new.append(placed(ast.Assign([ast.Name(bound, ast.Store())], loaded), node))
        return new

    handlers: ClassVar[Mapping[str, Callable[..., Visited]]] = {
        "Name": _visit_name,
        "NamedExpr": _visit_named,
        "Global": _visit_scope_names,
        "Nonlocal": _visit_scope_names,
        "arg": _visit_arg,
        "keyword": _visit_keyword,
        "Attribute": _visit_attribute,
        "Assign": _visit_assign,
        "AugAssign": _visit_aug_assign,
        "AnnAssign": _visit_ann_assign,
        "FunctionDef": _visit_function,
        "Lambda": _visit_lambda,
        "ClassDef": _visit_class,
        "TypeAlias": _visit_type_alias,
        "ExceptHandler": _visit_handler,
        "TryStar": _visit_star,
        "Call": _visit_call,
        "comprehension": _visit_comprehension,
        "MatchAs": _visit_capture,
        "MatchStar": _visit_capture,
        "MatchMapping": _visit_capture,
        "MatchClass": _visit_match_class,
        "Import": _visit_import,
        "ImportFrom": _visit_import_from,
    }
