"""Own versions of library functions that would run text or set attributes by names a program made up.

dataclass, namedtuple and Enum build source or classes out of names; wraps copies whole dicts; redirect_stdout looks
names up. Each stand-in checks the names, then calls the real one or does the little that is needed.
"""

import collections
import dataclasses
import enum
import inspect
import keyword
import operator
import sys
import typing
import warnings
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import contextmanager
from typing import Final, NoReturn, TypeVar, cast

from .guards import checked_bases, checked_setattr, clear_match_args, plain_text
from .policy_names import GUARDED, TEXT_NAMES, field_refusal

_Class = TypeVar("_Class", bound=type)
_Function = TypeVar("_Function", bound=Callable[..., object])


def _field_name(name: object) -> str:
    """The exact text of a name that becomes an attribute."""
    text = plain_text(name) if isinstance(name, str) else plain_text(str(name))
    refusal = field_refusal(text)
    if refusal:
        raise ValueError(refusal)
    return text


# dataclasses puts the names of fields into source that it runs, and trusts Field.name.


class _Slot(typing.Protocol):
    def __get__(self, instance: object, owner: type | None = None) -> str: ...
    def __set__(self, instance: object, value: object) -> None: ...


class _Frozen(type):
    """A class whose attributes a program cannot replace."""

    def __setattr__(cls, name: str, value: object) -> NoReturn:
        raise TypeError(f"cannot set {name!r} of {cls.__name__!r}")

    def __delattr__(cls, name: str) -> NoReturn:
        raise TypeError(f"cannot delete {name!r} of {cls.__name__!r}")


_FIELD_NAME: Final = cast("_Slot", dataclasses.Field.name)  # type: ignore[misc]


class _Field(dataclasses.Field, metaclass=_Frozen):  # type: ignore[type-arg]
    """A Field that only takes a proper name, from object.__setattr__ too."""

    __slots__ = ()

    @property
    def name(self) -> str:
        """The name that `dataclass` gives it."""
        return _FIELD_NAME.__get__(self)

    @name.setter
    def name(self, value: str | None) -> None:  # pyright: ignore[reportIncompatibleVariableOverride]
        if value is not None and not _is_field(value):
            raise ValueError("not the name of a field")
        if getattr(self, "name", value) not in (None, value):  # what was checked is the annotation of that name
            raise ValueError("a field has one name")
        _FIELD_NAME.__set__(self, value)

    def __init_subclass__(cls) -> None:
        raise TypeError("a field cannot be subclassed")


def _is_field(name: object) -> bool:
    return type(name) is str and name.isidentifier() and not keyword.iskeyword(name) and field_refusal(name) is None


def field(**options: object) -> object:
    """dataclasses.field."""
    made = cast("object", dataclasses.field(**options))  # type: ignore[call-overload]
    made.__class__ = _Field  # same slots
    return made


def dataclass(cls: type | None = None, /, **options: object) -> object:
    """dataclasses.dataclass."""

    def build(kind: type) -> type:
        for name, value in inspect.get_annotations(kind).items():
            if not _is_field(name) or isinstance(value, typing.ForwardRef):
                raise ValueError(f"{name!r} is not allowed as a field")
        checked_bases((kind,))
        checked = _checked_options(kind, options)
        described = type(kind.__doc__) is str and kind.__doc__ != ""
        if not described:  # dataclasses would look for a signature in the docstrings of bases, and evaluate its names
            kind.__doc__ = "-"
        made = cast("Callable[..., type]", dataclasses.dataclass)(kind, **checked)
        if not described:
            made.__doc__ = f"{made.__name__}({', '.join(item.name for item in dataclasses.fields(made))})"
        clear_match_args(made)
        return made

    return build if cls is None else build(cls)


