"""Recorded runs as training data: what a model was told and should say, and what it should rather say than that.

The messages are exactly those that the model got: the run is replayed to have them again.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, cast

from agentkit.assembly import Assembly
from agentkit.journal.recordings import Recording
from agentkit.journal.records import Rating
from agentkit.journal.replaying import Exchange, Replay
from agentkit.messages import JSON, Malformed, Message, Run, Step
from agentkit.redaction import Redactor

__all__ = ["Format", "Sample", "lines", "preferences", "sample"]

Format: TypeAlias = Literal["sft", "preference", "openai"]
Line: TypeAlias = dict[str, object]
# What came of a reply that was a mistake of the model's own.
_MISTAKES = frozenset({"bad_arguments", "unknown_tool", "repeated", "format_error"})


@dataclass(frozen=True, slots=True)
class Sample:
    """One run as training data.

    Attributes:
        opening: system message, earlier turns, question.
        exchanges: the model calls of the run (of the sample that won, where there was a vote).
        wanted: what the model should write in each of them: its reply without what it went on to imagine.
        good: whether each of them is worth learning: not one that could not be used, or repeated itself.
    """

    recording: Recording
    rating: Rating | None
    run: Run
    opening: tuple[Message, ...]
    exchanges: tuple[Exchange, ...]
    wanted: tuple[str, ...]
    good: tuple[bool, ...]

    def talk(self) -> list[tuple[Message, bool]]:
        """The whole conversation as the model had it at its last call, and its last reply; whether to learn each."""
        last = self.exchanges[-1]
        said = [*last.messages[len(self.opening) :], Message("assistant", self.wanted[-1])]
        learn = list(self.good)
        told: list[tuple[Message, bool]] = []
        for message in reversed(said):
            mine = message.role == "assistant"
            told.append((message, bool(mine and learn and learn.pop())))
        return [*((message, False) for message in last.messages[: len(self.opening)]), *reversed(told)]


def sample(
    recording: Recording, agent: Assembly | None = None, check: Callable[[Run], bool] | None = None
) -> Sample | None:
    """A run as training data; None for one that did not ask a model.

    Args:
        agent: that began it, where it cannot be made from the recording.
        check: says whether a run that nobody rated is good.

    Raises:
        ReplayDiffers: it is not the same when it is replayed.
        JournalError: its agent is needed.
    """
    replayed = Replay(recording, agent)
    for _ in replayed.events():
        pass
    run = replayed.run
    steps = {step.number: step for step in run.steps} if run is not None else {}
    exchanges = [each for each in replayed.exchanges if each.step in steps]
    if run is None or not exchanges:
        return None
    ours = _winner(exchanges, steps, run.answer)
    rating: Rating | None = recording.run.get("rating")
    if rating is None and check is not None:
        rating = "good" if check(run) else "bad"
    return Sample(
        recording,
        rating,
        run,
        ours[0].messages,
        ours,
        tuple(_wanted(steps[each.step]) for each in ours),
        tuple(_is_good(steps[each.step]) for each in ours),
    )


def lines(samples: Iterable[Sample], form: Format, redact: Collection[str] | None = None) -> Iterator[Line]:
    """Lines of training data.

    Args:
        form: "sft": a conversation a line, with what is known of the run; "openai": the same as OpenAI's fine-tuning
            takes it; "preference": see `preferences`.
        redact: take personal data out; with the names of arguments whose values are personal (see
            `agentkit.redaction`).
    """
    known = list(samples)
    line: Line
    if form == "preference":
        for good, bad, line in preferences(known):
            yield line if redact is None else _redacted(line, (good, bad), redact)
        return
    for each in known:
        messages = [_told(message, learn=learn) for message, learn in each.talk()]
        line = {"messages": messages}
        if form == "sft":
            line |= {"run_id": each.recording.run_id, "model": each.recording.run["model"], "rating": each.rating}
        yield line if redact is None else _redacted(line, (each,), redact)


def preferences(samples: Sequence[Sample]) -> Iterator[tuple[Sample, Sample, Line]]:
    """What to say rather than what: pairs of replies to the same messages, from a good and a bad run of one question,
    at the step where they part. A good run that was forked from one that nobody rated is preferred to it, too.

    The lines have `prompt`, `chosen` and `rejected`, each a list of messages.
    """
    seen: set[tuple[str, str, str]] = set()
    for good in (each for each in samples if each.rating == "good"):
        for bad in samples:
            parent = bad.rating is None and good.recording.run.get("parent") == bad.recording.run_id
            if bad.rating != "bad" and not parent:
                continue
            at = _parting(good, bad)
            if at is None:
                continue
            chosen, rejected = good.wanted[at], bad.wanted[at]
            prompt = good.exchanges[at].messages
            key = repr(prompt), chosen, rejected
            if key not in seen:
                seen.add(key)
                yield (
                    good,
                    bad,
                    {
                        "prompt": [{"role": each.role, "content": each.text} for each in prompt],
                        "chosen": [{"role": "assistant", "content": chosen}],
                        "rejected": [{"role": "assistant", "content": rejected}],
                    },
                )


def _parting(good: Sample, bad: Sample) -> int | None:
    """The model call at which both were told the same (but for the date), and wrote something else."""
    one, other = good.recording.start, bad.recording.start
    if (one.question, one.history) != (other.question, other.history):
        return None
    for at, (first, second) in enumerate(zip(good.exchanges, bad.exchanges, strict=False)):
        if first.messages[len(good.opening) :] != second.messages[len(bad.opening) :]:
            return None  # what they observed differs: neither is to blame
        if good.wanted[at] != bad.wanted[at]:
            return at if good.good[at] else None
    return None


def _winner(exchanges: Sequence[Exchange], steps: Mapping[int, Step], answer: str | None) -> tuple[Exchange, ...]:
    """The model calls of one sample: that whose last step gave the answer, where there was a vote."""
    by_sample: dict[int, list[Exchange]] = {}
    for each in exchanges:
        by_sample.setdefault(each.sample, []).append(each)
    for ours in by_sample.values():
        seen = steps[ours[-1].step].observation
        if seen is not None and seen.text == answer:
            return tuple(ours)
    return tuple(list(by_sample.values())[-1])


def _wanted(step: Step) -> str:
    return step.reply.text.removesuffix(step.decision.dropped).rstrip()


def _is_good(step: Step) -> bool:
    mistaken = step.observation is not None and step.observation.kind in _MISTAKES
    return not isinstance(step.decision, Malformed) and not mistaken


def _told(message: Message, *, learn: bool) -> dict[str, JSON]:
    told: dict[str, JSON] = {"role": message.role, "content": message.text}
    return {**told, "weight": int(learn)} if message.role == "assistant" else told


def _redacted(line: Line, samples: Sequence[Sample], names: Iterable[str]) -> Line:
    """The line without personal data; the same value has the same placeholder everywhere in it."""
    wanted = frozenset(names)
    values = [value for each in samples for value in _values(each, wanted)]
    redactor = Redactor(values)
    told: Line = {}
    for name, part in line.items():
        if isinstance(part, list):
            told[name] = [
                {**message, "content": redactor(message["content"])} for message in cast("list[dict[str, str]]", part)
            ]
        else:
            told[name] = part
    return told


def _values(each: Sample, names: frozenset[str]) -> Iterator[tuple[str, str]]:
    """The values of arguments that are personal."""
    for happened in each.recording.happened:
        given = None if happened.action is None else happened.action.input
        if not isinstance(given, Mapping):
            continue
        for name in names & given.keys():
            value = given[name]
            parts = value if isinstance(value, (list, tuple)) else [value]
            yield from ((name, part) for part in parts if isinstance(part, str))
