"""The system calls a sealed worker may make, as a classic BPF program built by hand (seccomp(2), Linux).

Everything else fails with EPERM, so that the program sees a PermissionError with a line. A call through another
architecture's table (or x32) kills the process; clone3 fails with ENOSYS, as the C library expects.
"""

import ctypes
import platform
import struct
from dataclasses import dataclass

_LOAD, _JUMP_EQUAL, _JUMP_GREATER_EQUAL, _JUMP_SET, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER, _ARCH, _THIRD_ARGUMENT = 0, 4, 16 + 2 * 8  # offsets in struct seccomp_data (little endian: low half first)
_ALLOW, _KILL, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
_EPERM, _ENOSYS = 1, 38
_PROT_EXEC = 4
_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _FILTER_MODE = 38, 22, 2


@dataclass(frozen=True, slots=True)
class _Machine:
    """One architecture: its AUDIT_ARCH number and its system call numbers."""

    audit: int
    clone3: int
    without_exec: tuple[int, ...]  # mmap, mprotect: allowed unless they ask for PROT_EXEC
    allowed: tuple[int, ...]
    x32: bool = False


# read write futex munmap brk mremap madvise clock_gettime clock_getres gettimeofday time clock_nanosleep nanosleep
# getrandom getpid gettid rt_sigreturn rt_sigaction rt_sigprocmask sigaltstack setitimer exit exit_group
# restart_syscall sched_yield getrusage times membarrier rseq poll ppoll fstat lseek. Not tgkill (it could signal the
# zygote), not prlimit64, not close, openat or clone.
_X86_64 = _Machine(
    audit=0xC000003E,
    clone3=435,
    without_exec=(9, 10),
    allowed=(
        *(0, 1, 202, 11, 12, 25, 28, 228, 229, 96, 201, 230, 35, 318, 39, 186, 15, 13, 14, 131, 38, 60, 231),
        *(219, 24, 98, 100, 324, 334, 7, 271, 5, 8),
    ),
    x32=True,
)
_AARCH64 = _Machine(
    audit=0xC00000B7,
    clone3=435,
    without_exec=(222, 226),
    allowed=(
        *(63, 64, 98, 215, 214, 216, 233, 113, 114, 169, 115, 101, 278, 172, 178, 139, 134, 135, 132, 103, 93, 94),
        *(128, 124, 165, 153, 283, 293, 73, 80, 62),
    ),
)
_MACHINES = {"x86_64": _X86_64, "aarch64": _AARCH64, "arm64": _AARCH64}


def _step(code: int, value: int, then: int = 0, otherwise: int = 0) -> bytes:
    """One struct sock_filter; `then` and `otherwise` are how many instructions to skip."""
    return struct.pack("=HBBI", code, then, otherwise, value)


def program(machine: str) -> bytes:
    """The filter for a machine name as `platform.machine()` gives it.

    Raises NotImplementedError for an architecture whose table is not here.
    """
    table = _MACHINES.get(machine)
    if table is None:
        raise NotImplementedError(f"no system call filter for {machine}")
    refuse = _step(_RETURN, _ERRNO | _EPERM)
    steps = [_step(_LOAD, _ARCH), _step(_JUMP_EQUAL, table.audit, 1, 0), _step(_RETURN, _KILL), _step(_LOAD, _NUMBER)]
    if table.x32:
        steps += [_step(_JUMP_GREATER_EQUAL, 0x40000000, 0, 1), _step(_RETURN, _KILL)]
    steps += [_step(_JUMP_EQUAL, table.clone3, 0, 1), _step(_RETURN, _ERRNO | _ENOSYS)]
    for number in table.allowed:
        steps += [_step(_JUMP_EQUAL, number, 0, 1), _step(_RETURN, _ALLOW)]
    count = len(table.without_exec)
    for index, number in enumerate(table.without_exec):
        steps.append(_step(_JUMP_EQUAL, number, count - 1 - index + 1, 0))
    steps += [refuse, _step(_LOAD, _THIRD_ARGUMENT), _step(_JUMP_SET, _PROT_EXEC, 1, 0)]
    steps += [_step(_RETURN, _ALLOW), refuse]
    return b"".join(steps)


class _Program(ctypes.Structure):
    """struct sock_fprog"""

    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))


class Filter:
    """The filter, made ready once, so that sealing a worker is two system calls."""

    def __init__(self) -> None:
        steps = program(platform.machine())
        self._steps = ctypes.create_string_buffer(steps, len(steps))
        self._program = _Program(len(steps) // 8, ctypes.addressof(self._steps))
        self._pointer = ctypes.addressof(self._program)
        self._prctl = ctypes.CDLL(None, use_errno=True).prctl
        self._prctl.argtypes = [ctypes.c_int, *[ctypes.c_ulong] * 4]

    def install(self) -> None:
        """Seals the calling thread for good. Raises OSError where the kernel refuses."""
        for arguments in ((_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), (_PR_SET_SECCOMP, _FILTER_MODE, self._pointer, 0, 0)):
            if self._prctl(*arguments) != 0:
                code = ctypes.get_errno()
                raise OSError(code, "the kernel refused the system call filter")
