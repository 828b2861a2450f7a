"""One peer's times, as JSON on standard output; runs in the peers' own environment.

python sandbox_peers.py monty|smolagents|restricted|exec|subprocess SECONDS
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

sys.path.insert(0, __file__.rpartition("/")[0])

from sandbox_programs import HEAVY, SMALL, SMALL_ANSWER  # pyright: ignore[reportImplicitRelativeImport]

Run = Callable[[str], Any]
CALL = "\nsolution()"
REST = 0.01  # seconds: caches and processors have other things to do, as while a model answers


@contextmanager
def in_process() -> Iterator[dict[str, Run]]:
    def run(source: str) -> object:
        space: dict[str, Any] = {}
        exec(compile(source, "<program>", "exec"), space)
        return space["solution"]()

    yield {"fresh": run}


@contextmanager
def restricted() -> Iterator[dict[str, Run]]:
    """RestrictedPython as its documentation sets it up, with the hooks that these programs need."""
    import operator

    from RestrictedPython import compile_restricted_exec, safe_builtins
    from RestrictedPython.Eval import default_guarded_getiter
    from RestrictedPython.Guards import full_write_guard, guarded_iter_unpack_sequence, safer_getattr

    operators = {"+=": operator.iadd, "-=": operator.isub, "*=": operator.imul}
    base = {
        "__builtins__": {**safe_builtins, "sum": sum, "list": list, "dict": dict},
        "__metaclass__": type,
        "__name__": "program",
        "_getattr_": safer_getattr,
        "_getitem_": lambda value, index: value[index],
        "_getiter_": default_guarded_getiter,
        "_iter_unpack_sequence_": guarded_iter_unpack_sequence,
        "_write_": full_write_guard,
        "_inplacevar_": lambda op, left, right: operators[op](left, right),
    }

    def run(source: str) -> object:
        space = dict(base)
        exec(compile_restricted_exec(source).code, space)
        return space["solution"]()

    yield {"fresh": run}


@contextmanager
def processes() -> Iterator[dict[str, Run]]:
    def run(source: str) -> int:
        done = subprocess.run(
            [sys.executable, "-I", "-c", f"{source}\nprint(solution())"], capture_output=True, check=True
        )
        return int(done.stdout)

    yield {"fresh": run}


@contextmanager
def smolagents() -> Iterator[dict[str, Run]]:
    from smolagents.local_python_executor import LocalPythonExecutor

    def executor() -> Any:
        made = LocalPythonExecutor([])
        made.send_tools({})
        return made

    kept = executor()
    yield {
        "fresh": lambda source: executor()(source + CALL).output,
        "session": lambda source: kept(source + CALL).output,
    }


@contextmanager
def monty() -> Iterator[dict[str, Run]]:
    from pydantic_monty import Monty

    with Monty(min_processes=2) as pool, pool.checkout() as session:

        def run(source: str) -> object:
            with pool.checkout() as fresh:
                return fresh.feed_run(source + CALL)

        yield {"fresh": run, "session": lambda source: session.feed_run(source + CALL)}


ENGINES = {
    "exec": in_process,
    "restricted": restricted,
    "subprocess": processes,
    "smolagents": smolagents,
    "monty": monty,
}


def small(run: Run, seconds: float, gap: float = 0.0) -> float:
    """The median time of the small program, in ms; each answer is checked."""
    times: list[float] = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(times) < 5:
        began = time.perf_counter()
        answer = run(SMALL)
        times.append(time.perf_counter() - began)
        if answer != SMALL_ANSWER:
            raise SystemExit(f"a wrong answer: {answer!r}")
        time.sleep(gap)
    return statistics.median(times) * 1000


def heavy(run: Run, limit: float) -> dict[str, float | None]:
    """The best of up to five times for each processor-heavy program, in ms; None for one that fails."""
    found: dict[str, float | None] = {}
    for name, source in HEAVY.items():
        times: list[float] = []
        for _ in range(5):
            began = time.perf_counter()
            try:
                if run(source) is None:  # the sandbox's way to say that it failed
                    break
            except Exception:
                break
            times.append((time.perf_counter() - began) * 1000)
            if sum(times) > limit * 1000:
                break
        found[name] = min(times) if times else None
    return found


def per_second(run: Run, seconds: float, threads: int) -> float:
    """Small programs a second from several threads."""
    end = time.perf_counter() + seconds

    def work(_: int) -> int:
        done = 0
        while time.perf_counter() < end:
            run(SMALL)
            done += 1
        return done

    began = time.perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        return sum(pool.map(work, range(threads))) / (time.perf_counter() - began)


def measure(runs: dict[str, Run], seconds: float, *, heavy_limit: float = 5.0) -> dict[str, Any]:
    """All numbers of one engine."""
    found: dict[str, Any] = {name: small(run, seconds) for name, run in runs.items()}
    found |= {f"{name}, rested": small(run, seconds, gap=REST) for name, run in runs.items()}
    found["per_second"] = per_second(runs["fresh"], seconds, 2)
    found["heavy"] = heavy(runs["fresh"], heavy_limit)
    return found


def main() -> None:
    engine, seconds = sys.argv[1], float(sys.argv[2])
    with ENGINES[engine]() as runs:
        print(json.dumps(measure(runs, seconds)))


if __name__ == "__main__":
    main()
