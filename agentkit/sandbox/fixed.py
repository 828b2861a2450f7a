"""Chance and clock of a program, fixed where the host says so: the same program then does the same again.

Not all of it: random.Random() without a seed, perf_counter and the like stay as they are.
"""

import random
import sys
import time
import uuid
from collections.abc import Callable
from datetime import UTC, date, datetime, tzinfo
from types import BuiltinMethodType
from typing import Final, cast

_fixed: list[datetime] = []


def fix(seed: str | None, now: str | None) -> None:
    """For the program that comes. seed: of `random` and numpy's. now: ISO 8601, with an offset."""
    if seed is not None:
        random.seed(seed)
        if "numpy.random" in sys.modules:
            sys.modules["numpy.random"].seed(random.getrandbits(32))
    _fixed[:] = [] if now is None else [datetime.fromisoformat(now)]


def uuid4() -> uuid.UUID:
    """uuid.uuid4, by `random`."""
    return uuid.UUID(int=random.getrandbits(128), version=4)


# datetime and date


def clock_method(method: BuiltinMethodType) -> object:
    """datetime.now, utcnow or today, of datetime, date or a class derived from them, by the fixed clock."""
    kind: object = method.__self__
    clock = _CLOCKS.get(method.__name__)
    if clock is None or not _fixed or not isinstance(kind, type) or not issubclass(kind, date):
        return method
    return clock(kind)


def _now(kind: type[date]) -> Callable[..., date]:
    def now(tz: tzinfo | None = None) -> date:
        return _as(kind, _fixed[0].replace(tzinfo=None) if tz is None else _fixed[0].astimezone(tz))

    return now


def _utcnow(kind: type[date]) -> Callable[..., date]:
    return lambda: _as(kind, _fixed[0].astimezone(UTC).replace(tzinfo=None))


def _today(kind: type[date]) -> Callable[..., date]:
    return lambda: _as(kind, _fixed[0].replace(tzinfo=None))


def _as(kind: type[date], moment: datetime) -> date:
    if issubclass(kind, datetime):
        return kind.combine(moment.date(), moment.timetz())
    return kind(moment.year, moment.month, moment.day)


_CLOCKS: Final = {"now": _now, "utcnow": _utcnow, "today": _today}


# time


def _seconds() -> float:
    return _fixed[0].timestamp() if _fixed else time.time()


def _local() -> time.struct_time:
    return _fixed[0].timetuple() if _fixed else time.localtime()


def _time_ns() -> int:
    return int(_fixed[0].timestamp() * 1_000_000) * 1000 if _fixed else time.time_ns()


def _localtime(seconds: float | None = None, /) -> time.struct_time:
    return _local() if seconds is None else time.localtime(seconds)


def _gmtime(seconds: float | None = None, /) -> time.struct_time:
    return time.gmtime(_seconds() if seconds is None else seconds)


def _strftime(form: str, moment: object = None, /) -> str:
    return time.strftime(form, _local() if moment is None else cast("time.struct_time", moment))


def _asctime(moment: object = None, /) -> str:
    return time.asctime(_local() if moment is None else cast("time.struct_time", moment))


def _ctime(seconds: float | None = None, /) -> str:
    return time.asctime(_localtime(seconds))


TIME: Final[dict[str, object]] = {
    "time": _seconds,
    "time_ns": _time_ns,
    "localtime": _localtime,
    "gmtime": _gmtime,
    "strftime": _strftime,
    "asctime": _asctime,
    "ctime": _ctime,
}
for _name, _function in TIME.items():
    cast("Callable[..., object]", _function).__name__ = _name
