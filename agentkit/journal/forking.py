"""The beginning of a run as that of another: what came before a step, and a change at that step."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

from agentkit.errors import ConfigError
from agentkit.journal.recordings import Recording, Row
from agentkit.journal.records import Outcome, dump, load, now
from agentkit.messages import Observation, Reply, Usage

__all__ = ["Change", "forked"]

BY = "edited"
"""In place of the model's name, where a person wrote the reply."""


@dataclass(frozen=True, slots=True)
class Change:
    """Where a fork leaves its parent, and how.

    Attributes:
        at: the first step that is not the parent's, or not wholly.
        reply: what the model says at that step.
        observation: what comes of the parent's action at that step.
    """

    at: int
    reply: str | None = None
    observation: str | None = None

    def __post_init__(self) -> None:
        for name, value in (("reply", self.reply), ("observation", self.observation)):
            if not isinstance(value, str | None):  # pyright: ignore[reportUnnecessaryIsInstance]  # untyped callers
                raise ConfigError(f"{name} must be text, not {value!r}.")
        if self.at < 1:
            raise ConfigError(f"Steps count from 1: there is no step {self.at}.")
        if self.reply is not None and self.observation is not None:
            raise ConfigError("Change the reply or the observation of a step, not both.")


def forked(parent: Recording, change: Change, run_id: str) -> Recording:
    """What a new run begins with, to be resumed by any agent. What people approved then is not approved now.

    Raises:
        ConfigError: the parent has no such step, or none that can be changed like that.
    """
    done = {row["effect"] for row in parent.effects if row["phase"] == "result"}
    kept = [row for row in parent.effects if row["effect"] in done and row["step"] < change.at]
    if reached := max((row["step"] for row in parent.effects), default=0):
        if change.at > reached:
            raise ConfigError(f"Run {parent.run_id!r} has {reached} steps: there is no step {change.at}.")
    elif change.at > 1:
        raise ConfigError(f"Run {parent.run_id!r} has no steps yet.")
    if change.reply is not None:
        kept += _replied(parent, change, change.reply)
    elif change.observation is not None:
        kept += _observed(parent, change, change.observation)
    start = json.loads(dump(replace(parent.start, run_id=run_id)))
    moment = now()
    run = {
        **{name: parent.run[name] for name in ("question", "model", "strategy", "fingerprint")},
        "run_id": run_id,
        "start": start,
        "parent": parent.run_id,
        "status": "interrupted",
        "stop_reason": None,
        "answer": None,
        "started_at": moment,
        "updated_at": moment,
    }
    numbers = {effect: number for number, effect in enumerate(dict.fromkeys(row["effect"] for row in kept))}
    lines = [
        {
            **row,
            "run_id": run_id,
            "number": number,
            "effect": numbers[row["effect"]],
            # Another agent asks in other words.
            "digest": "" if row["kind"] == "ask" and row["phase"] == "intent" else row["digest"],
            "fence": 1,
        }
        for number, row in enumerate(kept)
    ]
    return Recording(run, tuple(lines))


def _replied(parent: Recording, change: Change, text: str) -> list[Row]:
    rows = _of_step(parent, change.at, "ask")
    if not rows:
        raise ConfigError(f"At step {change.at} of run {parent.run_id!r} no model was asked.")
    outcome = Outcome(_used_before(parent, change.at), reply=Reply(text, model=BY))
    return _with(rows, outcome, "ok")


def _observed(parent: Recording, change: Change, text: str) -> list[Row]:
    asked, acted = _of_step(parent, change.at, "ask"), _of_step(parent, change.at, "act")
    if not acted or not asked:
        raise ConfigError(f"At step {change.at} of run {parent.run_id!r} no action was taken, so none was observed.")
    if any(row["call"] for row in acted) or parent.run["strategy"] == "code":
        raise ConfigError("What a program gave cannot be changed: its variables would not fit. Change the reply.")
    before = next((row["payload"] for row in acted if row["phase"] == "result"), None)
    known = Outcome() if before is None else load(Outcome, json.dumps(before))
    seen = Observation(text, final=bool(known.observation and known.observation.final))
    return asked + _with(acted, replace(known, observation=seen, failed=None), "ok")


def _of_step(parent: Recording, step: int, kind: str) -> list[Row]:
    """The lines of the first model call, or of the actions, of a step."""
    rows = [row for row in parent.effects if row["step"] == step and row["kind"] == kind]
    return [row for row in rows if row["effect"] == rows[0]["effect"] or row["call"]]


def _with(rows: list[Row], outcome: Outcome, kind: str) -> list[Row]:
    """These lines of one effect, with another result."""
    told = json.loads(dump(outcome))
    intent = {**rows[0], "phase": "intent"}
    result: dict[str, Any] = {**intent, "phase": "result", "digest": None, "payload": told, "outcome": kind, "by": BY}
    return [intent, result]


def _used_before(parent: Recording, step: int) -> Usage:
    from agentkit.journal.recordings import usage_of

    return usage_of(tuple(each for each in parent.happened if each.step < step))
