"""Checked versions of what takes an attribute's name as a string: getattr, str.format, attrgetter, vars, type ...

They run in the program's own process. Names are looked at only as exact str: a subclass could lie about itself.
"""

import inspect
import sys
from _string import formatter_field_name_split  # type: ignore[import-not-found]  # what str.format itself uses
from collections.abc import Callable, Iterable, Mapping
from enum import EnumType
from string import Formatter
from types import (
    BuiltinMethodType,
    CodeType,
    FrameType,
    MethodDescriptorType,
    ModuleType,
    TracebackType,
    resolve_bases,
)
from typing import Final, ForwardRef, NoReturn, cast

from .fixed import clock_method
from .policy_names import (
    CLOCKS,
    DENIED,
    GUARDED,
    TUPLE_NAMES,
    attribute_refusal,
    is_reserved,
    store_refusal,
)

_Maker = Callable[..., object]
_PARSE: Final = Formatter().parse
_DANGEROUS: Final = (CodeType, FrameType, TracebackType)


def exact(name: object) -> str:
    """The name itself when it is an exact str."""
    if type(name) is not str:
        raise TypeError(f"attribute name must be string, not {type(name).__name__!r}")
    return name


def plain_text(text: str) -> str:
    """The characters of a str or of a subclass, whatever its methods say."""
    return text if type(text) is str else "".join([text])


# str.format reads attributes that its text names.


def check_format(text: str) -> None:
    """Raises AttributeError when a replacement field of `text` reads an attribute that a program may not."""
    if "." not in text:
        return
    for _, field, spec, _ in _PARSE(text):
        if field:
            _check_field(field)
        if spec and "{" in spec:
            check_format(spec)


def _check_field(field: str) -> None:
    _, rest = cast("tuple[object, Iterable[tuple[bool, str]]]", formatter_field_name_split(field))
    for is_attribute, name in rest:
        if is_attribute and (name.startswith("_") or name in GUARDED or attribute_refusal(name)):
            raise AttributeError(f"{name!r} cannot be read in a format string: pass the value itself")


def _format(text: str, /, *args: object, **kwargs: object) -> str:
    text = plain_text(text)
    check_format(text)
    return str.format(text, *args, **kwargs)


def _format_map(text: str, mapping: Mapping[str, object], /) -> str:
    text = plain_text(text)
    check_format(text)
    return str.format_map(text, mapping)


class _BoundFormat:
    """text.format or text.format_map."""

    __slots__ = ("_make", "_text")

    def __init__(self, make: Callable[..., str], text: str) -> None:
        self._make = make
        self._text = text

    def __call__(self, /, *args: object, **kwargs: object) -> str:
        return self._make(self._text, *args, **kwargs)

    def __repr__(self) -> str:
        return "<built-in method format of str object>"


FORMATS: Final[dict[str, Callable[..., str]]] = {"format": _format, "format_map": _format_map}
_EVALUATORS: Final = frozenset({"evaluate", "_evaluate"})
_UNBOUND: Final = [getattr(ForwardRef, name) for name in _EVALUATORS if hasattr(ForwardRef, name)]
_DOORS: Final = frozenset({*FORMATS, "dump"})


def cleared(value: object, name: str) -> object:
    """A value just read, unless it is an unchecked door."""
    if name in _EVALUATORS and _evaluates(value):
        raise AttributeError("annotations are not evaluated")
    if name in CLOCKS and isinstance(value, BuiltinMethodType):
        return clock_method(value)
    if isinstance(value, BuiltinMethodType | MethodDescriptorType) and name in _DOORS:
        return _checked_method(value)
    if isinstance(value, _DANGEROUS) or (isinstance(value, ModuleType) and value is sys.modules.get(value.__name__)):
        raise AttributeError(f"{name!r} is not available")
    return TYPE if is_metaclass(value) else value


