"""Time zones for programs. A sealed process reads no files, so the zones are loaded beforehand."""

import zoneinfo
from functools import cache
from typing import Final

from .policy_names import words

_NAMES: Final = (
    *("UTC", "GMT", "US/Eastern", "US/Central", "US/Mountain", "US/Pacific"),
    *(f"America/{name}" for name in words("New_York Chicago Denver Los_Angeles Toronto Mexico_City Sao_Paulo")),
    *(f"Europe/{name}" for name in words("London Paris Berlin Madrid Rome Amsterdam Zurich Moscow Istanbul")),
    *(f"Asia/{name}" for name in words("Tokyo Shanghai Hong_Kong Singapore Kolkata Dubai Seoul Jerusalem")),
    *("Australia/Sydney", "Pacific/Auckland", "Pacific/Honolulu", "Africa/Cairo", "Africa/Johannesburg"),
)


@cache
def _loaded() -> dict[str, zoneinfo.ZoneInfo]:
    found: dict[str, zoneinfo.ZoneInfo] = {}
    for name in _NAMES:
        try:
            found[name] = zoneinfo.ZoneInfo(name)
        except (zoneinfo.ZoneInfoNotFoundError, OSError):  # this machine has no time zone data
            continue
    return found


def preload() -> None:
    """Reads the zones' files."""
    _loaded()


def zone(key: str) -> zoneinfo.ZoneInfo:
    """zoneinfo.ZoneInfo, of the zones that are loaded."""
    found = _loaded().get(key)
    if found is None:
        known = ", ".join(_loaded()) or "none; use datetime.timezone(timedelta(hours=...))"
        raise zoneinfo.ZoneInfoNotFoundError(f"no time zone {str(key)!r} here. These are: {known}")
    return found


def available_timezones() -> set[str]:
    """zoneinfo.available_timezones."""
    return set(_loaded())
