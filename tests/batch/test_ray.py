"""Batches on a real Ray of this machine, with the journal on PostgreSQL."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agentkit import Agent, Budget, ConfigError
from agentkit.batch_ray import RayEngine
from agentkit.journal import Journal
from tests.batch import ray_agents
from tests.batch.support import StatelessModel
from tests.journal.support import rows

ray: Any = pytest.importorskip("ray")  # Any: it comes and goes with the environment

pytestmark = pytest.mark.timeout(300)  # a worker is a process that imports everything: seconds, on a busy machine


@pytest.fixture(scope="module")
def place(postgres_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Ray, and what its workers inherit: a journal on PostgreSQL, a folder."""
    import psycopg

    name = f"ray_{os.urandom(4).hex()}"
    with psycopg.connect(postgres_server.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    folder = tmp_path_factory.mktemp("ray")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AGENTKIT_JOURNAL", postgres_server.removesuffix("postgres") + name)
        patch.setenv(ray_agents.FOLDER, str(folder))
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        ray.init("local", num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
        yield folder
        ray.shutdown()


def test_each_booking_is_made_once_although_a_worker_is_killed(place: Path) -> None:
    names = [f"{first} {last}" for first in ("Ann", "Bea", "Cas", "Dee") for last in ("Lee", "Low", "Lux")]
    questions = [f"Book {name} a flight in {day} days." for day, name in enumerate(names, 10)]
    engine = RayEngine(factory=ray_agents.booking_agent, workers=2)
    with Journal() as journal:
        agent = Agent(StatelessModel(ray_agents.reply), ray_agents.booking_agent().toolbox.values(), journal=journal)
        batch = agent.batch(questions, concurrency=4, batch_id="trips", engine=engine)
        results = list(batch)
        assert [(result.status, result.error) for result in results] == [("answered", None)] * 12
        assert [result.run_id for result in results] == [f"trips/{number}" for number in range(12)]
        again = list(agent.batch(questions, batch_id="trips"))  # here, from the journal that the workers wrote
        assert [result.run for result in again] == [result.run for result in results]
        assert all(result.from_journal for result in again)
    workers = (place / "booked").read_text(encoding="ascii").split()
    assert len(set(workers)) == 3  # two, and the one that took the place of the killed one
    store = ray_agents.store()
    bookings = store.bookings()
    store.close()
    assert sorted(booking.names for booking in bookings) == sorted((name,) for name in names)
    assert sorted(booking.key for booking in bookings) == sorted(f"trips/{number}:2:0" for number in range(12))
    assert {booking.id for booking in bookings} == {result.answer for result in results}
    told = rows(os.environ["AGENTKIT_JOURNAL"], "SELECT DISTINCT status, batch FROM runs WHERE batch = 'trips'")
    assert told == [("ended", "trips")]


@pytest.fixture
def echo(place: Path) -> Iterator[Agent]:
    """An agent like the workers'."""
    agent = ray_agents.echo_agent()
    journal = agent.assembly.journal
    assert isinstance(journal, Journal)
    with journal:
        yield agent


def test_one_budget_for_all_workers(echo: Agent) -> None:
    engine = RayEngine(factory=ray_agents.echo_agent, workers=2)
    batch = echo.batch([f"Say {n}" for n in range(200)], concurrency=4, engine=engine, budget=Budget(max_tokens=1000))
    statuses = [result.status for result in batch]
    assert 10 <= statuses.count("answered") <= 14 and statuses[-1] == "not_run"
    assert batch.summary.tokens == 100 * (200 - batch.summary.not_run)


def test_leaving_the_loop_ends_the_runs_on_the_workers(echo: Agent) -> None:
    engine = RayEngine(factory="tests.batch.ray_agents:echo_agent", workers=1)
    questions = [f"Say {n}" for n in range(500)]
    for result in echo.batch(questions, concurrency=2, engine=engine, batch_id="left"):
        if result.place == 3:
            break
    begun = rows(os.environ["AGENTKIT_JOURNAL"], "SELECT count(*) FROM runs WHERE batch = 'left'")[0][0]
    assert isinstance(begun, int) and begun < 300
    results = list(echo.batch(questions[:begun], batch_id="left"))  # nobody has any of them any more
    assert [result.answer for result in results] == [str(number) for number in range(begun)]


@pytest.mark.parametrize(
    ("factory", "told"),
    [
        ("other_agent", "not this one; it differs in: .*book_flight"),
        ("agent_elsewhere", "another journal"),
        ("no_agent", "must make an Agent"),
    ],
)
def test_workers_that_do_not_fit_are_refused(echo: Agent, factory: str, told: str) -> None:
    engine = RayEngine(factory=getattr(ray_agents, factory), workers=1)
    with pytest.raises(ConfigError, match=told):
        list(echo.batch(["Say 1"], engine=engine))


def test_a_journal_that_workers_cannot_reach_is_refused(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = RayEngine(factory=ray_agents.echo_agent, workers=1)
    with pytest.raises(ConfigError, match="only a journal keeps"):
        list(Agent(StatelessModel(), journal=None).batch(["Say 1"], engine=engine))
    with Journal("sqlite://") as memory, pytest.raises(ConfigError, match="in memory"):
        list(Agent(StatelessModel(), journal=memory).batch(["Say 1"], engine=engine))
    node = ray.nodes()[0]
    monkeypatch.setattr(ray, "nodes", lambda: [node, node])  # a second machine is more than a test can have
    with Journal(f"sqlite:///{place / 'j.db'}") as file, pytest.raises(ConfigError, match="2 machines"):
        list(Agent(StatelessModel(), journal=file).batch(["Say 1"], engine=engine))
