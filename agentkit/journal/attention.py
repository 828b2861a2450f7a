"""Actions of which nobody knows whether they happened: what a person is asked, and what is written of the answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentkit.errors import ConfigError, JournalError
from agentkit.journal.leases import new_owner, user
from agentkit.journal.records import ATTENTION, Attention, Outcome, Phase, dump, load, storable
from agentkit.messages import Action, Observation

if TYPE_CHECKING:
    from agentkit.journal.secrets import Masks
    from agentkit.journal.store import Store

__all__ = ["attention_of", "resolve"]


def attention_of(store: Store, run_id: str) -> Attention | None:
    """The action that a run needs an answer for, if it does."""
    asked = store.open_question(run_id)
    if asked is None or store.run(run_id).status != "needs_attention":
        return None
    row, _ = asked
    action = load(Action, row["payload"])
    why = ATTENTION.get(row["outcome"], "")
    return Attention(run_id, row["step"], action.tool, action.input, row["key"], row["at"], why)


def resolve(store: Store, run_id: str, seen: Observation | None, masks: Masks) -> None:
    """Write down what came of that action; None: it did not happen, and is to be done (again).

    Raises:
        ConfigError: it cannot be done again.
        JournalError: the run needs no attention, or there is no such run.
    """
    if (attention := attention_of(store, run_id)) is None:
        raise JournalError(f"Run {run_id!r} needs no attention.")
    if seen is None and attention.why == ATTENTION["secret"]:
        raise ConfigError(f"{attention.why} (resolve takes it as result=…)")
    lease = store.take(run_id, new_owner())
    try:
        asked = store.open_question(run_id)
        if asked is None:
            raise JournalError(f"Run {run_id!r} was resolved just now.")
        last, number = asked
        told = None if seen is None else masks.json(dump(Outcome(observation=seen)))
        lines, kind = store.lines(lease), None if seen is None else seen.kind
        phase: Phase = "retry" if seen is None else "result"
        what, by = (last["step"], last["call"], last["tool"]), storable(user())
        lines.append(lines.line(number, last["effect"], phase, what, (kind, None, told), by), durable=True)
    finally:
        store.release(lease)
