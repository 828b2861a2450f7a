"""llama.cpp in this process: one loaded model per file, shared by all that use it, one request at a time.

xllamacpp wraps llama.cpp's server. What has to be known about it:
- Errors come back as dictionaries `{"error": {"code", "message", "type"}}` and are not raised.
- It always opens a listener. It is bound to a socket file in a private folder that is removed once the model is
  loaded, so that nothing can reach it.
- The callback gets each piece as it is made; generation stops when it returns True.
- Its RAM cache of prompts ignores adapters and takes up to 8 GB: switched off. The prompt's common prefix with the
  request before is kept in any case.
"""

from __future__ import annotations

import atexit
import importlib
import os
import platform
import queue
import secrets
import tempfile
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Protocol, TypeAlias, cast

from agentkit.errors import BadRequestError, ConfigError, ContextOverflowError, ModelError
from agentkit.messages import JSON

__all__ = ["ENGINES", "Engine", "Engines", "Job", "Piece", "Setup", "load", "raise_error"]

Piece: TypeAlias = "Mapping[str, JSON]"
Sink: TypeAlias = "Callable[[Piece | Exception | None], object]"
"""Called in the engine's thread with each piece, then with None at the end, or with what went wrong."""


@dataclass(frozen=True, slots=True)
class Setup:
    """What a loaded model is made of; equal setups share one.

    Attributes:
        context: tokens of prompt and reply together.
        threads: for reading the prompt. Writing is done by one: more are slower for a model this small.
    """

    weights: Path
    adapter: Path | None = None
    context: int = 8192
    threads: int = 2


class Server(Protocol):
    """The part of `xllamacpp.Server` that is used."""

    def handle_completions(self, request: Mapping[str, object], callback: Callable[[Piece], bool], /) -> None: ...


class Job:
    """A request in the engine's queue."""

    def __init__(self, request: Mapping[str, object], sink: Sink) -> None:
        self.request = request
        self._sink = sink
        self._cancelled = threading.Event()

    def cancel(self) -> None:
        """Stop at the next token, or before the start. From any thread, at any time."""
        self._cancelled.set()

    def run(self, server: Callable[[], Server]) -> None:
        """Run to the end; what goes wrong goes to the sink."""
        outcome: Exception | None = None
        try:
            if not self._cancelled.is_set():
                server().handle_completions(self.request, self._receive)
        except Exception as error:
            outcome = error
        self._give(outcome)

    def _receive(self, piece: Piece) -> bool:
        """xllamacpp's callback: True stops the generation."""
        if not self._cancelled.is_set():
            self._give(piece)
        return self._cancelled.is_set()

    def _give(self, item: Piece | Exception | None) -> None:
        try:
            self._sink(item)
        except RuntimeError:  # the event loop that wanted it is closed
            self._cancelled.set()


class Engine:
    """A model that is loaded when it is first used, and a thread that serves its queue in order."""

    def __init__(self, setup: Setup) -> None:
        self.setup = setup
        self._server: Server | None = None
        self._queue: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._current: Job | None = None
        self._closing = False
        self._thread = threading.Thread(target=self._serve, name="agentkit-local-model", daemon=True)
        self._thread.start()

    def submit(self, request: Mapping[str, object], sink: Sink) -> Job:
        """Queue a request of llama.cpp's `/v1/completions`."""
        job = Job(request, sink)
        self._queue.put(job)
        return job

    def close(self) -> None:
        """Stop what is being written, drop what waits, and free the model."""
        self._closing = True
        self._queue.put(None)
        if job := self._current:
            job.cancel()
        self._thread.join()

    def _serve(self) -> None:
        while (job := self._queue.get()) is not None:
            self._current = job
            if self._closing:
                job.cancel()
            job.run(self._loaded)
            self._current = job = None
        self._server = None

    def _loaded(self) -> Server:
        if self._server is None:
            self._server = load(self.setup)
        return self._server


