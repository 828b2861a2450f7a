"""Tells the database that this process lives while its runs are busy with a single long call."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Sequence

from agentkit.journal.leases import Lease

__all__ = ["Heartbeat"]

log = logging.getLogger("agentkit.journal")

_OFTEN_ENOUGH = 0.01


class Heartbeat:
    """Renews leases from a thread of its own: one for all runs of a journal, begun with the first of them.

    It ends when it wakes and no run is being driven. A lease that somebody else has taken is not taken back.

    Args:
        renew: does it, for all that are held.
        every: seconds between two times; well below those after which a lease expires.
    """

    def __init__(self, renew: Callable[[Sequence[Lease]], None], every: float) -> None:
        self._renew = renew
        self._every = max(every, _OFTEN_ENOUGH)
        self._reset()

    def _reset(self) -> None:
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._leases: set[Lease] = set()
        self._thread: threading.Thread | None = None

    def add(self, lease: Lease) -> None:
        """Renew this one too."""
        if self._pid != os.getpid():
            self._reset()  # in a fork there are neither the parent's threads nor its runs
        with self._lock:
            self._leases.add(lease)
            if self._thread is None:
                self._stopped.clear()
                self._thread = threading.Thread(target=self._beat, name="agentkit-heartbeat", daemon=True)
                self._thread.start()

    def remove(self, lease: Lease) -> None:
        """Renew this one no more."""
        if self._pid == os.getpid():
            with self._lock:
                self._leases.discard(lease)

    def stop(self) -> None:
        """End the thread, if there is one."""
        thread = self._thread
        self._stopped.set()
        if thread is not None and self._pid == os.getpid():
            thread.join()

    def _beat(self) -> None:
        while True:
            self._stopped.wait(self._every)
            with self._lock:
                leases = tuple(self._leases)
                if not leases or self._stopped.is_set():
                    self._thread = None
                    return
            try:
                self._renew(leases)
            except Exception as error:  # whatever it is, the runs themselves will meet it, if it lasts
                log.warning("leases were not renewed: %s", error)
