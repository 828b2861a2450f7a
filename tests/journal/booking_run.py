"""A booking run that can be killed anywhere: `python -m tests.journal.booking_run FOLDER KILLS SEED [POSTGRES_URL]`.

A process that has everything loaded forks a child for each run, so that one costs milliseconds and not a second of
imports. The child does a real booking run: journal and travel store in SQLite files or on a PostgreSQL server, and a
scripted model. It is killed with SIGKILL, another child resumes the run (and may be killed as well), until it has
ended. Prints what each left behind.
"""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from agentkit import Agent, approve_all
from agentkit.journal import Journal
from agentkit.models import Request
from agentkit.testing import ScriptedModel
from agentkit.tools.store import SqlBookingStore
from agentkit.tools.travel import travel_tools
from tests.journal.boundaries import at_boundaries

QUESTION = "Book Ann Lee to Paris and back, with a hotel; then cancel the hotel."
DAY, BACK = "in 10 days", "in 12 days"


def reply(request: Request) -> str:
    """What the model says next, told by the conversation alone: it has no memory that a crash could lose."""
    said = [message.text for message in request.messages]
    seen = [text for text in said if text.startswith("Observation:")]
    match len(seen):
        case 0:
            return _search("London", "Paris", DAY)
        case 1:
            return _book("book_flight", "flight_id", "F", seen[0], '"passengers": ["Ann Lee"]')
        case 2:
            return f'Action: search_hotels\nAction Input: {{"city": "Paris", "check_in": "{DAY}", "nights": 2}}'
        case 3:
            return _book("book_hotel", "hotel_id", "H", seen[2], '"guest": "Ann Lee"')
        case 4:
            return _search("Paris", "London", BACK)
        case 5:
            return _book("book_flight", "flight_id", "F", seen[4], '"passengers": ["Ann Lee"]')
        case 6:
            return f'Action: cancel_booking\nAction Input: {{"booking_id": "{_id("B", seen[3])}"}}'
        case _:
            return f"Final Answer: {_id('B', seen[1])} and {_id('B', seen[5])}"


def _search(start: str, end: str, day: str) -> str:
    return f'Action: search_flights\nAction Input: {{"origin": "{start}", "destination": "{end}", "date": "{day}"}}'


def _book(tool: str, argument: str, letter: str, found: str, who: str) -> str:
    return f'Action: {tool}\nAction Input: {{"{argument}": "{_id(letter, found)}", {who}}}'


def _id(letter: str, text: str) -> str:
    found = re.search(rf"\b{letter}\d+\b", text)
    assert found, text
    return found[0]


@dataclass(frozen=True)
class Place:
    """Where the databases of one run are: in a folder, or on a server, where each has a name."""

    folder: Path
    server: str = ""

    @property
    def journal(self) -> str:
        return self._url("journal")

    @property
    def store(self) -> str:
        return self._url("travel")

    def _url(self, what: str) -> str:
        if not self.server:
            return f"sqlite:///{self.folder / what}.db"
        return self.server.removesuffix("postgres") + self._name(what)

    def _name(self, what: str) -> str:
        return f"{what}_{self.folder.name}".replace("-", "_")

    def make(self, template: Place | None = None) -> Place:
        """A place with empty databases, or copies of those of another, to spare each run the making of tables."""
        if template is None or self.server:
            self.folder.mkdir()
        else:
            shutil.copytree(template.folder, self.folder)
        for what in ("journal", "travel"):
            copied = "" if template is None else f" TEMPLATE {template._name(what)}"
            self._tell(f"CREATE DATABASE {self._name(what)}{copied}")
        return self

    def discard(self) -> None:
        shutil.rmtree(self.folder)
        for what in ("journal", "travel"):
            self._tell(f"DROP DATABASE {self._name(what)} WITH (FORCE)")

    def _tell(self, sql: str) -> None:
        if self.server:
            import psycopg

            with psycopg.connect(self.server.replace("+psycopg", ""), autocommit=True) as connection:
                connection.execute(sql.encode())


