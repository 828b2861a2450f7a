"""Short questions that the calculator answers: what `run-agent "..."` is asked first, with no tools named."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random

from training.travel_experts import Expert
from training.words import Split, number

__all__ = ["Calculation", "calculation"]

_KINDS: Mapping[str, tuple[str, tuple[int, int], tuple[int, int], Mapping[Split, tuple[str, ...]]]] = {
    "percent": ("{b} * {a} / 100", (2, 95), (40, 4000), {
        "train": ("What is {a}% of {b}?", "How much is {a} percent of {b}?", "Calculate {a} % of {b}.",
                  "{a}% of {b} is how much?", "Work out {a}% of {b}.", "Give me {a}% of {b}.", "{a} percent of {b}?",
                "How many are {a}% of {b}?"),
        "test": ("What is {a} % of {b}?", "I need {a} percent of {b}."),
    }),
    "times": ("{a} * {b}", (3, 400), (3, 400), {
        "train": ("What is {a} times {b}?", "Multiply {a} by {b}.", "{a} * {b} = ?", "How much is {a} x {b}?", "Compute {a} * {b}.", "What is {a} multiplied by {b}?",
                "What does {a} times {b} make?", "{a} times {b}?"),
        "test": ("Calculate {a} times {b}.", "What do you get for {a} * {b}?"),
    }),
    "plus": ("{a} + {b}", (3, 9000), (3, 9000), {
        "train": ("What is {a} plus {b}?", "Add {a} and {b}.", "{a} + {b} = ?", "What is the sum of {a} and {b}?", "Compute {a} + {b}.", "{a} plus {b}?",
                "Sum up {a} and {b}.", "What does {a} plus {b} make?"),
        "test": ("How much is {a} plus {b}?", "What do {a} and {b} add up to?"),
    }),
    "minus": ("{a} - {b}", (500, 9000), (3, 499), {
        "train": ("What is {a} minus {b}?", "Subtract {b} from {a}.", "{a} - {b} = ?", "Take {b} away from {a}.", "Compute {a} - {b}.", "{a} minus {b}?",
                "What is left of {a} without {b}?", "What is the difference of {a} and {b}?"),
        "test": ("How much is {a} minus {b}?", "What remains of {a} after taking off {b}?"),
    }),
    "divided": ("{a} / {b}", (100, 9000), (2, 60), {
        "train": ("What is {a} divided by {b}?", "Divide {a} by {b}.", "{a} / {b} = ?", "How much is {a} over {b}?", "Compute {a} / {b}.", "{a} divided by {b}?",
                "Share {a} among {b}.", "What is a part when {a} is cut into {b} parts?"),
        "test": ("How much is {a} divided by {b}?", "Split {a} by {b}."),
    }),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Calculation:
    """A question and the expert who answers it."""

    kind: str
    question: str
    expert: Callable[[], Expert]


def calculation(dice: Random, split: Split) -> Calculation:
    """A question from this split."""
    kind = dice.choice(list(_KINDS))
    expression, first, second, wordings = _KINDS[kind]
    a, b = number(dice, split, *first), number(dice, split, *second)
    said = [f"{n:,}" if n >= 1000 and dice.random() < 0.5 else str(n) for n in (a, b)]
    question = dice.choice(wordings[split]).format(a=said[0], b=said[1])

    def expert() -> Expert:
        given = json.dumps({"expression": expression.format(a=a, b=b)})
        seen = yield f"Thought: Calculate it.\nAction: calculator\nAction Input: {given}"
        return f"Thought: Tell the result.\nFinal Answer: {re.sub(r'^.*= ', '', seen)}"

    return Calculation(kind, question, expert)
