"""The majority over the values of several programs (self-consistency, Wang et al. 2022; PAL's sampling)."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TypeAlias

__all__ = ["Vote"]


Ballot: TypeAlias = tuple[object, str, list[int]]  # a value, its text, who gave it


@dataclass(slots=True)
class Vote:
    """Counts equal values. Numbers are equal as numbers (3 and 3.0 and "3"), within 1e-9 relative.

    Attributes:
        of: how many will vote.
    """

    of: int
    _ballots: list[Ballot] = field(default_factory=list["Ballot"])
    _cast: int = 0

    def cast(self, value: object, text: str, voter: int) -> None:
        """One program's value; `text` is how it is shown."""
        self._cast += 1
        for known, _, voters in self._ballots:
            if same(known, value):
                voters.append(voter)
                return
        self._ballots.append((value, text, [voter]))

    def abstain(self) -> None:
        """A program that gave no value."""
        self._cast += 1

    @property
    def decided(self) -> bool:
        """Whether those still to come can no longer change the winner."""
        counts = [len(voters) for _, _, voters in self._ranked()]
        first, second = (*counts, 0, 0)[:2]
        return first > second + (self.of - self._cast)

    @property
    def winner(self) -> int | None:
        """A voter for the value with most votes, the earliest given in a tie; None when all abstained."""
        ranked = self._ranked()
        return ranked[0][2][0] if ranked else None

    @property
    def counts(self) -> tuple[tuple[str, int], ...]:
        """Each value as text and its votes, most first."""
        return tuple((text, len(voters)) for _, text, voters in self._ranked())

    def _ranked(self) -> list[Ballot]:
        return sorted(self._ballots, key=lambda ballot: -len(ballot[2]))


def same(one: object, other: object) -> bool:
    """Whether two values are one answer."""
    first, second = _number(one), _number(other)
    if first is not None and second is not None:
        return math.isclose(first, second, rel_tol=1e-9, abs_tol=1e-9) or first == second
    if isinstance(one, str) and isinstance(other, str):
        return one.split() == other.split()
    return type(one) is type(other) and one == other


def _number(value: object) -> float | None:
    if isinstance(value, str):
        value = value.replace(",", "").strip()
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return None
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None
