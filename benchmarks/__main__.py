"""All benchmarks, one after the other: `python -m benchmarks`, or `python -m benchmarks NAME ...` for some."""

import runpy
import sys
from pathlib import Path

HELPERS = {"__init__", "__main__", "peers"}


def main() -> None:
    there = sorted(path.stem for path in Path(__file__).parent.glob("*.py") if path.stem not in HELPERS)
    chosen = sys.argv[1:] or there
    if unknown := [name for name in chosen if name not in there]:
        sys.exit(f"No benchmark {unknown[0]!r}. There are: {', '.join(there)}.")
    for name in chosen:
        print(f"== {name}", flush=True)
        sys.argv = [name]
        runpy.run_module(f"benchmarks.{name}", run_name="__main__")


if __name__ == "__main__":
    main()
