"""The options that make an agent, declared once for every command that runs one."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import MISSING, Field, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Concatenate, Literal, ParamSpec, TypeAlias, TypeVar, cast, get_type_hints

import typer

from agentkit.approval import OnApproval

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

__all__ = ["AgentName", "AgentOptions", "AskOptions", "RunOptions", "StrategyName", "takes"]

D = TypeVar("D")
P = ParamSpec("P")
StrategyName: TypeAlias = Literal["react", "pal", "code"]
LIMITS, OUTPUT = "Limits", "Output"

AgentName: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--agent",
        metavar="OBJECT",
        help="The run's agent, where run-agent did not begin it: package.module:name or file.py:name.",
    ),
]


def prompt_names(incomplete: str) -> list[str]:
    """For shell completion."""
    from agentkit.prompt import names

    return [name for name in names() if name.startswith(incomplete)]


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """How a run is driven and shown; see each option's help."""

    yes: Annotated[bool, typer.Option("--yes", "-y", help="Approve every call that would ask first.")] = False
    trace: Annotated[
        Path | None,
        typer.Option(metavar="FILE", rich_help_panel=OUTPUT, help="Write every event to FILE as JSON Lines."),
    ] = None
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", rich_help_panel=OUTPUT, help="No progress: the answer, and errors.")
    ] = False
    verbose: Annotated[
        bool,
        typer.Option(
            "--verbose",
            "-v",
            rich_help_panel=OUTPUT,
            help="Long observations whole, log messages, tracebacks of errors.",
        ),
    ] = False


@dataclass(frozen=True, kw_only=True)
class AgentOptions(RunOptions):
    """What the command line says of the agent; see each option's help."""

    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            "-m",
            metavar="MODEL",
            envvar="AGENTKIT_MODEL",
            help="'provider:model' (bedrock:…, openai:…), 'local', or an object: package.module:name, file.py:name.",
        ),
    ] = None
    tool: Annotated[
        list[str],
        typer.Option(
            "--tool",
            "-t",
            metavar="TOOL",
            help="A tool the agent may use; repeatable: a name from 'tools list', package.module:name, file.py[:name]. "
            "Default: calculator and python; 'none' for none.",
        ),
    ] = field(default_factory=list[str])
    strategy: Annotated[
        StrategyName | None,
        typer.Option(
            "--strategy",
            "-s",
            help="react: think, act, observe. pal: write a program whose value answers. code: programs that call "
            "the tools. Default: the one that the prompt is for, else react.",
        ),
    ] = None
    option: Annotated[
        list[str],
        typer.Option(
            "--option",
            "-o",
            metavar="NAME=VALUE",
            help="temperature, top_p, top_k, max_tokens, stop or seed; repeatable.",
        ),
    ] = field(default_factory=list[str])
    prompt: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|PATH",
            autocompletion=prompt_names,
            help="Another prompt: a name from 'prompt list', or a file.",
        ),
    ] = None
    samples: Annotated[
        int | None, typer.Option(min=1, metavar="K", help="pal: run K programs and take the majority of their values.")
    ] = None
    explain: Annotated[bool, typer.Option("--explain", help="pal: let the model put the value into words.")] = False
    max_steps: Annotated[
        int | None, typer.Option(min=1, metavar="N", rich_help_panel=LIMITS, help="Turns of the loop (default 15).")
    ] = None
    max_tokens: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", rich_help_panel=LIMITS, help="Tokens in and out, all calls together."),
    ] = None
    max_cost: Annotated[
        float | None, typer.Option(min=0, metavar="USD", rich_help_panel=LIMITS, help="US dollars.")
    ] = None
    timeout: Annotated[
        float | None, typer.Option(min=0, metavar="SECONDS", rich_help_panel=LIMITS, help="Seconds for the whole run.")
    ] = None
    on_approval: Annotated[
        OnApproval,
        typer.Option(
            "--on-approval",
            help="A call that needs approval: ask at the terminal, or park the run until 'runs approve' has answered.",
        ),
    ] = "ask"


@dataclass(frozen=True, kw_only=True)
class AskOptions(AgentOptions):
    """What the command line says of a new run; see each option's help."""

    journal: Annotated[
        str | None,
        typer.Option(
            metavar="FILE|URL",
            help="Where runs are written down, to be resumed, shown and replayed with 'run-agent runs'. "
            "Default: AGENTKIT_JOURNAL, else a file in your data directory.",
        ),
    ] = None
    no_journal: Annotated[bool, typer.Option("--no-journal", help="Write nothing down.")] = False


def takes(options: type[D]) -> Callable[[Callable[Concatenate[D, P], None]], Callable[..., None]]:
    """Give a command whose first parameter is an `options` dataclass one option for each of its fields."""

    def decorate(function: Callable[Concatenate[D, P], None]) -> Callable[..., None]:
        hints = get_type_hints(options, include_extras=True)
        # What is about the agent comes before what is about any run.
        every = fields(cast("type[DataclassInstance]", options))
        items = sorted(every, key=lambda item: item.name in RunOptions.__dataclass_fields__)

        def command(*args: P.args, **given: P.kwargs) -> None:
            chosen = {item.name: given.pop(item.name) for item in items}
            function(options(**chosen), *args, **given)

        own_hints = get_type_hints(function, include_extras=True)
        own = [
            item.replace(annotation=own_hints[name], kind=inspect.Parameter.KEYWORD_ONLY)
            for name, item in list(inspect.signature(function).parameters.items())[1:]
        ]
        added = [_parameter(item, hints[item.name]) for item in items]
        signature = inspect.Signature([*own, *added])
        command.__dict__["__signature__"] = signature  # what Typer reads
        command.__name__, command.__doc__ = function.__name__, function.__doc__
        command.__annotations__ = {name: item.annotation for name, item in signature.parameters.items()}
        return command

    return decorate


def _parameter(item: Field[object], annotation: object) -> inspect.Parameter:
    default = item.default if item.default_factory is MISSING else item.default_factory()
    return inspect.Parameter(item.name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
