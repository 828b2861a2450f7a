"""The runs of a batch: found again by their places, if they answer the questions that the batch goes on with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

from agentkit.errors import ConfigError
from agentkit.journal.records import RunStatus, storable

if TYPE_CHECKING:
    from agentkit.journal.secrets import Masks
    from agentkit.journal.store import Store

__all__ = ["is_same", "known_places"]


def known_places(store: Store, batch: str, questions: Mapping[int, str], masks: Masks) -> dict[int, RunStatus]:
    """Which of these places of a batch have a run, and how it stands.

    Raises:
        ConfigError: a place has another question.
    """
    found: dict[int, RunStatus] = {}
    for row in store.places(batch, min(questions), max(questions)):
        place = cast("int", row["place"])
        if place in questions and not is_same(row["question"], questions[place], masks):
            raise ConfigError(
                f"Batch {batch!r} has another question at place {place} ({row['question'][:60]!r}, and now "
                f"{questions[place][:60]!r}): a batch goes on with the questions that it began with. Other "
                "questions are another batch, with another name."
            )
        found[place] = cast("RunStatus", row["status"])
    return found


def is_same(known: str, question: str, masks: Masks) -> bool:
    """Whether a question is the one that the journal knows."""
    return storable(known) == storable(masks.text(question))
