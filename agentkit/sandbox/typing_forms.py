"""`typing` for programs: inert, because annotations are never evaluated here.

The real forms compile strings, rebuild themselves by names they carry and forward attributes. These stand for
themselves; names of containers and protocols are the classes they mean, so isinstance works on them.
"""

import collections
import collections.abc
import re
import typing
from collections.abc import Callable, Mapping
from typing import Final, TypeVar, cast

from .guards import TYPE
from .policy_names import words
from .standins import NamedTuple

_T = TypeVar("_T")


class Form:
    """Optional, Any, a type variable ...: can be subscripted and combined, and means nothing."""

    __slots__ = ("__name__",)

    def __init__(self, name: str) -> None:
        self.__name__ = name

    def __getitem__(self, item: object) -> "Form":
        return self

    def __or__(self, other: object) -> "Form":
        return self

    __ror__ = __or__

    def __repr__(self) -> str:
        return self.__name__


class _Union(Form):
    """Union and Optional of classes are real unions, so that isinstance takes them."""

    __slots__ = ("_more",)

    def __init__(self, name: str, *more: object) -> None:
        super().__init__(name)
        self._more = more

    def __getitem__(self, item: object) -> Form:
        parts = cast("tuple[object, ...]", item) if isinstance(item, tuple) else (item,)
        if not all(part is None or isinstance(part, type) for part in parts):
            return self
        first, *others = (*parts, *self._more)
        made = first
        for other in others:
            made = cast("type", made) | cast("type", other)
        return cast("Form", made)


class _Generic:
    """The base class that Generic[T] stands for."""

    def __class_getitem__(cls, item: object) -> "type[_Generic]":
        return cls


class _Base(Form):
    """Generic and Protocol: class A(Generic[T])."""

    __slots__ = ("_bases",)

    def __init__(self, name: str, base: type) -> None:
        super().__init__(name)
        self._bases = (base,)

    def __mro_entries__(self, bases: tuple[object, ...]) -> tuple[type, ...]:
        first = next(base for base in bases if isinstance(base, _Base) and (base is PROTOCOL or PROTOCOL not in bases))
        return self._bases if first is self else ()


GENERIC: Final = _Base("Generic", _Generic)
PROTOCOL: Final = _Base("Protocol", cast("type", typing.Protocol))


def type_variable(name: str, *_: object, **__: object) -> Form:
    """TypeVar, ParamSpec, TypeVarTuple."""
    return Form(str(name))


def new_type(name: str, base: object) -> Callable[[_T], _T]:
    """NewType: returns what it is given."""

    def make(value: _T) -> _T:
        return value

    make.__name__ = str(name)
    return make


def cast_to(kind: object, value: _T) -> _T:
    """cast."""
    return value


def forms() -> dict[str, object]:
    """The names of the facade."""
    found: dict[str, object] = {name: Form(name) for name in words(_FORMS)}
    found |= {name: getattr(collections.abc, name) for name in words(_ABSTRACT)}
    found |= {name: getattr(typing, name) for name in words(_REAL) if hasattr(typing, name)}
    return found | dict(_OWN)


_FORMS: Final = (
    "Any Literal Final ClassVar Annotated Concatenate TypeGuard TypeIs Required NotRequired ReadOnly Unpack Self Never "
    "NoReturn LiteralString TypeAlias AnyStr IO TextIO BinaryIO"
)
_ABSTRACT: Final = (
    "Iterable Iterator Generator Sequence MutableSequence Mapping MutableMapping Callable Hashable Sized Collection "
    "Container Reversible KeysView ItemsView ValuesView MutableSet Awaitable Coroutine AsyncIterable AsyncIterator "
    "AsyncGenerator"
)
_REAL: Final = (
    "TypedDict overload final override runtime_checkable assert_never assert_type TYPE_CHECKING "
    "SupportsInt SupportsFloat SupportsAbs SupportsIndex SupportsRound SupportsComplex SupportsBytes"
)
_OWN: Final[Mapping[str, object]] = {
    "List": list,
    "Dict": dict,
    "Set": set,
    "FrozenSet": frozenset,
    "Tuple": tuple,
    "Type": TYPE,
    "Text": str,
    "Deque": collections.deque,
    "DefaultDict": collections.defaultdict,
    "OrderedDict": collections.OrderedDict,
    "Counter": collections.Counter,
    "ChainMap": collections.ChainMap,
    "AbstractSet": collections.abc.Set,
    "Pattern": re.Pattern,
    "Match": re.Match,
    "NamedTuple": NamedTuple,
    "Generic": GENERIC,
    "Protocol": PROTOCOL,
    "Union": _Union("Union"),
    "Optional": _Union("Optional", None),
    "NewType": new_type,
    "cast": cast_to,
    **dict.fromkeys(("TypeVar", "ParamSpec", "TypeVarTuple"), type_variable),
}
