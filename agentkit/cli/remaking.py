"""The agent of a run of the journal, made again: from the options it was made with, or from an object of the user's."""

from __future__ import annotations

import os
from dataclasses import fields, replace
from typing import TYPE_CHECKING, TypeVar

import typer

from agentkit.cli import console
from agentkit.cli.consent import Consent, Pause
from agentkit.cli.keeping import options_of, place_of
from agentkit.cli.options import AgentOptions, RunOptions
from agentkit.errors import ConfigError

if TYPE_CHECKING:
    from agentkit.agent import Agent
    from agentkit.journal import Journal, Recording
    from agentkit.toolbox import Toolbox

__all__ = ["agent_object", "called", "go_to", "overlaid", "remade", "tools_again"]

R = TypeVar("R", bound=RunOptions)


def remade(
    recording: Recording, journal: Journal, name: str | None, options: AgentOptions | RunOptions, pause: Pause
) -> Agent:
    """The agent of a run.

    Args:
        name: an object of the user's: package.module:name or file.py:name; an `Agent`, or a function that makes one.
        options: how the run is driven; and, where they are an agent's, what is to be otherwise than it was.

    Raises:
        ConfigError: it cannot be made; says what to do.
    """
    if name is not None:
        return _kept_by(agent_object(name), journal, options, pause)
    known = _options(recording)
    go_to(recording)
    from agentkit.cli.setup import make_agent

    return make_agent(overlaid(known, options), pause, journal=journal)


def tools_again(recording: Recording, name: str | None) -> Toolbox:
    """The tools of a run's agent, without its models.

    Args:
        name: an object of the user's, as for `remade`.

    Raises:
        ConfigError: they cannot be had; says what to do.
    """
    if name is not None:
        return agent_object(name).toolbox
    known = _options(recording)
    go_to(recording)
    from agentkit.cli.setup import strategy_of, tools_of
    from agentkit.toolbox import Toolbox

    try:
        strategy = strategy_of(known.strategy, known.prompt, known.samples, explain=known.explain)
        return Toolbox(tools_of(known.tool, strategy))
    except typer.BadParameter as error:  # an option of then, and none of this command
        raise ConfigError(error.message) from error


def _options(recording: Recording) -> AgentOptions:
    """Those that a run was begun with."""
    known = options_of(recording.run.get("origin"))
    if known is None:
        raise ConfigError(
            f"Run {recording.run_id} was begun from Python: name its agent with --agent package.module:object or "
            "--agent file.py:object (an Agent, or a function that makes one)."
        )
    return known


def agent_object(name: str) -> Agent:
    """An object of the user's.

    Raises:
        ConfigError: there is none, or it is no agent.
    """
    from agentkit.agent import Agent

    found = called(name)
    made: object = found() if callable(found) and not isinstance(found, Agent) else found
    if not isinstance(made, Agent):
        raise ConfigError(f"{name} is no Agent, nor a function that makes one.")
    return made


def called(name: str) -> object:
    """The object of this name: package.module:name or file.py:name.

    Raises:
        ConfigError: there is none.
    """
    from agentkit.user_modules import load_module, member

    place, colon, attribute = name.rpartition(":")
    if not colon:
        raise ConfigError(f"{name!r} names no object: write package.module:object or file.py:object.")
    return member(load_module(place), attribute, place)


def _kept_by(agent: Agent, journal: Journal, options: RunOptions, pause: Pause) -> Agent:
    """The user's agent, writing to the journal that the run is in; with somebody to ask, if it has nobody."""
    assembly = agent.assembly
    consent = assembly.approve if assembly.approve and not options.yes else Consent(yes=options.yes, pause=pause)
    return agent.like(replace(assembly, journal=journal, approve=consent))


def go_to(recording: Recording) -> None:
    """Into the folder where the run began: its options may name files there."""
    folder = place_of(recording.run.get("origin"))
    if folder is None or not folder.is_dir() or folder.samefile("."):
        return
    os.chdir(folder)
    console.note(f"In {folder}, where the run began.")


def overlaid(known: AgentOptions, given: RunOptions) -> AgentOptions:
    """What was chosen now, over what was chosen then."""
    usual = type(given)()
    names = {each.name for each in fields(AgentOptions)} & {each.name for each in fields(given)}
    return replace(known, **{name: new for name in names if (new := getattr(given, name)) != getattr(usual, name)})
