"""The zygote: a small single-threaded process that has the modules loaded and forks sealed workers on request.

It is exec'd with an empty environment (`client` starts it), so it holds none of the host's secrets. It dies when the
host closes the control socket or dies; the workers die with it.

Its first packet is JSON, {"ready": layers} or {"failed": why}; then it takes `control.Order`s, a new worker's socket
attached, and sends `control.Report`s.
"""

import builtins
import contextlib
import ctypes
import gc
import json
import os
import random
import select
import signal
import socket
import struct
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from types import ModuleType
from typing import cast

from . import landlock, rlimits, seccomp
from . import modules as library
from . import policy as rules
from .channel import FD
from .control import EXIT, FORKED, Order, Report
from .guards import Variables
from .immortal import immortalize
from .rlimits import Footprint
from .values import cross_as_dict
from .warm import fill_caches, start
from .worker import Language, Runtime

_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE = 1, 4
_MAX_PACKET = 1 << 10
_DESCRIPTOR = struct.Struct("=i")
_ANCILLARY = socket.CMSG_SPACE(_DESCRIPTOR.size)
_SOON, _LATER = 1, 20  # milliseconds until it looks for children that have ended
_RANDOM = ("random", "numpy.random")
_FIRST_UID, _UIDS = 1_879_048_192, 1 << 20  # above what systems hand out

# What an attack on the operating system would import: loaded for policy "none", so that such an attack can be tried.
_FOR_TESTS = (
    *("ctypes", "fcntl", "gc", "importlib", "inspect", "io", "mmap", "multiprocessing", "os", "pickle", "resource"),
    *("select", "shutil", "signal", "socket", "struct", "subprocess", "sys", "tempfile", "threading", "time"),
    *("traceback", "types", "urllib.request", "asyncio", "marshal", "pathlib", "_thread", "_posixsubprocess"),
)


@dataclass(frozen=True, slots=True)
class Config:
    """The first packet from the host."""

    host: int
    policy: str
    modules: list[str]
    isolation: str


def load_language(policy: str, modules: list[str]) -> Language:
    """The compiler and the names for "pal" or "none", with everything it needs loaded."""
    wanted = (*library.BASE_MODULES, *modules)
    bound = library.prebound(modules)
    warnings.formatwarning = _warning
    if policy == "none":
        for name in (*_FOR_TESTS, *wanted):
            import_module(name)
        library.warm()
        return Language(rules.compile_plain, {}, {**vars(builtins), **bound})
    names = rules.hooks(library.facades(wanted))
    library.warm()
    cross_as_dict(Variables)
    visible = cast("dict[str, object]", names.pop("__builtins__"))
    return Language(rules.compile_program, names, {**visible, **bound})


def _warning(message: Warning | str, category: type[Warning], filename: str, lineno: int, line: object = None) -> str:
    """Without the library's path on the host."""
    place = f"line {lineno}: " if filename.startswith("<") else ""
    return f"{place}{category.__name__}: {message}\n"


@dataclass(slots=True)
class _Child:
    pid: int
    status: tuple[int, float, int] | None = None
    report: bool = False
    ended: bool = False


_LIBC = ctypes.CDLL(None, use_errno=True)


def _prctl(option: int, value: int) -> None:
    _LIBC.prctl(option, value, 0, 0, 0)


def drop_user() -> bool:
    """Root becomes a user that owns nothing. True when this process is no root afterwards."""
    if os.geteuid() != 0:
        return True
    for uid in (_FIRST_UID + random.randrange(_UIDS), 65534):  # noqa: S311  (not a secret)
        try:
            os.setgroups([])
            os.setresgid(uid, uid, uid)
            os.setresuid(uid, uid, uid)
        except OSError:  # no such user in this namespace, or no right to change
            continue
        return True
    return False


@dataclass(slots=True)
class Sealer:
    """Closes a worker in. In "strict" every layer that the zygote found must take hold."""

    strict: bool
    base: Footprint
    filter: seccomp.Filter | None
    zygote: int

    def seal(self, descriptor: int, memory: int, cpu: int | None) -> None:
        """Runs in the worker, before it reads anything from the host."""
        _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != self.zygote:
            os._exit(0)
        for name in _RANDOM:  # forks would share its state
            if name in sys.modules:
                sys.modules[name].seed()
        os.dup2(descriptor, FD)
        os.closerange(FD + 1, 1 << 20)
        self.close_in(memory, cpu)

    def close_in(self, memory: int, cpu: int | None) -> None:
        """Resource limits and the system call filter: the steps that a system may refuse."""
        try:
            rlimits.apply(memory, cpu, self.base)
        except (OSError, ValueError):
            if self.strict:
                raise
        if self.filter is not None:
            self.filter.install()


