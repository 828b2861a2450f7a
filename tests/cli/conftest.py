"""`run-agent` as users start it: a process of its own, with or without a terminal, and a scripted model by path."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import pexpect
import pytest
from typer.testing import CliRunner, Result

from agentkit.cli.app import app

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "agentkit.cli"]
MODEL = """\
from agentkit.errors import AuthError, ModelError
from agentkit.testing import Say, ScriptedModel

model = ScriptedModel({replies!r}, chunk={chunk!r}, delay={delay!r})
"""
TOOLS = '''\
import time

from agentkit import tool


@tool(read_only=True)
def population(city: str) -> str:
    """How many people live in a city."""
    return {"Oslo": "717,710", "Lima": "\\n".join(f"district {n}: {n}00 people" for n in range(1, 44))}[city]


@tool(needs_approval=True)
def order_taxi(city: str, time: str) -> str:
    """Order a taxi."""
    return f"Ordered in {city} for {time}."


@tool(read_only=True)
def slow(seconds: int) -> str:
    """Takes its time."""
    print("slow has begun", flush=True)
    time.sleep(seconds)
    return "done"
'''

Terminal: TypeAlias = "pexpect.spawn[str]"


@dataclass(frozen=True)
class Cli:
    """Starts `run-agent` in a folder with models and tools of its own, and no credentials."""

    folder: Path
    env: dict[str, str]

    def __call__(
        self, *args: str, stdin: str = "", seconds: float = 60, **env: str
    ) -> subprocess.CompletedProcess[str]:
        """Run to the end without any terminal."""
        return subprocess.run(
            [*COMMAND, *args],
            input=stdin,
            capture_output=True,
            text=True,
            cwd=self.folder,
            env={**self.env, **env},
            start_new_session=True,  # no controlling terminal, even where the tests run in one
            timeout=seconds,
            check=False,
        )

    @contextmanager
    def terminal(self, *args: str, columns: int = 100) -> Generator[Terminal]:
        """Run in a pseudo-terminal."""
        child = self.spawn(COMMAND, *args, columns=columns)
        try:
            yield child
        finally:
            child.close(force=True)

    def spawn(self, command: list[str], *args: str, columns: int = 100, term: str = "xterm-256color") -> Terminal:
        return pexpect.spawn(
            command[0],
            [*command[1:], *args],
            env={**self.env, "TERM": term},
            cwd=str(self.folder),
            encoding="utf-8",
            dimensions=(40, columns),
            timeout=30,
        )

    def model(self, *replies: str, chunk: int | None = None, delay: float = 0.0) -> str:
        """A scripted model's name."""
        path = self.folder / "models.py"
        path.write_text(MODEL.format(replies=list(replies), chunk=chunk, delay=delay), encoding="utf-8")
        return "models.py:model"


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    (tmp_path / "mytools.py").write_text(TOOLS, encoding="utf-8")
    env = {
        "HOME": str(tmp_path),
        "LANG": "C.UTF-8",
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "AGENTKIT_CACHE": str(tmp_path / "cache"),
        "AGENTKIT_JOURNAL": str(tmp_path / "journal.db"),
    }
    return Cli(tmp_path, env)


Inside: TypeAlias = Callable[..., Result]


@pytest.fixture
def inside(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> Inside:
    """Runs `run-agent` in this process: faster, where neither streams nor the exit matter."""
    for name in set(os.environ) - cli.env.keys():
        monkeypatch.delenv(name)
    for name, value in cli.env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(cli.folder)

    def run(*args: str) -> Result:
        return CliRunner().invoke(app, args, prog_name="run-agent")

    return run


def interrupt(child: Terminal) -> None:
    """Ctrl-C, as late as a person would press it: readline misses one between its prompt and its first wait."""
    time.sleep(0.2)
    child.sendintr()


def finished(child: Terminal) -> int:
    """The exit code, once all output has been read."""
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus is not None
    return child.exitstatus
