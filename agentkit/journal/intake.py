"""A recording without what a journal must not hold: it may come from one that keeps more, or from a person's hand."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, cast

from agentkit.journal.digests import digest
from agentkit.journal.recordings import Recording, Row
from agentkit.journal.records import json_text
from agentkit.journal.secrets import Masks

__all__ = ["masked"]

_DATA = {"start", "origin", "payload"}
_JSON_TEXTS = {"arguments", "edited", "parameters"}
# Names, hashes and times; and what people are called.
_AS_THEY_ARE = {"run_id", "fingerprint", "digest", "seal", "key", "parent", "batch", "model", "strategy", "by", "tool"}


def masked(recording: Recording, masks: Masks) -> Recording:
    """The recording with its secrets masked, to be resumed as it is: where there are none, the recording itself.

    A person's answer to an approval whose texts are masked does not count any more: the run asks anew.
    """
    run = _row(recording.run, masks)
    effects = tuple(_row(row, masks) for row in recording.effects)
    approvals = tuple(_row(row, masks) for row in recording.approvals)
    agent = cast("Any", _data(recording.agent, masks))
    made = replace(recording, run=run, effects=effects, approvals=approvals, agent=agent)
    if made == recording:
        return recording
    pairs = zip(effects, recording.effects, strict=True)
    return replace(made, effects=tuple(_with_digest(row, before) for row, before in pairs))


def _row(row: Row, masks: Masks) -> Row:
    return {name: _change(name, masks)(value) for name, value in row.items()}


def _change(name: str, masks: Masks) -> Callable[[Any], Any]:
    if name in _DATA:
        return lambda value: _data(value, masks)
    if name in _AS_THEY_ARE:
        return lambda value: value
    text = partial(masks.json, names=True) if name in _JSON_TEXTS else masks.text
    return lambda value: text(value) if isinstance(value, str) else value


def _data(value: object, masks: Masks) -> object:
    text = json_text(value)
    told = masks.json(text)
    return value if told == text else json.loads(told)


def _with_digest(row: Row, before: Row) -> Row:
    """What is wanted is known again by its hash, and a run that goes on from masked texts wants something else. (What a
    model is asked is not in a recording, and any call is taken for it.)"""
    if row["phase"] == "result":
        return row
    if row["kind"] == "ask":
        return {**row, "digest": ""}
    if row["payload"] == before["payload"]:
        return row
    wanted = cast("Mapping[str, object]", row["payload"])
    tool, given = json_text(wanted["tool"]), json_text(wanted["input"])
    return {**row, "digest": digest(tool, given, row["step"], row["call"])}
