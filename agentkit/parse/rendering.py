"""Writing steps as text, such that `decide` reads them back."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Literal, TypeAlias

from agentkit.messages import JSON, Action, Finish
from agentkit.parse.index import ToolIndex
from agentkit.parse.reader import decide

__all__ = ["Dialect", "render"]

Dialect: TypeAlias = Literal["marker", "bracket", "json"]


def render(step: Action | Finish, dialect: Dialect = "marker") -> str:
    """A step as text, for examples and history.

    "marker" is `Action:` and `Action Input:`, "bracket" is `Action: tool[input]`, "json" is one object. An input that
    would not read back as it is gets written as a JSON string, an answer that would not as a JSON object.
    """
    thought = f"Thought: {step.thought}\n" if step.thought else ""
    if isinstance(step, Finish):
        return thought + _answer(step.answer, dialect)
    match dialect:
        case "marker":
            return f"{thought}Action: {step.tool}\nAction Input: {_input(step.input)}"
        case "bracket":
            inside = _input(step.input)
            if not _balanced(inside):
                inside = _STRING.sub(_without_brackets, json.dumps(step.input, ensure_ascii=False))
            return f"{thought}Action: {step.tool}[{inside}]"
        case "json":
            return thought + _object(step.tool, step.input)


def _answer(answer: str, dialect: Dialect) -> str:
    if dialect != "json":
        text = f"Final Answer: {answer}" if dialect == "marker" else f"Action: Finish[{answer}]"
        if decide(text, _NO_TOOLS) == Finish(answer):
            return text
    return _object("Final Answer", answer)


def _object(tool: str, given: Mapping[str, JSON] | str) -> str:
    return json.dumps({"action": tool, "action_input": given}, ensure_ascii=False)


def _input(given: Mapping[str, JSON] | str) -> str:
    if not isinstance(given, str):
        return json.dumps(given, ensure_ascii=False)
    return given if _PLAIN(given) else json.dumps(given, ensure_ascii=False)


# Begins with a letter or digit, ends with something else than a bracket or quote, on one line.
_PLAIN = re.compile(r"\w(?:[^\n\r]*[^\s\])\"'`;.])?").fullmatch


_NO_TOOLS = ToolIndex(())
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')


def _without_brackets(string: re.Match[str]) -> str:
    return string.group().replace("[", "\\u005b").replace("]", "\\u005d")


def _balanced(text: str) -> bool:
    depth = 0
    for found in re.finditer(r"[\[\]]", text):
        depth += 1 if found.group() == "[" else -1
        if depth < 0:
            return False
    return depth == 0
