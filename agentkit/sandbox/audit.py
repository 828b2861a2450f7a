"""Walks everything that a program can reach by names it may use, and lists what it must not reach.

    python -m agentkit.sandbox.audit [numpy sympy]

Starts from every facade, every name bound beforehand, every built-in and a set of objects made by a sample program;
follows attributes (private ones too: a program may read `_x` on its own subclasses), the type of each object and what
containers hold. It calls nothing but properties, so what only a call returns is found when a sample makes it.
"""

import builtins
import functools
import sys
import typing
import warnings
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import BuiltinFunctionType, CodeType, FrameType, FunctionType, MethodType, ModuleType, TracebackType
from typing import Final, cast

from .audit_samples import NUMERIC, SAMPLES
from .guards import TYPE, get_attribute, is_metaclass
from .hooks import hooks
from .modules import BASE_MODULES, facades, load, prebound
from .policy import compile_program
from .policy_names import GUARDED, METHODS, attribute_refusal, words

_MODULES: Final = frozenset(
    words(
        "os posix posixpath subprocess importlib _frozen_importlib _frozen_importlib_external imp runpy ctypes _ctypes "
        "socket _socket threading _thread multiprocessing shutil tempfile pathlib pickle _pickle marshal code inspect "
        "gc signal pty resource mmap asyncio linecache tokenize traceback sys faulthandler _posixsubprocess"
    )
)
_NAMES: Final = words(
    "exec eval compile open __import__ input globals locals vars dir getattr setattr delattr hasattr breakpoint"
)
_INERT: Final = (str, bytes, bytearray, int, float, complex, bool, type(None), type(...), range, slice)
# Of these modules, and harmless: locks (queue, cached_property), what the sys facade shows, signatures in sympy.
_HARMLESS: Final = frozenset(
    words(
        "_thread.lock _thread.RLock threading.Condition sys.getrecursionlimit sys.getsizeof sys.float_info "
        "sys.int_info sys.version_info inspect._empty"
    )
)
_WHOLE: Final = (FunctionType, dict)
_NAMED: Final[tuple[type, ...]] = (FunctionType, BuiltinFunctionType, type)
_DEPUTIES: Final = (type(typing.Literal[1]).__mro__[-2], typing.ForwardRef)
_PER_TYPE: Final = 60  # properties that make a new object at each read would never end


@dataclass(frozen=True, slots=True)
class Finding:
    """Something dangerous: how a program would write its way there, and what it is."""

    path: str
    what: str


def _real_modules() -> Mapping[str, object]:
    return sys.modules  # libraries put other things than modules there


def _forbidden() -> dict[int, str]:
    import io
    import operator
    import string

    found = {id(getattr(builtins, name)): f"the real {name}" for name in _NAMES}
    others = {
        "str.format": str.format,
        "str.format_map": str.format_map,
        "io.FileIO": io.FileIO,
        "io.open_code": io.open_code,
        "operator.attrgetter": operator.attrgetter,
        "operator.methodcaller": operator.methodcaller,
        "string.Formatter": string.Formatter,
        "typing.get_type_hints": typing.get_type_hints,
        "typing.ForwardRef": typing.ForwardRef,
        "functools.singledispatch": functools.singledispatch,
        "functools.update_wrapper": functools.update_wrapper,
    }
    return found | {id(value): name for name, value in others.items()}