class Engines:
    """The engines of this process, one for each setup."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._engines: dict[Setup, Engine] = {}
        self._watched = False
        self._forked = False

    def get(self, setup: Setup) -> Engine:
        """The engine for this setup, started if need be.

        Raises:
            ConfigError: this process was forked from one that had a model loaded, which llama.cpp does not survive.
        """
        if self._forked:
            raise ConfigError(
                "The local model was loaded before this process was forked, and cannot be used here. Start processes "
                "with multiprocessing's 'spawn' method, or use the model only after the fork."
            )
        with self._lock:
            if not self._watched:
                atexit.register(self.close)
                os.register_at_fork(after_in_child=self._after_fork)
                self._watched = True
            if setup not in self._engines:
                self._engines[setup] = Engine(setup)
            return self._engines[setup]

    def close(self) -> None:
        """Stop all: a thread inside llama.cpp must not outlive the interpreter."""
        with self._lock:
            engines = list(self._engines.values())
            self._engines.clear()
        for engine in engines:
            engine.close()

    def _after_fork(self) -> None:
        self._forked = bool(self._engines)
        self._lock = threading.Lock()


ENGINES = Engines()
"""Shared by all `LocalModel`s: a model takes some 300 MB and half a second to load."""


def raise_error(piece: Piece) -> None:
    """Raise what llama.cpp reports as a dictionary.

    Raises:
        ContextOverflowError, BadRequestError, ModelError
    """
    error = piece.get("error")
    if error is None:
        return
    details: Mapping[str, JSON] = error if isinstance(error, Mapping) else {"message": str(error)}
    text = str(details.get("message", "no reason given")).rstrip(".")
    if details.get("type") == "exceed_context_size_error":
        raise ContextOverflowError(
            f"The conversation has {details.get('n_prompt_tokens')} tokens, but the local model's context holds "
            f"{details.get('n_ctx')}. Shorten the question or the tools' outputs."
        )
    if details.get("type") == "invalid_request_error":
        raise BadRequestError(f"The local model refused the request: {text}.")
    raise ModelError(f"The local model failed: {text}.")


def load(setup: Setup) -> Server:
    """A model of one's own; `ENGINES` shares them.

    Raises:
        ConfigError: no runtime, no AVX2, or a file that llama.cpp cannot read.
    """
    runtime = _runtime()
    with tempfile.TemporaryDirectory(prefix="agentkit-", dir=_short_folder()) as folder:
        try:
            return cast("Server", runtime.Server(_parameters(runtime, setup, Path(folder) / "llama.sock")))
        except RuntimeError as error:
            what = f"{setup.weights} with {setup.adapter}" if setup.adapter else str(setup.weights)
            raise ConfigError(
                f"The local model could not be loaded from {what}; if the file is damaged, run: run-agent model fetch"
            ) from error


def _short_folder() -> str | None:
    """Where a socket's path, which may have some 100 characters, is short enough."""
    return "/tmp" if len(tempfile.gettempdir()) > 60 else None  # noqa: S108 - a private folder is made inside


def _parameters(runtime: ModuleType, setup: Setup, listener: Path) -> object:
    params = runtime.CommonParams()
    params.model.path = str(setup.weights)
    if setup.adapter:
        params.lora_adapters = [runtime.CommonAdapterLoraInfo(str(setup.adapter), 1.0)]
    params.n_ctx = setup.context
    params.n_parallel = 1
    params.n_batch = 128  # a request can be stopped between two batches of its prompt; larger ones are no faster
    # Measured on AVX2 at 1,000 tokens: writing is 1.6 times as fast without, reading a tenth slower.
    params.flash_attn_type = runtime.llama_flash_attn_type.LLAMA_FLASH_ATTN_TYPE_DISABLED
    params.cache_ram_mib = 0
    params.fit_params = False
    params.warmup = False
    params.cpuparams.n_threads = 1
    params.cpuparams_batch.n_threads = setup.threads
    params.verbosity = -1
    params.hostnames = [str(listener)]
    params.api_keys = [secrets.token_urlsafe()]
    params.n_threads_http = 1
    params.ui = False
    params.endpoint_slots = False
    return params


def _runtime() -> ModuleType:
    if platform.system() == "Linux" and platform.machine() == "x86_64" and " avx2" not in _cpu_flags():
        raise ConfigError("The local model needs a processor with AVX2; this one has none. Use another model (-m).")
    # Read when OpenMP starts: threads that spin while they wait starve a busy machine (2 tokens/s instead of 40).
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    try:
        return importlib.import_module("xllamacpp")
    except ModuleNotFoundError as error:
        raise ConfigError("The local model needs an extra. Run: pip install 'agentkit-react[local]'") from error
    except ImportError as error:
        raise ConfigError(
            f"xllamacpp does not load: {error}. If it is libgomp that is missing, install the system package libgomp1 "
            "(Debian, Ubuntu: apt-get install libgomp1) or libgomp (Fedora)."
        ) from error


def _cpu_flags() -> str:
    try:
        return Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return " avx2"  # cannot tell
