"""Actions written as one JSON object: `{"action": …, "action_input": …}` and its cousins."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from agentkit.messages import JSON
from agentkit.parse.index import Entry, ToolIndex
from agentkit.parse.inputs import Given, data_input
from agentkit.parse.literals import lenient_object, repaired_object, strict_object

__all__ = ["Call", "answer_of", "like_action", "read_action"]


@dataclass(frozen=True, slots=True)
class Call:
    """An action as an object gives it."""

    entry: Entry
    given: Given
    thought: str = ""


_NAME_KEYS = ("action", "tool", "tool_name", "name", "function", "final_answer")
_INPUT_KEYS = ("action_input", "tool_input", "arguments", "input", "parameters", "args", "kwargs")
_ENCODED = frozenset({"arguments", "parameters"})  # OpenAI's form: JSON as text
_ANSWER_KEYS = ("answer", "final_answer", "response", "result", "output", "text")
_LIKE_ACTION = re.compile(r"[\"']?\b(?:action|action_input|tool|tool_name|tool_input|arguments)[\"']\s*:").search


def like_action(text: str) -> bool:
    """Whether text that is not JSON was meant to be an action."""
    return _LIKE_ACTION(text) is not None


def read_action(text: str, index: ToolIndex, *, named: bool = False) -> Call | None:
    """The action in the object that the text starts with; None where it is no action.

    `named`: the text stands after `Action:`, so that any object with a tool's name is one.
    """
    strict = strict_object(text)
    value = strict[0] if strict else lenient_object(text)
    if value is not None:
        return _call(value, index, named=named)
    if not (named or like_action(text)):
        return None
    mended = repaired_object(text)
    call = _call(mended, index, named=named) if mended is not None else None
    if call is None or call.entry.tool is None or not isinstance(call.given, Mapping):
        return None  # without a schema nothing says that the repair is right
    return call if call.entry.tool.accepts(call.given) else None


def _call(value: Mapping[str, JSON], index: ToolIndex, *, named: bool) -> Call | None:
    key = next((key for key in _NAME_KEYS if key in value), None)
    if key is None:
        return None
    name = value[key]
    thought = value.get("thought", "")
    thought = thought if isinstance(thought, str) else ""
    if isinstance(name, dict):
        inner = _call(name, index, named=True)
        return Call(inner.entry, inner.given, inner.thought or thought) if inner else None
    if key == "final_answer":
        return Call(index.get("finish"), name if isinstance(name, str) else json.dumps(name), thought)
    if not isinstance(name, str):
        return None
    entry = index.get(name)
    input_key = next((key for key in _INPUT_KEYS if key in value), None)
    if entry.kind == "unknown" and input_key is None and not named:
        return None  # data that has a "name"
    return Call(entry, _given(entry, value, input_key), thought)


def _given(entry: Entry, value: Mapping[str, JSON], key: str | None) -> Given:
    given = value.get(key) if key else None
    if entry.kind == "finish":
        return answer_of(given)
    return data_input(entry, given, encoded=key in _ENCODED)


def answer_of(value: JSON) -> str:
    """A final answer that was given as JSON, as text."""
    if isinstance(value, Mapping) and len(value) == 1:
        key, only = next(iter(value.items()))
        value = only if key in _ANSWER_KEYS else value
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
