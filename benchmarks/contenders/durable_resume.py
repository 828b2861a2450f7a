"""agentkit: CPU seconds to resume a run of so many steps whose last step a crash cut off. argv: steps."""

import json
import statistics
import sys
import tempfile
import time
from contextlib import suppress
from itertools import count
from pathlib import Path

from clock import texts
from scripted import Scripted

from agentkit import Agent, Limits, tool
from agentkit.flow import Effect, Flow, Perform
from agentkit.journal import Journal


@tool(read_only=True)
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


class Crash(BaseException):
    """The process dies."""


def dying(number: int) -> object:
    counted = count()

    def wrapper(perform: Perform) -> Perform:
        def inner(effect: Effect[object]) -> Flow[object]:
            if next(counted) == number:
                raise Crash
            return (yield from perform(effect))

        return inner

    return wrapper


steps = int(sys.argv[1])
model = Scripted()
model.script = texts(steps)
times: list[float] = []
with tempfile.TemporaryDirectory() as folder, Journal(f"sqlite:///{Path(folder) / 'runs.db'}") as journal:
    for number in range(12):
        limits = Limits(max_steps=500)
        cut = Agent(model, [add], limits=limits, journal=journal, wrap=[dying(2 * steps - 2)])
        with suppress(Crash):
            cut.run("Add the numbers.", run_id=str(number))
        agent = Agent(model, [add], limits=limits, journal=journal)
        began = time.process_time()
        assert agent.resume(str(number)).answer == "done"
        times.append(time.process_time() - began)
print(json.dumps(statistics.median(times[2:])))
