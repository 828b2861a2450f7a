"""What the embedded model costs on this machine: python benchmarks/local_model.py

Loads the model in a fresh process for each number of threads, and prints loading, reading, writing, the steps of a
ReAct run with three tools without the adapter (the first step reads the whole prompt, the next ones only what is new),
and those of a booking with the adapter, by the whole agent with the seven travel tools.
"""

from __future__ import annotations

import os
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).parents[1]))  # so that it runs from a checkout

from agentkit.agent import Agent
from agentkit.approval import Approval
from agentkit.events import StepEnded
from agentkit.messages import Message, Tokens
from agentkit.models.base import Params, ReplyFormat, Request
from agentkit.models.local import LocalModel
from agentkit.tool import tool
from agentkit.tools.store import SqlBookingStore
from agentkit.tools.travel import travel_tools


@tool
def search_flights(origin: str, destination: str, date: str, limit: int = 3) -> str:
    """Flights of a day, cheapest first."""
    return f"{origin}{destination}{date}{limit}"


@tool
def book_flight(flight_id: str, passenger: str) -> str:
    """Book a seat on a flight that was found."""
    return f"{flight_id}{passenger}"


@tool
def calculator(expression: str) -> str:
    """Work out an arithmetic expression."""
    return expression


FREE = ReplyFormat()


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one call: seconds on the clock, seconds of processor time, and tokens."""

    wall: float
    cpu: float
    tokens: Tokens
    text: str

    @property
    def read(self) -> int:
        return self.tokens.input - self.tokens.cached


def cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def call(model: LocalModel, messages: Sequence[Message], form: ReplyFormat = FREE, limit: int = 200) -> Cost:
    wall, cpu, text, tokens = time.perf_counter(), cpu_seconds(), "", Tokens()
    for chunk in model.stream(Request(tuple(messages), Params(max_tokens=limit), form)):
        text += chunk.text
        tokens = chunk.tokens or tokens
    return Cost(time.perf_counter() - wall, cpu_seconds() - cpu, tokens, text)


def measure(threads: int) -> None:
    model = LocalModel(threads=threads, trained=False, notice=False)
    first = call(model, [Message("user", "Hi")], limit=1)
    row("load, first token", first, f"{_rss()} MB resident")
    words = " ".join(f"Line {n}: the ferry to island {n * 37 % 101} leaves at {n % 24} o'clock." for n in range(50))
    read = call(model, [Message("user", words)], limit=1)
    row(f"read {read.read} tokens", read, f"{read.read / read.cpu:.0f} per CPU-s")
    write = call(model, [Message("user", "Tell me a long story about a lighthouse.")])
    count = write.tokens.output
    row(f"write {count} tokens", write, f"{count / write.cpu:.0f} per CPU-s")
    steps(model)
    booking(LocalModel(threads=threads, notice=False))


def steps(model: LocalModel) -> None:
    tools = tuple(each.schema for each in (search_flights, book_flight, calculator))
    system = "You answer questions. Think, then use one tool or answer.\n\nTools:\n" + "\n".join(
        f"{each['name']}: {each['description']} {each['parameters']}" for each in tools
    )
    messages = [Message("system", system), Message("user", "Book the cheapest flight from Oslo to Rome tomorrow.")]
    for number in range(1, 4):
        step = call(model, messages, ReplyFormat("react", tools))
        tokens = step.tokens
        row(f"ReAct step {number}", step, _told(tokens))
        seen = f"Observation: AK{number}17 OSL-FCO 08:{number}0 EUR {90 + number}; AK{number}20 OSL-FCO 14:05 EUR 120"
        messages += [Message("assistant", step.text), Message("user", seen)]


def booking(model: LocalModel) -> None:
    """A flight is searched for and booked; loading is not counted."""
    call(model, [Message("user", "Hi")], limit=1)
    with TemporaryDirectory() as folder, closing(SqlBookingStore(f"sqlite:///{folder}/travel.db")) as store:
        agent = Agent(model, travel_tools(store), approve=lambda _: Approval(True), journal=None)
        wall, cpu = time.perf_counter(), cpu_seconds()
        for event in agent.stream("Book the cheapest flight from Oslo to Rome tomorrow for Ada Lovelace."):
            if isinstance(event, StepEnded):
                reply = event.step.reply
                spent = Cost(time.perf_counter() - wall, cpu_seconds() - cpu, reply.tokens, reply.text)
                row(f"booking, step {event.step.number}", spent, _told(reply.tokens))
                wall, cpu = time.perf_counter(), cpu_seconds()


def _told(tokens: Tokens) -> str:
    return f"{tokens.input} in, {tokens.cached} of them cached, {tokens.output} out"


def row(what: str, cost: Cost, note: str) -> None:
    print(f"{what:20} {cost.wall:6.2f} s {cost.cpu:6.2f} CPU-s   {note}")


def _rss() -> int:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak // (1024 * 1024 if sys.platform == "darwin" else 1024)


def main() -> None:
    if len(sys.argv) == 2:
        measure(int(sys.argv[1]))
        return
    print(f"Python {platform.python_version()}, {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}")
    for threads in (1, 2):
        print(f"\n{threads} thread{'s' if threads > 1 else ''} for reading, 1 for writing", flush=True)
        subprocess.run([sys.executable, __file__, str(threads)], check=True)


if __name__ == "__main__":
    main()
