"""What a disk can do to a journal: it is full, or loses the end of the log in a power cut."""

from __future__ import annotations

import shutil
from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path
from sqlite3 import connect

import pytest
from sqlalchemy import Engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection

from agentkit.journal import Journal, JournalError
from agentkit.models import Request
from agentkit.testing import ScriptedModel
from tests.journal.support import SCRIPT, Crash, World, crash_at


def _next(request: Request) -> str:
    """What SCRIPT says at this point of the conversation."""
    return SCRIPT[sum(message.role == "assistant" for message in request.messages)]


@contextmanager
def full_after(pages: int) -> Generator[None, None, None]:
    """SQLite says "database or disk is full" as soon as a file needs more pages than this."""

    def limit(connection: DBAPIConnection, _record: object) -> None:
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA max_page_count={pages}")
        cursor.close()

    event.listen(Engine, "connect", limit)
    try:
        yield
    finally:
        event.remove(Engine, "connect", limit)


def test_a_full_disk_stops_the_run_before_it_acts_and_it_goes_on_when_there_is_room(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'j.db'}"
    script = ["Thought: " + "on " * 3000 + "\n" + SCRIPT[0], *SCRIPT[1:]]
    with Journal(url) as journal:
        journal.runs()
    with closing(connect(tmp_path / "j.db")) as bare:
        (pages,) = bare.execute("PRAGMA page_count").fetchone()
    with full_after(pages + 1), Journal(url) as journal:
        world = World(journal)
        with pytest.raises(JournalError, match="disk is full"):
            world.agent(script).run("How is it?", run_id="r")
        assert (world.looks, world.posted) == (0, [])
    with Journal(url) as journal:
        world = World(journal)
        assert world.agent(script).resume("r").answer == "fine"
        assert world.posted == ["r:2:0"]


@pytest.mark.parametrize("torn", [False, True])
@pytest.mark.parametrize("lost", [1, 100, 4096, 4097, 10_000, 20_000])
def test_a_log_that_lost_its_end_is_a_run_that_goes_on_from_earlier(tmp_path: Path, lost: int, torn: bool) -> None:
    with Journal(f"sqlite:///{tmp_path / 'j.db'}", lease_seconds=0.001) as journal:
        world = World(journal, idempotent=True)
        with pytest.raises(Crash):
            world.agent(SCRIPT, wrap=[crash_at(3, after=True)]).run("How is it?", run_id="r")
        copy = tmp_path / "copy"
        copy.mkdir()
        for name in ("j.db", "j.db-wal"):  # as they lie there while the journal is open
            shutil.copy(tmp_path / name, copy / name)
    log = copy / "j.db-wal"
    assert log.stat().st_size > lost
    with log.open("r+b") as file:
        if torn:  # the end was being written when the power went
            file.seek(-lost, 2)
            file.write(b"\xa5" * lost)
        else:
            file.truncate(log.stat().st_size - lost)
    with Journal(f"sqlite:///{copy / 'j.db'}") as journal:
        again = World(journal, idempotent=True)
        run = again.agent(ScriptedModel([_next] * 3)).resume("r")
    assert run.answer == "fine" and set(world.posted) | set(again.posted) == {"r:2:0"}
