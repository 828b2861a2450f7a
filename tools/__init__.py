"""Ready-made tools. Each is imported when it is first asked for, so that `import agentkit.tools` stays light."""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .arithmetic import calculator
    from .python import python, python_tool
    from .search import search_tool, search_web
    from .travel import (
        book_flight,
        book_hotel,
        cancel_booking,
        get_booking,
        list_bookings,
        search_flights,
        search_hotels,
        travel_tools,
    )

__all__ = [
    "book_flight",
    "book_hotel",
    "calculator",
    "cancel_booking",
    "get_booking",
    "list_bookings",
    "python",
    "python_tool",
    "search_flights",
    "search_hotels",
    "search_tool",
    "search_web",
    "travel_tools",
]

_MODULES = dict.fromkeys(__all__, ".travel") | {
    "calculator": ".arithmetic",
    "python": ".python",
    "python_tool": ".python",
    "search_tool": ".search",
    "search_web": ".search",
}


class _Tools(ModuleType):
    """This module: importing the submodule `python` does not hide the tool `python`."""

    def __setattr__(self, name: str, value: object) -> None:
        if not (name in _MODULES and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Tools


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found: object = getattr(import_module(_MODULES[name], __name__), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