def _evaluates(value: object) -> bool:
    """Whether a value is ForwardRef's method, bound or not. Not by ==, which a program's object would answer."""
    bound = isinstance(getattr(value, "__self__", None), ForwardRef)
    return bound or any(value is method for method in _UNBOUND)


def is_metaclass(value: object) -> bool:
    """Whether a value is a class that makes classes."""
    return isinstance(value, type) and issubclass(value, type)


def _checked_method(method: BuiltinMethodType | MethodDescriptorType) -> object:
    """A method of a C type whose name alone says what it does."""
    name = method.__name__
    if name == "dump":
        raise AttributeError("files cannot be written here")
    if isinstance(method, MethodDescriptorType):
        return FORMATS[name] if method.__objclass__ is str and name in FORMATS else method
    owner: object = method.__self__
    return _BoundFormat(FORMATS[name], owner) if isinstance(owner, str) and name in FORMATS else method


# getattr and its family


def is_own(kind: type) -> bool:
    """Whether a class comes from the program."""
    return kind.__module__ == "__main__"


def _readable(obj: object, name: object) -> str:
    name = exact(name)
    refusal = attribute_refusal(name)
    if refusal:
        raise AttributeError(refusal)
    if name[:1] == "_" and not is_reserved(name) and name not in TUPLE_NAMES:
        kind = obj if isinstance(obj, type) else type(obj)
        if not is_own(kind):
            raise AttributeError(f"{name!r} is private to {kind.__name__}")
    return name


def get_attribute(obj: object, name: str) -> object:
    """`_getattr_`: reads an attribute that the compiler could not clear by its name."""
    name = _readable(obj, name)
    return cleared(getattr(obj, name), name)


def checked_getattr(obj: object, name: str, /, *default: object) -> object:
    """The built-in getattr. A refused name raises even when there is a default."""
    name = _readable(obj, name)
    return cleared(getattr(obj, name, *default), name)


def checked_hasattr(obj: object, name: str, /) -> bool:
    """The built-in hasattr. False for what may not be read."""
    try:
        checked_getattr(obj, name)
    except AttributeError:
        return False
    return True


def checked_setattr(obj: object, name: str, value: object, /) -> None:
    """The built-in setattr."""
    setattr(obj, writable(name), value)


def checked_delattr(obj: object, name: str, /) -> None:
    """The built-in delattr."""
    delattr(obj, writable(name))


def set_own_attribute(obj: object, name: str, value: object, /) -> None:
    """object.__setattr__, as a frozen dataclass uses it in __post_init__."""
    object.__setattr__(obj, writable(name), value)


def writable(name: object) -> str:
    """The name, when a program may set an attribute of that name."""
    name = exact(name)
    refusal = store_refusal(name)
    if refusal:
        raise AttributeError(refusal)
    return name


class Variables(dict[str, object]):
    """What vars(x) gives: x's variables; what is written here is written there, if its name is allowed.

    A program gets hold of the class with type(vars(x)), so what it may show is looked at here.
    """

    def __init__(self, obj: object) -> None:
        if isinstance(obj, type) or not is_own(type(obj)):
            raise TypeError("vars() works on instances of classes that the program defines")
        super().__init__(vars(obj))
        self._real_ = vars(obj)  # a name that no program can read

    def __init_subclass__(cls) -> None:
        raise TypeError("what vars() gives cannot be subclassed")  # vars() of an instance would show `_real_`

    def __setitem__(self, name: str, value: object) -> None:
        self._real_[writable(name)] = value
        super().__setitem__(name, value)

    def __delitem__(self, name: str) -> None:
        super().__delitem__(name)
        del self._real_[name]

    def update(self, *others: object, **more: object) -> None:
        """dict.update."""
        for name, value in dict(*others, **more).items():
            self[name] = value

    def setdefault(self, name: str, default: object = None, /) -> object:
        """dict.setdefault."""
        if name not in self:
            self[name] = default
        return self[name]

    def pop(self, name: str, /, *default: object) -> object:
        """dict.pop."""
        self._real_.pop(exact(name), None)
        return super().pop(name, *default)

    def clear(self) -> None:
        """dict.clear."""
        self._real_.clear()
        super().clear()


