"""A booking run by programs that can be killed anywhere: `python -m tests.journal.booking_programs FOLDER EVERY`.

As `booking_run`, with strategy "code": some calls side by side, two bookings by one program, and variables of one
program that another uses. Killed at every EVERYth boundary of the journal: each run starts a sandbox of its own, which
takes its time.
"""

from __future__ import annotations

import json
import signal
import sys
from functools import partial
from pathlib import Path

from agentkit import Agent, approve_all
from agentkit.journal import Journal
from agentkit.models import Request
from agentkit.testing import ScriptedModel
from agentkit.tools.store import SqlBookingStore
from agentkit.tools.travel import travel_tools
from tests.journal.booking_run import BACK, DAY, Place, beside, child, killed_at_boundary, left_behind, wait

PROGRAMS = [
    f"""
import re
def first(letter, text):
    return re.search(rf"\\b{{letter}}\\d+\\b", text)[0]
there, hotels, back = gather([
    (search_flights, "London", "Paris", "{DAY}"),
    (search_hotels, "Paris", "{DAY}", 2),
    (search_flights, "Paris", "London", "{BACK}"),
])
""",
    """
flight = first("B", book_flight(first("F", there), ["Ann Lee"]))
hotel = first("B", book_hotel(first("H", hotels), "Ann Lee"))
""",
    """
home = first("B", book_flight(first("F", back), ["Ann Lee"]))
cancel_booking(hotel)
final_answer(f"{flight} and {home}")
""",
]


def reply(request: Request) -> str:
    said = sum(message.role == "assistant" for message in request.messages)
    return f"I go on.\n```python{PROGRAMS[said]}```"


def drive(place: Place) -> None:
    """Begin the run, or carry it on."""
    store = SqlBookingStore(place.store)
    with Journal(place.journal) as journal:
        model = ScriptedModel([reply] * 20)
        with Agent(model, travel_tools(store), strategy="code", approve=approve_all, journal=journal) as agent:
            if any(run.run_id == "trip" for run in journal.runs()):
                agent.resume("trip")
            else:
                agent.run("Book Ann Lee to Paris and back, with a hotel; then cancel the hotel.", run_id="trip")
    store.close()


def finish(place: Place) -> dict[str, object]:
    code = wait(child(partial(drive, place)))
    assert code == 0, f"a resumed run ended with {code}"
    return left_behind(place)


def main(folder: str, every: str) -> None:
    template = Place(Path(folder) / "template").make()
    warm = Place(Path(folder) / "warm").make()
    drive(warm)  # loads and builds what the children will need
    left_behind(warm)

    def prepare() -> None:
        with Journal(template.journal) as journal:
            journal.runs()
        store = SqlBookingStore(template.store)
        store.bookings()
        store.close()

    assert wait(child(prepare)) == 0
    whole = finish(beside(template, "whole"))
    killed: dict[int, dict[str, object]] = {}
    number = 0
    while True:
        place = beside(template, f"boundary-{number}")
        code = wait(child(killed_at_boundary(drive, place, number)))
        if code == 0:
            break
        assert code == -signal.SIGKILL, code
        killed[number] = finish(place)
        place.discard()
        number += int(every)
    sys.stdout.write(json.dumps({"whole": whole, "killed": killed}))


if __name__ == "__main__":
    main(*sys.argv[1:])
