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

from .process import START_SECONDS, Config, SandboxError, explain, launch, settings

_PACKET = 1 << 16
_EXIT_SECONDS = 10.0
_STOP_SECONDS = 5.0
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

    __slots__ = ("connection", "cpu", "id", "memory", "pid")

    def __init__(self, number: int, connection: socket.socket, memory: int, cpu: int | None) -> None:
        self.id = number
        self.connection = connection
        self.memory = memory
        self.cpu = cpu
        self.pid = 0

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
        """Makes spares."""
        ...

    def end(self, worker: Worker, *, report: bool) -> Exit | None:
        """Kills a worker; with `report`, how it ended."""
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
        self._messages: dict[tuple[str, int], dict[str, object]] = {}
        self._spares: deque[Worker] = deque()
        self._connections: set[socket.socket] = set()
        self._lost = False
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
        self.refill()

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

    # Requests

    def fork(self, memory: int, cpu: int | None) -> Worker:
        """A new worker; it starts while the caller goes on. cpu: whole seconds, None for no limit."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        with self._lock:
            self._next += 1
            worker = Worker(self._next, ours, memory, cpu)
            message = json.dumps({"fork": worker.id, "memory": memory, "cpu": cpu}).encode()
            try:
                socket.send_fds(self._control, [message], [theirs.fileno()])
            except OSError:
                self._lost = True
                ours.close()
                raise SandboxError("The sandbox's zygote process is gone; start the sandbox again.") from None
            finally:
                theirs.close()
            self._connections.add(ours)
        return worker

    def take(self, memory: int, cpu: int | None) -> Worker:
        """A worker with these limits, from the spares where one fits. Its process number is known."""
        worker = None
        with self._lock:
            if not self._reading:  # else who reads notices when the zygote is gone
                self._keep_messages(self._arrived())
            if self._lost:
                raise SandboxError("The sandbox's zygote process is gone; start the sandbox again.")
            if self._spares and (self._spares[0].memory, self._spares[0].cpu) == (memory, cpu):
                worker = self._spares.popleft()
        worker = worker or self.fork(memory, cpu)
        forked = self._wait("forked", worker.id, START_SECONDS)
        if forked is None or not forked["pid"]:
            self._release(worker)
            why = "its zygote process is gone" if forked is None else f"it cannot fork: {forked.get('error')}"
            raise SandboxError(f"The sandbox cannot make a worker: {why}.")
        worker.pid = cast("int", forked["pid"])
        return worker

    def refill(self) -> None:
        """Makes spares until there are enough."""
        with self._lock, contextlib.suppress(SandboxError):  # a dead zygote is noticed by who needs a worker
            while len(self._spares) < self._wanted.count:
                self._spares.append(self.fork(self._wanted.memory, self._wanted.cpu))

    def end(self, worker: Worker, *, report: bool) -> Exit | None:
        """Kills a worker. With `report`, waits for how it ended; None when that cannot be learnt."""
        self._release(worker)
        with self._lock:
            try:
                self._control.sendall(json.dumps({"end": worker.id, "report": report}).encode())
            except OSError:
                self._lost = True
                return None
        found = self._wait("exit", worker.id, _EXIT_SECONDS) if report else None
        if found is None:
            return None
        return Exit(cast("int", found["status"]), cast("float", found["cpu"]), cast("int", found["memory"]))

    def _release(self, worker: Worker) -> None:
        worker.connection.close()
        self._connections.discard(worker.connection)

    @property
    def alive(self) -> bool:
        """False when the process is known to have died."""
        return not self._lost

    def _wait(self, kind: str, number: int, seconds: float) -> dict[str, object] | None:
        """The zygote's message about one worker. One thread reads for all; the others wait for it."""
        key, deadline = (kind, number), time.monotonic() + seconds
        while True:
            with self._lock:
                while self._reading and key not in self._messages:
                    if not self._lock.wait(deadline - time.monotonic()):
                        return None
                if key in self._messages:
                    return self._messages.pop(key)
                if self._lost:
                    return None
                self._reading = True
            found: list[dict[str, object]] = []
            try:
                found = self._arrived() or (self._arrived() if self._readable(deadline) else [])
            finally:
                with self._lock:
                    self._reading = False
                    self._keep_messages(found)
            if not found and time.monotonic() >= deadline:
                return None

    def _readable(self, deadline: float) -> bool:
        poll = select.poll()
        poll.register(self._control, select.POLLIN)
        return bool(poll.poll(max(0, deadline - time.monotonic()) * 1000))

    def _arrived(self) -> list[dict[str, object]]:
        """What the zygote has sent, without waiting. Notes when it is gone."""
        found: list[dict[str, object]] = []
        try:
            while data := self._control.recv(_PACKET, socket.MSG_DONTWAIT):
                found.append(json.loads(data))
            self._lost = True
        except BlockingIOError:
            pass
        except OSError:
            self._lost = True
        return found

    def _keep_messages(self, found: list[dict[str, object]]) -> None:
        """With the lock held: for those who wait."""
        self._messages.update({_key(message): message for message in found})
        self._lock.notify_all()

    def close(self) -> None:
        """Ends the zygote and all its workers. A program that runs in another thread ends with an internal error."""
        with self._lock:
            self._lost = True
            while self._spares:
                self._release(self._spares.pop())
            for connection in self._connections:  # whoever uses it closes it
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


def _key(message: dict[str, object]) -> tuple[str, int]:
    kind = "forked" if "forked" in message else "exit"
    return kind, cast("int", message[kind])


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
