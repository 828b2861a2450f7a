"""One task played through the whole agent: by the expert, whose messages become a trace, or by a model to be judged."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import cast

from agentkit import Agent, Limits
from agentkit.approval import Approval, ApprovalRequest
from agentkit.interpreter import Interpreter, default_interpreter
from agentkit.messages import Message, Run
from agentkit.models import Model
from agentkit.models.base import Request
from agentkit.models.local import EDITION
from agentkit.registry_import import load_tools
from agentkit.testing import ScriptedModel
from agentkit.tools.booking import Booking, StoreUnavailable
from agentkit.tools.inventory import Inventory
from agentkit.tools.store import SqlBookingStore
from agentkit.tools.travel import travel_tools
from training.travel_experts import Expert
from training.travel_world import Task

__all__ = ["TOOLSETS", "Played", "play_calculation", "play_problem", "play_travel"]

TOOLSETS = {
    "travel": (
        "book_flight", "book_hotel", "cancel_booking", "get_booking", "list_bookings", "search_flights", "search_hotels"
    ),
    "demo": ("search_flights", "book_flight"),
}  # fmt: skip
"""What `run-agent -t travel` and the demo give the agent, in this order."""
_MEMORY = Path("/dev/shm")  # noqa: S108 - thousands of small databases are made and thrown away
MAX_STEPS = 10


@dataclass(frozen=True, slots=True)
class Played:
    """What came of it.

    Attributes:
        messages: all that the model read and wrote, its last reply included.
        before, after: the bookings in the database.
    """

    run: Run
    messages: tuple[Message, ...]
    before: tuple[Booking, ...] = ()
    after: tuple[Booking, ...] = ()

    @property
    def new(self) -> list[Booking]:
        """The bookings that were made."""
        known = {booking.id for booking in self.before}
        return [booking for booking in self.after if booking.id not in known]


class _Expert(ScriptedModel):
    """Stands where the embedded model will stand, and reads what it will read."""

    prompts = EDITION


class _Broken(SqlBookingStore):
    """A store whose system does not answer."""

    text = ""

    def flights(self, *_: object) -> list[object]:  # type: ignore[override]
        raise StoreUnavailable(self.text)


def play_travel(
    task: Task, inventory: Inventory, tools: Sequence[str], run_id: str, model: Model | None = None
) -> Played:
    """Play a travel task on a database of its own; by the expert where no model is given."""
    with TemporaryDirectory(dir=_MEMORY if _MEMORY.is_dir() else None) as folder:
        store = (_Broken if task.broken else SqlBookingStore)(f"sqlite:///{folder}/travel.db", inventory)
        if isinstance(store, _Broken):
            store.text = task.broken or ""
        try:
            ids = _prior_bookings(store, task, run_id)
            before = tuple(SqlBookingStore.bookings(store))
            by_name = {tool.name: tool for tool in travel_tools(store)}
            first = [task.faulty] if task.faulty else []
            player = model or _scripted(_placed(task.expert(), ids), first)
            run, messages = _run(
                player, task.question.replace("{ids[0]}", ids), [by_name[name] for name in tools], run_id, task.refusal
            )
            return Played(run, messages, before, tuple(SqlBookingStore.bookings(store)))
        finally:
            store.close()


def play_problem(question: str, program: str, run_id: str, model: Model | None = None) -> Played:
    """Play a word problem."""
    player = model or _Expert([f"```python\n{program}\n```"], name="expert")
    limits = Limits(seconds=60)
    with Agent(player, strategy="pal", limits=limits, interpreter=_sandbox(), journal=None) as agent:
        return Played(*_watched(agent, question, run_id))


def play_calculation(question: str, expert: Expert, run_id: str, model: Model | None = None) -> Played:
    """Play a question that the calculator answers."""
    tools = load_tools(("calculator", "python"))
    return Played(*_run(model or _scripted(expert), question, tools, run_id, None))


@cache
def _sandbox() -> Interpreter:
    """One for all problems of this process."""
    return default_interpreter()


def _prior_bookings(store: SqlBookingStore, task: Task, run_id: str) -> str:
    """Book what is booked before; the id of the first."""
    ids: list[str] = []
    for n, prior in enumerate(task.priors):
        offer = prior.offer
        where = {city.code: city for city in store.cities()}
        if offer.kind == "flight":
            shown = store.flights(where[offer.origin], where[offer.destination], offer.departs.date())
            found = next(each for each in shown if each.departs == offer.departs)
            ids.append(store.book(found.id, prior.names, f"{run_id} prior {n}").id)
        else:
            stays = store.stays(where[offer.city], offer.check_in, offer.nights)
            ids.append(store.book(next(s.id for s in stays if s.hotel == offer.hotel), prior.names, f"{run_id} {n}").id)
    return ids[0] if ids else ""


def _placed(expert: Expert, ids: str) -> Expert:
    """The expert, with the id of the prior booking where it says its placeholder."""
    try:
        said = next(expert)
        while True:
            seen = yield said.replace("{ids[0]}", ids)
            said = expert.send(seen)
    except StopIteration as end:
        return cast("str", end.value).replace("{ids[0]}", ids)


def _scripted(expert: Expert, first: Sequence[str] = ()) -> ScriptedModel:
    """The expert as a model: each reply is made from the observation in the last message."""
    started: list[bool] = []

    def reply(request: Request) -> str:
        seen = request.messages[-1].text.removeprefix("Observation: ")
        try:
            if started:
                return expert.send(seen)
            started.append(True)
            return next(expert)
        except StopIteration as end:
            return cast("str", end.value)

    return _Expert([*first, *[reply] * MAX_STEPS], name="expert")


def _run(
    model: Model, question: str, tools: Sequence[object], run_id: str, refusal: str | None
) -> tuple[Run, tuple[Message, ...]]:
    def approve(_: ApprovalRequest) -> Approval:
        return Approval(refusal is None, refusal or "")

    agent = Agent(
        model, cast("Sequence[Callable[..., object]]", tools), approve=approve,
        limits=Limits(max_steps=MAX_STEPS, seconds=None), journal=None,
    )  # fmt: skip
    with agent:
        return _watched(agent, question, run_id)


def _watched(agent: Agent, question: str, run_id: str) -> tuple[Run, tuple[Message, ...]]:
    """The run, and the conversation as the model read it, with its last reply."""
    from agentkit.conversation import rendered

    opening = agent.opening(question)
    run = agent.run(question, run_id=run_id)
    prompts = agent._assembly.plan.prompts
    return run, (*opening, *(message for step in run.steps for message in rendered(step, prompts)))


def facts(text: str) -> set[str]:
    """The ids and prices that a text tells."""
    return set(re.findall(r"\b[FHB]\d{3,}\b|\$\d+", text))
