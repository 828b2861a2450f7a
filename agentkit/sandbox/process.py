"""Starts a Python with an empty environment that has the sandbox's own modules and nothing else of the host's."""

import importlib.util
import os
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from agentkit.errors import ConfigError

Isolation = Literal["strict", "best_effort"]
Policy = Literal["pal", "none"]

START_SECONDS = 60.0  # sympy on a loaded machine takes seconds

# The package's modules load without its __init__ files, so that an editable install, a wheel and a checkout work alike
# and the new process holds none of the host's code. `config` is what is left for the module that runs. The library's
# hooks for forks are left out: they repair what threads leave behind, of which there are none, and write to many pages.
_PREPARE = """\
import json, os, socket, sys, types
os.dup2({descriptor}, 3)
os.closerange(4, 1 << 20)
os.register_at_fork = lambda **_: None
config = {{}}
def prepare(found):
    sys.path += found.pop("path")
    for name, place in found.pop("packages").items():
        module = sys.modules[name] = types.ModuleType(name)
        module.__path__ = [place]
    config.update(found)
"""


class SandboxError(ConfigError):
    """The sandbox cannot run programs here: the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Config:
    """What the zygote is started with."""

    policy: Policy = "pal"
    modules: tuple[str, ...] = ()
    isolation: Isolation = "strict"


def launch(boot: str, connection: socket.socket) -> "subprocess.Popen[bytes]":
    """Runs `boot` in a new process with `connection` as descriptor 3. There, prepare(settings) must come first.

    Raises SandboxError when no Python starts.
    """
    code = _PREPARE.format(descriptor=connection.fileno()) + boot
    try:
        return subprocess.Popen(  # noqa: S603  (this interpreter and a constant)
            [sys.executable, "-P", "-s", "-S", "-B", "-c", code],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env=_environment(),
            pass_fds=(connection.fileno(),),
            process_group=0,  # Ctrl-C is the host's; the same session, so that its workers share its processor time
        )
    except (OSError, ValueError) as error:
        name = sys.executable or "unknown"
        raise SandboxError(f"The sandbox's Python ({name}) does not start: {error}.") from None


def settings(config: Config) -> dict[str, object]:
    """What the new process needs to know, as JSON data."""
    package = Path(__file__).resolve().parent
    return {
        "path": _package_paths(config.modules),
        "packages": {"agentkit": str(package.parent), "agentkit.sandbox": str(package)},
        "host": os.getpid(),
        "policy": config.policy,
        "modules": list(config.modules),
        "isolation": config.isolation,
    }


def _package_paths(modules: tuple[str, ...]) -> list[str]:
    """Where the packages that the zygote imports lie, in the host's order; nothing else of the host's path."""
    found: dict[str, None] = {}
    for name in ("RestrictedPython", "dateutil", "six", *modules, *(("mpmath",) if "sympy" in modules else ())):
        try:
            spec = importlib.util.find_spec(name.partition(".")[0])
        except (ImportError, ValueError):
            continue
        if spec is None:
            continue
        for place in spec.submodule_search_locations or [spec.origin or ""]:
            found[str(Path(place).resolve().parent)] = None
    found.pop(str(Path(os.__file__).parent), None)
    return list(found)


def _environment() -> dict[str, str]:
    """Nothing of the host's but the loader's path, without which some Pythons do not start."""
    fixed = {"PYTHONHASHSEED": "0", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "LC_ALL": "C.UTF-8"}
    fixed["LD_BIND_NOW"] = "1"  # else each worker looks up the same symbols
    path = os.environ.get("LD_LIBRARY_PATH")
    return {**fixed, "LD_LIBRARY_PATH": path} if path else fixed


def explain(failed: object, status: int | None) -> str:
    """The reason that the zygote gave, with what to do."""
    if not failed:
        return f"The sandbox's zygote process ended at once (status {status}) with {sys.executable}."
    text = str(failed)
    if text.startswith("unfit: "):
        return (
            f"This system cannot seal programs: {text.partition(': ')[2]}. Use Linux with seccomp (x86_64 or aarch64), "
            'or accept fewer layers with Sandbox(isolation="best_effort").'
        )
    if text.startswith(("ModuleNotFoundError", "ImportError")):
        return f"The sandbox cannot load a module: {text}. Install it, or leave it out of modules=."
    return f"The sandbox cannot start: {text}"
