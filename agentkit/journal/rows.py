"""What the rows of a recording must be like before anything is done with them: a file may have been changed by hand."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TypeAlias, cast, get_args

from agentkit.journal.checks import LONGEST_NAME
from agentkit.journal.records import Phase, Rating, RunStatus

__all__ = ["check_rows"]

Check: TypeAlias = Callable[[object], bool]
_MOST = 2**24  # lines of a run, see agentkit.journal.tables


def _text(value: object) -> bool:
    return isinstance(value, str)


def _name(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= LONGEST_NAME


def _count(value: object) -> bool:
    return type(value) is int and 0 <= value < _MOST


def _object(value: object) -> bool:
    return isinstance(value, dict)


def _told_object(value: object) -> bool:
    return isinstance(value, str) and isinstance(json.loads(value), dict)


def _moment(value: object) -> bool:
    return isinstance(value, str) and datetime.fromisoformat(value).tzinfo is not None


def _names(value: object) -> bool:
    return isinstance(value, dict) and all(map(_text, cast("dict[object, object]", value).values()))


def _one_of(known: object) -> Check:
    return lambda value: value in get_args(known)


def _maybe(check: Check) -> Check:
    return lambda value: value is None or check(value)


# By column: those of all versions, and those that came later, or that some rows lack.
_RUN: Mapping[str, Check] = {
    **dict.fromkeys(("question", "model", "strategy"), _text),
    **dict.fromkeys(("started_at", "updated_at"), _moment),
    **dict.fromkeys(("stop_reason", "answer"), _maybe(_text)),
    "run_id": _name,
    "status": _one_of(RunStatus),
    "fingerprint": _names,
    "start": _object,
}
_RUN_MAY: Mapping[str, Check] = {
    "parent": _name,
    "batch": _name,
    "place": _count,
    "rating": _one_of(Rating),
    "note": _text,
}
_EFFECT: Mapping[str, Check] = {
    **dict.fromkeys(("number", "effect", "step", "call"), _count),
    **dict.fromkeys(("tool", "key", "outcome", "digest"), _maybe(_text)),
    "phase": _one_of(Phase),
    "kind": lambda value: value in ("ask", "act"),
    "at": _moment,
    "fence": _count,
}
_EFFECT_MAY: Mapping[str, Check] = {"payload": _object, "by": _text}
_APPROVAL: Mapping[str, Check] = {
    **dict.fromkeys(("run_id", "key"), _name),
    **dict.fromkeys(("digest", "tool"), _text),
    **dict.fromkeys(("reason", "by"), _maybe(_text)),
    **dict.fromkeys(("at", "asked_at"), _maybe(_moment)),
    "step": _count,
    "arguments": _told_object,
    "granted": lambda value: value in (None, True, False),
}
_APPROVAL_MAY: Mapping[str, Check] = {
    **dict.fromkeys(("edited", "parameters"), _told_object),
    **dict.fromkeys(("preview", "edited_preview", "seal"), _text),
    "called_at": _moment,
}


def check_rows(run: object, effects: Sequence[object], approvals: Sequence[object], agent: object) -> None:
    """See that a recording's parts are what the journal's tables hold.

    Raises:
        ValueError: says which part is not.
    """
    _check("run", run, _RUN, _RUN_MAY)
    for place, row in enumerate(effects):
        _check(f"effects[{place}]", row, _EFFECT, _EFFECT_MAY)
    for place, row in enumerate(approvals):
        _check(f"approvals[{place}]", row, _APPROVAL, _APPROVAL_MAY)
    _check_effects(cast("Sequence[Mapping[str, object]]", effects))
    asked = [(each["run_id"], each["key"], each["digest"]) for each in cast("Sequence[Mapping[str, str]]", approvals)]
    run_id = cast("Mapping[str, str]", run)["run_id"]
    if len(asked) != len(set(asked)) or any(name != run_id for name, *_ in asked):
        raise ValueError("its approvals are not those of one run, each once")
    if agent is not None and not isinstance(agent, dict):
        raise ValueError("agent is no object")


def _check_effects(rows: Sequence[Mapping[str, object]]) -> None:
    numbers = [cast("int", row["number"]) for row in rows]
    if numbers != sorted(set(numbers)):
        raise ValueError("its effects are not in order")
    known: dict[object, object] = {}
    for place, row in enumerate(rows):
        what = row["kind"], row["step"], row["call"], row["tool"]
        if known.setdefault(row["effect"], what) != what:
            raise ValueError(f"effects[{place}] is of another effect than its number says")
        result = cast("Mapping[str, object]", row.get("payload") or {})
        gave = result.get("failed") or result.get("reply" if row["kind"] == "ask" else "observation")
        if row["phase"] == "result" and gave is None:
            raise ValueError(f"effects[{place}].payload is no result of an {row['kind']!r}")


def _check(what: str, row: object, must: Mapping[str, Check], may: Mapping[str, Check]) -> None:
    if not isinstance(row, dict):
        raise ValueError(f"{what} is no object")
    given = cast("dict[str, object]", row)
    checks = {**must, **{name: _maybe(check) for name, check in may.items()}}
    for name, check in checks.items():
        if name not in given and name in must:
            raise ValueError(f"{what} lacks {name!r}")
        if not _passes(check, given.get(name)):
            raise ValueError(f"{what}.{name} cannot be {str(given.get(name))[:40]!r}")


def _passes(check: Check, value: object) -> bool:
    try:
        return check(value)
    except (ValueError, TypeError):  # no time, no JSON; a value that cannot be looked up
        return False
