"""The journal that `run-agent` keeps: where runs are written down, with the options that made their agent."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from agentkit.cli import console
from agentkit.cli.options import AgentOptions, AskOptions
from agentkit.default_journal import OFF, VARIABLE
from agentkit.errors import ConfigError, JournalError

if TYPE_CHECKING:
    from agentkit.journal import Journal

__all__ = ["commands", "kept", "opened", "options_of", "origin_of", "place_of"]

PROGRAM = "run-agent"
# Consent is given to a run and not kept; how it is shown is the next one's choice.
NOT_KEPT = frozenset({"yes", "trace", "quiet", "verbose", "journal", "no_journal"})


@contextmanager
def kept(options: AskOptions) -> Generator[Journal | None]:
    """The journal that the options name, or None where none is to be kept; or, with a remark, none can be.

    Raises:
        ConfigError, JournalError: a place that was named cannot be used.
    """
    named = options.journal or os.environ.get(VARIABLE)
    if options.no_journal or named == OFF:
        yield None
        return
    from agentkit.databases import named_url
    from agentkit.journal import Journal

    try:
        journal = Journal(options.journal and named_url(options.journal), origin=origin_of(options))
        journal.prepare()
    except (ConfigError, JournalError) as error:
        if named:
            raise
        console.note(f"This run is not written down, and cannot be resumed. {error}")
        yield None
        return
    with journal:
        yield journal


def commands(options: AskOptions, journal: Journal | None) -> str | None:
    """How to call `run-agent runs` for this journal; None without one."""
    if journal is None:
        return None
    return "run-agent runs" + (f" --journal {shlex.quote(options.journal)}" if options.journal else "")


@contextmanager
def opened(url: str | None = None, *, origin: str | None = None) -> Generator[Journal]:
    """The journal of the environment, for `run-agent runs`, or the one at `url`.

    Raises:
        ConfigError: none is kept.
    """
    from agentkit.journal import Journal

    if url is None and os.environ.get(VARIABLE) == OFF:
        raise ConfigError(f"{VARIABLE} is {OFF}: run-agent keeps no journal. Name one: run-agent runs --journal FILE …")
    with Journal(url, origin=origin) as journal:
        yield journal


def origin_of(options: AgentOptions) -> str:
    """What makes the same agent again, as JSON: the options, and where they hold."""
    usual = AgentOptions()
    given = {each.name: getattr(options, each.name) for each in fields(AgentOptions) if each.name not in NOT_KEPT}
    chosen = {name: value for name, value in given.items() if value != getattr(usual, name)}
    return json.dumps({"program": PROGRAM, "options": chosen, "folder": str(Path.cwd())}, ensure_ascii=False)


def _told(origin: str | Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    told: object = json.loads(origin) if isinstance(origin, str) else origin
    if not isinstance(told, dict):
        return None
    given = cast("dict[str, Any]", told)
    return given if given.get("program") == PROGRAM else None


def options_of(origin: str | Mapping[str, Any] | None) -> AgentOptions | None:
    """The options that an origin tells of; None where it is not run-agent's.

    Raises:
        ConfigError: it is of another version.
    """
    told = _told(origin)
    if told is None:
        return None
    try:
        return AgentOptions(**told["options"])
    except (TypeError, KeyError) as error:
        raise ConfigError(f"The run was begun by another version of run-agent ({error}).") from None


def place_of(origin: str | Mapping[str, Any] | None) -> Path | None:
    """The folder that files named in the options are relative to."""
    told = _told(origin)
    return None if told is None else Path(str(told["folder"]))
