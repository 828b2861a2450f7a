"""functools.singledispatch and singledispatchmethod for programs.

The real ones evaluate annotations that are text. Here an annotation is no text: of a function under `@name.register`
the compiler keeps the first one, as a lambda that gives it (policy_transform.py).
"""

from collections.abc import Callable
from functools import partial
from types import FunctionType, MethodType, UnionType
from typing import Final, cast

from .standins import update_wrapper

_Implementation = Callable[..., object]
_ADVICE: Final = "write @name.register(SomeClass), or annotate the first argument with a class"


def _annotated(implementation: object) -> object:
    """The first annotation of a function."""
    if isinstance(implementation, classmethod | staticmethod):
        implementation = cast("classmethod[object, ..., object]", implementation).__func__
    kept = list(implementation.__annotations__.values()) if isinstance(implementation, FunctionType) else []
    if not kept or not isinstance(kept[0], FunctionType):
        raise TypeError(_ADVICE)
    return cast("object", kept[0]())


class _Table:
    """Implementations by class."""

    def __init__(self, default: _Implementation) -> None:
        self._found: dict[type, _Implementation] = {object: default}

    def dispatch(self, kind: type) -> _Implementation:
        """For objects of this class."""
        for base in kind.__mro__[:-1]:
            if base in self._found:
                return self._found[base]
        virtual = (base for base in reversed(self._found) if issubclass(kind, base))
        return self._found[next(virtual)]

    def register(self, kind: object, implementation: _Implementation | None = None) -> object:
        """As a decorator with a class, a union, or none; or with both."""
        known = isinstance(kind, type | UnionType)
        if known and implementation is None:
            return partial(self.register, kind)
        if implementation is None:
            implementation, kind = cast("_Implementation", kind), _annotated(kind)
        kinds = kind.__args__ if isinstance(kind, UnionType) else (kind,)
        if not all(isinstance(item, type) for item in kinds):
            raise TypeError(_ADVICE)
        for item in kinds:
            self._found[cast("type", item)] = implementation
        return implementation


def singledispatch(function: _Implementation) -> _Implementation:
    """functools.singledispatch."""
    table = _Table(function)

    def call(*args: object, **keywords: object) -> object:
        if not args:
            raise TypeError(f"{getattr(function, '__name__', 'this function')} requires at least 1 positional argument")
        return table.dispatch(type(args[0]))(*args, **keywords)

    call.register = table.register  # type: ignore[attr-defined]
    call.dispatch = table.dispatch  # type: ignore[attr-defined]
    return update_wrapper(call, function)


class singledispatchmethod:  # noqa: N801  (its name in functools)
    """functools.singledispatchmethod."""

    __slots__ = ("_table_",)

    def __init__(self, function: _Implementation) -> None:
        self._table_ = _Table(function)

    def register(self, kind: object, method: _Implementation | None = None) -> object:
        """As `singledispatch` does."""
        return self._table_.register(kind, method)

    def __get__(self, instance: object, owner: type | None = None) -> _Implementation:
        def call(*args: object, **keywords: object) -> object:
            return _bound(self._table_.dispatch(type(args[0])), instance, owner)(*args, **keywords)

        call.register = self.register  # type: ignore[attr-defined]
        return call


def _bound(method: object, instance: object, owner: type | None) -> _Implementation:
    if isinstance(method, classmethod):
        return MethodType(cast("classmethod[object, ..., object]", method).__func__, owner)
    if isinstance(method, staticmethod):
        return cast("staticmethod[..., object]", method).__func__
    function = cast("_Implementation", method)
    return function if instance is None else MethodType(function, instance)
