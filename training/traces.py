"""Makes traces: conversations in which an expert solves tasks through agentkit's own loop, tools and prompts.

    python -m training.traces --travel 3000 --problems 4000 --out traces.jsonl

The same seed on the same day gives the same traces (dates in the tasks are counted from today). Each line is one
conversation: {"family", "kind", "messages": [[role, text], ...], "faulty": how many of the model's first replies are
wrong on purpose and must not be learnt}.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import date
from itertools import chain
from pathlib import Path
from random import Random

from agentkit.tools.inventory import Inventory
from training import calculations, pal_tasks, travel_tasks
from training.play import TOOLSETS, Played, play_calculation, play_problem, play_travel
from training.words import Split

__all__ = ["Trace", "calculation_trace", "problem_trace", "travel_trace"]

_DEMO_KINDS = frozenset(kind for kind, (make, _) in travel_tasks.KINDS.items() if make.__name__ in (
    "_make_book", "_make_ask", "_make_list_flights", "_make_under", "_make_seats", "_make_refused", "_make_broken",
    "_make_faulty", "_make_wrong_day", "_make_unknown_city", "_make_sold_out", "_make_indirect", "_make_return",
))  # fmt: skip


@dataclass(frozen=True, slots=True)
class Trace:
    """A task's conversation."""

    family: str
    kind: str
    played: Played
    faulty: int = 0

    def line(self) -> str:
        """As one line of JSON."""
        messages = [[message.role, message.text] for message in self.played.messages]
        record = {"family": self.family, "kind": self.kind, "messages": messages, "faulty": self.faulty}
        return json.dumps(record, ensure_ascii=False)


def world(split: Split) -> Inventory:
    """Prices, times and hotels of this split."""
    return Inventory("agentkit" if split == "test" else "training")


def travel_task(seed: int, split: Split, kind: str | None = None) -> tuple[travel_tasks.Task, tuple[str, ...], str]:
    """The task with this number, the tools it gets, and its run's id."""
    dice = Random(f"travel {split} {seed}")
    task = travel_tasks.task(dice, split, date.today(), world(split), kind)
    few = task.kind in _DEMO_KINDS and dice.random() < 0.4
    return task, TOOLSETS["demo" if few else "travel"], f"{split}-{seed}"


def travel_trace(seed: int, split: Split) -> Trace:
    """A travel task, solved."""
    task, tools, run_id = travel_task(seed, split)
    played = play_travel(task, world(split), tools, run_id)
    assert played.run.stop_reason == "answer", (task, played.run)
    return Trace("travel", task.kind, played, faulty=int(task.faulty is not None))


def problem_trace(seed: int, split: Split) -> Trace:
    """A word problem, solved."""
    problem = pal_tasks.problem(Random(f"problem {split} {seed}"), split)
    played = play_problem(problem.question, problem.program, f"{split}-{seed}")
    assert played.run.stop_reason == "answer" and len(played.run.steps) == 1, (problem, played.run)
    return Trace("problem", problem.kind, played)


def calculation_trace(seed: int, split: Split) -> Trace:
    """A question for the calculator, solved."""
    found = calculations.calculation(Random(f"calculation {split} {seed}"), split)
    played = play_calculation(found.question, found.expert(), f"{split}-{seed}")
    return Trace("calculation", found.kind, played)


def _made(job: tuple[str, int, int, Split]) -> list[str]:
    family, first, last, split = job
    make = {"travel": travel_trace, "problem": problem_trace, "calculation": calculation_trace}[family]
    return [make(seed, split).line() for seed in range(first, last)]


def _jobs(family: str, start: int, many: int, split: Split) -> Iterator[tuple[str, int, int, Split]]:
    return ((family, first, min(first + 50, start + many), split) for first in range(start, start + many, 50))


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--travel", type=int, default=3000)
    parser.add_argument("--problems", type=int, default=4000)
    parser.add_argument("--calculations", type=int, default=400)
    parser.add_argument("--first", type=int, default=0, help="the number of the first task of each family")
    parser.add_argument("--split", choices=("train", "test"), default="train")
    parser.add_argument("--out", type=Path, default=Path("traces.jsonl"))
    parser.add_argument("--processes", type=int, default=2)
    given = parser.parse_args()
    counts = {"travel": given.travel, "problem": given.problems, "calculation": given.calculations}
    jobs = list(chain.from_iterable(_jobs(family, given.first, many, given.split) for family, many in counts.items()))
    with given.out.open("w", encoding="utf-8") as out, ProcessPoolExecutor(given.processes) as pool:
        for n, lines in enumerate(pool.map(_made, jobs), 1):
            out.writelines(f"{line}\n" for line in lines)
            sys.stderr.write(f"\r{n}/{len(jobs)}")
    sys.stderr.write("\n")


if __name__ == "__main__":
    main()
