"""A booking that waits for approval, killed anywhere: `python -m tests.journal.parked_run FOLDER`.

Three kinds of process, each of which may die (SIGKILL) before and after each commit: one begins the run and parks it,
one approves, one carries on. Prints what each way left behind.
"""

from __future__ import annotations

import json
import os
import re
import signal
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from agentkit import Agent
from agentkit.journal import Journal
from agentkit.models import Request
from agentkit.testing import ScriptedModel
from agentkit.tools.store import SqlBookingStore
from agentkit.tools.travel import travel_tools
from tests.journal.booking_run import DAY, Place, beside, child, left_behind, wait
from tests.journal.boundaries import at_boundaries

QUESTION = "Book Ann Lee to Paris."


def found_flight(place: Place) -> str:
    """A flight that can be booked, as the travel tools find it."""
    store = SqlBookingStore(place.store)
    where = f'{{"origin": "London", "destination": "Paris", "date": "{DAY}"}}'
    model = ScriptedModel([f"Action: search_flights\nAction Input: {where}", "Final Answer: there"])
    (step, _) = Agent(model, travel_tools(store)).run("Which flights are there?").steps
    store.close()
    assert step.observation is not None
    found = re.search(r"\bF\d+", step.observation.text)
    assert found is not None
    return found[0]


def script(flight: str) -> Callable[[Request], str]:
    """What the model says next, told by the conversation alone."""

    def reply(request: Request) -> str:
        seen = [message.text for message in request.messages if message.text.startswith("Observation:")]
        if seen:
            return f"Final Answer: {seen[0]}"
        return f'Action: book_flight\nAction Input: {{"flight_id": "{flight}", "passengers": ["Ann Lee"]}}'

    return reply


def next_part(place: Place, flight: str) -> None:
    """What comes next for the run: it is begun, approved (with another name), or carried on."""
    store = SqlBookingStore(place.store)
    with Journal(place.journal) as journal:
        model = ScriptedModel([script(flight)] * 2)
        agent = Agent(model, travel_tools(store), on_approval="park", journal=journal)
        if not journal.runs():
            agent.run(QUESTION, run_id="trip")
        elif waiting := journal.pending():
            journal.approve("trip", {**waiting[0].arguments, "passengers": ["Bea Lee"]}, by="Eve")
        else:
            agent.resume("trip")
    store.close()


def dying(place: Place, flight: str, number: int, passed: int) -> Callable[[], None]:
    """One part, dying at a boundary of the journal; the boundaries of all parts are counted on."""

    def work() -> None:
        count = passed

        def boundary() -> None:
            nonlocal count
            if count == number:
                os.kill(os.getpid(), signal.SIGKILL)
            count += 1
            (place.folder / "passed").write_text(str(count))

        at_boundaries(place.journal, boundary)
        next_part(place, flight)

    return work


def ended(place: Place) -> bool:
    with Journal(place.journal) as journal:
        return any(run.status == "ended" for run in journal.runs())


def killed_once(place: Place, flight: str, number: int) -> bool:
    """All parts, one of which dies at this boundary and is done again. Whether there was such a boundary."""
    passed, died = 0, False
    while not ended(place):
        part = partial(next_part, place, flight) if died else dying(place, flight, number, passed)
        code = wait(child(part))
        assert code in (0, -signal.SIGKILL), code
        died = died or code != 0
        if not died:
            passed = int((place.folder / "passed").read_text())
    return died


def main(folder: str) -> None:
    base = Path(folder)
    template = Place(base / "template").make()
    flight = found_flight(template)
    warm = beside(template, "warm")
    while not ended(warm):
        next_part(warm, flight)  # loads and builds all that the children will need
    ended(template)  # makes the tables

    found: list[dict[str, object]] = []
    whole: dict[str, object] = {}
    while not whole:
        place = beside(template, f"boundary-{len(found)}")
        died = killed_once(place, flight, len(found))
        left = left_behind(place)
        if died:
            found.append(left)
        else:
            whole = left  # past the last boundary: nobody was killed
        place.discard()
    sys.stdout.write(json.dumps({"whole": whole, "boundaries": found}))


if __name__ == "__main__":
    main(*sys.argv[1:])
