"""From a function's signature and docstring to a JSON Schema, and from a model's arguments to checked Python values."""

from __future__ import annotations

import inspect
import types
import typing
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Annotated, NotRequired, TypeAlias, Union, cast, get_args, get_origin

from agentkit.errors import AgentkitError, BadArguments, ConfigError
from agentkit.messages import JSON

if typing.TYPE_CHECKING:
    from pydantic import GetJsonSchemaHandler, TypeAdapter
    from pydantic_core import CoreSchema, ErrorDetails

__all__ = ["Arguments", "FunctionArguments", "IdempotencyKey", "RunContext", "Secret", "without_titles"]


class IdempotencyKey(str):
    """A stable name for one call of one run: the same after a retry or a resume, different for every other call.

    A tool that takes a parameter annotated with this type gets it from the agent; the model does not see it.
    Store it with what the tool does, and do nothing when it is there already.
    """

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class RunContext:
    """What a tool may know of the run that calls it (a parameter annotated with this type gets it).

    Attributes:
        now: the run's clock: when the run began, with the local time zone. The same after a resume.
        key: see `IdempotencyKey`.
    """

    run_id: str
    step: int
    now: datetime
    key: IdempotencyKey


@dataclass(frozen=True, slots=True)
class Secret:
    """Marks an argument whose value the journal must not keep: `password: Annotated[str, Secret()]`.

    pydantic's `SecretStr` as a type does the same.
    """

    def __get_pydantic_json_schema__(self, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, JSON]:
        return {**handler(core_schema), "writeOnly": True}


_INJECTED = (IdempotencyKey, RunContext)


class Arguments(ABC):
    """The arguments of a tool: their JSON Schema, and the check of what a model sent.

    `FunctionArguments` reads them from a function; a tool from elsewhere brings a `schema` and a `check` of its own.
    """

    @cached_property
    @abstractmethod
    def schema(self) -> dict[str, JSON]:
        """JSON Schema (draft 2020-12) of the arguments: an object with "properties", without titles."""

    @abstractmethod
    def convert(self, given: Mapping[str, JSON]) -> dict[str, object]:
        """The arguments as the tool wants them; pydantic's ValidationError, or any other, where they do not fit."""

    def check(self, given: Mapping[str, JSON]) -> dict[str, object]:
        """The arguments as the tool wants them.

        Raises:
            BadArguments: with every fault in words, and what is expected.
        """
        try:
            return self.convert(given)
        except AgentkitError:
            raise
        except Exception as error:  # a validator of the user's may raise anything
            raise self.explain(error) from error

    @cached_property
    def injected(self) -> dict[str, type]:
        """What the agent fills in: name -> IdempotencyKey or RunContext."""
        return {}

    @cached_property
    def required(self) -> tuple[str, ...]:
        """The names that must be given, in order."""
        needed = cast("list[str]", self.schema.get("required", []))
        return tuple(name for name in self.properties if name in needed)

    @cached_property
    def properties(self) -> dict[str, dict[str, JSON]]:
        """The JSON Schema of each argument."""
        return cast("dict[str, dict[str, JSON]]", self.schema["properties"])

    @cached_property
    def has_secrets(self) -> bool:
        """Whether an argument, or a part of one, is secret: "writeOnly" in the schema (see `Secret`)."""
        return _has_secrets(self.schema)

    @cached_property
    def text_argument(self) -> str | None:
        """The one required argument, when there is just one and it is text: a bare string fills it."""
        if len(self.required) != 1:
            return None
        return self.required[0] if self.properties[self.required[0]].get("type") == "string" else None

    @cached_property
    def signature(self) -> str:
        """The arguments in one line, as a model may be told: `{"city": string, "nights": integer = 1}`."""
        definitions = cast("dict[str, dict[str, JSON]]", self.schema.get("$defs", {}))
        parts = (_property(name, p, name in self.required, definitions) for name, p in self.properties.items())
        return "{" + ", ".join(parts) + "}"

    def explain(self, error: Exception) -> BadArguments:
        """What was wrong, in words a model can act on, and what is expected."""
        from pydantic import ValidationError

        if isinstance(error, ValidationError):
            return self.refusal(error.errors(include_url=False))
        return BadArguments(f"{type(error).__name__}: {error}. Expected {self.signature}.")

    def refusal(self, faults: Iterable[ErrorDetails]) -> BadArguments:
        """The error for faults that pydantic found."""
        return BadArguments(f"{'; '.join(map(_fault, faults))}. Expected {self.signature}.")


