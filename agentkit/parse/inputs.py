"""From the text of an action's input to arguments: an object, or plain text."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from agentkit.messages import JSON, MalformedKind
from agentkit.parse.index import Entry
from agentkit.parse.literals import call_arguments, fault, lenient_object, repaired_object, strict_object

__all__ = ["Fault", "Given", "call_input", "data_input", "fit", "no_input", "read_input", "unquoted"]


@dataclass(frozen=True, slots=True)
class Fault:
    """Why something could not be read."""

    kind: MalformedKind
    reason: str


Given: TypeAlias = "Mapping[str, JSON] | str | Fault"

_FENCE = re.compile(r"(`{3,}|~{3,})[ \t]*(?:json\w*)?\s*", re.IGNORECASE).match
_CALL = re.compile(r"([\w.]+)\((.*)\)[.;]?", re.DOTALL).fullmatch
_EMPHASIS = re.compile(r"\*{1,3}\s+").match
_LIKE_JSON = re.compile(r"\{\s*(?:[\"'}]|\w+\s*:)").match
_NOTHING = frozenset({"none", "null", "nil", "n/a", "na", "nothing", "no input", "empty", "{}", "-"})
_PAIRS = {'"': '"', "'": "'", "“": "”", "`": "`"}


def no_input(entry: Entry) -> Given:
    """For an action that was written without any input."""
    if entry.tool is not None and entry.tool.accepts_nothing:
        return {}
    return Fault("missing_input", f"{entry.name} needs an input.")


def read_input(entry: Entry, text: str) -> Given:
    """An input as it was written after `Action Input:` or between brackets."""
    value = text.strip()
    if value.startswith("*") and (emphasis := _EMPHASIS(value)):
        value = value[emphasis.end() :]
    if not value:
        return "" if entry.tool is None and entry.kind == "tool" else no_input(entry)
    if value[0] in "`~" and (fence := _FENCE(value)) and value.startswith("{", fence.end()):
        value = value[fence.end() :].removesuffix(fence[1]).rstrip()
    if value[0] == "{":
        return _object_input(entry, value)
    if value[-1] in ").;" and (given := _written_as_call(entry, value)) is not None:
        return given
    return _text_input(entry, unquoted(value))


def data_input(entry: Entry, value: JSON, *, encoded: bool = False) -> Given:
    """An input that was read as JSON already; `encoded`: a text may be JSON once more."""
    if value is None:
        return no_input(entry)
    if isinstance(value, dict):
        given = fit(entry, value)
        return _text_input(entry, json.dumps(value, ensure_ascii=False)) if given is None else given
    if not isinstance(value, str):
        return _text_input(entry, json.dumps(value, ensure_ascii=False))
    if encoded and (found := strict_object(value.strip())) and (given := fit(entry, found[0])) is not None:
        return given
    return _text_input(entry, value)


def fit(entry: Entry, value: dict[str, JSON]) -> Mapping[str, JSON] | None:
    """The object as the tool's arguments; None where it may be text for a tool that takes text."""
    tool = entry.tool
    if tool is None or tool.accepts(value):
        return value
    inner = next((value[key] for key in ("arguments", "action_input", "input", "args") if key in value), None)
    if isinstance(inner, dict) and tool.accepts(inner):
        return inner
    # A text tool that is given an object without its own argument is given data.
    return None if tool.text_argument is not None and tool.text_argument not in value else value


def call_input(entry: Entry, inside: str) -> Mapping[str, JSON] | str | None:
    """The input of `tool(…)`, from what stands between the parentheses; None where it is no call."""
    found = call_arguments(inside)
    if found is None:
        return None
    positional, named = found
    if not positional:
        return named
    if len(positional) == 1 and not named:
        only = positional[0]
        if isinstance(only, dict):
            return fit(entry, only)
        if entry.tool is None:
            return only if isinstance(only, str) else json.dumps(only, ensure_ascii=False)
    if entry.tool is None:
        return None
    names = list(entry.tool.arguments.properties)
    if len(positional) > len(names) or any(name in named for name in names[: len(positional)]):
        return None
    return dict(zip(names, positional, strict=False)) | named


def _object_input(entry: Entry, text: str) -> Given:
    strict = strict_object(text)
    found = strict[0] if strict else lenient_object(text)
    if found is not None:
        given = fit(entry, found)
        return given if given is not None else _text_input(entry, text)
    tool = entry.tool
    if tool is None:
        whole = not _LIKE_JSON(text) and text.endswith("}")
        return text if whole or entry.kind == "finish" else Fault("bad_json", fault(text))
    mended = repaired_object(text)
    if mended is not None and tool.accepts(mended):
        return mended
    named = tool.text_argument is None or re.search(rf"[\"']?{re.escape(tool.text_argument)}[\"']?\s*:", text)
    return Fault("bad_json", fault(text)) if named else _text_input(entry, text)


def _written_as_call(entry: Entry, value: str) -> Mapping[str, JSON] | str | None:
    """`search({"query": "x"})` in the place of the input."""
    found = _CALL(value)
    if found is None:
        return None
    own = found[1].casefold() == entry.name.casefold()
    takes_text = entry.tool is not None and entry.tool.text_argument is not None
    if not own and (takes_text or not found[2].lstrip().startswith("{")):
        return None  # text that happens to look like a call, such as code
    return call_input(entry, found[2])


def _text_input(entry: Entry, text: str) -> Mapping[str, JSON] | str:
    tool = entry.tool
    if tool is None:
        return text
    if text[:1] == "{" and (found := strict_object(text)) and tool.accepts(found[0]):
        return found[0]  # JSON inside a JSON string
    if tool.text_argument is not None:
        return {tool.text_argument: text}
    if tool.accepts_nothing and text.casefold().strip(" .") in _NOTHING:
        return {}
    if "=" in text and (found_call := call_arguments(text)) and not found_call[0] and tool.accepts(found_call[1]):
        return found_call[1]  # query="x", n=3
    return text


def unquoted(text: str) -> str:
    """The text without quotes around the whole of it, where they pair up. A JSON string is decoded."""
    first = text[:1]
    if first not in _PAIRS:
        return text
    if len(text) < 2 or text[-1] != _PAIRS[first]:
        # A quote that was opened and never closed is no part of the text.
        return text[1:].lstrip() if first == '"' and text.count('"') == 1 else text
    if first == '"':
        try:
            value = json.loads(text, strict=False)
            return value if isinstance(value, str) else text
        except ValueError:
            pass
    inside = text[1:-1]
    bare = re.sub(r"\\.", "", inside)
    if first == "'":
        bare = re.sub(r"(?<=\w)'(?=\w)", "", bare)  # an apostrophe
    return text if first in bare or _PAIRS[first] in bare else inside
