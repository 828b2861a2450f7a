"""The least a ReAct loop can do: search two patterns, parse the JSON, call the function, append."""

import json
import re
from collections.abc import Callable

from clock import report, texts

ACTION = re.compile(r"Action: (.*)\nAction Input: (.*)", re.DOTALL)
ANSWER = re.compile(r"Final Answer: (.*)", re.DOTALL)


def add(a: int, b: int) -> int:
    return a + b


TOOLS: dict[str, Callable[..., object]] = {"add": add}


def run(steps: int) -> str:
    replies = iter(texts_of[steps])
    messages = [{"role": "user", "content": "Add the numbers."}]
    while True:
        text = next(replies)
        messages.append({"role": "assistant", "content": text})
        if answer := ANSWER.search(text):
            return answer[1]
        action = ACTION.search(text)
        assert action is not None
        result = TOOLS[action[1]](**json.loads(action[2]))
        messages.append({"role": "user", "content": f"Observation: {result}"})


texts_of = {steps: texts(steps) for steps in (5, 50, 200)}
report(run)
