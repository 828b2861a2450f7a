"""Many runs at once in one event loop: 1,000 runs of 5 steps over a model that sleeps 50 ms.

    python -m benchmarks.concurrency [--rounds 3]

The sleeps alone take 0.25 s. Memory is what each run holds while all of them wait in their last model call.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys

from benchmarks.overhead import HERE, PEERS
from benchmarks.peers import peer_python

RUNS, STEPS, SECONDS = 1000, 5, 0.05


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    langchain = str(peer_python(*PEERS["LangChain create_agent"][1]))
    contenders = {
        "agentkit, no journal": (sys.executable, "concurrent_agentkit.py"),
        "LangChain create_agent": (langchain, "concurrent_langchain.py"),
    }
    found: dict[str, list[list[float]]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, (python, script) in contenders.items():
            command = [python, str(HERE / script), str(RUNS), str(STEPS), str(SECONDS)]
            output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            found[name].append(json.loads(output.splitlines()[-1]))
    print(f"{RUNS} runs of {STEPS} steps, the model sleeps {SECONDS * 1000:.0f} ms in each (floor {STEPS * SECONDS} s)")
    for name, rows in found.items():
        wall, held = (statistics.median(column) for column in zip(*rows, strict=True))
        print(f"{name:26}{wall:8.2f} s{held / 1000:10.1f} kB a run")


if __name__ == "__main__":
    main()