def checked_vars(*args: object) -> dict[str, object]:
    """The built-in vars, of an instance of the program's own classes."""
    if len(args) != 1:
        raise TypeError("vars() takes one object here; keep names made up at run time in a dict")
    return Variables(args[0])


class _Type:
    """What `type` is for a program: the class of an object, and isinstance. It makes no classes."""

    __slots__ = ()
    __name__ = "type"
    __qualname__ = "type"

    def __call__(self, *args: object) -> object:
        if len(args) != 1:
            raise TypeError("type() takes one argument here: write a class statement to make a class")
        kind = type(args[0])
        return self if issubclass(kind, (type, _Type)) else kind

    def __instancecheck__(self, instance: object) -> bool:
        return isinstance(instance, (type, _Type))

    def __subclasscheck__(self, subclass: type) -> bool:
        return issubclass(subclass, type)

    def __mro_entries__(self, bases: tuple[object, ...]) -> NoReturn:
        raise TypeError("metaclasses are not available: use a class decorator or inheritance")

    def __getitem__(self, item: object) -> "_Type":
        return self

    def __or__(self, other: object) -> "_Type":
        return self

    __ror__ = __or__

    def __repr__(self) -> str:
        return "<class 'type'>"


TYPE: Final = _Type()


class Absent:
    """A function of Python that is not here; calling it says what to do instead."""

    __slots__ = ("_message",)

    def __init__(self, name: str, advice: str) -> None:
        self._message = f"{name} is not available: {advice}"

    def __call__(self, /, *args: object, **kwargs: object) -> NoReturn:
        raise NameError(self._message)

    def __mro_entries__(self, bases: tuple[object, ...]) -> NoReturn:
        raise NameError(self._message)

    def __repr__(self) -> str:
        return f"<{self._message}>"


def clear_match_args(kind: type) -> None:
    """Positional class patterns read the attributes that __match_args__ names, unchecked."""
    names = getattr(kind, "__match_args__", ())
    if any(name in GUARDED or name in DENIED or is_reserved(name) for name in names):
        setattr(kind, "__match_args__", ())  # noqa: B010  (not declared on type)


def checked_bases(bases: tuple[object, ...]) -> tuple[object, ...]:
    """The bases that a class statement means; TypeError where a field of one would name an unchecked door of another.

    The methods that `dataclass` makes read fields unchecked. By annotations: `dataclass` may come later.
    """
    resolved = resolve_bases(bases)
    while resolved is not bases:  # an alias may stand for something that stands for bases
        bases, resolved = resolved, resolve_bases(resolved)
    kinds = [kind for base in resolved if isinstance(base, type) for kind in base.__mro__]
    for name in GUARDED.intersection(name for kind in kinds for name in inspect.get_annotations(kind)):
        # A member of an Enum may read what its value, which a program sets, has by the member's name.
        if any(isinstance(kind, EnumType) or (name in vars(kind) and not is_own(kind)) for kind in kinds):
            raise TypeError(f"{name!r} cannot be a field here: a base class has something of that name")
    return resolved


# operator's deputies


def attrgetter(attr: str, /, *attrs: str) -> Callable[[object], object]:
    """operator.attrgetter with checked names."""
    paths = [exact(path).split(".") for path in (attr, *attrs)]

    def read(obj: object) -> object:
        found = tuple(_follow(obj, path) for path in paths)
        return found if attrs else found[0]

    return read


def _follow(obj: object, path: list[str]) -> object:
    for name in path:
        obj = get_attribute(obj, name)
    return obj


def methodcaller(name: str, /, *args: object, **kwargs: object) -> Callable[[object], object]:
    """operator.methodcaller with a checked name."""
    method = exact(name)

    def call(obj: object) -> object:
        return cast("_Maker", get_attribute(obj, method))(*args, **kwargs)

    return call
