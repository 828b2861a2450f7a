"""Databases for the booking store: SQLite files, and a PostgreSQL server of its own where one is installed."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from agentkit.tools.store import SqlBookingStore
from tests.postgres import PostgresServer


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'travel.db'}"


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a fresh server on loopback."""
    if PostgresServer.missing():
        pytest.skip("PostgreSQL or psycopg is not installed")
    with tempfile.TemporaryDirectory() as folder:
        server = PostgresServer(Path(folder))
        server.start()
        yield server.url
        server.stop()


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, sqlite_url: str) -> Iterator[str]:
    if request.param == "sqlite":
        yield sqlite_url
        return
    import psycopg

    server: str = request.getfixturevalue("postgres_server")
    name = f"travel_{os.urandom(4).hex()}"
    with psycopg.connect(server.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    yield server.removesuffix("postgres") + name


@pytest.fixture
def store() -> Iterator[SqlBookingStore]:
    """In memory: spares the tests that are not about files their many fsyncs."""
    opened = SqlBookingStore("sqlite://")
    yield opened
    opened.close()
