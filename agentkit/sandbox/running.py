"""What a sandbox and a session have in common: running a program, now or in a thread, and being closed."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import datetime
from types import TracebackType
from typing import Self

from .engine import Cancellation, Program, in_thread
from .exchange import Tool
from .limits import Limits
from .result import Result


class Running(ABC):
    """Runs programs. `limits` are those of a program that brings none of its own."""

    limits: Limits

    def run(
        self,
        code: str,
        *,
        inputs: Mapping[str, object] | None = None,
        tools: Mapping[str, Tool] | None = None,
        entry: str = "auto",
        limits: Limits | None = None,
        seed: str | None = None,
        now: datetime | None = None,
    ) -> Result:
        """Runs one program in a fresh worker. What it does is told in the Result, never raised.

        inputs: plain data, the program's variables. tools: its functions; a call runs here, in this thread (those of
        one `gather` in several), and the wall clock stands still. entry: what the value is: "auto" (`solution()`,
        else a variable answer, ans or result, else the last expression, else what was printed), "solution", "last",
        "stdout" or "var:NAME". seed, now: `random` begins with this seed, and the clock stands still at this time: the
        same program does the same again. Raises SandboxError when no worker can be made, TypeError or ValueError for
        arguments of the wrong kind.
        """
        return self._run(self._program(code, inputs, tools, entry, limits, seed, now), Cancellation())

    async def arun(
        self,
        code: str,
        *,
        inputs: Mapping[str, object] | None = None,
        tools: Mapping[str, Tool] | None = None,
        entry: str = "auto",
        limits: Limits | None = None,
        seed: str | None = None,
        now: datetime | None = None,
    ) -> Result:
        """As `run`, in a thread (the tools too). Cancelling it kills the program."""
        program, cancellation = self._program(code, inputs, tools, entry, limits, seed, now), Cancellation()
        return await in_thread(lambda: self._run(program, cancellation), cancellation)

    @abstractmethod
    def close(self) -> None:
        """Ends what runs. A later run starts anew."""

    @abstractmethod
    def _run(self, program: Program, cancellation: Cancellation) -> Result: ...

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _program(
        self,
        code: str,
        inputs: Mapping[str, object] | None,
        tools: Mapping[str, Tool] | None,
        entry: str,
        limits: Limits | None,
        seed: str | None,
        now: datetime | None,
    ) -> Program:
        return Program(code, entry, limits or self.limits, inputs or {}, tools or {}, seed, now)
