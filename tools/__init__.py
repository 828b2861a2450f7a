"""Ready-made tools. Each is imported where it is first used, so that `import agentkit.tools` stays light."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .arithmetic import calculator
    from .search import search_web
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
    "search_flights",
    "search_hotels",
    "search_web",
    "travel_tools",
]

_ELSEWHERE = {"calculator": ".arithmetic", "search_web": ".search"}


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found: object = getattr(import_module(_ELSEWHERE.get(name, ".travel"), __name__), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
