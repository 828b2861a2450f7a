"""What the journal keeps of an agent, so that its runs can be replayed without it: as JSON, and made again from that.

Prompts, tool schemas and marks, limits, strategy, the form of the answer, the names of models: all that decides what
the loop does with the results of its effects. What does something (models, tools) is replaced by stand-ins.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import Field, asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, NoReturn, cast

from agentkit.answers import Answers
from agentkit.assembly import Assembly
from agentkit.errors import ConfigError, JournalError
from agentkit.json_schema import SchemaArguments
from agentkit.limits import Limits
from agentkit.messages import JSON
from agentkit.models import Params
from agentkit.models.retry import RetryPolicy
from agentkit.prompt import PromptFile, Prompts, Template
from agentkit.strategies import strategy
from agentkit.tool import Marks, Tool
from agentkit.toolbox import AnyTool, Toolbox

if TYPE_CHECKING:
    from agentkit.models.base import Chunk, Request

__all__ = ["Spec", "described", "offline", "rebuilt"]

Spec = Mapping[str, JSON]
VERSION = 1


def described(assembly: Assembly) -> dict[str, Any]:  # Any: JSON of several shapes
    """An agent as JSON."""
    plan, limits = assembly.plan, replace(assembly.limits, context_tokens=assembly.context_tokens)
    return {
        "version": VERSION,
        "strategy": {"name": plan.name, "options": plan.options},
        "models": [model.name for model in assembly.models],
        "params": _unusual(assembly.params),
        "limits": _unusual(limits),
        "answer": assembly.answers.schema,
        "tools": [
            {**tool.schema, "marks": _unusual(tool.marks)} for tool in plan.toolbox.values() if plan.name != "pal"
        ],
        "prompts": {
            "main": _file(plan.prompts.main),
            **{name: _file(file) for name, file in plan.prompts.texts.items()},
        },
    }


def rebuilt(spec: Spec | None) -> Assembly:
    """The agent again, for the loop alone: its models and tools must not be called.

    Raises:
        JournalError: it cannot be made from what the journal has; says why.
    """
    if spec is None or spec.get("version") != VERSION:
        raise JournalError("The journal does not hold the agent of this run. Give the agent itself (agent=…).")
    known = cast("dict[str, Any]", spec)  # Any: as `described` made it
    try:
        name, options = known["strategy"]["name"], known["strategy"]["options"]
        if options is None:
            raise JournalError(f"Its strategy {name!r} is a class of yours. Give the agent itself (agent=…).")
        prompts = _prompts(known["prompts"])
        tools = Toolbox([_tool(each) for each in known["tools"]])
        plan = strategy(name, options).plan(tools, prompts, _no_sandbox)
        return offline(
            Assembly(
                models=tuple(_Absent(str(each)) for each in known["models"]),
                plan=plan,
                answers=Answers.of_schema(known["answer"], prompts),
                limits=Limits(**known["limits"]),
                params=Params(**known["params"]),
                retry=RetryPolicy(),
                approve=None,
                wrap=(),
            )
        )
    except (ConfigError, KeyError, TypeError, AttributeError, ValueError) as error:
        raise JournalError(
            f"The agent of this run cannot be made from the journal ({error}). Give the agent itself (agent=…)."
        ) from error


def offline(assembly: Assembly) -> Assembly:
    """The same agent, unable to do anything: no model, no tool, nobody to ask."""
    tools = [replace(tool, function=_never, coroutine=None, preview=None, reconcile=None) for tool in _tools(assembly)]
    return replace(
        assembly,
        models=tuple(_Absent(model.name) for model in assembly.models),
        plan=replace(assembly.plan, toolbox=Toolbox(tools)),
        limits=replace(assembly.limits, context_tokens=assembly.context_tokens),
        approve=None,
        on_approval="ask",
        wrap=(),
    )


def _tools(assembly: Assembly) -> Sequence[AnyTool]:
    return tuple(assembly.plan.toolbox.values())


@dataclass(frozen=True, slots=True)
class _Absent:
    """Stands where a model was."""

    name: str

    def stream(self, request: Request, /) -> Iterator[Chunk]:
        _never()

    def astream(self, request: Request, /) -> AsyncIterator[Chunk]:
        _never()


def _never(**_: object) -> NoReturn:
    raise AssertionError("Nothing is done in a replay.")


def _no_sandbox() -> NoReturn:
    raise AssertionError("No program runs in a replay.")


def _tool(told: Mapping[str, Any]) -> AnyTool:  # Any: as `described` made it
    function: Callable[..., object] = _never
    arguments = SchemaArguments(told["parameters"], told["name"])
    return Tool(function, told["name"], told["description"], arguments, Marks(**told["marks"]))


def _file(file: PromptFile) -> dict[str, object]:
    sections = {title: template.text for title, template in file.sections.items()}
    return {"name": file.name, "where": file.where, "sections": sections, "examples": list(file.examples)}


def _prompts(told: Mapping[str, Any]) -> Prompts:  # Any: as `described` made it
    files = {
        name: PromptFile(
            each["name"],
            each["where"],
            {},
            {title: Template(text, f"{each['where']}, section '{title}'") for title, text in each["sections"].items()},
            tuple(each["examples"]),
        )
        for name, each in told.items()
    }
    return Prompts(files.pop("main"), files)


def _unusual(value: Any) -> dict[str, object]:  # Any: any dataclass whose fields have defaults
    """The fields that are not as they are by default."""
    fields: Mapping[str, Field[object]] = value.__dataclass_fields__
    return {name: given for name, given in asdict(value).items() if given != fields[name].default}
