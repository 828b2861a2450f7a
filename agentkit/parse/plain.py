"""The shapes that models are asked to write, read at once: most steps need nothing more."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from agentkit.messages import Action, Finish
from agentkit.parse.literals import strict_object

if TYPE_CHECKING:
    from agentkit.parse.index import ToolIndex

__all__ = ["plain_step"]

# Nothing in it that could mean anything else: no markup, no second marker, one line of JSON to the end of the text.
_STEP = re.compile(r"(?:Thought: ([^\n\r:：<>*_`#\[\]{}]*)\n)?Action: ([\w.-]+)\nAction Input: (\{[^\n\r]*\})\s*")
_ANSWER = re.compile(r"(?:Thought: ([^\n\r:：<>*_`#\[\]{}]*)\n)?Final Answer: ([^\n\r:：<>*_`#\[\]{}\"\']+)\n?")


def plain_step(text: str, index: ToolIndex) -> Action | Finish | None:
    """The step, if the text is exactly of such a shape: an action with a registered name and an input that fits, or an
    answer of one line.

    None leaves the text to the full reader, which reads the same from such a text (a property test compares them).
    """
    match = _STEP.fullmatch(text)
    if match is None:
        return _plain_answer(text)
    thought, name, given = match.groups("")
    entry = index.exact(name)
    if entry is None:
        return None
    found = strict_object(given)
    if found is None or found[1] != len(given):
        return None
    arguments = found[0]
    if not arguments or (entry.tool is not None and not entry.tool.accepts(arguments)):
        return None
    return Action(entry.name, arguments, thought.strip())


def _plain_answer(text: str) -> Finish | None:
    match = _ANSWER.fullmatch(text)
    if match is None or not match[2].strip():
        return None
    return Finish(match[2].strip(), (match[1] or "").strip())
