"""What may be asked of a journal: names, times and searches that make sense."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import get_args

from agentkit.errors import ConfigError
from agentkit.journal.records import RunStatus

__all__ = ["LONGEST_NAME", "LONGEST_STRATEGY", "ago", "check_json", "check_name", "check_search", "stamp"]

# As the columns of `runs` are.
LONGEST_NAME, LONGEST_STRATEGY = 200, 50


def stamp(moment: datetime) -> str:
    """As the tables have it. A time without a zone is this machine's."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")


def ago(now: datetime, span: timedelta) -> str:
    """So long before now, as the tables have it."""
    try:
        return stamp(now - span)
    except OverflowError:
        return ""  # before there were dates, and runs


def check_name(run_id: str) -> None:
    """See that a name can be kept, and found again.

    Raises:
        ConfigError: it cannot.
    """
    if not run_id.isprintable() or not run_id.strip() or len(run_id) > LONGEST_NAME:
        raise ConfigError(f"run_id must be 1 to {LONGEST_NAME} printable characters, not {run_id[:LONGEST_NAME]!r}.")


def check_search(statuses: Sequence[str], number: int) -> None:
    """See that runs can be searched for.

    Args:
        number: how many are wanted, or spared.

    Raises:
        ConfigError: they cannot.
    """
    known = get_args(RunStatus)
    wrong = [statuses] if isinstance(statuses, str) else [each for each in statuses if each not in known]
    if wrong:
        raise ConfigError(f"There is no status {wrong[0]!r} in a list of these: {', '.join(known)}.")
    if number < 0:
        raise ConfigError(f"A number of runs must not be below 0, and is {number}.")


def check_json(origin: str) -> None:
    """See that an origin is JSON.

    Raises:
        ConfigError: it is not.
    """
    try:
        json.loads(origin)
    except ValueError as error:
        raise ConfigError(f"origin is no JSON text ({error}).") from None
