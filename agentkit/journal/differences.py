"""Where two runs part: what they began with, and the first effect that is not the same."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest

from agentkit.journal.fingerprint import changes
from agentkit.journal.recordings import Happened, Recording
from agentkit.messages import Observation, Reply

__all__ = ["Diff", "Pair", "diff"]


@dataclass(frozen=True, slots=True)
class Pair:
    """One effect of both runs; None where a run has none in this place."""

    one: Happened | None
    other: Happened | None

    @property
    def same(self) -> bool:
        """Whether the same was wanted, and the same came of it."""
        return _told(self.one) == _told(self.other)


@dataclass(frozen=True, slots=True)
class Diff:
    """Two runs side by side. Times and tokens do not count.

    Attributes:
        before: what differs before the first effect, in words: question, history, agent.
        pairs: their effects, in order.
        after: what differs at the end, in words: how they stopped, and their answers.
    """

    before: tuple[str, ...]
    pairs: tuple[Pair, ...]
    after: tuple[str, ...]

    @property
    def first(self) -> Pair | None:
        """The first effect that differs."""
        return next((pair for pair in self.pairs if not pair.same), None)

    @property
    def same(self) -> bool:
        """Whether both did the same and came to the same. (Their agents may differ.)"""
        return self.first is None and not self.after


def diff(one: Recording, other: Recording) -> Diff:
    """Where two runs part."""
    pairs = tuple(Pair(first, second) for first, second in zip_longest(one.happened, other.happened))
    return Diff(tuple(_before(one, other)), pairs, tuple(_after(one, other)))


def _before(one: Recording, other: Recording) -> Iterator[str]:
    if one.question != other.question:
        yield f"question ({one.question!r} → {other.question!r})"
    if one.start.history != other.start.history:
        yield "earlier conversation"
    yield from changes(one.run["fingerprint"], other.run["fingerprint"])
    if one.agent is not None and other.agent is not None:
        yield from (part for part in ("limits", "params") if one.agent.get(part) != other.agent.get(part))


def _after(one: Recording, other: Recording) -> Iterator[str]:
    for name, was, now in (
        ("status", one.status, other.status),
        ("stop_reason", one.stop_reason, other.stop_reason),
        ("answer", one.answer, other.answer),
    ):
        if was != now:
            yield f"{name} ({was!r} → {now!r})"


def _told(each: Happened | None) -> object:
    if each is None:
        return None
    what: object = None
    if each.outcome is not None:
        try:
            result = each.outcome.value()
        except Exception as error:
            result = None
            what = str(error)
        if isinstance(result, Reply):
            what = result.text
        elif isinstance(result, Observation):
            what = (result.text, result.kind, result.final)
    action = None if each.action is None else (each.action.tool, each.action.input)
    return each.kind, each.step, each.call, action, what
