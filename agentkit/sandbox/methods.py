"""Closes doors in the Python code of the standard library: methods that trust what they are called on.

A function in a class takes any object as `self`, a class too: `UserList.copy(int)` is `int.__class__(int)`, the real
`type`, which makes classes with names that no check has seen. Methods written in C look at `self` themselves.
"""

import functools
import sys
import types
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import CodeType, FunctionType
from typing import Final, cast

from .guards import is_metaclass
from .policy_names import attribute_refusal
from .standins import update_wrapper
from .zones import zone

_OPENERS: Final = frozenset({"__class__", "__dict__"})
_ALSO: Final = (
    "threading",
    "weakref",
    "_weakrefset",
    "_collections_abc",
    "agentkit.sandbox.standins",
)  # whose objects are within reach, too
_TEXTS: Final = frozenset({"__repr__", "__str__", "__format__"})  # tell the class's name only
_closed: dict[int, type] = {}  # by identity: a metaclass may compare as it likes


def close_doors(modules: Iterable[str]) -> None:
    """Once for each class of these modules, of their submodules and of what they hand out objects of."""
    roots = {*(name.partition(".")[0] for name in modules), *_ALSO}
    for kind in list(_classes(roots)):
        if id(kind) not in _closed and not is_metaclass(kind):
            _closed[id(kind)] = kind
            _close(kind)
    _close_functions()


def _classes(roots: set[str]) -> Iterator[type]:
    for name, module in list(sys.modules.items()):
        if name in roots or name.partition(".")[0] in roots:
            yield from (value for value in list(vars(module).values()) if isinstance(value, type))


def _close(kind: type) -> None:
    for name, value in list(cast("Mapping[str, object]", vars(kind)).items()):
        closed: object = None
        if attribute_refusal(name) is not None or name in _TEXTS:
            continue
        if isinstance(value, FunctionType) and _opens(value.__code__):
            closed = _method(value)
        elif isinstance(value, property) and isinstance(value.fget, FunctionType) and _opens(value.fget.__code__):
            closed = property(_method(value.fget), value.fset, value.fdel, value.__doc__)
        if closed is not None:
            type.__setattr__(kind, name, closed)  # an enum has rules of its own


def _opens(code: CodeType) -> bool:
    """Whether it reads the class or the variables of something."""
    inner = (item for item in code.co_consts if isinstance(item, CodeType))
    return not _OPENERS.isdisjoint(code.co_names) or any(map(_opens, inner))


def _method(function: Callable[..., object]) -> Callable[..., object]:
    def method(self: object, /, *args: object, **keywords: object) -> object:
        if isinstance(self, type):
            raise TypeError(f"{function.__qualname__}() is called on an object, not on a class")
        return function(self, *args, **keywords)

    return update_wrapper(method, function)  # which keeps no way back to the function


@functools.cache
def _close_functions() -> None:
    """Those that open what they are passed."""
    import pprint
    import statistics
    import weakref

    import dateutil.tz

    # The real SimpleNamespace, which no program has, is shown by the variables of whatever object is passed.
    shown: dict[object, FunctionType] = vars(pprint.PrettyPrinter)["_dispatch"]
    method = shown.pop(types.SimpleNamespace.__repr__)
    delattr(pprint.PrettyPrinter, method.__name__)
    # The result gets the type of the data; data that are classes would make it the metaclass of a class.
    convert: Callable[[object, type], object] = vars(statistics)["_convert"]

    def converted(value: object, kind: type) -> object:
        if is_metaclass(kind):
            raise TypeError("the data are classes")
        return convert(value, kind)

    statistics.__dict__["_convert"] = converted
    # Aliases make ForwardRefs of texts, and forward what is set on them.
    for protocol in (typing.SupportsAbs, typing.SupportsRound):
        setattr(protocol, "__class_getitem__", classmethod(_itself))  # noqa: B010
    # The real deepcopy would put objects' own variables into a program's memo.
    for kind in (weakref.WeakValueDictionary, weakref.WeakKeyDictionary):
        delattr(kind, "__deepcopy__")
    setattr(functools.cached_property, "__get__", _of_instances(vars(functools.cached_property)["__get__"]))  # noqa: B010
    dateutil.tz.__dict__["gettz"] = zone  # the real one opens the file of any name; rrulestr calls it


def _itself(cls: type, item: object) -> type:
    return cls


def _of_instances(get: Callable[..., object]) -> Callable[..., object]:
    """cached_property.__get__. Inside a classmethod it would read the dict of a class, up to 3.12."""

    def of_instance(self: object, instance: object, owner: type | None = None) -> object:
        if isinstance(instance, type):
            raise TypeError("cached_property works on instances")
        return get(self, instance, owner)

    return of_instance
