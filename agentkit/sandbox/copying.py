"""copy.copy, copy.deepcopy, dataclasses.asdict and astuple for programs.

The real ones ask the object how to rebuild it, call what it names and set attributes by any name it gives. These take
the answer of the object's class alone, and only an object of the same class that is set up by allowed names.
"""

import copy as real
import dataclasses
import typing
from collections.abc import Callable, Iterable
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Final, cast

from .guards import Variables, cleared, set_own_attribute, writable
from .policy_names import GUARDED

_ATOMIC: Final = frozenset(
    {
        *(type(None), type(...), type(NotImplemented), int, float, bool, complex, bytes, str, range, property),
        *(FunctionType, BuiltinFunctionType, ModuleType),
    }
)
# Classes, and aliases such as Optional[int], which rebuild themselves by a name they carry.
_KEPT: Final = (type, *type(typing.Optional[int]).__mro__[:-1])  # noqa: UP045
_Memo = dict[int, object]
_Copier = Callable[[object], object]


def copy(x: object) -> object:
    """copy.copy."""
    kind = type(x)
    if kind in _ATOMIC or isinstance(x, _KEPT):
        return x
    if kind in (list, dict, set, bytearray, Variables):
        return cast("list[object]", x).copy()
    method = getattr(kind, "__copy__", None)
    return _rebuild(x, lambda part: part) if method is None else cast("_Copier", method)(x)


def deepcopy(x: object, memo: _Memo | None = None) -> object:
    """copy.deepcopy."""
    memo = {} if memo is None else memo
    if id(x) in memo:
        return memo[id(x)]
    made = _deep(x, memo)
    if made is not x:
        memo[id(x)] = made
        kept = memo.setdefault(id(memo), [])
        cast("list[object]", kept).append(x)  # no other object gets its id meanwhile
    return made


def _deep(x: object, memo: _Memo) -> object:
    kind = type(x)
    if kind is list:
        listed: list[object] = []
        memo[id(x)] = listed
        listed.extend(deepcopy(item, memo) for item in cast("list[object]", x))
        return listed
    if kind is dict or kind is Variables:
        table: dict[object, object] = {}
        memo[id(x)] = table
        for key, value in cast("dict[object, object]", x).items():
            table[deepcopy(key, memo)] = deepcopy(value, memo)
        return table
    if kind is tuple:
        items = tuple(deepcopy(item, memo) for item in cast("tuple[object, ...]", x))
        same = all(new is old for new, old in zip(items, cast("tuple[object, ...]", x), strict=True))
        return x if same else memo.get(id(x), items)
    if kind in _ATOMIC or isinstance(x, _KEPT):
        return x
    method = getattr(kind, "__deepcopy__", None)
    if method is not None:
        return cast("Callable[[object, _Memo], object]", method)(x, memo)
    return _rebuild(x, lambda part: deepcopy(part, memo), memo)


def _rebuild(x: object, part: _Copier, memo: _Memo | None = None) -> object:
    """What the class's own __reduce_ex__ says, as far as it makes an object of that class."""
    kind = type(x)
    reduced = cast("str | tuple[object, ...]", kind.__reduce_ex__(x, 4))
    if isinstance(reduced, str):
        return x
    make, arguments, state, items, pairs = (*reduced, None, None, None)[:5]
    made = cast("Callable[..., object]", make)(*(part(item) for item in cast("tuple[object, ...]", arguments)))
    if type(made) is not kind:
        raise real.Error(f"{kind.__name__} cannot be copied")
    if memo is not None:
        memo[id(x)] = made
    if state is not None:
        _set_state(made, _apart(state, part))
    for item in cast("Iterable[object]", items or ()):
        cast("list[object]", made).append(part(item))
    for key, value in cast("Iterable[tuple[object, object]]", pairs or ()):
        cast("dict[object, object]", made)[part(key)] = part(value)
    return made


def _apart(state: object, part: _Copier) -> object:
    """A copy of a state. Its dicts are the variables of the objects themselves: no memo may hold them, nor the copies,
    where a program could set any name."""
    if type(state) is dict:
        return {name: part(value) for name, value in cast("dict[object, object]", state).items()}
    if type(state) is tuple:
        return tuple(_apart(item, part) for item in cast("tuple[object, ...]", state))
    return part(state)


def _set_state(made: object, state: object) -> None:
    restore = getattr(type(made), "__setstate__", None)
    if restore is not None:
        cast("Callable[[object, object], object]", restore)(made, state)
        return
    both = cast("tuple[object, object]", state) if isinstance(state, tuple) else (state, None)
    attributes, slots = (cast("dict[str, object]", part or {}) for part in both)
    if attributes:
        vars(made).update({writable(name): value for name, value in attributes.items()})
    for name, value in slots.items():  # of a class that has lost its slot, what a base has by that name
        set_own_attribute(made, name, cleared(value, name) if name in GUARDED else value)


# dataclasses


def _converted(value: object, make: Callable[[list[tuple[str, object]]], object]) -> object:
    kind = type(value)
    if dataclasses.is_dataclass(kind):
        return make([(item.name, _converted(getattr(value, item.name), make)) for item in dataclasses.fields(kind)])
    if kind is dict:
        pairs = cast("dict[object, object]", value).items()
        return {_converted(key, make): _converted(item, make) for key, item in pairs}
    if isinstance(value, list | tuple):
        items = [_converted(item, make) for item in cast("list[object]", value)]
        build = cast("Callable[..., object]", kind)
        return build(*items) if hasattr(kind, "_fields") else build(items)
    return deepcopy(value)


def asdict(obj: object, *, dict_factory: Callable[[list[tuple[str, object]]], object] = dict) -> object:
    """dataclasses.asdict."""
    _require_instance(obj, "asdict")
    return _converted(obj, dict_factory)


def astuple(obj: object, *, tuple_factory: Callable[[list[object]], object] = tuple) -> object:
    """dataclasses.astuple."""
    _require_instance(obj, "astuple")
    return _converted(obj, lambda pairs: tuple_factory([value for _, value in pairs]))


def replace(obj: object, /, **changes: object) -> object:
    """dataclasses.replace."""
    _require_instance(obj, "replace")
    kind = type(obj)
    for item in dataclasses.fields(cast("type[_Dataclass]", kind)):
        if not item.init and item.name in changes:
            raise ValueError(f"field {item.name} is declared with init=False, it cannot be specified with replace()")
        if item.init and item.name not in changes:
            changes[item.name] = getattr(obj, item.name)
    return kind(**changes)


class _Dataclass(typing.Protocol):
    __dataclass_fields__: typing.ClassVar[dict[str, "dataclasses.Field[object]"]]


def _require_instance(obj: object, name: str) -> None:
    if not dataclasses.is_dataclass(type(obj)):
        raise TypeError(f"{name}() should be called on dataclass instances")
