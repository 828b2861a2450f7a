"""From the command line's options to an agent."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

import typer

from agentkit.cli.consent import Consent, Pause
from agentkit.cli.console import note
from agentkit.cli.named import load_model
from agentkit.cli.options import AgentOptions, StrategyName
from agentkit.errors import ConfigError

if TYPE_CHECKING:
    from agentkit.agent import Agent
    from agentkit.assembly import JournalChoice
    from agentkit.limits import Limits
    from agentkit.models import Params
    from agentkit.strategies import StrategyLike
    from agentkit.toolbox import ToolLike

__all__ = ["default_model", "inference_params", "make_agent", "settled", "strategy_of", "tools_of", "usage"]

Options = TypeVar("Options", bound=AgentOptions)
DEFAULT_TOOLS = ("calculator", "python")
NO_MODEL = (
    "No model: no credentials are in sight, and the local model is not installed. Name one (-m bedrock:…, -m openai:…, "
    "or AGENTKIT_MODEL), or install the local one: pip install 'agentkit-react[local]' && run-agent model fetch"
)


@contextmanager
def usage(option: str) -> Generator[None]:
    """What is wrong with an option's value is a usage error, and names the option."""
    try:
        yield
    except ConfigError as error:
        raise typer.BadParameter(str(error), param_hint=f"'{option}'") from error


def settled(options: Options, *, prompt: str | None = None) -> Options:
    """The options with what they leave open decided, so that they make the same agent another day.

    Args:
        prompt: the prompt when the options name none and the strategy is react.
    """
    strategy = strategy_of(options.strategy, options.prompt, options.samples, explain=options.explain)
    model = options.model or default_model(quiet=options.quiet)
    if model == "local":
        prompt = None  # it has an edition of its own, which it was trained with
    return replace(options, model=model, prompt=options.prompt or (prompt if strategy == "react" else None))


def make_agent(options: AgentOptions, pause: Pause | None, *, journal: JournalChoice = "default") -> Agent:
    """The agent that the options describe.

    Args:
        pause: stops the display while a person is asked; None: nobody is.
        journal: where its runs are written down.
    """
    from agentkit.agent import Agent

    parks = options.on_approval == "park"
    if parks and options.yes:
        raise typer.BadParameter("--yes approves every call: none would wait", param_hint="'--on-approval'")
    strategy = strategy_of(options.strategy, options.prompt, options.samples, explain=options.explain)
    tools = tools_of(options.tool, strategy)
    params = inference_params(options.option)
    model = options.model or default_model(quiet=options.quiet)
    return Agent(
        load_model(model),
        tools,
        strategy=strategy,
        prompt=options.prompt,
        limits=_limits(options),
        params=params,
        approve=None if parks else Consent(yes=options.yes, pause=pause),
        on_approval=options.on_approval,
        journal=journal,
    )


def default_model(*, quiet: bool = False) -> str:
    """The model when none is named: of a provider whose credentials are in sight, else the local one; says which.

    Raises:
        ConfigError: there is neither.
    """
    from agentkit.models.credentials import available
    from agentkit.models.local import installed

    for found in available():
        if found.model_hint and not found.missing:
            if not quiet:
                note(f"Model: {found.model_hint}, because of {found.what}. Another one: -m")
            return found.model_hint
    if not installed():
        raise ConfigError(NO_MODEL)
    if not quiet:
        note("No model named and no credentials in sight: the local model answers. Another one: -m")
    return "local"


def strategy_of(
    name: StrategyName | None, prompt: str | None, samples: int | None, *, explain: bool = False
) -> StrategyLike:
    """The strategy; when it is not named, the one that the other options belong to."""
    from agentkit.strategies import Pal

    programs = samples is not None or explain
    name = name or ("pal" if programs else "react" if prompt is None else _strategy_for(prompt))
    if name == "pal":
        with usage("--samples"):
            return Pal(samples=samples or 1, explain=explain)
    if programs:
        raise typer.BadParameter("belong to --strategy pal", param_hint="'--samples' and '--explain'")
    return name


def _strategy_for(prompt: str) -> StrategyName:
    """The strategy a prompt is written for: those of pal do not tell of tools."""
    from agentkit.prompt import load

    with usage("--prompt"):
        file = load(prompt)
    if file.name == "code":
        return "code"
    return "react" if any("tools" in section.names for section in file.sections.values()) else "pal"


def tools_of(names: Sequence[str], strategy: StrategyLike) -> Sequence[ToolLike]:
    """The tools by name. With none named for react: the calculator and the sandboxed interpreter, which
    touch nothing."""
    from agentkit.registry_import import load_tools
    from agentkit.strategies import Pal

    if isinstance(strategy, Pal):
        if names:
            text = "strategy pal takes no tools: its program is its only action"
            raise typer.BadParameter(text, param_hint="'--tool'")
        return ()
    if list(names) == ["none"]:
        return ()
    with usage("--tool"):
        return load_tools(names or (DEFAULT_TOOLS if strategy == "react" else ()))


def inference_params(given: Sequence[str]) -> Params:
    """`name=value` texts as parameters."""
    from agentkit.models import Params

    values: dict[str, object] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals:
            raise typer.BadParameter(f"write NAME=VALUE, like temperature=0, not {text!r}", param_hint="'--option'")
        values[name.strip()] = value
    with usage("--option"):
        return Params.of(values)


def _limits(options: AgentOptions) -> Limits:
    from agentkit.limits import Limits

    return Limits(
        max_steps=options.max_steps or Limits().max_steps,
        max_tokens=options.max_tokens,
        max_cost_usd=options.max_cost,
        seconds=options.timeout,
    )
