"""The database is locked, gone, or gone and back while a run goes on: nothing is done that is not written down."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from sqlite3 import connect

import pytest

from agentkit import Agent
from agentkit.journal import Journal, JournalError
from agentkit.models import Request
from agentkit.testing import ScriptedModel
from tests.journal.support import SCRIPT, World
from tests.postgres import PostgresServer


def agent(world: World, *happenings: Callable[[], object]) -> Agent:
    """Says SCRIPT by where the conversation stands; before its second reply something happens."""
    left = list(happenings)

    def say(request: Request) -> str:
        said = sum(message.role == "assistant" for message in request.messages)
        if said == 1 and left:
            left.pop(0)()
        return SCRIPT[said]

    return world.agent(ScriptedModel([say] * 10))


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    if PostgresServer.missing():
        pytest.skip("PostgreSQL or psycopg is not installed")
    with tempfile.TemporaryDirectory() as folder:
        made = PostgresServer(Path(folder))
        made.start()
        yield made
        made.stop()


def test_a_database_that_stays_locked_stops_the_run_before_it_acts(tmp_path: Path) -> None:
    file = tmp_path / "j.db"
    with Journal(f"sqlite:///{file}?timeout=0.2") as journal, closing(connect(file)) as other:
        world = World(journal)
        with pytest.raises(JournalError, match="database is locked"):
            agent(world, lambda: other.execute("BEGIN IMMEDIATE")).run("How is it?", run_id="r")
        assert world.posted == []
        other.rollback()
        assert agent(world).resume("r").answer == "fine"
        assert world.posted == ["r:2:0"]


def test_a_file_that_was_taken_away_stops_the_run_before_it_acts(tmp_path: Path) -> None:
    folder, away = tmp_path / "here", tmp_path / "away"
    folder.mkdir()
    with Journal(f"sqlite:///{folder / 'j.db'}") as journal:
        world = World(journal)
        with pytest.raises(JournalError, match="unable to open database file"):
            agent(world, lambda: folder.rename(away)).run("How is it?", run_id="r")
        assert world.posted == []
        away.rename(folder)
        assert agent(world).resume("r").answer == "fine"
        assert world.posted == ["r:2:0"]


def test_a_server_that_was_restarted_is_gone_on_with(server: PostgresServer) -> None:
    def restart() -> None:
        server.stop()
        server.start()

    with Journal(server.url) as journal:
        world = World(journal)
        assert agent(world, restart).run("How is it?", run_id="r").answer == "fine"
        assert world.posted == ["r:2:0"]


def test_a_server_that_is_gone_stops_the_run_and_is_back_when_it_is_resumed(server: PostgresServer) -> None:
    with Journal(server.url, lease_seconds=0.05) as journal:
        world = World(journal)
        with pytest.raises(JournalError, match="cannot be used just now"):
            agent(world, server.stop).run("How is it?", run_id="r")
        assert world.posted == []
        server.start()
        assert agent(world).resume("r").answer == "fine"
        assert world.posted == ["r:2:0"]
