"""Runs one program in one worker and says how it went. `api` and `session` differ in what they do with the worker."""

import contextlib
import re
import signal
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import assert_never

from .client import Exit, Launcher, Worker
from .exchange import Died, Exchange, Outcome, Stopped, Tool
from .limits import Limits
from .result import ErrorKind, ProgramError, ProgramUsage, Result
from .values import Tree, Unencodable, plain
from .wire import Failed, Finished, dumps, escape, frame

_ENTRY = re.compile(r"auto|solution|last|stdout|var:[^\W\d]\w*")
_IDLE = 0.1  # seconds of processor time that a worker may take between two programs
_EARLY = 0.9  # a worker that reports "time" before this part of the limit is lying
_KINDS: dict[str, ErrorKind] = {
    "raised": "program",
    "refused": "not_allowed",
    "time": "time",
    "memory": "memory",
    "value": "result",
}


@dataclass(frozen=True, slots=True)
class Program:
    """What to run, checked. Raises TypeError or ValueError for what no caller should pass."""

    source: str
    entry: str
    limits: Limits
    inputs: Mapping[str, object] = field(default_factory=dict[str, object])
    tools: Mapping[str, Tool] = field(default_factory=dict[str, Tool])
    seed: str | None = None
    now: datetime | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.source, str):  # pyright: ignore[reportUnnecessaryIsInstance]  # untyped callers
            raise TypeError(f"The program must be a str, not {type(self.source).__name__}.")
        if not _ENTRY.fullmatch(self.entry):
            raise ValueError(f'entry={self.entry!r}: use "auto", "solution", "last", "stdout" or "var:NAME".')
        for name in (*self.inputs, *self.tools):
            if not name.isidentifier() or name.startswith("_"):
                raise ValueError(f"{name!r} cannot be a variable of the program: use a plain Python name.")

    def refusal(self) -> ProgramError | None:
        """Why it is not even sent."""
        if len(self.source) > self.limits.source:
            size, most = len(self.source), self.limits.source
            return ProgramError("not_allowed", "ProgramTooLarge", f"the program has {size} characters; limit {most}")
        try:
            self.source.encode()
        except UnicodeEncodeError as error:
            line = self.source.count("\n", 0, error.start) + 1
            return ProgramError("program", "SyntaxError", "a character of the program is not valid Unicode", line)
        return None

    def message(self, filename: str = "<program>") -> bytes:
        """The Q frame. Raises TypeError when an input is no plain data."""
        return frame(b"Q", dumps(self._request(filename)))

    def _request(self, filename: str) -> Tree:
        try:
            inputs = {name: plain(value) for name, value in self.inputs.items()}
        except Unencodable as error:
            raise TypeError(f"inputs: {error}") from None
        return {
            "source": self.source,
            "entry": self.entry,
            "inputs": inputs,
            "tools": list(self.tools),
            "wall": self.limits.wall,
            "result": self.limits.result,
            "argument": self.limits.tool_argument,
            "calls": self.limits.tool_calls,
            "filename": filename,
            "seed": self.seed,
            "now": None if self.now is None else self.now.astimezone(self.now.tzinfo).isoformat(),
        }


class Cancellation:
    """Ends a run from another thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._exchange: Exchange | None = None
        self._cancelled = False

    def cancel(self) -> None:
        """The program is killed; its run returns soon."""
        with self._lock:
            self._cancelled = True
            if self._exchange is not None:
                self._exchange.cancel()

    def attach(self, exchange: Exchange) -> None:
        """The run has begun."""
        with self._lock:
            self._exchange = exchange
            if self._cancelled:
                exchange.cancel()


@dataclass(frozen=True, slots=True)
class Run:
    """One program's end. `alive`: its worker can take another program. `names`: the variables it holds."""

    result: Result
    alive: bool
    names: tuple[str, ...] = ()


def refused(error: ProgramError, isolation: tuple[str, ...]) -> Result:
    """The result of a program that was not started."""
    return Result(False, None, "", False, error, ProgramUsage(), isolation)


def _nothing() -> None:
    """A session needs no spare."""