class Audit:
    """One walk. `seen` is how many objects it looked at."""

    def __init__(self, shown: Iterable[object]) -> None:
        self.seen = 0
        self._shown = {id(facade) for facade in shown}
        self._globals = {
            id(vars(module)): name for name, module in list(_real_modules().items()) if isinstance(module, ModuleType)
        }
        self._globals[id(sys.modules)] = "sys.modules"
        self._forbidden = _forbidden()

    def walk(self, roots: Mapping[str, object]) -> list[Finding]:
        """Everything dangerous within reach of `roots`, each once, by the shortest way."""
        found: list[Finding] = []
        waiting = deque(roots.items())
        kept: dict[int, object] = {}
        instances: Counter[type] = Counter()
        while waiting:
            path, value = waiting.popleft()
            if id(value) in kept or isinstance(value, _INERT):
                continue
            kept[id(value)] = value  # keeps its id from being given to another
            kind = type(value)
            instances[kind] += 1
            what = self._danger(value)
            if what:
                found.append(Finding(path, what))
            elif instances[kind] <= _PER_TYPE or kind in _WHOLE or isinstance(value, type):
                waiting.extend(self._next(path, value))
        self.seen = len(kept)
        return found

    def _danger(self, value: object) -> str | None:
        if isinstance(value, ModuleType) and id(value) not in self._shown:
            return f"module {value.__name__}"
        if isinstance(value, CodeType | FrameType | TracebackType):
            return type(value).__name__
        if is_metaclass(value):
            return f"metaclass {value!r}"
        if id(value) in self._globals:
            return f"globals of {self._globals[id(value)]}"
        if _is_namespace(value):
            return "a namespace with __builtins__"
        if isinstance(value, _DEPUTIES):
            return f"{type(value).__name__}, which reads or writes what it is told by name"
        if id(value) in self._forbidden:
            return self._forbidden[id(value)]
        return self._foreign(value)

    @staticmethod
    def _foreign(value: object) -> str | None:
        if isinstance(value, _NAMED):
            module, qualified = _place(value)
            name = f"{module}.{qualified}"
            harmless = name in _HARMLESS or name.startswith(("threading.Condition.", "inspect.Parameter"))
            if module.partition(".")[0] in _MODULES and not harmless:
                return name
        return None

    @staticmethod
    def _next(path: str, value: object) -> Iterator[tuple[str, object]]:
        kind = type(value)
        if not issubclass(kind, type):
            yield f"type({path})", kind
        yield from _contents(path, value)
        for name in _names(value):
            try:
                read = get_attribute(value, name) if name in GUARDED else getattr(value, name)
            except Exception:  # noqa: S112  (a property may raise anything)
                continue
            yield f"{path}.{name}", read


def _names(value: object) -> list[str]:
    try:
        names = [name for name in dir(value) if type(name) is str]
    except Exception:
        return []
    return [name for name in names if name not in METHODS and attribute_refusal(name) is None]


def _contents(path: str, value: object) -> Iterator[tuple[str, object]]:
    if isinstance(value, MethodType | FunctionType) or value is TYPE:
        return
    if isinstance(value, Mapping) and not isinstance(value, type):
        mapping = cast("Mapping[object, object]", value)
        for key in list(mapping)[:_PER_TYPE]:
            yield f"{path}[{key!r:.40}]", mapping[key]
    elif isinstance(value, list | tuple | set | frozenset | deque):
        for index, item in enumerate(list(cast("Iterable[object]", value))[:_PER_TYPE]):
            yield f"{path}[{index}]", item


def roots(extra: Iterable[str] = ()) -> tuple[dict[str, object], list[object]]:
    """Where programs start, and the facades among it."""
    names = (*BASE_MODULES, *extra)
    shown = facades(names)
    bound = prebound(names)
    available = public_names_of(hooks(shown)["__builtins__"])
    starts = {**available, **{f"import {name}": module for name, module in shown.items()}, **bound}
    for source in (SAMPLES, *(NUMERIC[name] for name in extra if name in NUMERIC)):
        made = hooks(shown) | bound
        compiled = compile_program(source, filename="<audit>")
        if compiled.code is None:
            raise AssertionError(compiled.errors)
        exec(compiled.code, made)  # noqa: S102  (our own text)
        starts |= {name: value for name, value in made.items() if not name.startswith("_") and name not in starts}
    views = [*shown.values(), *(value for value in starts.values() if isinstance(value, ModuleType))]
    return starts, views


def public_names_of(space: object) -> dict[str, object]:
    """The entries of a namespace that a program can name."""
    return {name: value for name, value in cast("dict[str, object]", space).items() if not name.startswith("_")}


def _is_namespace(value: object) -> bool:
    return type(value) is dict and "__builtins__" in cast("dict[object, object]", value)


def _place(value: object) -> tuple[str, str]:
    return str(getattr(value, "__module__", "")), str(getattr(value, "__qualname__", ""))


def audit(extra: Iterable[str] = ()) -> list[Finding]:
    """Findings for the base list and `extra` modules; none is what a sound allow-list gives."""
    load(extra := tuple(extra))  # sympy sets filters of its own when it is loaded
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # reading every attribute meets deprecated ones
        starts, views = roots(extra)
        return Audit(views).walk(starts)


if __name__ == "__main__":
    result = audit(sys.argv[1:])
    sys.stdout.writelines(f"{item.what}: {item.path}\n" for item in result)
    sys.stdout.write(f"{len(result)} dangerous\n")
    sys.exit(bool(result))
