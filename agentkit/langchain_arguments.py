"""The arguments of a LangChain tool: what a model sees of them, and the check of what it sent."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, cast, get_args

from langchain_core.messages import ToolMessage
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import BaseTool, InjectedToolCallId
from langchain_core.tools import Tool as SimpleTool
from langchain_core.tools.base import get_all_basemodel_annotations
from langchain_core.utils.pydantic import get_fields, model_json_schema
from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from agentkit.errors import BadArguments, ConfigError
from agentkit.json_schema import adapter
from agentkit.messages import JSON
from agentkit.schema import Arguments, IdempotencyKey, without_titles

if TYPE_CHECKING:
    from langchain_core.messages import ToolCall
    from langchain_core.tools.base import ArgsSchema

__all__ = ["LangChainArguments", "told"]

_CALL_ID = "tool call id"  # no parameter can have this name


class LangChainArguments(Arguments):
    """The arguments of a LangChain tool: its `args_schema` (pydantic 2 or 1, or a JSON Schema), or those of `_run`.

    Raises:
        ConfigError: the model may not fill in a parameter, and nobody else does; or the schema makes no sense.
    """

    def __init__(self, tool: BaseTool, given: Mapping[str, object]) -> None:
        self._tool = tool
        self._given = given
        if self._model is None:
            _ = self._adapter  # a schema that makes no sense is refused here
        if missing := sorted(self._needed - given.keys()):
            name = missing[0]
            raise ConfigError(
                f"Tool {tool.name!r}: a model may not fill in {name!r}; "
                f"give it: from_langchain({tool.name}, injected={{{name!r}: …}})."
            )

    @cached_property
    def _model(self) -> ArgsSchema | None:
        """The tool's model of all its arguments; None when there is only a JSON Schema."""
        if isinstance(self._tool.args_schema, dict) or self._takes_one_text:
            return None
        return self._tool.get_input_schema()

    @property
    def _takes_one_text(self) -> bool:
        return isinstance(self._tool, SimpleTool) and self._tool.args_schema is None

    @cached_property
    def _hints(self) -> Mapping[str, object]:
        return {} if self._model is None else get_all_basemodel_annotations(cast("type[BaseModel]", self._model))

    @cached_property
    def _hidden(self) -> frozenset[str]:
        """Arguments that the model must not give."""
        if self._model is None:
            return frozenset(self._given)
        visible = get_fields(cast("type[BaseModel]", self._tool.tool_call_schema))
        return frozenset(name for name, hint in self._hints.items() if name not in visible or _is_config(hint))

    @property
    def _needed(self) -> frozenset[str]:
        """Those of them that have no default, and that LangChain does not fill in either."""
        if self._model is None:
            return frozenset()
        fields = get_fields(cast("type[BaseModel]", self._model))
        return frozenset(
            name
            for name in self._hidden
            if _is_required(fields[name]) and not _is_config(hint := self._hints[name]) and not _is_call_id(hint)
        )

    @cached_property
    def injected(self) -> dict[str, type]:
        # Only a whole tool call, with an id, gets a tool its id, and gets us the artifact.
        wants = self._tool.response_format == "content_and_artifact" or any(map(_is_call_id, self._hints.values()))
        return {_CALL_ID: IdempotencyKey} if wants else {}

    @cached_property
    def schema(self) -> dict[str, JSON]:
        schema = _modern(self._raw_schema())
        schema.pop("description", None)
        properties = schema.setdefault("properties", {})
        if not isinstance(properties, dict):
            raise ConfigError(f"Tool {self._tool.name!r}: the properties of its JSON Schema must be an object.")
        for name in self._hidden & properties.keys():
            del properties[name]
        if "required" in schema:
            schema["required"] = [name for name in cast("list[str]", schema["required"]) if name in properties]
        return schema

    def _raw_schema(self) -> Mapping[str, JSON]:
        if isinstance(self._tool.args_schema, dict):
            return self._tool.args_schema
        if self._model is None:
            return {"type": "object", "properties": self._tool.args, "required": list(self._tool.args)}
        # LangChain's own choice of fields loses aliases: it is taken only where there is something to hide.
        return model_json_schema(cast("type[BaseModel]", self._tool.tool_call_schema if self._hidden else self._model))

    def convert(self, given: Mapping[str, JSON]) -> dict[str, object]:
        faults = self._unknown(given)
        found = dict[str, object](given)
        try:
            found = self._validated(given)
        except ValidationError as error:
            if own := [fault for fault in error.errors(include_url=False) if not self._is_known(fault)]:
                if words := told(self._tool.handle_validation_error, error):
                    raise BadArguments(words) from None
                faults += own
        if faults:
            raise self.refusal(faults)
        return found

    def _validated(self, given: Mapping[str, JSON]) -> dict[str, object]:
        if isinstance(self._model, type) and issubclass(self._model, BaseModel):
            self._model.model_validate({**given, **self._given})
            return dict(given)  # as it came: the tool itself reads it once more
        return self._adapter.validate_python(given)

    @cached_property
    def _adapter(self) -> TypeAdapter[dict[str, object]]:
        return adapter(self.schema, self._tool.name)

    def _unknown(self, given: Mapping[str, JSON]) -> list[ErrorDetails]:
        is_open = self.schema.get("additionalProperties", False) is not False
        return [
            ErrorDetails(type="extra_forbidden", loc=(name,), msg="", input=value)
            for name, value in given.items()
            if name in self._hidden or (name not in self.properties and not is_open)
        ]

    def _is_known(self, fault: ErrorDetails) -> bool:
        """Whether a fault is of no account: told already, or about what the model does not see."""
        told_already = fault["type"] == "extra_forbidden" and len(fault["loc"]) == 1
        return told_already or (bool(fault["loc"]) and fault["loc"][0] in self._hidden)

    def is_theirs(self, error: ValidationError) -> bool:
        """Whether an error is about the arguments, and not from inside the tool."""
        return isinstance(self._model, type) and error.title == self._model.__name__

    def call(self, given: dict[str, object]) -> dict[str, object] | ToolCall:
        """What to invoke the tool with."""
        call_id = given.pop(_CALL_ID, "call")
        arguments = {**given, **self._given}
        if not self.injected:
            return arguments
        return {"type": "tool_call", "name": self._tool.name, "args": arguments, "id": str(call_id)}


def told(handler: object, error: Exception) -> str:
    """What a tool's own handler makes of an error; nothing where it has none."""
    if isinstance(handler, str):
        return handler
    if not callable(handler):
        return ""
    words = cast("Callable[[Exception], str | list[str | dict[str, JSON]]]", handler)(error)
    return ToolMessage(words, tool_call_id="").text


def _modern(schema: Mapping[str, JSON]) -> dict[str, JSON]:
    """A copy in the current dialect of JSON Schema: older ones (pydantic 1, draft 7) keep "$defs" as "definitions"."""
    copy: dict[str, JSON] = json.loads(json.dumps(schema, default=str).replace('"#/definitions/', '"#/$defs/'))
    if "definitions" in copy:
        copy["$defs"] = copy.pop("definitions")
    return without_titles(copy)


def _is_config(hint: object) -> bool:
    return RunnableConfig in (hint, *get_args(hint))


def _is_call_id(hint: object) -> bool:
    return any(part is InjectedToolCallId or isinstance(part, InjectedToolCallId) for part in get_args(hint))


def _is_required(field: object) -> bool:
    """Whether a field of a pydantic 2 or 1 model has no default."""
    is_required = getattr(field, "is_required", None)
    return bool(is_required()) if callable(is_required) else getattr(field, "required", None) is True