def execute(
    place: tuple[Launcher, Worker], program: Program, message: bytes, cancellation: Cancellation, *, keep: bool
) -> Run:
    """Runs `program`; ends the worker unless it may be kept (`keep`) and is still in order.

    The zygote makes the next spare afterwards, or while the program runs where that does not slow it down.
    """
    zygote, worker = place
    exchange = Exchange(worker, program.tools, program.limits, _nothing if keep else zygote.refill)
    cancellation.attach(exchange)
    before = worker.cpu_time()
    busy = worker.spent is not None and before - worker.spent > _IDLE  # a step left something that goes on
    try:
        outcome = Stopped("protocol") if busy else exchange.run(message)
    except BaseException:  # a tool raised what must reach the caller
        zygote.end(worker, report=False)
        raise
    wall = 0.0 if busy else exchange.elapsed
    if keep and not exchange.in_step:  # what came too early would answer the next step
        outcome = Stopped("protocol")
    alive = isinstance(outcome, Finished | Failed)
    ended: Exit | None = None
    if alive:
        worker.spent = worker.cpu_time()
        usage = ProgramUsage(wall, max(0.0, worker.spent - before), worker.peak_memory())
        if not keep:
            zygote.end(worker, report=False)
    else:
        ended = zygote.end(worker, report=True)
        usage = ProgramUsage(wall, max(0.0, ended.cpu - before), ended.memory) if ended else ProgramUsage(wall)
    error = _error(outcome, ended, program.limits, usage)
    value: object = None
    if isinstance(outcome, Finished):
        value = outcome.value
        if outcome.shown:
            text = exchange.printed.text.removesuffix("\n")
            value = text if text or program.entry == "stdout" else None
    printed = exchange.printed
    result = Result(error is None, value, printed.text, printed.truncated, error, usage, zygote.layers)
    return Run(result, alive and keep, outcome.names if isinstance(outcome, Finished | Failed) else ())


def _error(outcome: Outcome, ended: Exit | None, limits: Limits, usage: ProgramUsage) -> ProgramError | None:
    match outcome:
        case Finished():
            return None
        case Failed():
            return _failed(outcome, limits, usage)
        case Stopped():
            return _stopped(outcome, limits)
        case Died():
            return _died(ended, limits)
        case _:
            assert_never(outcome)


def _stopped(outcome: Stopped, limits: Limits) -> ProgramError:
    match outcome.why:
        case "time":
            return _time(limits)
        case "output":
            return ProgramError("output", "OutputLimit", f"stopped: printed more than {limits.output_total} bytes")
        case "calls":
            return ProgramError("program", "ToolError", f"stopped: went on after {limits.tool_calls} tool calls")
        case "cancelled":
            return ProgramError("internal", "Cancelled", "the run was cancelled")
        case "protocol":
            return ProgramError("crashed", "BrokenProtocol", "the program broke its connection to the sandbox")
        case _:
            assert_never(outcome.why)


def _time(limits: Limits) -> ProgramError:
    return ProgramError("time", "TimeLimit", f"stopped: ran longer than {limits.wall:g} s")


def _failed(outcome: Failed, limits: Limits, usage: ProgramUsage) -> ProgramError:
    kind = _KINDS[outcome.fault]
    if kind == "time" and usage.wall < _EARLY * limits.wall:
        kind = "program"
    error = ProgramError(kind, outcome.type, outcome.message, outcome.line, outcome.source)
    if kind == "time":
        return replace(_time(limits), line=outcome.line, source=outcome.source)
    if kind == "memory":
        return replace(error, message=f"memory limit of {limits.memory / (1 << 20):.4g} MB reached")
    if kind == "result":
        return replace(error, type="ResultLimit")
    return error


def _died(ended: Exit | None, limits: Limits) -> ProgramError:
    """The worker ended by itself: what the zygote's wait4 says about it."""
    if ended is None:
        return ProgramError("internal", "SandboxError", "the sandbox's own process ended")
    number = ended.status & 0x7F
    if number == signal.SIGXCPU or (number == signal.SIGKILL and ended.cpu >= limits.cpu_seconds):
        seconds = limits.wall if limits.cpu is None else limits.cpu
        return ProgramError("time", "TimeLimit", f"stopped: used more than {seconds:g} s of processor time")
    if not number:
        return ProgramError("crashed", "Crash", "the program ended its process without a result")
    name = str(number)
    with contextlib.suppress(ValueError):
        name = signal.Signals(number).name
    return ProgramError("crashed", "Crash", escape(f"the interpreter crashed ({name})"))


async def in_thread(job: Callable[[], Result], cancellation: Cancellation) -> Result:
    """Awaits `job` in a thread. When the awaiting task is cancelled, the program is killed before that is passed on."""
    import asyncio

    running = asyncio.ensure_future(asyncio.to_thread(job))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        cancellation.cancel()
        await asyncio.wait([running])
        if not running.cancelled():
            running.exception()  # it has no other reader
        raise
