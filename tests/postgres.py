"""A PostgreSQL server for tests: it runs on loopback, and can be stopped and started again."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from importlib.util import find_spec
from pathlib import Path

__all__ = ["PostgresServer"]


class PostgresServer:
    """A server of its own in an empty folder; PostgreSQL refuses to run as root, so another user then owns it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        root = os.getuid() == 0
        self._user = next((name for name in ("postgres", "nobody") if _exists(name)), None) if root else None
        if self._user:
            shutil.chown(folder, self._user)
        with socket.create_server(("127.0.0.1", 0)) as free:
            self._port = free.getsockname()[1]
        command: list[str | Path] = ["initdb", "-D", folder / "data", "-U", "agent", "-A", "trust", "-N"]
        subprocess.run(command, user=self._user, cwd=folder, check=True)
        self._process: subprocess.Popen[bytes] | None = None

    @staticmethod
    def missing() -> bool:
        """Whether there is none to be started here."""
        return not (shutil.which("initdb") and shutil.which("postgres") and find_spec("psycopg"))

    @property
    def url(self) -> str:
        return f"postgresql+psycopg://agent@127.0.0.1:{self._port}/postgres"

    def start(self) -> None:
        places = ["-c", "listen_addresses=127.0.0.1", "-c", f"unix_socket_directories={self._folder}"]
        # To a file, not to a pipe: the server logs each client that is killed, and nobody reads; once a pipe is full, a
        # backend waits for it with its transaction open.
        log = self._folder / "log"
        with log.open("w") as told:
            self._process = subprocess.Popen(
                ["postgres", "-D", self._folder / "data", "-p", str(self._port), *places],
                user=self._user,
                cwd=self._folder,
                stderr=told,
            )
        while "ready to accept connections" not in log.read_text():
            assert self._process.poll() is None, log.read_text()
            time.sleep(0.02)

    def stop(self) -> None:
        """As an operator does who cannot wait: connections are cut."""
        assert self._process is not None
        self._process.send_signal(signal.SIGINT)
        self._process.wait()


def _exists(user: str) -> bool:
    try:
        return bool(pwd.getpwnam(user))
    except KeyError:
        return False
