"""A stateful interpreter: one worker that runs program after program."""

import threading
from collections.abc import Callable
from dataclasses import replace

from .client import Launcher, Worker
from .engine import Cancellation, Program, Run, execute, refused
from .limits import Limits
from .result import Result
from .running import Running


class Session(Running):
    """Variables, functions and imports live on from step to step, until a step is killed.

    After a kill the next step starts with nothing; the Result of the killed step names the variables that are lost.
    Steps run one at a time, whatever thread they come from; a step's own limits cannot change the memory and processor
    time of the session. Made by `Sandbox.session`.
    """

    def __init__(self, zygote: Callable[[], Launcher], limits: Limits) -> None:
        self._zygote = zygote
        self.limits = limits
        self._lock = threading.Lock()
        self._place: tuple[Launcher, Worker] | None = None
        self._names: tuple[str, ...] = ()
        self._steps = 0

    def start(self) -> None:
        """Makes the session's worker, which the first step would do. Raises SandboxError."""
        with self._lock:
            self._worker()

    def close(self) -> None:
        """Ends the worker. A later step starts with nothing."""
        with self._lock:
            self._drop()

    def _run(self, program: Program, cancellation: Cancellation) -> Result:
        refusal = program.refusal()
        with self._lock:
            message = program.message(f"<step {self._steps + 1}>") if refusal is None else b""
            place = self._worker()
            if refusal is not None:
                return refused(refusal, place[0].layers)
            self._steps += 1
            try:
                run = execute(place, program, message, cancellation, keep=True)
            except BaseException:  # from a tool: the worker is gone
                self._place, self._names = None, ()
                raise
            return self._settle(run)

    def _settle(self, run: Run) -> Result:
        if run.alive:
            self._names = run.names
            return run.result
        lost, self._place, self._names = self._names, None, ()
        error = run.result.error
        if error is None:
            return run.result
        said = f"variables {', '.join(lost)} are lost" if lost else "no variables were lost"
        return replace(
            run.result, reset=True, error=replace(error, message=f"{error.message}; the session was reset, {said}")
        )

    def _worker(self) -> tuple[Launcher, Worker]:
        if self._place is not None and not self._place[0].alive:
            self._drop()
        if self._place is None:
            zygote = self._zygote()
            self._place = zygote, zygote.take(self.limits.memory, None)
        return self._place

    def _drop(self) -> None:
        if self._place is not None:
            zygote, worker = self._place
            zygote.end(worker, report=False)
        self._place, self._names = None, ()