def _checked_options(kind: type, options: dict[str, object]) -> dict[str, object]:
    """For a class with a field named as an unchecked door. Patterns and the real comparisons would read it of any
    object; they are not even made, since a descriptor's __set_name__ would find them before anything is replaced."""
    if GUARDED.isdisjoint(name for base in kind.__mro__ for name in inspect.get_annotations(base)):
        return options
    compared, ordered = bool(options.get("eq", True)), bool(options.get("order"))
    names = ("__eq__", "__lt__", "__le__", "__gt__", "__ge__") if ordered else ("__eq__",)
    for name in names if compared else ():
        if name not in vars(kind):
            setattr(kind, name, _comparison(name))
    return {**options, "match_args": False, "eq": compared, "order": ordered and not compared}


def _comparison(name: str) -> Callable[[object, object], object]:
    operation = cast("Callable[[object, object], object]", getattr(operator, name))

    def compare(self: object, other: object) -> object:
        if type(other) is not type(self) or not dataclasses.is_dataclass(self):
            return NotImplemented
        names = [item.name for item in dataclasses.fields(self) if item.compare]
        first, second = (tuple(getattr(item, name) for name in names) for item in (self, other))
        return operation(first, second)

    compare.__name__ = name
    return compare


def fields(class_or_instance: object) -> tuple["SimpleNamespace", ...]:
    """dataclasses.fields, as copies."""
    names = ("name", "type", "default", "default_factory", "init", "repr", "hash", "compare", "metadata", "kw_only")
    found = dataclasses.fields(cast("type[_Dataclass]", class_or_instance))
    return tuple(SimpleNamespace(**{name: getattr(item, name) for name in names}) for item in found)


class _Dataclass(typing.Protocol):
    __dataclass_fields__: typing.ClassVar[dict[str, "dataclasses.Field[object]"]]


# Named tuples


def namedtuple(
    typename: str,
    field_names: str | Iterable[str],
    *,
    rename: bool = False,
    defaults: Iterable[object] | None = None,
    module: str | None = None,
) -> type:
    """collections.namedtuple."""
    if isinstance(field_names, str):
        field_names = plain_text(field_names).replace(",", " ").split()
    names = [_field_name(name) for name in field_names]
    make = cast("Callable[..., type]", collections.namedtuple)
    made = make(plain_text(typename), names, rename=rename, defaults=defaults, module=module or "__main__")
    clear_match_args(made)
    return made


class _NamedTuple:
    """typing.NamedTuple, as a base class and as a function."""

    __slots__ = ()

    def __call__(self, typename: str, fields: Iterable[tuple[str, object]] = (), /) -> type:
        return namedtuple(typename, [name for name, _ in fields])

    def __mro_entries__(self, bases: tuple[object, ...]) -> tuple[type, ...]:
        entries = cast("_HasEntries", typing.NamedTuple).__mro_entries__
        return entries((typing.NamedTuple,))


class _HasEntries(typing.Protocol):
    def __mro_entries__(self, bases: tuple[object, ...]) -> tuple[type, ...]: ...


NamedTuple: Final = _NamedTuple()


# Enumerations: Enum("Name", {...}) would set any attribute of a new class.


class _EnumType(enum.EnumType):
    """An EnumType that checks the names given to a functional call."""

    def __call__(cls, *args: object, **keywords: object) -> object:  # type: ignore[override]
        if "type" in keywords:
            checked_bases((keywords["type"], cls))
        if "names" in keywords:
            keywords["names"] = _member_names(keywords["names"])
        elif len(args) > 1 and not (
            cls._member_names_ and cls.__members__
        ):  # a program can get at what the latter shows
            args = (args[0], _member_names(args[1]), *args[2:])
        call = cast("Callable[..., object]", super().__call__)
        return call(*args, **keywords)

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, _REAL[cls]) if cls in _REAL else super().__instancecheck__(instance)

    def __subclasscheck__(cls, subclass: type) -> bool:
        return issubclass(subclass, _REAL[cls]) if cls in _REAL else super().__subclasscheck__(subclass)


def _member_names(names: object) -> object:
    if names is None:
        return None
    if isinstance(names, str):
        return [_field_name(name) for name in plain_text(names).replace(",", " ").split()]
    if isinstance(names, Mapping):
        names = cast("Mapping[str, object]", names).items()
    return [
        _field_name(item) if isinstance(item, str) else (_field_name(item[0]), item[1])
        for item in cast("Iterable[str | tuple[str, object]]", names)
    ]


