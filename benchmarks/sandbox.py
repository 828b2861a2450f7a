"""The sandbox next to its peers, in one run on this machine.

    python -m benchmarks.sandbox [SECONDS]

Peers (smolagents, pydantic-monty, stock RestrictedPython) live in an environment of their own. All times are medians;
read the ratios, not the milliseconds: the machine and what else runs on it are in them. Each engine is timed back to
back and with 10 ms between programs; compare like with like, since a rest makes everything slower, exec too.
"""

from __future__ import annotations

import json
import math
import resource
import statistics
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import cast

from agentkit.sandbox import Sandbox
from benchmarks.contenders.sandbox_peers import REST, per_second, small
from benchmarks.contenders.sandbox_programs import HEAVY, SMALL
from benchmarks.peers import peer_python

_HERE = Path(__file__).parent
_OWN = ("exec", "subprocess")
_PEERS = ("restricted", "smolagents", "monty")
_HEAVY_SECONDS = 0.1
_PLAIN = """
import json, sys, time
source, space = sys.stdin.read(), {}
began = time.process_time()
exec(compile(source, "<program>", "exec"), space)
print(json.dumps([space["answer"], time.process_time() - began]))
"""
Numbers = dict[str, object]


def contender(python: Path | str, engine: str, seconds: float) -> Numbers | None:
    """One engine's numbers; None, with the reason on stderr, when it does not run here."""
    script = _HERE / "contenders" / "sandbox_peers.py"
    done = subprocess.run([python, script, engine, str(seconds)], capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"{engine} does not run: {done.stderr.strip().splitlines()[-1:]}", file=sys.stderr)
        return None
    return cast("Numbers", json.loads(done.stdout))


def ours(seconds: float) -> Numbers:
    """The sandbox's numbers."""
    with Sandbox() as sandbox, sandbox.session() as session:
        session.start()
        sandbox.start()

        def fresh(source: str) -> object:
            return sandbox.run(source).value

        def kept(source: str) -> object:
            return session.run(source).value

        found: Numbers = {
            "fresh": small(fresh, seconds),
            "fresh, rested": small(fresh, seconds, gap=REST),
            "session": small(kept, seconds),
            "session, rested": small(kept, seconds, gap=REST),
            "per_second": per_second(fresh, seconds, 2),
            "heavy": heavy_ratios(sandbox),
        }
    few, many = 100, 900
    found["cpu"] = (processor_time(many) - processor_time(few)) / (many - few)
    found["cold"] = statistics.median(cold() for _ in range(5))
    found["private"] = private_memory()
    return found


def processor_time(programs: int) -> float:
    """Milliseconds of processor time that a sandbox takes for so many small programs: host, zygote and workers."""

    def spent() -> float:
        used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        return sum(item.ru_utime + item.ru_stime for item in used)

    before = spent()
    with Sandbox() as sandbox, ThreadPoolExecutor(2) as pool:
        sandbox.start()
        for result in pool.map(sandbox.run, [SMALL] * programs):
            assert result.ok, result
    return (spent() - before) * 1000


def heavy_ratios(sandbox: Sandbox) -> dict[str, float]:
    """Processor time of each heavy program to that in CPython: best of five each, taken in turns.

    Repeated until it takes a tenth of a second, so that it is the program that is measured: of what a worker uses, 1 to
    3 ms are its start and rehearsal.
    """
    ratios: dict[str, float] = {}
    for name, source in HEAVY.items():
        times = math.ceil(_HEAVY_SECONDS / executed(source, 1)[1])
        plain: list[float] = []
        sealed: list[float] = []
        for _ in range(5):
            answer, seconds = executed(source, times)
            plain.append(seconds)
            result = sandbox.run(repeated(source, times), entry="var:answer")
            if result.value != answer:
                raise SystemExit(f"{name}: {result}")
            sealed.append(result.usage.cpu)
        ratios[name] = min(sealed) / min(plain)
    return ratios


def repeated(source: str, times: int) -> str:
    """A heavy program that finds its answer so many times."""
    return f"{source}\nfor _ in range({times}):\n    answer = solution()"


