"""Hostile programs and what must hold after each. `python -m tests.sandbox.hostile SETTING [PART PARTS]` prints the
problems of a setting: "pal", "none", or "math" for the attempts through numpy and sympy; of every PARTS-th attempt.

In a process of its own: what is counted (memory, threads, descriptors, children) must be this program's alone.
"""

import json
import os
import sys
import tempfile
import threading
import time
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from agentkit.sandbox import Limits, Result, Sandbox
from agentkit.sandbox.result import show

CORPUS = Path(__file__).resolve().parents[3] / "shared" / "corpora" / "escapes.jsonl"
OWN = sorted((Path(__file__).parent / "attempts").glob("*.txt"))
MARK = "PWNED"
SECRET_FILE = "CANARY" + "-FILE-7"
SECRET_ENV = "CANARY" + "-ENV-9"
LIMITS = Limits(wall=0.7, memory=256 << 20)
GRACE = 0.5
GROWTH = 8 << 20
MATH = ("numpy", "sympy")

Policy = Literal["pal", "none"]


@dataclass(frozen=True, slots=True)
class Attempt:
    """mode: "L1" aims at the language, "L2" at the operating system. expected: how it must look, in words."""

    id: str
    kind: str
    mode: str
    source: str
    expected: str


def load(path: Path, canary: Path) -> list[Attempt]:
    """The attempts of a JSON Lines file; `gen` is an expression that builds a long source."""
    found: list[Attempt] = []
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        source = row["source"] if row["source"] is not None else eval(row["gen"])
        found.append(Attempt(row["id"], row["kind"], row["mode"], fill(source, canary), row["expected"]))
    return found


def load_own(path: Path, canary: Path) -> list[Attempt]:
    """The attempts of a text file: sections that begin with `#### id | mode | expected`."""
    found: list[Attempt] = []
    for section in path.read_text(encoding="utf-8").split("\n#### ")[1:]:
        head, _, source = section.partition("\n")
        name, mode, expected = head.split(" | ")
        found.append(Attempt(name, path.stem, mode, fill(source, canary), expected))
    return found


def load_all(canary: Path) -> list[Attempt]:
    """The corpus, where it lies, and our own attempts."""
    corpus = load(CORPUS, canary) if CORPUS.exists() else []
    return corpus + [attempt for path in OWN for attempt in load_own(path, canary)]


def fill(source: str, canary: Path) -> str:
    """The source with the folder that the host owns."""
    return source.replace("@CANARY@", str(canary))


@contextmanager
def canary_folder() -> Generator[Path]:
    """A folder with a secret file, and a secret in the environment."""
    os.environ["AWS_SECRET_ACCESS_KEY"] = SECRET_ENV
    try:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            (folder / "secret.txt").write_text(SECRET_FILE, encoding="ascii")
            yield folder
    finally:
        del os.environ["AWS_SECRET_ACCESS_KEY"]


@dataclass(frozen=True, slots=True)
class Host:
    """What a program must not change."""

    descriptors: int
    threads: int
    children: frozenset[int]
    canary: tuple[tuple[str, bytes], ...]
    memory: int

    @classmethod
    def now(cls, canary: Path) -> "Host":
        files = tuple(sorted((path.name, path.read_bytes()) for path in canary.iterdir()))
        resident = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGESIZE")
        descriptors = sum(1 for _ in Path("/proc/self/fd").iterdir())
        return cls(descriptors, threading.active_count(), children(os.getpid()), files, resident)

    def changes(self, canary: Path) -> list[str]:
        """What is different now."""
        now = Host.now(canary)
        found = [
            f"{name} {getattr(self, name)} -> {getattr(now, name)}"
            for name in ("descriptors", "threads", "children", "canary")
            if getattr(self, name) != getattr(now, name)
        ]
        if now.memory - self.memory > GROWTH:
            found.append(f"memory grew by {now.memory - self.memory}")
        return found


