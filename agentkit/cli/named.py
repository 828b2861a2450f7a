"""Models that are objects of the user's: `package.module:name` and `file.py:name`."""

from __future__ import annotations

import importlib
import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, cast

from agentkit.errors import ConfigError

if TYPE_CHECKING:
    from agentkit.agent import ModelLike

__all__ = ["load_model"]

# A provider's name has no dot, and the part after it is rarely a Python name: "bedrock:amazon.nova-lite-v1:0".
OBJECT = re.compile(r"(?P<place>.+\.py|[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+):(?P<name>[A-Za-z_]\w*)")


def load_model(name: str) -> ModelLike:
    """The object that a name stands for; a provider's model stays a name, for `agentkit.models.load`.

    Raises:
        ConfigError: no such module, file or object, or an object that is no model.
    """
    match = OBJECT.fullmatch(name)
    if match is None:
        return name
    place = match["place"]
    module = _file(Path(place).expanduser()) if place.endswith(".py") else _module(place)
    try:
        return cast("ModelLike", getattr(module, match["name"]))  # whether it is a model, `load` checks
    except AttributeError:
        raise ConfigError(f"There is no {match['name']!r} in {place}.") from None


def _file(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"_run_agent_{path.stem}", path)
    if spec is None or spec.loader is None or not path.is_file():
        raise ConfigError(f"There is no file {path}.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses and pickles look their module up
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise ConfigError(f"{path} fails: {type(error).__name__}: {error}") from error
    return module


def _module(name: str) -> ModuleType:
    here = str(Path.cwd())
    if here not in sys.path:  # an installed command does not look beside itself
        sys.path.insert(0, here)
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and (name == error.name or name.startswith(f"{error.name}.")):
            raise ConfigError(f"There is no module {name!r} here or among the installed ones.") from None
        raise ConfigError(f"{name} needs a module that is not installed: {error.name}") from error
    except Exception as error:
        raise ConfigError(f"{name} fails: {type(error).__name__}: {error}") from error