def _failure(attempt: Callable[[], object]) -> str:
    """Why something fails, tried in a child; empty when it works."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            attempt()
            os._exit(0)
        except BaseException as error:
            os.write(writer, f"{type(error).__name__}: {error}".encode()[:500])
        finally:
            os._exit(1)
    os.close(writer)
    why = os.read(reader, 1000).decode("utf-8", "replace")
    os.close(reader)
    return why if os.waitpid(pid, 0)[1] else ""


def load_filter(*, probe: bool) -> tuple[seccomp.Filter | None, str]:
    """The system call filter; None, with the reason, where this system has none."""
    if not sys.platform.startswith("linux"):
        return None, f"{sys.platform} has no seccomp"
    try:
        found = seccomp.Filter()
    except NotImplementedError as error:
        return None, str(error)
    why = _failure(found.install) if probe else ""
    return (None, f"seccomp is missing ({why})") if why else (found, "")


@dataclass(slots=True)
class Server:
    """Forks, kills and reaps. No signal tells it that a child has ended: it looks when it is awake anyway."""

    control: socket.socket
    runtime: Runtime
    sealer: Sealer
    children: dict[int, _Child] = field(default_factory=dict[int, _Child])
    by_pid: dict[int, int] = field(default_factory=dict[int, int])
    ending: int = 0  # killed, not reaped
    owed: int = 0  # of these, those whose end the host waits for

    def serve(self, host: int) -> None:
        """Until the host is gone."""
        poll = select.poll()
        control = self.control.fileno()
        watched = [control]
        with contextlib.suppress(OSError):  # the control socket's end says it too, unless a fork of the host holds it
            watched.append(os.pidfd_open(host))
        for descriptor in watched:
            poll.register(descriptor, select.POLLIN)
        while True:
            ready = poll.poll(_SOON if self.owed else _LATER if self.ending else None)
            if len(ready) > 1 or (ready and ready[0][0] != control) or (ready and not self._handle()):
                return
            if self.ending:
                self._reap()

    def finish(self) -> None:
        """Kills and reaps every worker, so that none is left as a zombie where nobody else reaps."""
        for pid in self.by_pid:
            os.kill(pid, signal.SIGKILL)
        for pid in self.by_pid:
            os.waitpid(pid, 0)

    def _handle(self) -> bool:
        """One order. False when the host has closed the socket."""
        data, ancillary, _, _ = self.control.recvmsg(_MAX_PACKET, _ANCILLARY, socket.MSG_CMSG_CLOEXEC)
        if not data:
            return False
        order = Order.unpack(data)
        if order.end:
            self._end(order.end, order.report)
        if order.fork:
            descriptor: int = _DESCRIPTOR.unpack(ancillary[0][2])[0]
            self._fork(order, descriptor)
            os.close(descriptor)
        return True

    def _fork(self, order: Order, descriptor: int) -> None:
        try:
            pid = os.fork()
        except OSError as error:
            self._send(Report(FORKED, order.fork, 0, text=str(error)))
            return
        if pid == 0:
            try:
                cpu = None if order.cpu < 0 else order.cpu
                start(self.runtime, lambda: self.sealer.seal(descriptor, order.memory, cpu), order.patience)
            finally:
                os._exit(73)
        self.children[order.fork] = _Child(pid)
        self.by_pid[pid] = order.fork
        self._send(Report(FORKED, order.fork, pid))

    def _end(self, name: int, report: bool) -> None:
        child = self.children.get(name)
        if child is None or child.ended:
            return
        child.report, child.ended = report, True
        if child.status is not None:
            self._finish(name, child)
            return
        os.kill(child.pid, signal.SIGKILL)  # not reaped yet: the number is still this child's
        self.ending += 1
        self.owed += report

    def _reap(self) -> None:
        while self.by_pid:
            pid, status, usage = os.wait4(-1, os.WNOHANG)
            if not pid:
                return
            name = self.by_pid.pop(pid)
            child = self.children[name]
            child.status = (status, usage.ru_utime + usage.ru_stime, usage.ru_maxrss << 10)
            if child.ended:
                self.ending -= 1
                self.owed -= child.report
                self._finish(name, child)

    def _finish(self, name: int, child: _Child) -> None:
        del self.children[name]
        if child.report and child.status is not None:
            status, cpu, memory = child.status
            self._send(Report(EXIT, name, status, cpu, memory))

    def _send(self, report: Report) -> None:
        self.control.sendall(report.pack())


class Unfit(Exception):
    """This system lacks what "strict" demands."""


def failure_kind(error: BaseException) -> str:
    """What the host reads before the message; see process.explain."""
    return "unfit" if isinstance(error, Unfit) else type(error).__name__


def _prepare(config: Config) -> tuple[Runtime, Sealer, list[str]]:
    """Loads, warms and closes this process in. Raises whatever stops it."""
    sys.modules["__main__"] = ModuleType("__main__")
    runtime = Runtime(load_language(config.policy, config.modules))
    sys.set_int_max_str_digits(20_000)
    fill_caches(runtime)
    gc.collect()
    gc.disable()
    base = Footprint.of_this_process()  # before Landlock: /proc cannot be read after it
    layers = ["policy"] if config.policy == "pal" else []
    layers += ["rlimits"] if base.size else []
    if drop_user():
        layers.append("user")
    if landlock.deny_all():
        layers.append("landlock")
    found, why = load_filter(probe=True)
    if found is not None:
        layers.append("seccomp")
    strict = config.isolation == "strict"
    if strict and found is None:
        raise Unfit(why)
    sealer = Sealer(strict, base, found, os.getpid())
    if strict and (why := _failure(lambda: sealer.close_in(1 << 28, 10))):
        raise Unfit(why)
    _prctl(_PR_SET_DUMPABLE, 0)
    immortalize()
    gc.freeze()
    return runtime, sealer, layers


def main(data: dict[str, object]) -> None:
    """The zygote's whole life. `data` are the fields of `Config`."""
    config = Config(**data)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # from the host
    control = socket.socket(fileno=os.dup(FD))  # this number is a worker's
    os.dup2(0, FD)  # /dev/null keeps the number taken
    try:
        runtime, sealer, layers = _prepare(config)
    except BaseException as error:
        control.sendall(json.dumps({"failed": f"{failure_kind(error)}: {error}"}).encode())
        os._exit(1)
    control.sendall(json.dumps({"ready": layers}).encode())
    try:
        server = Server(control, runtime, sealer)
        server.serve(config.host)
        server.finish()
    finally:
        os._exit(0)
