"""The journal of agents that were given none: one for each process and place, opened when the first run needs it.

Apart from agentkit.journal, which an agent without a journal need not load.
"""

from __future__ import annotations

import atexit
import os
import threading
import warnings
from typing import TYPE_CHECKING

from agentkit.errors import ConfigError, JournalError
from agentkit.flow import Flow
from agentkit.operations import Call

if TYPE_CHECKING:
    from agentkit.journal import Journal

__all__ = ["OFF", "VARIABLE", "default_journal"]

VARIABLE = "AGENTKIT_JOURNAL"
OFF = "off"

_lock = threading.Lock()
# By process, since a fork must not use its parent's connections, and by what decides the place.
_opened: dict[tuple[int, str, str], Journal | None] = {}


def default_journal() -> Flow[Journal | None]:
    """The journal at AGENTKIT_JOURNAL (a URL or the path of a file), else in the user's data directory. None where
    AGENTKIT_JOURNAL is "off", and, with a warning, where the data directory cannot be written.

    Raises:
        ConfigError, JournalError: AGENTKIT_JOURNAL names a place that cannot be used.
    """
    chosen = os.environ.get(VARIABLE, "")
    if chosen == OFF:
        return None
    key = os.getpid(), chosen, os.environ.get("XDG_DATA_HOME", "")
    if key not in _opened:
        yield from Call(_open, {"key": key})
    return _opened[key]


def _open(key: tuple[int, str, str]) -> None:
    with _lock:
        if key not in _opened:
            _opened[key] = _usable(must=bool(key[1]))


def _usable(*, must: bool) -> Journal | None:
    from agentkit.journal import Journal

    try:
        journal = Journal()
        journal.prepare()
    except (ConfigError, JournalError) as error:
        if must:
            raise
        text = f"This process keeps no journal, and its runs cannot be resumed. {error} Or set {VARIABLE}={OFF}."
        warnings.warn(text, RuntimeWarning, stacklevel=2)
        return None
    atexit.register(journal.close)
    return journal