def children(process: int) -> frozenset[int]:
    """The numbers of a process's children, zombies included."""
    found: set[int] = set()
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            fields = (entry / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == process:
            found.add(int(entry.name))
    return frozenset(found)


def settle(host: Host, canary: Path, zygotes: Iterable[int], spares: int) -> list[str]:
    """The changes that stay: killed workers take a moment to be reaped."""
    deadline = time.monotonic() + 3
    while True:
        left = host.changes(canary) + [f"{len(children(z))} workers" for z in zygotes if len(children(z)) > spares]
        if not left or time.monotonic() > deadline:
            return left
        time.sleep(0.02)


def allowed_kinds(expected: str) -> set[str]:
    """The outcomes that the corpus' words allow; "ok" for a value."""
    refused = {"not_allowed", "program"}
    table = {
        "L1 compile": refused,
        "L1 runtime": refused,
        "parent/timer": {"time", "memory", "program", "not_allowed", "result"},
        "L2 rlimit": {"memory", "time", "program"},
        "error: result": {"result"},
        "child parser": {*refused, "crashed", "time", "memory", "ok"},
    }
    for start, kinds in table.items():
        if expected.startswith(start):
            return kinds
    return {"ok", "program", "not_allowed", "time", "memory", "output", "result", "crashed"}


def is_late(result: Result) -> bool:
    return result.usage.wall > LIMITS.wall + GRACE


def tried(sandbox: Sandbox, attempt: Attempt) -> Result:
    """The result of an attempt. Where it is late, once more and again: something else may have had the processors."""
    for _ in range(2):
        result = sandbox.run(attempt.source, tools={"echo": echo})
        if not is_late(result):
            return result
    return sandbox.run(attempt.source, tools={"echo": echo})


def judge(attempt: Attempt, result: Result, policy: Policy) -> list[str]:
    """What is wrong with the result of an attempt."""
    found: list[str] = []
    kind = "ok" if result.error is None else result.error.kind
    value = show(result.value)
    shown = f"{value} {result.output} {result.error}"
    if kind == "internal":
        found.append(f"internal error: {result.error}")
    if policy == "pal" and kind not in allowed_kinds(attempt.expected):
        found.append(f"{kind} ({result.error}) where {attempt.expected!r} was expected")
    if MARK in value and (policy == "pal" or attempt.mode == "L2"):
        found.append(f"reached its goal: {value:.200}")
    if SECRET_FILE in shown or SECRET_ENV in shown:
        found.append("a secret came out")
    if is_late(result):
        found.append(f"took {result.usage.wall:.2f} s")
    return found


def echo(value: object) -> object:
    return value


def run_all(sandbox: Sandbox, attempts: Iterable[Attempt], canary: Path, policy: Policy) -> dict[str, list[str]]:
    """Runs the attempts one after another; the problems of each, none left out."""
    sandbox.run("1")
    host = Host.now(canary)  # before the first: what each leaves behind must not add up either
    problems: dict[str, list[str]] = {}
    for attempt in attempts:
        result = tried(sandbox, attempt)
        found = judge(attempt, result, policy)
        if sandbox.run("6 * 7").value != 42:
            found.append("the next program does not run")
        left = settle(host, canary, host.children, 2)
        if left:
            host = replace(Host.now(canary), children=host.children)  # told once
        if found or left:
            problems[attempt.id] = [attempt.kind, *found, *left]
    return problems


def chosen(canary: Path, *, math: bool, part: int, parts: int) -> list[Attempt]:
    """Every `parts`-th attempt, from number `part` on; through numpy and sympy or the others."""
    return [attempt for attempt in load_all(canary) if (attempt.kind in MATH) == math][part::parts]


def main(setting: str, part: str = "0", parts: str = "1") -> None:
    """Prints the problems of each attempt, and how many there were."""
    math = setting == "math"
    # sympy evaluates strings and numpy shows addresses: through them only layer 2 has to hold.
    judged: Policy = "pal" if setting == "pal" else "none"
    with canary_folder() as canary:
        attempts = chosen(canary, math=math, part=int(part), parts=int(parts))
        policy: Policy = "none" if setting == "none" else "pal"
        with Sandbox(policy=policy, modules=MATH if math else (), limits=LIMITS) as sandbox:
            problems = run_all(sandbox, attempts, canary, judged)
    json.dump({"user": os.getuid(), "attempts": len(attempts), "problems": problems}, sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
