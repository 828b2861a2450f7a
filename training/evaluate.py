"""How often the whole agent is right on the test's tasks: with the adapter, and (--bare) without.

    python -m training.evaluate --travel 200 --problems 200 --calculations 50

Greedy, grammar on, every approval given unless the task says otherwise. Cities, names, numbers, dates and wordings are
others than those of the training. A travel task is right when exactly the bookings and cancellations that were wanted
were made and the answer tells the ids and prices that the expert's tells, and no others; a problem, when the number or
text is the expert's. Intervals are Wilson's at 95 %.
"""

from __future__ import annotations

import argparse
import json
import math
import re
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from random import Random

from agentkit.messages import Malformed
from agentkit.models import Model
from agentkit.models.local import EDITION, LocalModel
from agentkit.models.weights import file_sha256
from training import calculations, pal_tasks
from training.play import Played, facts, play_calculation, play_problem, play_travel
from training.traces import travel_task, world

__all__ = ["Result", "calculation", "problem", "travel", "wilson"]


@dataclass(frozen=True, slots=True)
class Result:
    """One task, judged.

    Attributes:
        unasked: it booked or cancelled although nothing of the kind was to be done.
        claimed: it said "booked" or "cancelled" and nothing was.
        steps: model calls.
        cpu: processor seconds, of all threads.
    """

    family: str
    kind: str
    right: bool
    format: bool
    unasked: bool
    claimed: bool
    steps: int
    cpu: float
    question: str
    answer: str
    wanted: str


def travel(seed: int, model: Model) -> Result:
    """The travel task with this number."""
    task, tools, run_id = travel_task(seed, "test")
    expert = play_travel(task, world("test"), tools, run_id)
    return _judged("travel", task.kind, expert, partial(play_travel, task, world("test"), tools, run_id, model), _same)


def problem(seed: int, model: Model) -> Result:
    """The word problem with this number."""
    found = pal_tasks.problem(Random(f"problem test {seed}"), "test")
    play = partial(play_problem, found.question, found.program, f"test-{seed}")
    return _judged("problem", found.kind, play(), partial(play, model), _equal)


def calculation(seed: int, model: Model) -> Result:
    """The question for the calculator with this number."""
    found = calculations.calculation(Random(f"calculation test {seed}"), "test")
    expert = play_calculation(found.question, found.expert(), f"test-{seed}")
    play = partial(play_calculation, found.question, found.expert(), f"test-{seed}", model)
    return _judged("calculation", found.kind, expert, play, _equal)


def _judged(
    family: str, kind: str, expert: Played, play: Callable[[], Played], right: Callable[[Played, Played], bool]
) -> Result:
    before = time.process_time()
    tried = play()
    cpu = time.process_time() - before
    steps = tried.run.steps
    return Result(
        family,
        kind,
        right(expert, tried),
        not any(isinstance(step.decision, Malformed) for step in steps),
        bool(tried.new and not expert.new) or bool(_gone(tried) and not _gone(expert)),
        _claims(tried),
        len(steps),
        cpu,
        tried.run.question,
        tried.run.answer or "",
        expert.run.answer or "",
    )


def _gone(played: Played) -> set[str]:
    """The bookings that were cancelled."""
    confirmed = {booking.id for booking in played.before if booking.status == "confirmed"}
    return confirmed & {booking.id for booking in played.after if booking.status == "cancelled"}


def _claims(played: Played) -> bool:
    """Whether the answer says that something was done that was not."""
    said = re.sub(r"(?i)\b(nothing|not|no \w+)( was| is)? (booked|cancelled)", "", played.run.answer or "")
    booked = re.search(r"(?i)\bbooked\b", said) and not played.new
    cancelled = re.search(r"(?i)\bcancelled\b", said) and not _gone(played) and "cancelled" not in _states(played)
    return bool(booked or cancelled)


def _states(played: Played) -> set[str]:
    return {booking.status for booking in played.before}


def _same(expert: Played, tried: Played) -> bool:
    """Whether the same was done and told."""
    answer, wanted = tried.run.answer or "", expert.run.answer or ""
    made = {booking.id for booking in tried.new}
    told, to_tell = facts(answer) - made, facts(wanted) - {booking.id for booking in expert.new}
    beginning = _first_word(answer) == _first_word(wanted)  # "Yes", "No", "Nothing", "Booked"
    return (
        tried.run.stop_reason == "answer"
        and _done(expert) == _done(tried)
        and made <= facts(answer)
        and told == to_tell
        and beginning
    )


