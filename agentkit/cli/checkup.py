"""`run-agent doctor`: what is installed, which credentials are in sight, whether the sandbox works."""

from __future__ import annotations

import importlib.util
import os
import platform
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import typer

__all__ = ["doctor"]

MARKS = {"ok": ("✓", "green"), "off": ("·", "bright_black"), "bad": ("✗", "red")}
# Distribution, what it is needed for, and how to get it.
PACKAGES = (
    ("langchain-aws", "Amazon Bedrock", "pip install agentkit-react"),
    ("langchain", "other providers", "pip install agentkit-react"),
    ("ddgs", "web search", "pip install agentkit-react"),
    ("SQLAlchemy", "bookings", "pip install agentkit-react"),
)
EXTRAS = (
    ("xllamacpp", "the local model", "pip install 'agentkit-react[local]'"),
    ("numpy", "arrays in programs", "pip install 'agentkit-react[math]'"),
    ("sympy", "algebra in programs", "pip install 'agentkit-react[math]'"),
)


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report: fine, not there (and not needed), or wrong."""

    state: Literal["ok", "off", "bad"]
    what: str
    detail: str = ""


def doctor() -> None:
    """Check what is installed, which credentials are in sight, and whether the sandbox works.

    Exits with 1 when something needed is broken. Nothing is sent over the network.
    """
    broken = False
    for title, findings in (
        ("Installed", _installed()),
        ("Models", _models()),
        ("Sandbox", _sandbox()),
    ):
        typer.secho(title, bold=True)
        for finding in findings:
            broken = broken or finding.state == "bad"
            mark, colour = MARKS[finding.state]
            typer.echo(f"  {typer.style(mark, fg=colour)} {finding.what:24} {finding.detail}".rstrip())
    raise typer.Exit(1 if broken else 0)


def _installed() -> Iterator[Finding]:
    yield Finding("ok", f"Python {platform.python_version()}", sys.executable)
    yield _package("agentkit-react", "agentkit itself", "pip install agentkit-react", needed=False)
    for name, purpose, command in PACKAGES:
        yield _package(name, purpose, command, needed=True)
    for name, purpose, command in EXTRAS:
        yield _package(name, purpose, command, needed=False)


def _package(name: str, purpose: str, command: str, *, needed: bool) -> Finding:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return Finding("ok", f"{name} {version(name)}", purpose)
    except PackageNotFoundError:
        return Finding("bad" if needed else "off", name, f"not installed ({purpose}): {command}")


def _models() -> Iterator[Finding]:
    from agentkit.models.credentials import available
    from agentkit.models.weights import locate

    named = os.environ.get("AGENTKIT_MODEL")
    if named:
        yield Finding("ok", "AGENTKIT_MODEL", named)
    found = available()
    for each in found:
        yield Finding(
            "off" if each.missing else "ok", each.provider, each.missing or f"{each.what}  {each.model_hint}".rstrip()
        )
    if not found:
        yield Finding("off", "providers", "no credentials in sight")
    engine = importlib.util.find_spec("xllamacpp") is not None
    weights = locate()
    if weights is None:
        yield Finding("off", "local weights", "not fetched: run-agent model fetch")
    else:
        yield Finding("ok", "local weights", str(weights))
    if not (named or found or (engine and weights)):
        yield Finding(
            "bad", "no model", "set credentials, or: pip install 'agentkit-react[local]' && run-agent model fetch"
        )


def _sandbox() -> Iterator[Finding]:
    """Which layers hold programs, and what attempts to break out meet: tried, not guessed."""
    from agentkit.sandbox.doctor import report

    rows = report()
    for row in rows:
        if row.group == "layer":
            # A second fence that is not there (an old kernel, an ordinary user) is told; only the first one is a fault.
            missing: Literal["off", "bad"] = "off" if row.name in ("landlock", "user") else "bad"
            yield Finding("ok" if row.ok else missing, row.name, row.detail)
    attempts = [row for row in rows if row.group == "attempt"]
    held = [row for row in attempts if row.ok]
    if attempts:
        state: Literal["ok", "bad"] = "ok" if len(held) == len(attempts) else "bad"
        yield Finding(state, "attempts to break out", f"{len(held)} of {len(attempts)} held")
    for row in attempts:
        if not row.ok:
            yield Finding("bad", row.name, row.detail)
