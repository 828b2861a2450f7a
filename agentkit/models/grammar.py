"""The grammar (GBNF) that holds the embedded model to the format the agent reads.

A model this small never keeps the ReAct format by itself; under a grammar it cannot leave it. Every part is bounded in
length, so that a reply always ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from agentkit.messages import Message
from agentkit.models.answer_grammar import answer
from agentkit.models.base import ReplyFormat, ToolSchema
from agentkit.models.code_grammar import code
from agentkit.models.copy_grammar import Heard
from agentkit.models.gbnf import Rules, any_of, line, literal
from agentkit.models.json_grammar import JsonGrammar

__all__ = ["Held", "held_to"]

THOUGHT = 200
"""Characters in a thought."""


@dataclass(frozen=True, slots=True)
class Held:
    """A reply's format, as the model is held to it.

    Attributes:
        opening: how every reply in the format begins. It is written for the model, as part of the prompt: cheaper,
            and in the tokens that the tokenizer gives it, which under a grammar the model would not always choose.
        grammar: GBNF for the rest; None where the text is free.
    """

    opening: str = ""
    grammar: str | None = None


def held_to(format: ReplyFormat, messages: Sequence[Message] = ()) -> Held:  # noqa: A002 - `Request`'s name
    """How a reply in this format begins, and the grammar of the rest.

    Args:
        messages: the conversation, for the values that can only be copied from it.
    """
    rules = Rules()
    match format.kind:
        case "text":
            return Held()
        case "answer":
            return Held("Final Answer:", rules.text(f'" " {answer(rules, format.tools, messages)}'))
        case "code":
            return Held("```python\n", rules.text(code(rules)))
        case "react":
            thought = rules.add("thought", line(rules, THOUGHT))
            final = f'"Final Answer: " {answer(rules, format.tools, messages)}'
            ways = [way for way in (_action(rules, format.tools, Heard(messages)), final) if way]
            return Held("Thought:", rules.text(f'" " {thought} "\\n" {any_of(ways)}'))


def _action(rules: Rules, tools: tuple[ToolSchema, ...], heard: Heard) -> str | None:
    """A call of one of the tools for which there are arguments."""
    found = [(tool["name"], JsonGrammar(rules, tool["parameters"], heard).arguments()) for tool in tools]
    calls = [f'{literal(name)} "\\nAction Input: " {given}' for name, given in found if given]
    return f'"Action: " {any_of(calls)}' if calls else None