class FunctionArguments(Arguments):
    """The arguments of a function, from its signature, its type hints and its docstring.

    Raises:
        ConfigError: a parameter that cannot be filled from JSON (`*args`, an annotation pydantic does not know).
    """

    def __init__(self, function: Callable[..., object], name: str) -> None:
        self._function = function
        self._name = name

    @cached_property
    def _hints(self) -> dict[str, object]:
        try:
            return typing.get_type_hints(self._function, include_extras=True)
        except (NameError, TypeError) as error:
            raise ConfigError(f"Tool {self._name!r}: cannot resolve its type hints: {error}.") from error

    @cached_property
    def _parameters(self) -> dict[str, inspect.Parameter]:
        return dict(inspect.signature(self._function).parameters)

    @cached_property
    def injected(self) -> dict[str, type]:
        found = {name: _injected_type(self._hints.get(name)) for name in self._parameters}
        return {name: kind for name, kind in found.items() if kind is not None}

    @cached_property
    def open(self) -> bool:
        """Whether the function takes any further names (`**kwargs`)."""
        return any(p.kind is p.VAR_KEYWORD for p in self._parameters.values())

    @cached_property
    def required(self) -> tuple[str, ...]:
        return tuple(name for name, p in self._visible.items() if p.default is p.empty)

    @cached_property
    def _visible(self) -> dict[str, inspect.Parameter]:
        kinds = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.POSITIONAL_ONLY)
        for name, parameter in self._parameters.items():
            if parameter.kind in kinds:
                raise ConfigError(f"Tool {self._name!r}: parameter {name!r} must be one that can be given by name.")
        return {
            name: parameter
            for name, parameter in self._parameters.items()
            if parameter.kind is not parameter.VAR_KEYWORD and name not in self.injected
        }

    @cached_property
    def _adapter(self) -> TypeAdapter[dict[str, object]]:
        # Loaded here, not at the top: `import agentkit` stays light until a tool is used.
        from pydantic import ConfigDict, Field, TypeAdapter, with_config
        from pydantic.errors import PydanticUserError
        from typing_extensions import TypedDict

        described = _descriptions(self._function)
        types_: dict[str, object] = {}
        for name, parameter in self._visible.items():
            hint = self._hints.get(name, str)
            if name in described:
                hint = Annotated[hint, Field(description=described[name])]
            types_[name] = hint if parameter.default is parameter.empty else NotRequired[hint]
        config = ConfigDict(
            extra="allow" if self.open else "forbid",
            arbitrary_types_allowed=False,
            coerce_numbers_to_str=True,
        )
        # The functional form takes names computed at run time; checkers only know the literal one.
        shape = with_config(config)(TypedDict(self._name, types_))  # type: ignore[operator]
        try:
            return cast("TypeAdapter[dict[str, object]]", TypeAdapter(shape))
        except PydanticUserError as error:
            raise ConfigError(f"Tool {self._name!r}: {str(error).splitlines()[0]}") from error

    @cached_property
    def schema(self) -> dict[str, JSON]:
        from pydantic_core import to_jsonable_python

        schema = without_titles(self._adapter.json_schema())
        properties = cast("dict[str, dict[str, JSON]]", schema.setdefault("properties", {}))
        for name, parameter in self._visible.items():
            if parameter.default is not parameter.empty and parameter.default is not None:
                properties[name]["default"] = to_jsonable_python(parameter.default, fallback=str)
        return schema

    def convert(self, given: Mapping[str, JSON]) -> dict[str, object]:
        return self._adapter.validator.validate_python(given)  # type: ignore[no-any-return]


def _injected_type(hint: object) -> type | None:
    if get_origin(hint) in (Union, types.UnionType, Annotated):
        return next((found for part in get_args(hint) if (found := _injected_type(part))), None)
    return hint if isinstance(hint, type) and hint in _INJECTED else None


def _descriptions(function: Callable[..., object]) -> dict[str, str]:
    from docstring_parser import parse  # Google, NumPy, ReST and Epydoc styles

    parsed = parse(inspect.getdoc(function) or "")
    return {p.arg_name: " ".join(p.description.split()) for p in parsed.params if p.description}


def without_titles(schema: Mapping[str, JSON]) -> dict[str, JSON]:
    """A JSON Schema without its titles, which only repeat the names."""
    return cast("dict[str, JSON]", _untitled(schema))


def _untitled(node: object) -> object:
    if isinstance(node, dict):
        items = cast("dict[str, object]", node).items()
        return {k: _untitled(v) for k, v in items if not (k == "title" and isinstance(v, str))}
    return [_untitled(item) for item in cast("list[object]", node)] if isinstance(node, list) else node


def _has_secrets(node: object) -> bool:
    if isinstance(node, dict):
        items = cast("dict[str, object]", node)
        return items.get("writeOnly") is True or any(map(_has_secrets, items.values()))
    return isinstance(node, list) and any(map(_has_secrets, cast("list[object]", node)))


def _fault(detail: ErrorDetails) -> str:
    where = ".".join(str(part) for part in detail["loc"])
    match detail["type"]:
        case "missing":
            return f"{where!r} is missing"
        case "extra_forbidden":
            return f"there is no argument {where!r}"
        case _:
            given = repr(detail["input"])
            given = given if len(given) <= 60 else given[:57] + "..."
            message = detail["msg"].removeprefix("Value error, ").removeprefix("Assertion failed, ").rstrip(".")
            return f"{where + ': ' if where else ''}{message} (you gave {given})"


_Definitions: TypeAlias = "Mapping[str, dict[str, JSON]]"


def _property(name: str, schema: Mapping[str, JSON], required: bool, definitions: _Definitions) -> str:
    default = f" = {schema['default']!r}" if "default" in schema else "" if required else " (optional)"
    return f'"{name}": {_type_words(schema, definitions)}{default}'


def _type_words(schema: Mapping[str, JSON], definitions: _Definitions) -> str:
    if "$ref" in schema:
        schema = definitions.get(str(schema["$ref"]).rsplit("/", 1)[-1], {"type": "object"})
    if "enum" in schema:
        return " | ".join(repr(v) for v in cast("list[JSON]", schema["enum"]))
    if "const" in schema:
        return repr(schema["const"])
    if "anyOf" in schema:
        return " | ".join(_type_words(part, definitions) for part in cast("list[dict[str, JSON]]", schema["anyOf"]))
    kind = str(schema.get("type", "any"))
    if kind == "array" and isinstance(items := schema.get("items"), dict):
        return f"list of {_type_words(items, definitions)}"
    return str(schema.get("format", kind)) if kind == "string" else kind
