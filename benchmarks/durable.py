"""What the journal costs: CPU and bytes a step, many runs at once, resuming.

    python -m benchmarks.durable [--rounds 3] [--steps 50]

Contenders take turns, each in a process of its own. "reads": a read-only tool (two commits a step, synchronous=NORMAL);
"acts": a tool that acts (three commits a step, one of them FULL). The bare insert is one commit of one row a step. Many
runs: once with a model as quick as a good one, once with a model so quick that nothing but processor time counts.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from pathlib import Path

from benchmarks.overhead import HERE, PEERS
from benchmarks.peers import peer_python

PEER = "LangChain create_agent, SqliteSaver"
RUNS, STEPS = 1000, 5
QUICK, TOO_QUICK = 0.5, 0.05  # seconds that a model call takes


def measured(python: str, script: str, *arguments: object) -> list[float]:
    """What a contender prints last."""
    command = [python, str(HERE / script), *map(str, arguments)]
    output = subprocess.run(command, check=True, capture_output=True, text=True, cwd=Path.cwd()).stdout
    found: list[float] | float = json.loads(output.splitlines()[-1])
    return found if isinstance(found, list) else [found]


def per_step(rounds: int, count: int) -> None:
    steps = str(count)
    here = sys.executable
    peer = str(peer_python(*PEERS["LangChain create_agent"][1], "langgraph-checkpoint-sqlite"))
    contenders: dict[str, tuple[str, ...]] = {
        "bare loop": (here, "bare_loop.py", steps),
        "agentkit, no journal": (here, "agentkit_agent.py", steps),
        "sqlite3, bare insert, NORMAL": (here, "durable_insert.py", steps, "NORMAL"),
        "sqlite3, bare insert, FULL": (here, "durable_insert.py", steps, "FULL"),
        "agentkit, reads (NORMAL)": (here, "durable_agentkit.py", steps, "reads"),
        "agentkit, acts (FULL)": (here, "durable_agentkit.py", steps, "acts"),
        PEER: (peer, "durable_langgraph.py", steps),
    }
    found: dict[str, list[list[float]]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, command in contenders.items():
            found[name].append(measured(*command))
    bare = statistics.median(row[0] for row in found["bare loop"])
    print(f"{steps} steps")
    for name, rows in found.items():
        cpu = statistics.median(row[0] for row in rows)
        size = f"{statistics.median(row[1] for row in rows):10.0f} B a step" if len(rows[0]) > 1 else ""
        print(f"{name:38}{cpu * 1e6:10.1f} us{cpu / bare:9.1f}x{size}")


def crowd(rounds: int, seconds: float) -> None:
    found: dict[str, list[list[float]]] = {"none": [], "journal": []}
    for _ in range(rounds):
        for kind, rows in found.items():
            rows.append(measured(sys.executable, "durable_crowd.py", RUNS, STEPS, seconds, kind))
    print(f"{RUNS} runs of {STEPS} steps at once, the model sleeps {seconds * 1000:.0f} ms in each")
    for kind, rows in found.items():
        wall, cpu = (statistics.median(column) for column in zip(*rows, strict=True))
        print(f"{'with a journal' if kind == 'journal' else 'without':26}{wall:8.2f} s{cpu:8.2f} CPU-s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=50)
    chosen = parser.parse_args()
    per_step(chosen.rounds, chosen.steps)
    for seconds in (QUICK, TOO_QUICK):
        crowd(chosen.rounds, seconds)
    resumed = [measured(sys.executable, "durable_resume.py", 200)[0] for _ in range(chosen.rounds)]
    print(f"resuming a run of 200 steps: {statistics.median(resumed) * 1000:.1f} ms of CPU")


if __name__ == "__main__":
    main()