def executed(source: str, times: int) -> tuple[object, float]:
    """Its answer and its processor time in CPython: a process of its own, whose memory is as new as a worker's."""
    done = subprocess.run(
        [sys.executable, "-I", "-c", _PLAIN], input=repeated(source, times), capture_output=True, text=True, check=True
    )
    answer, seconds = cast("tuple[object, float]", json.loads(done.stdout))
    return answer, seconds


def cold() -> float:
    """Milliseconds from nothing to the first result."""
    began = time.perf_counter()
    with Sandbox() as sandbox:
        sandbox.run("1")
        return (time.perf_counter() - began) * 1000


def private_memory() -> float | None:
    """Private MB of a spare worker; None where this user may not look."""
    with Sandbox() as sandbox:
        sandbox.start()
        time.sleep(0.5)
        worker = sandbox.zygote().take(sandbox.limits.memory, sandbox.limits.cpu_seconds)
        try:
            text = Path(f"/proc/{worker.pid}/smaps_rollup").read_text(encoding="ascii")
        except OSError:
            return None
        finally:
            sandbox.zygote().end(worker, report=False)
    return sum(int(line.split()[1]) for line in text.splitlines() if line.startswith("Private_")) / 1024


def row(name: str, numbers: Numbers, what: str, floor: Numbers) -> str:
    """A line of the first table: both times, each with its ratio to exec timed in the same way."""
    cells: list[str] = []
    for key, least in ((what, floor["fresh"]), (f"{what}, rested", floor["fresh, rested"])):
        value = cast("float", numbers[key])
        cells.append(f"{value:9.3f} ms {value / cast('float', least):7.1f} x")
    return f"{name:40} " + "   ".join(cells)


def print_small(found: dict[str, Numbers | None], mine: Numbers) -> None:
    """The ten-line program."""
    floor = cast("Numbers", found["exec"])
    print(f"{'a ten-line program, median':40} {'back to back':>12} {'to exec':>9} {'10 ms apart':>14} {'to exec':>9}")
    print(row("exec in this process (no isolation)", floor, "fresh", floor))
    print(row("agentkit, session", mine, "session", floor))
    print(row("agentkit, fresh worker", mine, "fresh", floor))
    for name, numbers in found.items():
        for what in ("fresh", "session"):
            if name != "exec" and numbers and what in numbers:
                print(row(f"{name}, {what}", numbers, what, floor))
    print(f"\nagentkit, processor time of a fresh program, all processes: {mine['cpu']:.2f} ms")
    print(f"\n{'programs a second, 2 threads':46}")
    for name, numbers in {"agentkit, fresh worker": mine, **found}.items():
        if numbers:
            print(f"{name:46} {cast('float', numbers['per_second']):9.0f}")
    print(f"\nagentkit: cold start to the first result {mine['cold']:.0f} ms; private memory of a worker ", end="")
    private = mine["private"]
    print(f"{private:.1f} MB" if isinstance(private, float) else "not readable by this user")


def print_heavy(found: dict[str, Numbers | None], mine: Numbers) -> None:
    """The processor-heavy programs."""
    engines = {name: n for name, n in found.items() if n and name not in _OWN}
    ratios = cast("dict[str, float]", mine["heavy"])
    plain = cast("dict[str, float]", cast("Numbers", found["exec"])["heavy"])
    print(
        f"\n{'processor-heavy, ratio to CPython':34} {'CPython':>10} {'agentkit*':>11} "
        + " ".join(f"{name:>11}" for name in engines)
    )
    for program in HEAVY:
        cells = [f"{ratios[program]:9.2f} x"]
        for numbers in engines.values():
            value = cast("dict[str, float | None]", numbers["heavy"])[program]
            cells.append(f"{value / plain[program]:9.1f} x" if value else f"{'fails':>11}")
        print(f"{program:34} {plain[program]:7.0f} ms " + " ".join(f"{cell:>11}" for cell in cells))
    print("* processor time, repeated for 0.1 s, in turns with CPython's; the others: best wall clock of five")


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 3.0
    found = {engine: contender(sys.executable, engine, seconds) for engine in _OWN}
    python = peer_python("smolagents", "pydantic-monty", "RestrictedPython")
    found |= {engine: contender(python, engine, seconds) for engine in _PEERS}
    mine = ours(seconds)
    print_small(found, mine)
    print_heavy(found, mine)


if __name__ == "__main__":
    main()
