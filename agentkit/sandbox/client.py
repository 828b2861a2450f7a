"""The host's side of the zygote: starts it, asks it for workers, has them killed, learns how they ended."""

import contextlib
import json
import os
import select
import socket
import subprocess
import sys
import threading
import time
import weakref
from collections import deque
from dataclasses import dataclass
from typing import Protocol, cast

from .control import EXIT, FORKED, Order, Report
from .process import START_SECONDS, Config, SandboxError, explain, launch, settings

_PACKET = 1 << 16
_EXIT_SECONDS = 10.0
_STOP_SECONDS = 5.0
_RESTED = 0.003  # seconds between two programs that leave time for a rehearsal
_PATIENCE = 0.05
_NOTHING = Order()
_BOOT = """\
control = socket.socket(fileno=3)
prepare(json.loads(control.recv(1 << 16)))
try:
    from agentkit.sandbox import zygote
except BaseException as error:
    control.sendall(json.dumps({"failed": f"{type(error).__name__}: {error}"}).encode())
    raise
control.detach()
zygote.main(config)
"""
_CPU_CLOCK = 2  # CPUCLOCK_SCHED, see clock_getcpuclockid(3)


@dataclass(frozen=True, slots=True)
class Spares:
    """How many workers wait for a program, and with which limits (cpu: whole seconds)."""

    count: int
    memory: int
    cpu: int | None


@dataclass(frozen=True, slots=True)
class Exit:
    """How a worker ended, from the zygote's wait4: wait status, seconds of CPU, peak resident bytes."""

    status: int
    cpu: float
    memory: int


class Worker:
    """The host's handle on one worker process."""

    __slots__ = ("connection", "cpu", "id", "memory", "pid", "spent")

    def __init__(self, number: int, connection: socket.socket, memory: int, cpu: int | None) -> None:
        self.id = number
        self.connection = connection
        self.memory = memory
        self.cpu = cpu
        self.pid = 0
        self.spent: float | None = None  # seconds of CPU when its last program ended

    def cpu_time(self) -> float:
        """Seconds of CPU so far, by the kernel's count."""
        if not self.pid or not sys.platform.startswith("linux"):
            return 0.0
        try:
            return time.clock_gettime((~self.pid << 3) | _CPU_CLOCK)
        except OSError:  # gone already
            return 0.0

    def peak_memory(self) -> int:
        """Peak resident bytes so far; 0 where /proc does not tell."""
        try:
            descriptor = os.open(f"/proc/{self.pid}/status", os.O_RDONLY)
        except OSError:
            return 0
        try:
            text = os.read(descriptor, 1 << 14)
        except OSError:  # it died in between
            return 0
        finally:
            os.close(descriptor)
        start = text.find(b"VmHWM:")
        return int(text[start + 6 : text.index(b"k", start)]) << 10 if start >= 0 else 0


class Launcher(Protocol):
    """Makes and ends workers: `Zygote`, or `fallback.Spawner` where there is no fork of a warm process."""

    layers: tuple[str, ...]

    def take(self, memory: int, cpu: int | None) -> Worker:
        """A worker with these limits. Raises SandboxError."""
        ...

    def refill(self) -> None:
        """While a program runs: makes spares, if that does not slow it down."""
        ...

    def end(self, worker: Worker, *, report: bool) -> Exit | None:
        """Kills a worker; with `report`, how it ended. Then makes spares until there are enough."""
        ...

    @property
    def alive(self) -> bool:
        """Whether it can make workers."""
        ...

    def close(self) -> None:
        """Ends every worker."""
        ...


_started: "weakref.WeakSet[Zygote]" = weakref.WeakSet()


