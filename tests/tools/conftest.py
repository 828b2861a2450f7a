"""Databases for the booking store: SQLite files, and a PostgreSQL server of its own where one is installed."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from agentkit.tools.store import SqlBookingStore


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'travel.db'}"


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a fresh server on loopback."""
    initdb, server = shutil.which("initdb"), shutil.which("postgres")
    if not (initdb and server and find_spec("psycopg")):
        pytest.skip("PostgreSQL or psycopg is not installed")
    user = next((name for name in ("postgres", "nobody") if _exists(name)), None) if os.getuid() == 0 else None
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        if user:  # PostgreSQL refuses to run as root
            shutil.chown(folder, user)
        subprocess.run([initdb, "-D", data, "-U", "agent", "-A", "trust", "-N"], user=user, cwd=folder, check=True)
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        options = ["-p", str(port), "-c", "listen_addresses=127.0.0.1", "-c", f"unix_socket_directories={folder}"]
        with subprocess.Popen(
            [server, "-D", data, *options], user=user, cwd=folder, stderr=subprocess.PIPE, text=True
        ) as process:
            assert process.stderr is not None
            assert any("ready to accept connections" in line for line in process.stderr)
            yield f"postgresql+psycopg://agent@127.0.0.1:{port}/postgres"
            process.terminate()
            process.stderr.read()


def _exists(user: str) -> bool:
    try:
        return bool(pwd.getpwnam(user))
    except KeyError:
        return False


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
