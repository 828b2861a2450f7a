"""Approval that outlives the process: a booking waits until somebody has said yes, however long that takes.

    python examples/approve_later.py            begins the run, which is parked before it books; the process ends
    python examples/approve_later.py approve    somebody agrees, in a process of its own
                                                (or: approve "Bea Lee", for another passenger; or: deny "Too early.")
    python examples/approve_later.py            carries on: the flight is booked, once

Offline: the model follows a script. FOLDER in the environment says where the databases are.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
from pathlib import Path

from agentkit import Agent
from agentkit.journal import Journal
from agentkit.models import Request
from agentkit.testing import ScriptedModel
from agentkit.toolbox import Toolbox
from agentkit.tools.store import SqlBookingStore
from agentkit.tools.travel import travel_tools

QUESTION = "Book Ann Lee the cheapest flight from London to Paris in ten days."


def reply(request: Request) -> str:
    """What the model says, told by the conversation alone: so any process can ask it."""
    seen = [message.text for message in request.messages if message.text.startswith("Observation:")]
    if not seen:
        where = '"origin": "London", "destination": "Paris", "date": "in 10 days"'
        return f"Thought: I look first.\nAction: search_flights\nAction Input: {{{where}}}"
    if len(seen) == 1:
        flight = re.findall(r"\bF\d+", seen[0])[0]
        who = f'"flight_id": "{flight}", "passengers": ["Ann Lee"]'
        return f"Thought: The cheapest is {flight}.\nAction: book_flight\nAction Input: {{{who}}}"
    return f"Thought: Done.\nFinal Answer: {seen[1].removeprefix('Observation: ')}"


def carry_on(journal: Journal, store: SqlBookingStore) -> None:
    """Begin the run, or resume it."""
    agent = Agent(ScriptedModel([reply] * 3), travel_tools(store), on_approval="park", journal=journal)
    begun = any(run.run_id == "trip" for run in journal.runs())
    run = agent.resume("trip") if begun else agent.run(QUESTION, run_id="trip")
    print(f"stopped: {run.stop_reason}")
    for waiting in journal.pending("trip"):
        print(f"waits since {waiting.asked_at}: {waiting.tool} {dict(waiting.arguments)}\n  {waiting.preview}")
    if run.answer is not None:
        print(f"answer: {run.answer}")


def main(words: list[str]) -> None:
    folder = Path(os.environ.get("FOLDER") or Path(tempfile.gettempdir()) / "agentkit-approve")
    store = SqlBookingStore(f"sqlite:///{folder / 'travel.db'}")
    with Journal(f"sqlite:///{folder / 'journal.db'}") as journal:
        match words:
            case []:
                carry_on(journal, store)
            case ["approve"]:
                journal.approve("trip")
            case ["approve", passenger]:
                waiting = journal.waiting("trip")
                wanted = {**waiting.arguments, "passengers": [passenger]}
                changed = journal.edited(waiting, wanted, Toolbox(travel_tools(store)))
                print(f"that is: {changed.preview}")
                journal.approve("trip", changed.arguments, preview=changed.preview, shown=waiting)
            case ["deny", reason]:
                journal.deny("trip", reason)
            case _:
                sys.exit(__doc__)
    for booking in store.bookings():
        print(f"booking {booking.id} for {' and '.join(booking.names)}, key {booking.key}")
    store.close()


if __name__ == "__main__":
    main(sys.argv[1:])
