"""Tools: plain functions with a schema and a few marks that say how safe they are to call."""

from __future__ import annotations

import inspect
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Generic, ParamSpec, TypeAlias, TypedDict, TypeVar, Unpack, cast, overload

from agentkit.errors import BadArguments, ConfigError
from agentkit.messages import JSON, Observation
from agentkit.models.base import ToolSchema
from agentkit.schema import Arguments, FunctionArguments, IdempotencyKey, RunContext, Secret

__all__ = [
    "IdempotencyKey",
    "Marks",
    "Reconcile",
    "ReconcileAnswer",
    "RunContext",
    "Secret",
    "Tool",
    "ToolOptions",
    "tool",
]

Reconcile: TypeAlias = "Callable[[IdempotencyKey], ReconcileAnswer | Awaitable[ReconcileAnswer]]"
ReconcileAnswer: TypeAlias = "Observation | str | None"
P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """What the agent must know before it calls a tool.

    Attributes:
        read_only: changes nothing: may start while the model still writes, and may run again.
        idempotent: calling it again with the same idempotency key does nothing more.
        needs_approval: a person has to agree to each call first.
        repeatable: the same call again may give something new (polling); else the earlier observation is shown again.
        return_direct: what it returns is the run's answer.
        timeout: seconds after which the call is given up.
        retry: further attempts after a failure that may pass; only for what is read_only or idempotent.
        max_chars: longer results are cut in the middle.
    """

    read_only: bool = False
    idempotent: bool = False
    needs_approval: bool = False
    repeatable: bool = False
    return_direct: bool = False
    timeout: float | None = None
    retry: int = 0
    max_chars: int = 10_000

    def __post_init__(self) -> None:
        if self.retry and not (self.read_only or self.idempotent):
            raise ConfigError("retry needs a tool that is read_only or idempotent: another could act twice.")
        if self.timeout is not None and self.timeout <= 0:
            raise ConfigError(f"timeout must be more than 0 seconds, not {self.timeout}.")


class ToolOptions(TypedDict, total=False):
    """The marks as keyword arguments of `@tool` (see `Marks`)."""

    read_only: bool
    idempotent: bool
    needs_approval: bool
    repeatable: bool
    return_direct: bool
    timeout: float | None
    retry: int
    max_chars: int


@dataclass(frozen=True, eq=False)
class Tool(Generic[P, R]):
    """A function that an agent may call. Calling the tool calls the function.

    Attributes:
        function: sync or async.
        name: what the model writes.
        description: what the model reads; the first paragraph of the docstring by default.
        arguments: schema and checks.
        coroutine: the same as a coroutine function, where a tool has both: an event loop runs this one.
        preview: called with the same arguments before approval is asked for; says in words what the call would do,
            or raises ToolError when it could not be done, in which case nobody is asked.
        reconcile: called with the idempotency key of a call that a crash cut off: says what it did, or None if it did
            not happen. With a journal, this makes a tool exactly once that is not idempotent.
    """

    function: Callable[P, R]
    name: str
    description: str
    arguments: Arguments
    marks: Marks = field(default_factory=Marks)
    coroutine: Callable[P, Awaitable[R]] | None = None
    preview: Callable[..., str] | None = None
    reconcile: Reconcile | None = None

    def __post_init__(self) -> None:
        if not re.fullmatch(r"\w[\w .\-]{0,63}", self.name):
            raise ConfigError(f"{self.name!r} is no tool name: use up to 64 letters, digits, '_', '-', '.' or blanks.")
        # The frozen dataclass forbids setattr; help() and inspect.signature() read these two.
        self.__dict__.update(__wrapped__=self.function, __doc__=self.function.__doc__)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        return self.function(*args, **kwargs)

    @cached_property
    def is_async(self) -> bool:
        return inspect.iscoroutinefunction(self.function)

    @cached_property
    def schema(self) -> ToolSchema:
        return {"name": self.name, "description": self.description, "parameters": self.arguments.schema}

    @property
    def text_argument(self) -> str | None:
        """The argument that a bare string fills, if there is one."""
        return self.arguments.text_argument

    @property
    def accepts_nothing(self) -> bool:
        """Whether it can be called without arguments."""
        return not self.arguments.required

    def accepts(self, given: Mapping[str, JSON]) -> bool:
        """Whether these arguments fit the schema."""
        try:
            self.arguments.check(given)
        except BadArguments:
            return False
        return True

    def check(self, given: Mapping[str, JSON] | str) -> dict[str, object]:
        """The arguments as the function wants them, from an object or a bare string.

        Raises:
            BadArguments: the fault in words a model can act on.
        """
        if isinstance(given, str):
            if self.text_argument is not None:
                given = {self.text_argument: given}
            elif not given.strip() and self.accepts_nothing:
                given = {}
            else:
                raise BadArguments(f"The input must be a JSON object {self.arguments.signature}.")
        return self.arguments.check(given)

    def inject(self, arguments: dict[str, object], context: RunContext) -> dict[str, object]:
        """The same arguments with what the agent itself fills in."""
        for name, kind in self.arguments.injected.items():
            arguments[name] = context if kind is RunContext else context.key
        return arguments

    def with_marks(self, **marks: Unpack[ToolOptions]) -> Tool[P, R]:
        """A copy with other marks."""
        return replace(self, marks=replace(self.marks, **marks))


@overload
def tool(function: Callable[P, R], /) -> Tool[P, R]: ...


@overload
def tool(
    *,
    name: str | None = None,
    description: str | None = None,
    preview: Callable[..., str] | None = None,
    reconcile: Reconcile | None = None,
    **marks: Unpack[ToolOptions],
) -> Callable[[Callable[P, R]], Tool[P, R]]: ...


def tool(
    function: Callable[P, R] | None = None,
    /,
    *,
    name: str | None = None,
    description: str | None = None,
    preview: Callable[..., str] | None = None,
    reconcile: Reconcile | None = None,
    **marks: Unpack[ToolOptions],
) -> Tool[P, R] | Callable[[Callable[P, R]], Tool[P, R]]:
    """Make a tool of a function, sync or async; its type is kept.

    The JSON Schema comes from the signature, the descriptions from the docstring (Google, NumPy or ReST style). For
    the marks see `Marks`, for `preview` and `reconcile` see `Tool`.

    Raises:
        ConfigError: a name or marks that cannot be.

    Example:
        >>> @tool(read_only=True)
        ... def population(city: str) -> int:
        ...     '''How many people live in a city.'''
        ...     return {"Oslo": 717_710}[city]
        >>> population("Oslo")
        717710
    """

    def decorate(function: Callable[P, R]) -> Tool[P, R]:
        tool_name = name or cast("str", getattr(function, "__name__", type(function).__name__))
        text = description or _first_paragraph(function)
        arguments = FunctionArguments(function, tool_name)
        return Tool(function, tool_name, text, arguments, Marks(**marks), None, preview, reconcile)

    return decorate if function is None else decorate(function)


def _first_paragraph(function: Callable[..., object]) -> str:
    doc = inspect.getdoc(function) or ""
    return " ".join(doc.split("\n\n", 1)[0].split())
