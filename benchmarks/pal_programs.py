"""1,666 programs that models wrote, run in the sandbox: the verdicts next to plain CPython's.

    python -m benchmarks.pal_programs

Reads ../shared/corpora/pal_programs.jsonl.gz.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections import Counter

from agentkit.sandbox import Sandbox
from tests.sandbox.pal_corpus import CORPUS, LIMITS, correct, difference, load, run, verdict


def main() -> None:
    if not CORPUS.exists():
        sys.exit(f"{CORPUS} is not here.")
    total, same, explained, right = Counter[str](), Counter[str](), Counter[str](), Counter[str]()
    times: list[float] = []
    differences: list[str] = []
    with Sandbox(limits=LIMITS) as sandbox:
        sandbox.start()
        began = time.perf_counter()
        for case in load():
            result = run(sandbox, case)
            times.append(result.usage.wall)
            total[case.source] += 1
            same[case.source] += verdict(result) == case.plain
            said = difference(case, result)
            explained[case.source] += not said and verdict(result) != case.plain
            right[case.source] += correct(case, result)
            differences += [said] if said else []
        seconds = time.perf_counter() - began
    print(f"{'source':18} {'programs':>9} {'as CPython':>11} {'runs now':>9} {'differs':>8} {'gold':>6}")
    for source, count in total.items():
        left = count - same[source] - explained[source]
        gold = f"{right[source]:6}" if right[source] else "     -"
        print(f"{source:18} {count:9} {same[source]:11} {explained[source]:9} {left:8} {gold}")
    print(
        f"{sum(total.values())} programs in {seconds:.1f} s; median {statistics.median(times) * 1000:.2f} ms a program"
    )
    print("'runs now': a program that forgot an import of a name that is bound beforehand (math, factorial, gcd)")
    for said in differences:
        print(said)


if __name__ == "__main__":
    main()