class Zygote:
    """One zygote process and the workers made from it. Safe to use from many threads."""

    def __init__(self, config: Config, spares: Spares) -> None:
        """Starts the process, waits until it can fork and has it make the spares. Raises SandboxError."""
        self._wanted = spares
        self._lock = threading.Condition()
        self._reading = False
        self._next = 0
        self._reports: dict[tuple[bytes, int], Report] = {}
        self._spares: deque[Worker] = deque()
        self._connections: set[socket.socket] = set()
        self._lost = False
        self._ended = self._rest = 0.0
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            self._process = launch(_BOOT, theirs)
        except SandboxError:
            self._control.close()
            raise
        finally:
            theirs.close()
        self.layers = self._handshake(config)
        self._finalizer = weakref.finalize(self, _stop, self._control, self._process)
        weakref.finalize(self, _close_all, self._connections)
        _started.add(self)
        with self._lock, contextlib.suppress(SandboxError):
            self._fill()

    def _handshake(self, config: Config) -> tuple[str, ...]:
        try:
            self._control.sendall(json.dumps(settings(config)).encode())
            self._control.settimeout(START_SECONDS)
            data = self._control.recv(_PACKET)
            self._control.settimeout(None)
        except OSError:
            data = b""
        answer = cast("dict[str, object]", json.loads(data)) if data else {}
        if "ready" in answer:
            return tuple(cast("list[str]", answer["ready"]))
        _stop(self._control, self._process)
        raise SandboxError(explain(answer.get("failed"), self._process.returncode))

    # Orders. A packet that is sent wakes the zygote, which then competes with programs for a processor. Where programs
    # follow each other at once there is one for each, when it has ended, unless no spare is left.

    def _order(self, order: Order, descriptors: tuple[int, ...] = ()) -> None:
        """With the lock held. Raises SandboxError when the zygote is gone."""
        try:
            socket.send_fds(self._control, [order.pack()], descriptors)
        except OSError:
            self._lost = True
            raise SandboxError("The sandbox's zygote process is gone; start the sandbox again.") from None

    def _fork(self, memory: int, cpu: int | None, *, patience: float, after: Order = _NOTHING) -> Worker:
        """A new worker; it starts while the caller goes on. `after`: what the zygote is to end first."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        self._next += 1
        worker = Worker(self._next, ours, memory, cpu)
        limit = -1 if cpu is None else cpu
        order = after._replace(fork=worker.id, memory=memory, cpu=limit, patience=patience)
        try:
            self._order(order, (theirs.fileno(),))
        except SandboxError:
            ours.close()
            raise
        finally:
            theirs.close()
        self._connections.add(ours)
        return worker

    def take(self, memory: int, cpu: int | None) -> Worker:
        """A worker with these limits, from the spares where one fits. Its process number is known.

        cpu: whole seconds, None for no limit.
        """
        with self._lock:
            self._rest = time.monotonic() - self._ended
            if not self._reading:  # else who reads notices when the zygote is gone
                self._keep(self._arrived())
            if self._lost:
                raise SandboxError("The sandbox's zygote process is gone; start the sandbox again.")
            if self._spares and (self._spares[0].memory, self._spares[0].cpu) == (memory, cpu):
                worker = self._spares.popleft()
            else:
                worker = self._fork(memory, cpu, patience=_PATIENCE)
        forked = self._wait(FORKED, worker.id, START_SECONDS)
        if forked is None or not forked.value:
            self._release(worker)
            why = "its zygote process is gone" if forked is None else f"it cannot fork: {forked.text}"
            raise SandboxError(f"The sandbox cannot make a worker: {why}.")
        worker.pid = forked.value
        return worker

    def refill(self) -> None:
        """While a program runs: makes spares where there is a processor to spare, else one if none waits."""
        if self._spares and self._rest < _RESTED:
            return
        with self._lock, contextlib.suppress(SandboxError):  # a dead zygote is noticed by who needs a worker
            self._fill()

    def _fill(self, after: Order = _NOTHING) -> None:
        """With the lock held: orders `after`, and spares until there are enough.

        Programs that follow each other at once need their processor time for themselves: then a spare rehearses
        only when it has waited.
        """
        patience = 0.0 if self._rest > _RESTED else _PATIENCE
        while len(self._spares) < self._wanted.count:
            self._spares.append(self._fork(self._wanted.memory, self._wanted.cpu, patience=patience, after=after))
            after = _NOTHING
        if after is not _NOTHING:
            self._order(after)

    def end(self, worker: Worker, *, report: bool) -> Exit | None:
        """Kills a worker, and makes spares until there are enough.

        With `report`, waits for how it ended; None when that cannot be learnt.
        """
        self._release(worker)
        with self._lock:
            self._ended = time.monotonic()
            try:
                self._fill(after=Order(end=worker.id, report=report))
            except SandboxError:
                return None
        found = self._wait(EXIT, worker.id, _EXIT_SECONDS) if report else None
        return None if found is None else Exit(found.value, found.cpu, found.memory)

    def _release(self, worker: Worker) -> None:
        worker.connection.close()
        self._connections.discard(worker.connection)

    @property
    def alive(self) -> bool:
        """False when the process is known to have died."""
        return not self._lost

    def _wait(self, kind: bytes, number: int, seconds: float) -> Report | None:
        """The zygote's report on one worker. One thread reads for all; the others wait for it."""
        key, deadline = (kind, number), time.monotonic() + seconds
        while True:
            with self._lock:
                while self._reading and key not in self._reports:
                    if not self._lock.wait(deadline - time.monotonic()):
                        return None
                if key in self._reports:
                    return self._reports.pop(key)
                if self._lost:
                    return None
                self._reading = True
            found: list[Report] = []
            try:
                found = self._arrived() or (self._arrived() if self._readable(deadline) else [])
            finally:
                with self._lock:
                    self._reading = False
                    self._keep(found)
            if not found and time.monotonic() >= deadline:
                return None

    def _readable(self, deadline: float) -> bool:
        poll = select.poll()
        poll.register(self._control, select.POLLIN)
        return bool(poll.poll(max(0, deadline - time.monotonic()) * 1000))

    def _arrived(self) -> list[Report]:
        """What the zygote has sent, without waiting. Notes when it is gone."""
        found: list[Report] = []
        try:
            while data := self._control.recv(_PACKET, socket.MSG_DONTWAIT):
                found.append(Report.unpack(data))
            self._lost = True
        except BlockingIOError:
            pass
        except OSError:
            self._lost = True
        return found

    def _keep(self, found: list[Report]) -> None:
        """With the lock held: for those who wait."""
        self._reports.update({(report.kind, report.number): report for report in found})
        self._lock.notify_all()

    def close(self) -> None:
        """Ends the zygote and all its workers. A program that runs in another thread ends with an internal error."""
        with self._lock:
            self._lost = True
            while self._spares:
                self._release(self._spares.pop())
            for connection in tuple(self._connections):  # whoever uses it closes it, maybe just now
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        self._finalizer()

    def forget(self) -> None:
        """In a fork of the host: the zygote belongs to the parent. Drops the copies of its sockets."""
        self._finalizer.detach()
        self._lock = threading.Condition()
        self._lost = True
        self._process.returncode = 0  # not this process's child: nothing to wait for
        self._control.close()
        self._spares.clear()
        _close_all(self._connections)


def _close_all(connections: set[socket.socket]) -> None:
    while connections:
        connections.pop().close()


def _stop(control: socket.socket, process: "subprocess.Popen[bytes]") -> None:
    """Closes the control socket, at which the zygote ends; kills it if it does not."""
    control.close()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _forget_all() -> None:
    for zygote in list(_started):
        zygote.forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_all)
