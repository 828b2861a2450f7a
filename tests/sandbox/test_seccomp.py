"""The system call filter, run step by step for every architecture, whatever this machine is."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentkit.sandbox import seccomp

ALLOW, KILL, EPERM, ENOSYS = 0x7FFF0000, 0x80000000, 0x00050001, 0x00050026
READ, WRITE, EXEC = 1, 2, 4
CALLS = 1024  # above every number that Linux has given out

# Name: number on x86_64, number on aarch64 (None: no such call there).
PURE = {
    "read": (0, 63),
    "write": (1, 64),
    "futex": (202, 98),
    "munmap": (11, 215),
    "brk": (12, 214),
    "mremap": (25, 216),
    "madvise": (28, 233),
    "clock_gettime": (228, 113),
    "clock_getres": (229, 114),
    "gettimeofday": (96, 169),
    "time": (201, None),
    "clock_nanosleep": (230, 115),
    "nanosleep": (35, 101),
    "getrandom": (318, 278),
    "getpid": (39, 172),
    "gettid": (186, 178),
    "rt_sigreturn": (15, 139),
    "rt_sigaction": (13, 134),
    "rt_sigprocmask": (14, 135),
    "sigaltstack": (131, 132),
    "setitimer": (38, 103),
    "exit": (60, 93),
    "exit_group": (231, 94),
    "restart_syscall": (219, 128),
    "sched_yield": (24, 124),
    "getrusage": (98, 165),
    "times": (100, 153),
    "membarrier": (324, 283),
    "rseq": (334, 293),
    "poll": (7, None),
    "ppoll": (271, 73),
    "fstat": (5, 80),
    "lseek": (8, 62),
}
WITHOUT_EXEC = {"mmap": (9, 222), "mprotect": (10, 226)}
CLONE3 = 435


@dataclass(frozen=True, slots=True)
class Machine:
    """An architecture: its name, its AUDIT_ARCH number, its column in the tables, the kernel's list of numbers."""

    name: str
    audit: int
    column: int
    header: str

    def numbers(self, table: Mapping[str, tuple[int, int | None]]) -> dict[str, int]:
        """The calls of a table that this architecture has."""
        found = {name: pair[self.column] for name, pair in table.items()}
        return {name: number for name, number in found.items() if number is not None}


MACHINES = [
    pytest.param(Machine("x86_64", 0xC000003E, 0, "x86_64-linux-gnu/asm/unistd_64.h"), id="x86_64"),
    pytest.param(Machine("aarch64", 0xC00000B7, 1, "asm-generic/unistd.h"), id="aarch64"),
]
EACH = pytest.mark.parametrize("machine", MACHINES)


def steps(name: str) -> list[tuple[int, int, int, int]]:
    code = seccomp.program(name)
    assert len(code) % 8 == 0
    return [
        (
            int.from_bytes(code[at : at + 2], "little"),
            code[at + 2],
            code[at + 3],
            int.from_bytes(code[at + 4 : at + 8], "little"),
        )
        for at in range(0, len(code), 8)
    ]


def verdict(program: list[tuple[int, int, int, int]], call: int, audit: int, *arguments: int) -> int:
    """What the kernel's interpreter would return: the subset of classic BPF that the filter uses, and no other."""
    whole = (*arguments, *[0] * (6 - len(arguments)))
    data = b"".join(
        [
            call.to_bytes(4, "little"),
            audit.to_bytes(4, "little"),
            bytes(8),
            *(item.to_bytes(8, "little") for item in whole),
        ]
    )
    at = accumulator = 0
    while True:
        kind, then, otherwise, value = program[at]
        at += 1
        match kind:
            case 0x20:  # load a word
                assert value % 4 == 0
                assert value <= 60
                accumulator = int.from_bytes(data[value : value + 4], "little")
            case 0x15:
                at += then if accumulator == value else otherwise
            case 0x35:
                at += then if accumulator >= value else otherwise
            case 0x45:
                at += then if accumulator & value else otherwise
            case 0x06:
                return value
            case _:
                raise AssertionError(f"unknown step {kind:#x}")


def expected(machine: Machine) -> Iterator[tuple[int, int]]:
    """Each call's number with the verdict for it; mmap and mprotect ask for memory to read."""
    allowed = {*machine.numbers(PURE).values(), *machine.numbers(WITHOUT_EXEC).values()}
    for number in range(CALLS):
        yield number, ALLOW if number in allowed else ENOSYS if number == CLONE3 else EPERM


@EACH
def test_only_the_listed_calls_pass(machine: Machine) -> None:
    program = steps(machine.name)
    wrong = [
        number for number, wanted in expected(machine) if verdict(program, number, machine.audit, 0, 0, READ) != wanted
    ]
    assert not wrong


@EACH
def test_no_memory_becomes_executable(machine: Machine) -> None:
    program = steps(machine.name)
    for number in machine.numbers(WITHOUT_EXEC).values():
        for protection in range(16):
            for high in (0, 1 << 32, 0xFFFFFFFF << 32):
                wanted = EPERM if protection & EXEC else ALLOW
                assert verdict(program, number, machine.audit, 0, 4096, protection | high) == wanted


@EACH
def test_another_architectures_calls_kill(machine: Machine) -> None:
    program = steps(machine.name)
    others = {0xC000003E, 0xC00000B7, 0x40000003, 0x40000028, 0, 0xFFFFFFFF} - {machine.audit}
    assert {verdict(program, number, audit) for audit in others for number in range(CALLS)} == {KILL}


def test_x32_calls_kill() -> None:
    program = steps("x86_64")
    assert {verdict(program, 0x40000000 + number, 0xC000003E) for number in range(CALLS)} == {KILL}


@given(
    st.sampled_from(["x86_64", "aarch64", "arm64"]),
    st.integers(0, 2**32 - 1),
    st.integers(0, 2**32 - 1),
    st.lists(st.integers(0, 2**64 - 1), max_size=6),
)
def test_every_call_has_a_verdict_and_none_beyond_the_tables_passes(
    name: str, call: int, audit: int, arguments: list[int]
) -> None:
    found = verdict(steps(name), call, audit, *arguments)
    assert found in (ALLOW, KILL, EPERM, ENOSYS)
    if call >= CALLS:
        assert found in (KILL, EPERM)


@EACH
def test_the_numbers_are_the_kernels(machine: Machine) -> None:
    """Against the kernel's own list, where its headers are installed."""
    header = Path("/usr/include") / machine.header
    if not header.exists():
        pytest.skip("the kernel's headers are not installed")
    text = header.read_text(encoding="ascii")
    found = {name: int(number) for name, number in re.findall(r"#define __NR(?:3264)?_(\w+)\s+(\d+)", text)}
    assert machine.numbers(PURE | WITHOUT_EXEC) == {name: found[name] for name in machine.numbers(PURE | WITHOUT_EXEC)}
    assert found["clone3"] == CLONE3
    assert max(found.values()) < CALLS


def test_an_unknown_architecture_has_no_filter() -> None:
    with pytest.raises(NotImplementedError, match="no system call filter for riscv64"):
        seccomp.program("riscv64")


def test_arm64_is_aarch64() -> None:
    assert seccomp.program("arm64") == seccomp.program("aarch64")
