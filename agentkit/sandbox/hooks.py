"""The names that a compiled program finds: its built-in functions and what the policy compiled into it."""

import builtins
import dataclasses
import inspect
import sys
import typing
from abc import ABC
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Final, NoReturn, cast

from .except_star import CATCHABLE, Star
from .guards import (
    TYPE,
    Absent,
    checked_bases,
    checked_delattr,
    checked_getattr,
    checked_hasattr,
    checked_setattr,
    checked_vars,
    clear_match_args,
    get_attribute,
    set_own_attribute,
)
from .policy_names import words
from .typing_forms import GENERIC, type_variable

_PLAIN: Final = (
    *words("abs all any ascii bin bool bytearray bytes callable chr classmethod complex dict divmod enumerate filter"),
    *words("float format frozenset hash hex id int isinstance issubclass iter len list map max memoryview min next"),
    *words("object oct ord pow print property range repr reversed round set slice sorted staticmethod str sum super"),
    *words("tuple zip Ellipsis NotImplemented False True None"),
)
_ABSENT: Final = {
    "open": "there are no files here; put the data into the program, or io.StringIO(text) to read text as a file",
    "input": "nobody can answer; put the values into the program",
    "eval": "write the expression itself; int(), float() or json.loads() read data",
    "exec": "write the statements themselves",
    "compile": "write the code itself",
    "dir": "help and lists of attributes are not available; hasattr(x, name) tells about one",
    "help": "read the documentation elsewhere",
    "globals": "use a dict for names that are made up at run time",
    "locals": "use a dict for names that are made up at run time",
    "breakpoint": "print what you want to see",
    "exit": "let the program end, or return from the function",
    "quit": "let the program end, or return from the function",
}


def _exceptions() -> dict[str, object]:
    """All of them but those that would catch the time limit."""
    found = {
        name: value
        for name, value in vars(builtins).items()
        if isinstance(value, type) and issubclass(value, BaseException) and not name.startswith("_")
    }
    del found["BaseExceptionGroup"]
    return {**found, "BaseException": Exception}


def _loaded_import(
    name: str,
    globals: Mapping[str, object] | None = None,  # noqa: A002  (the interpreter's own names)
    locals: Mapping[str, object] | None = None,  # noqa: A002
    fromlist: tuple[str, ...] | None = (),
    level: int = 0,
) -> ModuleType:
    """`__import__` for C code that runs on behalf of a program: what is loaded already. No program can name it."""
    found = sys.modules.get(name)
    if found is None or level:
        raise ImportError(f"No module named {name!r}", name=name)
    return found if fromlist else sys.modules[name.partition(".")[0]]


def _build_class(body: Callable[[], object], name: str, /, *bases: object, **keywords: object) -> object:
    """`__build_class__`. A class pattern must not read what a plain attribute access may not."""
    build = cast("Callable[..., object]", builtins.__build_class__)
    made = build(body, name, *checked_bases(bases), **keywords)
    if isinstance(made, type):
        clear_match_args(made)
    return made


def program_builtins() -> dict[str, object]:
    """A new dict: what a program may call without importing anything."""
    return {
        **{name: getattr(builtins, name) for name in _PLAIN if hasattr(builtins, name)},
        **_exceptions(),
        **{name: Absent(f"{name}()", advice) for name, advice in _ABSENT.items()},
        "type": TYPE,
        "getattr": checked_getattr,
        "hasattr": checked_hasattr,
        "setattr": checked_setattr,
        "delattr": checked_delattr,
        "vars": checked_vars,
        "__build_class__": _build_class,
        "__import__": _loaded_import,
    }


class _Importer:
    """The import statements of programs, over facades."""

    def __init__(self, modules: Mapping[str, object]) -> None:
        self._modules = dict(modules)

    def _refuse(self, name: str) -> NoReturn:
        tops = sorted({module.partition(".")[0] for module in self._modules})
        if name.startswith("."):
            raise ImportError("relative imports do not work here: a program is one file")
        raise ImportError(f"{name!r} cannot be imported here. These can: {', '.join(tops)}", name=name)

    def _find(self, name: str) -> object:
        if name not in self._modules:
            self._refuse(name)
        return self._modules[name]

    def load(self, name: str, renamed: bool) -> object:
        """import name [as ...]: the module, or for `import a.b` the package."""
        found = self._find(name)
        return found if renamed else self._find(name.partition(".")[0])

    def load_from(self, module: str, name: str) -> object:
        """from module import name."""
        if f"{module}.{name}" in self._modules:
            return self._modules[f"{module}.{name}"]
        names = public_names(self._find(module))
        if name not in names:
            raise ImportError(f"cannot import name {name!r} from {module!r}", name=module)
        return names[name]

    def load_all(self, module: str) -> None:
        """from module import *, at the top level of a program."""
        frame = inspect.currentframe()
        assert frame is not None
        assert frame.f_back is not None
        frame.f_back.f_globals.update(public_names(self._find(module)))


def public_names(facade: object) -> dict[str, object]:
    """What a facade shows."""
    return {name: value for name, value in vars(facade).items() if not name.startswith("_")}


def hooks(modules: Mapping[str, object]) -> dict[str, object]:
    """The namespace for compiled programs, which can import `modules` (facades by dotted name). New at each call."""
    importer = _Importer(modules)
    return {
        "__name__": "__main__",
        "__builtins__": program_builtins(),
        "_getattr_": get_attribute,
        "_setattr_": set_own_attribute,
        "_type_": TYPE,
        "_vars_": checked_vars,
        "_import_": importer.load,
        "_import_from_": importer.load_from,
        "_import_all_": importer.load_all,
        "_Exception_": Exception,
        "_Catchable_": CATCHABLE,
        "_Star_": Star,
        "_ABC_": ABC,
        "_Generic_": GENERIC,
        "_TypeVar_": type_variable,
        "_ClassVar_": typing.ClassVar,
        "_InitVar_": dataclasses.InitVar,
        "_KW_ONLY_": dataclasses.KW_ONLY,
    }