class Enum(enum.Enum, metaclass=_EnumType):
    """enum.Enum."""


class IntEnum(enum.IntEnum, metaclass=_EnumType):
    """enum.IntEnum."""


class StrEnum(enum.StrEnum, metaclass=_EnumType):
    """enum.StrEnum."""


class Flag(enum.Flag, metaclass=_EnumType):
    """enum.Flag."""


class IntFlag(enum.IntFlag, metaclass=_EnumType):
    """enum.IntFlag."""


# What isinstance(x, Enum) means when Enum is the stand-in.
_REAL: Final[dict[object, type]] = {Enum: enum.Enum, Flag: enum.Flag}


# functools, contextlib


def update_wrapper(wrapper: _Function, wrapped: object, *_: object, **__: object) -> _Function:
    """functools.update_wrapper: copies the name and the docstring."""
    for name in TEXT_NAMES:
        value = getattr(wrapped, name, None)
        if isinstance(value, str):
            setattr(wrapper, name, value)
    return wrapper


def wraps(wrapped: object, *_: object, **__: object) -> Callable[[_Function], _Function]:
    """functools.wraps."""
    return lambda wrapper: update_wrapper(wrapper, wrapped)


class SimpleNamespace:
    """types.SimpleNamespace, with allowed names."""

    def __init__(self, /, **variables: object) -> None:
        for name, value in variables.items():
            checked_setattr(self, name, value)

    def __repr__(self) -> str:
        return f"namespace({', '.join(f'{name}={value!r}' for name, value in _variables(self).items())})"

    def __eq__(self, other: object) -> bool:
        return _variables(self) == vars(other) if isinstance(other, SimpleNamespace) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # as the real one


def _variables(namespace: object) -> dict[str, object]:
    """Of nothing else: a method can be called with any object."""
    if not isinstance(namespace, SimpleNamespace):
        raise TypeError(f"a SimpleNamespace is needed, not {type(namespace).__name__}")
    return vars(namespace)


SimpleNamespace.__module__ = "__main__"  # vars() takes it


@contextmanager
def redirect_stdout(target: object) -> Generator[object]:
    """contextlib.redirect_stdout. A subclass of the real one reads any attribute of sys."""
    before, sys.stdout = sys.stdout, cast("typing.TextIO", target)
    try:
        yield target
    finally:
        sys.stdout = before


@contextmanager
def catch_warnings(*, record: bool = False) -> Generator[list[warnings.WarningMessage] | None]:
    """warnings.catch_warnings. The real one holds the module."""
    with warnings.catch_warnings(record=record) as log:
        yield log


# abc, sys, traceback


class NoMetaclass:
    """The name of a metaclass: it can stand after `metaclass=`, it cannot be called."""

    __slots__ = ("_name",)

    def __init__(self, name: str) -> None:
        self._name = name

    def __call__(self, *args: object, **keywords: object) -> NoReturn:
        raise TypeError(f"{self._name} cannot be called here: write a class statement")

    def __mro_entries__(self, bases: tuple[object, ...]) -> NoReturn:
        raise TypeError("metaclasses are not available: use a class decorator or inheritance")


MAX_RECURSION: Final = 10_000


def setrecursionlimit(limit: int) -> None:
    """sys.setrecursionlimit, up to what the stack holds."""
    sys.setrecursionlimit(max(min(limit, MAX_RECURSION), 50))


class Stream:
    """sys.stdout or sys.stderr: what is written is the program's output."""

    __slots__ = ()

    def write(self, text: str) -> int:
        """Writes text."""
        if not isinstance(cast("object", text), str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        sys.stdout.write(plain_text(text))
        return len(text)

    def flush(self) -> None:
        """Nothing is held back here."""


def format_exc() -> str:
    """The exception being handled, as `Name: message`."""
    error = sys.exc_info()[1]
    return "" if error is None else f"{type(error).__name__}: {error}\n"


def print_exc() -> None:
    """Prints what `format_exc` gives."""
    sys.stdout.write(format_exc())
