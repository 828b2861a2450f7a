"""A crash at the worst moment, and what becomes of it: the flight is booked, and the process dies before it knows.

Run it twice: python examples/crash_and_resume.py [FOLDER] (offline, the model follows a script)
The first time it is killed right after the booking. The second time it carries on: one booking, and not two.
A third time shows that a run that has ended comes back from the journal, without a model or a tool.
"""

from __future__ import annotations

import os
import re
import signal
import sys
import tempfile
from pathlib import Path

from agentkit import Agent, Run, approve_all
from agentkit.flow import Act, Effect, Flow, Perform
from agentkit.journal import Journal
from agentkit.models import Request
from agentkit.testing import ScriptedModel
from agentkit.tools.store import SqlBookingStore
from agentkit.tools.travel import travel_tools

QUESTION = "Book Ann Lee the cheapest flight from London to Paris in ten days."


def reply(request: Request) -> str:
    """What the model says, told by the conversation alone: so it can be asked before and after a crash."""
    print("model: asked")
    seen = [message.text for message in request.messages if message.text.startswith("Observation:")]
    if not seen:
        where = '"origin": "London", "destination": "Paris", "date": "in 10 days"'
        return f"Thought: I look first.\nAction: search_flights\nAction Input: {{{where}}}"
    if len(seen) == 1:
        flight = re.findall(r"\bF\d+", seen[0])[0]
        who = f'"flight_id": "{flight}", "passengers": ["Ann Lee"]'
        return f"Thought: The cheapest is {flight}.\nAction: book_flight\nAction Input: {{{who}}}"
    return f"Thought: Done.\nFinal Answer: {seen[1].removeprefix('Observation: ')}"


def dies_after_booking(perform: Perform) -> Perform:
    """A wrapper that kills the process when the booking is made, before its result is written down."""

    def inner(effect: Effect[object]) -> Flow[object]:
        result = yield from perform(effect)
        if isinstance(effect, Act) and effect.action.tool == "book_flight":
            print("tool: booked, and now the power goes", flush=True)
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    return inner


def carried_on(folder: Path, store: SqlBookingStore, journal: Journal) -> Run:
    """Begin the run, or resume it."""
    begun = any(run.run_id == "trip" for run in journal.runs())
    agent = Agent(
        ScriptedModel([reply] * 3),
        travel_tools(store),
        approve=approve_all,
        journal=journal,
        wrap=[] if begun else [dies_after_booking],
    )
    print(f"{'resuming' if begun else 'beginning'} the run in {folder}", flush=True)
    return agent.resume("trip") if begun else agent.run(QUESTION, run_id="trip")


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(tempfile.gettempdir()) / "agentkit-crash"
    store = SqlBookingStore(f"sqlite:///{folder / 'travel.db'}")
    with Journal(f"sqlite:///{folder / 'journal.db'}") as journal:
        run = carried_on(folder, store, journal)
    print(f"answer: {run.answer}")
    for booking in store.bookings():
        print(f"booking {booking.id} for {' and '.join(booking.names)}, key {booking.key}")
    store.close()


if __name__ == "__main__":
    main()
