"""What LangChain's tracers are told, as typed values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID

from langchain_core.tracers import BaseTracer
from langchain_core.tracers import Run as Trace

__all__ = ["Seen", "Tracer"]


@dataclass(frozen=True, slots=True)
class Seen:
    """A traced run with its children, in the order in which they began."""

    id: UUID
    parent: UUID | None
    name: str
    kind: str
    inputs: dict[str, object]
    outputs: dict[str, object]
    error: str
    tags: tuple[str, ...]
    metadata: dict[str, object]
    children: tuple[Seen, ...]

    @property
    def kinds(self) -> list[str]:
        return [child.kind for child in self.children]


class Tracer(BaseTracer):
    """Keeps every finished root run."""

    def __init__(self) -> None:
        super().__init__()
        self.roots: list[Seen] = []

    def _persist_run(self, run: Trace) -> None:
        self.roots.append(_seen(run))

    @property
    def root(self) -> Seen:
        """The only one."""
        (found,) = self.roots
        return found


def _seen(run: Any) -> Seen:  # Any: the fields of a trace are not typed
    return Seen(
        id=run.id,
        parent=run.parent_run_id,
        name=run.name,
        kind=run.run_type,
        inputs=dict(run.inputs),
        outputs=dict(run.outputs or {}),
        error=run.error or "",
        tags=tuple(run.tags or ()),
        metadata=dict(run.extra.get("metadata", {})),
        children=tuple(_seen(child) for child in sorted(cast("list[Trace]", run.child_runs), key=_began)),
    )


def _began(run: Trace) -> str:
    return run.dotted_order
