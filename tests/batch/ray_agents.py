"""The agents of Ray's workers: made of environment variables, which the workers of this machine inherit."""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path

from agentkit import Agent, approve_all
from agentkit.flow import Act, Effect, Flow, Perform
from agentkit.journal import Journal
from agentkit.models.base import Request
from agentkit.tools.store import SqlBookingStore
from agentkit.tools.travel import travel_tools
from tests.batch.support import StatelessModel, asked, echo

FOLDER = "AGENTKIT_TEST_FOLDER"


def reply(request: Request) -> str:
    """A flight from London to Paris, for whom and when the question says."""
    seen = [message.text for message in request.messages if message.text.startswith("Observation:")]
    found = re.fullmatch(r"Book (\w+ \w+) a flight (in \d+ days).", asked(request))
    assert found
    who, day = found.groups()
    if not seen:
        where = f'"origin": "London", "destination": "Paris", "date": "{day}"'
        return f"Thought: I look first.\nAction: search_flights\nAction Input: {{{where}}}"
    if len(seen) == 1:
        flight = re.findall(r"\bF\d+", seen[0])[0]
        return f'Action: book_flight\nAction Input: {{"flight_id": "{flight}", "passengers": ["{who}"]}}'
    return f"Final Answer: {re.findall(r'B[0-9]+', seen[1])[0]}"


def dies_once(perform: Perform) -> Perform:
    """A wrapper that kills the worker when a booking is made, before that is written down: the third one, once."""
    folder = Path(os.environ[FOLDER])

    def inner(effect: Effect[object]) -> Flow[object]:
        result = yield from perform(effect)
        if isinstance(effect, Act) and effect.action.tool == "book_flight":
            with (folder / "booked").open("a", encoding="ascii") as file:
                file.write(f"{os.getpid()}\n")
            if len((folder / "booked").read_text(encoding="ascii").splitlines()) == 3:
                os.kill(os.getpid(), signal.SIGKILL)
        return result

    return inner


def store() -> SqlBookingStore:
    return SqlBookingStore(f"sqlite:///{Path(os.environ[FOLDER]) / 'travel.db'}")


def booking_agent() -> Agent:
    """Books, and has its worker killed on the way."""
    return Agent(
        StatelessModel(reply, delay=0.05),
        travel_tools(store()),
        approve=approve_all,
        journal=Journal(),
        wrap=[dies_once],
    )


def echo_agent() -> Agent:
    return Agent(StatelessModel(delay=0.05), journal=Journal())


def other_agent() -> Agent:
    """Not the one that has the batch."""
    return Agent(StatelessModel(echo), travel_tools(store()), journal=Journal())


def agent_elsewhere() -> Agent:
    """Keeps another journal."""
    return Agent(StatelessModel(), journal=Journal(f"sqlite:///{Path(os.environ[FOLDER]) / 'other.db'}"))


def no_agent() -> str:
    return "an agent"
