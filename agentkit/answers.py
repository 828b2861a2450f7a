"""Structured answers: the final answer as a value of the type that was asked for."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from agentkit.errors import ConfigError
from agentkit.messages import JSON
from agentkit.prompt import Prompts

if TYPE_CHECKING:
    from pydantic import TypeAdapter

__all__ = ["Answers"]


class Answers:
    """Reads answers as `answer_type`: a pydantic model, a dataclass, `int`, `list[str]`, … None leaves them as text.

    Raises:
        ConfigError: pydantic cannot validate that type.
    """

    def __init__(self, answer_type: object, prompts: Prompts) -> None:
        self._type = answer_type
        self._prompts = prompts
        self._given: Mapping[str, JSON] | None = None
        if answer_type is not None:
            _ = self.format

    @classmethod
    def of_schema(cls, schema: Mapping[str, JSON] | None, prompts: Prompts) -> Answers:
        """Reads answers as the type that a JSON Schema describes, where the type itself is not at hand."""
        if schema is None:
            return cls(None, prompts)
        from agentkit.json_schema import type_of

        made = cls(None, prompts)
        made._type, made._given = type_of(schema), schema
        return made

    @cached_property
    def _adapter(self) -> TypeAdapter[Any]:  # Any: the type is the user's, known only at run time
        from pydantic import TypeAdapter
        from pydantic.errors import PydanticUserError

        try:
            return TypeAdapter(self._type)  # type: ignore[arg-type]
        except PydanticUserError as error:
            raise ConfigError(f"answer_type {self._type!r} cannot be validated: {str(error).splitlines()[0]}") from None

    @cached_property
    def schema(self) -> Mapping[str, JSON] | None:
        """JSON Schema of the answer; None for text."""
        if self._type is None:
            return None
        return self._given or self._adapter.json_schema()

    @cached_property
    def format(self) -> str:
        """What the prompt says about the form of the answer; nothing for text."""
        if self.schema is None:
            return ""
        return self._prompts.say("tools", "answer format", schema=json.dumps(self.schema))

    def value(self, answer: str, data: JSON) -> object:
        """The answer as the asked-for type; without one, the data that a program gave.

        Raises:
            ValueError: with every fault in words that a model can act on.
        """
        if self._type is None:
            return data
        from pydantic import ValidationError

        try:
            return self._adapter.validate_python(data if data is not None else _read(answer))
        except ValidationError as error:
            faults = (
                f"{'.'.join(map(str, e['loc'])) or 'answer'}: {e['msg']}" for e in error.errors(include_url=False)
            )
            raise ValueError("; ".join(faults) + ".") from None


def _read(answer: str) -> JSON:
    """The JSON in an answer, fenced or amid prose, repaired if need be; else the text itself."""
    fenced = re.search(r"```(?:json)?\s*\n(.*?)```", answer, re.DOTALL)
    text = (fenced[1] if fenced else answer).strip()
    try:
        return json.loads(text)  # type: ignore[no-any-return]
    except ValueError:
        pass
    if start := re.search(r"[\[{]", text):
        from json_repair import repair_json

        found = repair_json(text[start.start() :], return_objects=True)
        if isinstance(found, (dict, list)) and found:
            return found
    return text
