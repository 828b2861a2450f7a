"""Where no warm process can be forked (macOS): every worker is a Python of its own, sealed with what there is.

The same programs, protocol and limits as with the zygote, but a worker takes some 0.1 s to start. The macOS part
(sandbox_init) has never run on a Mac: it is untested. Memory is not limited there, since macOS ignores RLIMIT_AS.
"""

import contextlib
import ctypes
import gc
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import weakref
from collections import deque
from typing import cast

from .channel import FD
from .client import Exit, Spares, Worker
from .process import START_SECONDS, Config, SandboxError, explain, launch, settings

_LENGTH = struct.Struct(">I")
_BOOT = """\
import struct
control = socket.socket(fileno=os.dup(3))
size = struct.unpack(">I", control.recv(4, socket.MSG_WAITALL))[0]
prepare(json.loads(control.recv(size, socket.MSG_WAITALL)))
from agentkit.sandbox import fallback
fallback.main(control, config)
"""
_PROFILE = b"(version 1)(deny default)"


class Spawner:
    """Makes workers one process at a time, with the interface of `client.Zygote`. Safe to use from many threads."""

    def __init__(self, config: Config, spares: Spares) -> None:
        """Starts the first worker. Raises SandboxError."""
        self._config = config
        self._wanted = spares
        self._lock = threading.Lock()
        self._next = 0
        self._closed = False
        self._processes: dict[int, subprocess.Popen[bytes]] = {}
        self._spares: deque[Worker] = deque()
        self.layers: tuple[str, ...] = ()
        self._owner = os.getpid()
        weakref.finalize(self, _end_all, self._processes, self._owner)
        self._spares.append(self._make(spares.memory, spares.cpu))

    def _make(self, memory: int, cpu: int | None) -> Worker:
        ours, theirs = socket.socketpair()
        try:
            process = launch(_BOOT, theirs)
        except SandboxError:
            ours.close()
            raise
        finally:
            theirs.close()
        with self._lock:
            self._next += 1
            worker = Worker(self._next, ours, memory, cpu)
            worker.pid = process.pid
            self._processes[worker.id] = process
        first = json.dumps({**settings(self._config), "memory": memory, "cpu": cpu}).encode()
        ours.settimeout(START_SECONDS)
        try:
            ours.sendall(_LENGTH.pack(len(first)) + first)
            data = _exactly(ours, _LENGTH.unpack(_exactly(ours, 4))[0])
        except (OSError, EOFError):
            data = b"{}"
        answer = cast("dict[str, list[str] | str]", json.loads(data))
        if "ready" not in answer:
            self.end(worker, report=False)
            raise SandboxError(explain(answer.get("failed"), process.returncode))
        self.layers = tuple(answer["ready"])
        return worker

    def take(self, memory: int, cpu: int | None) -> Worker:
        """A worker with these limits, from the spares where one fits."""
        with self._lock:
            if self._spares and (self._spares[0].memory, self._spares[0].cpu) == (memory, cpu):
                return self._spares.popleft()
        return self._make(memory, cpu)

    def refill(self) -> None:
        """Nothing: the start of a process would hold up the program that runs."""

    def end(self, worker: Worker, *, report: bool) -> Exit | None:
        """Kills a worker. With `report`, tells how it ended."""
        worker.connection.close()
        with self._lock:
            process = self._processes.pop(worker.id, None)
        if process is None or os.getpid() != self._owner:
            return None
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        return Exit(status, usage.ru_utime + usage.ru_stime, usage.ru_maxrss << (0 if sys.platform == "darwin" else 10))

    @property
    def alive(self) -> bool:
        """False after `close`, and in a fork of the host."""
        return not self._closed and os.getpid() == self._owner

    def close(self) -> None:
        """Ends every worker."""
        self._closed = True
        while self._spares:
            self._spares.pop().connection.close()
        _end_all(self._processes, self._owner)


def _exactly(connection: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        part = connection.recv(count - len(data))
        if not part:
            raise EOFError
        data += part
    return data


def _end_all(processes: "dict[int, subprocess.Popen[bytes]]", owner: int) -> None:
    for number in list(processes):
        process = processes.pop(number)
        if os.getpid() != owner:  # a fork of the host: the workers are its parent's
            process.returncode = 0
            continue
        process.kill()
        process.wait()


# In the worker


def _deny_all_on_macos() -> bool:
    """sandbox_init(3): no file, no network, no process. UNTESTED: written from Apple's manual page."""
    if sys.platform != "darwin":
        return False
    message = ctypes.c_char_p()
    found: int = ctypes.CDLL("/usr/lib/libSystem.B.dylib").sandbox_init(_PROFILE, 0, ctypes.byref(message))
    return found == 0


def _seal(config: dict[str, object]) -> list[str]:
    """Every layer that this system has. Raises where "strict" is asked for and too little holds."""
    from . import landlock, rlimits, zygote

    base = rlimits.Footprint.of_this_process()
    layers = ["policy"] if config["policy"] == "pal" else []
    if zygote.drop_user():
        layers.append("user")
    if _deny_all_on_macos():
        layers.append("sandbox_init")
    if sys.platform.startswith("linux") and landlock.deny_all():
        layers.append("landlock")
    with contextlib.suppress(OSError, ValueError):
        memory, cpu = config["memory"], config["cpu"]
        assert isinstance(memory, int)
        rlimits.apply(memory, cpu if isinstance(cpu, int) else None, base)
        layers.append("rlimits")
    os.closerange(FD + 1, 1 << 20)
    found, why = zygote.load_filter(probe=False)
    if found is not None:
        found.install()
        layers.append("seccomp")
    if config["isolation"] == "strict" and not {"seccomp", "sandbox_init"} & set(layers):
        raise zygote.Unfit(why)
    return layers


def main(control: socket.socket, config: dict[str, object]) -> None:
    """A spawned worker's whole life."""
    from . import warm, worker, zygote

    try:
        names = cast("list[str]", config["modules"])
        runtime = worker.Runtime(zygote.load_language(str(config["policy"]), names))
        warm.fill_caches(runtime, rounds=1)
        sys.set_int_max_str_digits(20_000)
        gc.freeze()
        os.dup2(control.fileno(), FD)
        _answer(FD, {"ready": _seal(config)})
        warm.start(runtime, lambda: None)
    except BaseException as error:
        _answer(control.fileno(), {"failed": f"{zygote.failure_kind(error)}: {error}"})
    finally:
        os._exit(1)


def _answer(descriptor: int, answer: dict[str, object]) -> None:
    data = json.dumps(answer).encode()
    os.write(descriptor, _LENGTH.pack(len(data)) + data)
