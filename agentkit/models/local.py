"""The embedded model: SmolLM2-135M-Instruct in this process, held to the agent's format by a grammar."""

from __future__ import annotations

import importlib.util
import os
import re
import sys
from collections.abc import Sequence
from dataclasses import fields, replace
from functools import cache
from pathlib import Path

from agentkit.errors import ConfigError
from agentkit.messages import Message
from agentkit.models.base import Params, Request
from agentkit.models.grammar import held_to
from agentkit.models.local_engine import ENGINES, Engine, Setup
from agentkit.models.local_stream import AsyncLocalStream, LocalStream, Reader
from agentkit.models.weights import ADAPTER, file_sha256, locate
from agentkit.prompt import Edition

__all__ = ["EDITION", "NOTICE", "UNTRAINED", "LocalModel", "chatml", "installed"]

NOTICE = (
    "Model: local SmolLM2-135M, trained for agentkit. Of new tasks like those it was trained on it gets about "
    "96 % (travel) and 86 % (word problems) right; with anything else it guesses. Check what it says."
)
UNTRAINED = (
    "Model: a small local one without agentkit's adapter: fine to try the plumbing, not for answers you rely on."
)
EDITION = Edition({"react": "local-react", "pal-math": "local-pal", "tools": "local-tools"})
"""The prompts that agentkit's adapter was trained with."""
CONTEXT = 8192
MAX_TOKENS = 1024
"""Output tokens in one call when the request does not say; replies under a grammar end before, as a rule."""
_NONE = Params()


def installed() -> bool:
    """Whether the extra and the weights are here (nothing is loaded)."""
    return importlib.util.find_spec("xllamacpp") is not None and locate() is not None


class LocalModel:
    """A `Model` that runs in this process, on the CPU.

    Models of the same weights, adapter, context and threads share one copy in memory; their requests take turns.
    The prompt's common prefix with the request before is not computed again. Temperature is 0 unless set.

    Args:
        params: what holds where a request does not say.
        weights: a GGUF file with a ChatML template; the fetched SmolLM2 by default.
        adapter: a GGUF LoRA adapter for these weights, with its `sha256` in hex, which is checked.
        trained: where neither weights nor adapter are named: with agentkit's own adapter, and the prompts it was
            trained with.
        context: tokens of prompt and reply together.
        threads: for reading prompts; by default the processors at hand, at most 4.
        notice: say once per process on stderr how far this model is to be trusted.

    Attributes:
        prompts: the edition of the prompts that suits the adapter; None for the ordinary ones.

    Raises:
        ConfigError: the extra or a file is missing, or the adapter is not the one named; the text has the command.
    """

    def __init__(
        self,
        params: Params = _NONE,
        *,
        weights: Path | None = None,
        adapter: Path | None = None,
        sha256: str | None = None,
        trained: bool = True,
        context: int = CONTEXT,
        threads: int | None = None,
        notice: bool = True,
    ) -> None:
        if importlib.util.find_spec("xllamacpp") is None:
            raise ConfigError("The local model needs an extra. Run: pip install 'agentkit-react[local]'")
        self._params = params
        own = trained and weights is None and adapter is None
        if own:
            adapter, sha256 = ADAPTER.path, ADAPTER.sha256
        self.prompts: Edition | None = EDITION if own else None
        self._setup = Setup(_existing(weights), _checked(adapter, sha256), context, threads or min(_processors(), 4))
        self._notice = notice

    @property
    def name(self) -> str:
        adapter = self._setup.adapter
        return f"local:{self._setup.weights.stem.partition('.')[0]}" + (f"+{adapter.stem}" if adapter else "")

    @property
    def context_tokens(self) -> int:
        """How many tokens prompt and reply may have together."""
        return self._setup.context

    def stream(self, request: Request, /) -> LocalStream:
        return LocalStream(self._engine(), *self._prepared(request))

    def astream(self, request: Request, /) -> AsyncLocalStream:
        return AsyncLocalStream(self._engine(), *self._prepared(request))

    def _engine(self) -> Engine:
        if self._notice:
            _say_once(NOTICE if self.prompts else UNTRAINED)
        return ENGINES.get(self._setup)

    def _prepared(self, request: Request) -> tuple[dict[str, object], Reader]:
        params = _merged(self._params, request.params)
        held = held_to(request.format, request.messages)
        wanted: dict[str, object] = {
            "prompt": chatml(request.messages) + held.opening,
            "max_tokens": params.max_tokens or MAX_TOKENS,
            "temperature": params.temperature or 0.0,  # llama.cpp's own default is 0.8
            "top_p": params.top_p,
            "top_k": params.top_k,
            # The runtime has 32 bits, and takes the last of them for "choose one".
            "seed": None if params.seed is None else params.seed % (2**32 - 1),
            "grammar": held.grammar,
            "cache_prompt": True,
            "stream": True,
            "timings_per_token": True,
            "return_progress": True,  # so that a request can be stopped while its prompt is read
        }
        return {key: value for key, value in wanted.items() if value is not None}, Reader(params.stop, held.opening)


def chatml(messages: Sequence[Message]) -> str:
    """The conversation in SmolLM2's chat template, open for the next reply.

    Text that looks like the template's own markers is broken up: a tool's output must not be able to speak as the
    system.
    """
    system = () if messages and messages[0].role == "system" else (Message("system", _SYSTEM),)
    turns = [f"<|im_start|>{each.role}\n{_harmless(each.text)}<|im_end|>\n" for each in (*system, *messages)]
    return "".join(turns) + "<|im_start|>assistant\n"


_SYSTEM = "You are a helpful AI assistant named SmolLM, trained by Hugging Face"
"""What the template puts first where there is no system message; the model was trained with it."""
_MARKER = re.compile(r"<\|(?=(?:im_start|im_end|endoftext)\|>)")


def _harmless(text: str) -> str:
    # A lone surrogate is no text that can be tokenised.
    return _MARKER.sub("< |", text).encode("utf-8", "replace").decode("utf-8")


def _merged(own: Params, wanted: Params) -> Params:
    """The request's parameters, the model's own where the request has none; stop texts of both."""
    given = {f.name: value for f in fields(wanted) if (value := getattr(wanted, f.name)) is not None}
    return replace(own, **{**given, "stop": (*own.stop, *wanted.stop)})


@cache
def _say_once(notice: str) -> None:
    sys.stderr.write(f"{notice}\n")


def _existing(weights: Path | None) -> Path:
    found = weights or locate()
    if found is None:
        raise ConfigError("The local model's weights are not here yet. Run: run-agent model fetch")
    if not found.is_file():
        raise ConfigError(f"There is no file {found}. To fetch the weights, run: run-agent model fetch")
    return found.resolve()


def _checked(adapter: Path | None, sha256: str | None) -> Path | None:
    if adapter is None:
        return None
    if not adapter.is_file():
        raise ConfigError(f"There is no adapter {adapter}.")
    actual = file_sha256(adapter)
    if sha256 is None:
        raise ConfigError(f"An adapter needs its hash: sha256={actual!r} is that of {adapter}, if you trust it.")
    if actual != sha256.lower():
        raise ConfigError(f"{adapter} is not the adapter that was named: its SHA-256 is {actual}, not {sha256}.")
    return adapter.resolve()


def _processors() -> int:
    # Not on macOS: the processors this process may use.
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
