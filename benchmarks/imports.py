"""What starting costs: CPU seconds of a fresh process that imports each framework and does nothing else.

python -m benchmarks.imports [--rounds 9]
"""

from __future__ import annotations

import argparse
import resource
import statistics
import subprocess
import sys
from pathlib import Path

from benchmarks.overhead import PEERS
from benchmarks.peers import peer_python


def cpu_seconds(*command: str) -> float:
    """CPU of one child process, its start included."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    rounds = parser.parse_args().rounds
    peers = {name: str(peer_python(*requirements)) for name, (_, requirements) in PEERS.items()}
    commands = {
        "python -c pass": (sys.executable, "-c", "pass"),
        "import agentkit": (sys.executable, "-c", "import agentkit"),
        "run-agent --help": (str(Path(sys.executable).parent / "run-agent"), "--help"),
        "import smolagents": (peers["smolagents ToolCallingAgent"], "-c", "import smolagents"),
        "from langchain.agents import create_agent": (
            peers["LangChain create_agent"],
            "-c",
            "from langchain.agents import create_agent",
        ),
    }
    for command in commands.values():
        cpu_seconds(*command)  # bytecode is compiled once
    times: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            times[name].append(cpu_seconds(*command))
    base = statistics.median(times["import agentkit"])
    for name, values in times.items():
        median = statistics.median(values)
        print(f"{name:44}{median:7.3f} CPU-s{median / base:9.1f}x")


if __name__ == "__main__":
    main()
