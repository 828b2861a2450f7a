"""A ReAct loop as one writes it by hand: two patterns, a dictionary of functions, and the care that makes it usable.

It calls the same model as agentkit, reads thought, action and JSON input, catches what a tool raises, counts tokens,
and keeps the conversation and a record of each step. No argument checks, events, limits, guard, cut-off or approval.
"""

import json
import re
import time
from collections.abc import Callable

from clock import report
from scripted import SCRIPTS, Scripted

from agentkit.messages import Message
from agentkit.models import Request

ACTION = re.compile(
    r"(?:Thought:\s*(?P<thought>.*?)\n)?Action:\s*(?P<tool>.*?)\nAction Input:\s*(?P<input>.*)", re.DOTALL
)
ANSWER = re.compile(r"Final Answer:\s*(.*)", re.DOTALL)


def add(a: int, b: int) -> int:
    return a + b


TOOLS: dict[str, Callable[..., object]] = {"add": add}


def run(steps: int) -> str:
    model.script = SCRIPTS[steps]
    messages = [Message("system", "You may use tools."), Message("user", "Add the numbers.")]
    taken: list[dict[str, object]] = []
    tokens = 0
    while True:
        text = ""
        for chunk in model.stream(Request(tuple(messages))):
            text += chunk.text
            tokens += chunk.tokens.input + chunk.tokens.output if chunk.tokens else 0
        messages.append(Message("assistant", text))
        if answer := ANSWER.search(text):
            return answer[1].strip()
        started = time.monotonic()
        action = ACTION.search(text)
        if action is None:
            observation = "Error: write an Action and an Action Input, or a Final Answer."
        elif action["tool"].strip() not in TOOLS:
            observation = f"Error: no tool {action['tool']}; there are {', '.join(TOOLS)}."
        else:
            try:
                observation = str(TOOLS[action["tool"].strip()](**json.loads(action["input"])))
            except Exception as error:
                observation = f"Error: {type(error).__name__}: {error}"
        taken.append({"text": text, "observation": observation, "seconds": time.monotonic() - started})
        messages.append(Message("user", f"Observation: {observation}"))


model = Scripted()
report(run)
