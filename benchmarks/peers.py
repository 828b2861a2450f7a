"""Peers live in an environment of their own, made once, so that the project never depends on them."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import venv
from pathlib import Path

__all__ = ["peer_python"]


def peer_python(*requirements: str) -> Path:
    """The Python of an environment that has these requirements, made on first use in the user's cache."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "agentkit-benchmarks"
    name = hashlib.sha256("\n".join((sys.version, *sorted(requirements))).encode()).hexdigest()[:12]
    python = cache / name / "bin" / "python"
    ready = cache / name / "ready"
    if not ready.exists():
        print(f"making an environment for {', '.join(requirements)} ...", file=sys.stderr)
        venv.create(cache / name, with_pip=True, clear=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *requirements], check=True)
        ready.touch()
    return python