def _first_word(text: str) -> list[str]:
    return re.findall(r"\w+", text)[:1]


def _done(played: Played) -> tuple[list[tuple[str, tuple[str, ...]]], set[str]]:
    return sorted((booking.item.id, booking.names) for booking in played.new), _gone(played)


def _equal(expert: Played, tried: Played) -> bool:
    """Whether two answers are the same number, or the same text."""
    answer, wanted = (played.run.answer or "" for played in (tried, expert))
    try:
        return math.isclose(float(answer.replace(",", "")), float(wanted), rel_tol=1e-6, abs_tol=0.005)
    except ValueError:
        return answer.strip() == wanted.strip()


def wilson(good: int, many: int, z: float = 1.96) -> tuple[float, float]:
    """The interval in which the true share lies with 95 % (Wilson 1927)."""
    if not many:
        return 0.0, 1.0
    share, spread = good / many, z * z / many
    middle = (share + spread / 2) / (1 + spread)
    half = z * math.sqrt(share * (1 - share) / many + spread / (4 * many)) / (1 + spread)
    return middle - half, middle + half


def table(results: Iterable[Result]) -> str:
    """What came of it, by family and kind, as Markdown."""
    groups: dict[tuple[str, str], list[Result]] = defaultdict(list)
    for result in results:
        groups[result.family, ""].append(result)
        groups[result.family, result.kind].append(result)
    lines = ["| tasks | right | 95 % interval |", "|---|---|---|"]
    for (family, kind), found in sorted(groups.items()):
        good = sum(each.right for each in found)
        low, high = wilson(good, len(found))
        name = f"&nbsp;&nbsp;{kind}" if kind else f"**{family}**"
        lines.append(f"| {name} | {good} of {len(found)} ({good / len(found):.0%}) | {low:.0%} to {high:.0%} |")
    return "\n".join(lines)


def summary(results: list[Result]) -> str:
    """What must not happen, and what it costs."""
    steps = sum(each.steps for each in results if each.family == "travel")
    cpu = sum(each.cpu for each in results if each.family == "travel")
    return (
        f"format kept: {sum(each.format for each in results)} of {len(results)}; "
        f"booked or cancelled unasked: {sum(each.unasked for each in results)}; "
        f"claimed and not done: {sum(each.claimed for each in results)}; "
        f"processor seconds for a ReAct step: {cpu / max(steps, 1):.2f}"
    )


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--travel", type=int, default=200)
    parser.add_argument("--problems", type=int, default=200)
    parser.add_argument("--calculations", type=int, default=50)
    parser.add_argument("--first", type=int, default=0, help="the number of the first task of each family")
    parser.add_argument("--adapter", type=Path, help="an adapter as GGUF; default: the one that is shipped")
    parser.add_argument("--bare", action="store_true", help="the model without an adapter")
    parser.add_argument("--out", type=Path, help="a file for the results, one line of JSON a task")
    parser.add_argument("--wrong", action="store_true", help="show what went wrong")
    parser.add_argument("--results", type=Path, nargs="+", help="files of --out: only print what came of all of them")
    given = parser.parse_args()
    if given.results:
        lines = (line for path in given.results for line in path.read_text(encoding="utf-8").splitlines())
        told = [Result(**json.loads(line)) for line in lines]
        sys.stdout.write(f"{table(told)}\n\n{summary(told)}\n")
        return
    if given.adapter:
        model = LocalModel(adapter=given.adapter, sha256=file_sha256(given.adapter), notice=False)
        model.prompts = EDITION
    else:
        model = LocalModel(trained=not given.bare, notice=False)
    families = ((travel, given.travel), (problem, given.problems), (calculation, given.calculations))
    jobs = [(judge, seed) for judge, many in families for seed in range(given.first, given.first + many)]
    results: list[Result] = []
    for judge, seed in jobs:
        results.append(judge(seed, model))
        sys.stderr.write(f"\r{len(results)}/{len(jobs)}, right: {sum(each.right for each in results)} ")
        if given.wrong and not results[-1].right:
            each = results[-1]
            sys.stdout.write(f"{each.kind}: {each.question}\n   said: {each.answer}\n   wanted: {each.wanted}\n")
    if given.out:
        lines = (json.dumps(asdict(each), ensure_ascii=False) for each in results)
        given.out.write_text("\n".join(lines) + "\n", encoding="utf-8")
    sys.stdout.write(f"\n{table(results)}\n\n{summary(results)}\n")


if __name__ == "__main__":
    main()
