"""The sandbox: runs programs that nobody has read in processes that can do nothing but compute."""

import os
import sys
import threading
import warnings

from .client import Launcher, Spares, Zygote
from .engine import Cancellation, Program, execute, refused
from .limits import Limits
from .process import Config, Isolation, Policy, SandboxError
from .result import Result
from .running import Running
from .session import Session

_SPARES = 2


def _launcher(config: Config, spares: Spares) -> Launcher:
    """The zygote, or single processes where it does not run. Raises SandboxError where neither does."""
    if sys.platform.startswith("linux"):
        return Zygote(config, spares)
    if os.name != "posix":
        raise SandboxError("The sandbox needs Linux (or, untested, macOS). On Windows use WSL.")
    from .fallback import Spawner

    return Spawner(config, spares)


class Sandbox(Running):
    """Runs Python programs, each in a fresh sealed process.

    limits: the default `Limits` of a program. modules: what a program may import beside the standard allow-list
    ("numpy", "sympy"). isolation: "strict" refuses to run where the system call filter is missing; "best_effort"
    runs with the layers there are, names them in `Result.isolation` and warns once. policy: "pal", or "none" for
    tests of the process layer alone. Safe to use from many threads; the first run starts it. Use it as a context
    manager, or `close` it.
    """

    def __init__(
        self,
        *,
        limits: Limits | None = None,
        modules: tuple[str, ...] = (),
        isolation: Isolation = "strict",
        policy: Policy = "pal",
    ) -> None:
        if isolation not in ("strict", "best_effort") or policy not in ("pal", "none"):
            raise ValueError('Sandbox takes isolation="strict" or "best_effort" and policy="pal" or "none".')
        if isinstance(modules, str):
            raise TypeError(f'Sandbox(modules={modules!r}): give a tuple of names, such as ("numpy",).')
        self.limits = limits or Limits()
        self._config = Config(policy, tuple(modules), isolation)
        self._lock = threading.Lock()
        self._zygote: Launcher | None = None

    def start(self) -> None:
        """Starts the zygote and its spare workers, which the first run would do. Raises SandboxError."""
        self.zygote()

    def zygote(self) -> Launcher:
        """The running zygote, started if need be (again, after it died or the host forked). For `Session`."""
        with self._lock:
            if self._zygote is None or not self._zygote.alive:
                if self._zygote is not None:
                    self._zygote.close()
                self._zygote = _launcher(self._config, Spares(_SPARES, self.limits.memory, self.limits.cpu_seconds))
                self._warn(self._zygote.layers)
            return self._zygote

    @staticmethod
    def _warn(layers: tuple[str, ...]) -> None:
        if "seccomp" not in layers:
            text = f"The sandbox runs without a system call filter. In force: {', '.join(layers) or 'nothing'}."
            warnings.warn(text, RuntimeWarning, stacklevel=5)

    def session(self) -> Session:
        """A stateful interpreter: variables live on from program to program. Close it, or use it as a context."""
        return Session(self.zygote, self.limits)

    def close(self) -> None:
        """Ends the zygote and every worker. A later run starts anew."""
        with self._lock:
            if self._zygote is not None:
                self._zygote.close()
                self._zygote = None

    def _run(self, program: Program, cancellation: Cancellation) -> Result:
        message = program.message() if (refusal := program.refusal()) is None else b""
        zygote = self.zygote()
        if refusal is not None:
            return refused(refusal, zygote.layers)
        memory, cpu = program.limits.memory, program.limits.cpu_seconds
        try:
            worker = zygote.take(memory, cpu)
        except SandboxError:
            if zygote.alive:
                raise
            zygote = self.zygote()  # it was killed from outside: a new one
            worker = zygote.take(memory, cpu)
        return execute((zygote, worker), program, message, cancellation, keep=False).result
