"""What the framework itself costs: CPU per step with a scripted model, for agentkit, two peers and a bare loop.

    python -m benchmarks.overhead [--rounds 5]

Every contender runs the same task in a process of its own: a scripted model calls the tool `add` with new numbers in
each of n - 1 steps and answers in the last. All have argument checks and events or callbacks as they come by default;
none writes its runs down.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from pathlib import Path

from benchmarks.peers import peer_python

STEPS = (5, 50, 200)
HERE = Path(__file__).parent / "contenders"
PEERS = {
    "smolagents ToolCallingAgent": ("smolagents_agent.py", ("smolagents",)),
    "LangChain create_agent": ("langchain_agent.py", ("langchain>=1.4,<2", "langchain-core>=1.7,<2", "langgraph")),
}


def measure(python: str, script: str, steps: int) -> float:
    """CPU seconds per step: the contender repeats its run and prints the fastest third's median."""
    output = subprocess.run(
        [python, str(HERE / script), str(steps)], check=True, capture_output=True, text=True, cwd=HERE.parent.parent
    ).stdout
    return float(json.loads(output.splitlines()[-1]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    contenders = {
        "bare loop": (sys.executable, "bare_loop.py"),
        "agentkit, no journal": (sys.executable, "agentkit_agent.py"),
    }
    for name, (script, requirements) in PEERS.items():
        contenders[name] = (str(peer_python(*requirements)), script)
    # Rounds interleave the contenders, so that a slow minute of the machine hits all of them.
    times: dict[tuple[str, int], list[float]] = {}
    for _ in range(rounds):
        for name, (python, script) in contenders.items():
            for steps in STEPS:
                times.setdefault((name, steps), []).append(measure(python, script, steps))
    median = {key: statistics.median(values) for key, values in times.items()}
    print(f"{'':30}" + "".join(f"{f'{steps} steps':>24}" for steps in STEPS) + f"{'200 / 50':>12}")
    for name in contenders:
        cells = [f"{median[name, s] * 1e6:9.1f} us {median[name, s] / median['bare loop', s]:8.1f}x" for s in STEPS]
        print(
            f"{name:30}" + "".join(f"{cell:>24}" for cell in cells) + f"{median[name, 200] / median[name, 50]:11.2f}x"
        )


if __name__ == "__main__":
    main()