def drive(place: Place) -> None:
    """Begin the run, or carry it on."""
    store = SqlBookingStore(place.store)
    with Journal(place.journal) as journal:
        agent = Agent(ScriptedModel([reply] * 20), travel_tools(store), approve=approve_all, journal=journal)
        if any(run.run_id == "trip" for run in journal.runs()):
            agent.resume("trip")
        else:
            agent.run(QUESTION, run_id="trip")
    store.close()


def left_behind(place: Place) -> dict[str, object]:
    """All that the run did to the world, and its answer."""
    store = SqlBookingStore(place.store)
    with Journal(place.journal) as journal:
        run = journal.run("trip")
    bookings = [[b.id, b.key, list(b.names), b.total, b.status, b.item.id] for b in store.bookings()]
    left = [store.offer(booking.item.id).left for booking in store.bookings()]
    store.close()
    return {"bookings": bookings, "left": left, "answer": run.answer, "status": run.status}


def child(work: Callable[[], None]) -> int:
    """Do it in a fork; its process id."""
    pid = os.fork()
    if pid:
        return pid
    try:
        work()
    except BaseException as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        os._exit(1)
    os._exit(0)


def killed_at_boundary(run: Callable[[Place], None], place: Place, number: int) -> Callable[[], None]:
    """A run, dying at a boundary of its journal."""

    def work() -> None:
        passed = -1

        def boundary() -> None:
            nonlocal passed
            passed += 1
            if passed == number:
                os.kill(os.getpid(), signal.SIGKILL)

        at_boundaries(place.journal, boundary)
        run(place)

    return work


def wait(pid: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def finish(place: Place) -> None:
    """Resume until it ends; nobody kills any more."""
    code = wait(child(partial(drive, place)))
    assert code == 0, f"a resumed run ended with {code}"


def at_every_boundary(template: Place) -> list[dict[str, object]]:
    """Kill at boundary 0, 1, 2, ... until a run gets through."""
    found: list[dict[str, object]] = []
    while True:
        place = beside(template, f"boundary-{len(found)}")
        code = wait(child(killed_at_boundary(drive, place, len(found))))
        if code == 0:
            return found
        assert code == -signal.SIGKILL
        finish(place)
        found.append(left_behind(place))
        place.discard()


def at_random(template: Place, kills: int, seed: int, seconds: float) -> list[dict[str, object]]:
    """Kill at random moments: each run up to three times, so that resuming is killed as well."""
    chance = random.Random(seed)
    found: list[dict[str, object]] = []
    done = 0
    while done < kills:
        place = beside(template, f"random-{len(found)}")
        for _ in range(3):
            pid = child(partial(drive, place))
            time.sleep(chance.uniform(0, seconds))
            os.kill(pid, signal.SIGKILL)
            died = wait(pid) == -signal.SIGKILL
            done += died
            seconds *= 1.05 if died else 0.8  # the machine may be busier or less busy than it was
        finish(place)
        found.append(left_behind(place))
        place.discard()
    return found


def beside(template: Place, name: str) -> Place:
    """A copy of the databases before the run."""
    return Place(template.folder.parent / name, template.server).make(template)


def main(folder: str, kills: str, seed: str, server: str = "") -> None:
    base = Path(folder)
    template = Place(base / "template", server).make()
    warm = Place(base / "warm").make()
    drive(warm)  # loads and builds all that the children will need
    left_behind(warm)
    if server:
        import psycopg  # noqa: F401  # pyright: ignore[reportUnusedImport] - so that no child need load it

    def prepare() -> None:
        with Journal(template.journal) as journal:
            journal.runs()
        store = SqlBookingStore(template.store)
        store.bookings()
        store.close()

    assert wait(child(prepare)) == 0
    whole = beside(template, "whole")
    began = time.monotonic()
    finish(whole)
    seconds = time.monotonic() - began
    told = {
        "whole": left_behind(whole),
        "boundaries": at_every_boundary(template),
        "random": at_random(template, int(kills), int(seed), seconds),
    }
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main(*sys.argv[1:])
