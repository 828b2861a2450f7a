"""Modules and files of the user's, by the names that are given on a command line."""

from __future__ import annotations

import difflib
import importlib
import importlib.util
import sys
import traceback
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path
from types import ModuleType

from agentkit.errors import ConfigError

__all__ = ["exists", "is_file", "load_module", "member", "nearest"]


def is_file(place: str) -> bool:
    """Whether a place is written as a path, and not as a module's name."""
    return place.endswith(".py") or "/" in place or "\\" in place


def exists(name: str) -> bool:
    """Whether there is a module of this name, installed or in the current folder."""
    _find_beside(Path.cwd())
    try:
        return importlib.util.find_spec(name) is not None
    except (ImportError, ValueError):  # no name at all, or a module that stands in for another
        return False


def load_module(place: str) -> ModuleType:
    """The module at a path (`tools/mine.py`) or with a name (`package.mine`, installed or in the current folder).

    Raises:
        ConfigError: there is none, or it fails when it is imported; says what to check.
    """
    return _file(place) if is_file(place) else _module(place)


def member(module: ModuleType, name: str, place: str, offered: Iterable[str] = ()) -> object:
    """What a module calls `name`, which may have dots in it.

    Raises:
        ConfigError: there is no such name; tells the nearest of those `offered`.
    """
    found: object = module
    for part in name.split("."):
        try:
            found = getattr(found, part)
        except AttributeError:
            raise ConfigError(f"There is no {name!r} in {place}.{nearest(name, offered)}") from None
    return found


def nearest(name: str, offered: Iterable[str]) -> str:
    """A hint for a name that there is not: those most like it, else all."""
    known = sorted(set(offered))
    if not known:
        return ""
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    return f" Did you mean {' or '.join(near)}?" if near else f" There are: {', '.join(known)}."


def _file(place: str) -> ModuleType:
    path = Path(place).expanduser().resolve()
    if not path.is_file():
        hint = nearest(path.name, (other.name for other in path.parent.glob("*.py")) if path.parent.is_dir() else ())
        raise ConfigError(f"There is no file {place}.{hint}")
    name = f"{path.stem}_{zlib.crc32(str(path).encode()):08x}"  # no other module has this name
    if (known := sys.modules.get(name)) is not None:
        return known
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ConfigError(f"{place} is not a Python file: its name must end in .py.")
    loader, module = spec.loader, importlib.util.module_from_spec(spec)
    _find_beside(path.parent)
    sys.modules[name] = module  # dataclasses, pickles and type hints look their module up
    try:
        _importing(lambda: loader.exec_module(module), place)
    except ConfigError:
        del sys.modules[name]
        raise
    return module


def _module(name: str) -> ModuleType:
    if not all(part.isidentifier() for part in name.split(".")):
        raise ConfigError(f"{name!r} is neither a module's name nor a path that ends in .py.")
    _find_beside(Path.cwd())
    try:
        _importing(lambda: importlib.import_module(name), name)
    except ModuleNotFoundError:
        raise ConfigError(
            f"There is no module {name!r}. Check how it is written, and that it is installed for {sys.executable} "
            f"or stands in {Path.cwd()}."
        ) from None
    return sys.modules[name]


def _find_beside(folder: Path) -> None:
    # Behind all else, so that a file that happens to lie there cannot take the place of an installed module.
    if str(folder) not in sys.path:
        sys.path.append(str(folder))


def _importing(run: Callable[[], object], place: str) -> None:
    """Import; a failure of the user's code is told in one line."""
    try:
        run()
    except ModuleNotFoundError as error:
        missing = error.name or ""
        if place == missing or place.startswith(f"{missing}."):
            raise
        raise ConfigError(f"{place} imports {missing!r}, which is not installed. Install it and try again.") from error
    except (Exception, SystemExit) as error:
        raise ConfigError(f"{place} fails when it is imported: {_in_one_line(error)}") from error


def _in_one_line(error: BaseException) -> str:
    said = " ".join(str(error.msg if isinstance(error, SyntaxError) else error).split())
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if "importlib" not in frame.filename and frame.filename != __file__]
    path, line = (error.filename, error.lineno) if isinstance(error, SyntaxError) else ("", None)
    if own and not path:
        path, line = own[-1].filename, own[-1].lineno
    where = f" ({Path(path).name}, line {line})" if path else ""
    return f"{type(error).__name__}: {said}".rstrip(": ") + where
