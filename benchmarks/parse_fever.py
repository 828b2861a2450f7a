"""What reading a reply costs: CPU per step over the 1,250 steps of the ReAct paper's FEVER run, and growth with length.

python -m benchmarks.parse_fever [--rounds 5]
"""

from __future__ import annotations

import argparse
import gzip
import json
import time
from collections.abc import Callable, Sequence

from agentkit.parse import Reader, ToolIndex, decide
from agentkit.tool import tool
from benchmarks.fever_replay import CORPUS

NAMES = ToolIndex.of(["Search", "Lookup"])
THOUGHT = "Thought: I need the population of Oslo, which I do not know, so I search for it first.\n"


@tool
def search(query: str, n: int = 3) -> str:
    """Look something up."""
    return f"{query}{n}"


TOOLS = ToolIndex.of([search])
USUAL = (
    f'{THOUGHT}Action: search\nAction Input: {{"query": "population of Oslo", "n": 2}}',
    f"{THOUGHT}Action: search\nAction Input: population of Oslo in the year 2024",
    f"{THOUGHT}Action: search[population of Oslo in the year 2024]",
    f"{THOUGHT}Final Answer: Oslo has 717,710 inhabitants.",
)


def stream(text: str, tools: ToolIndex, size: int) -> None:
    """Read in pieces, as from a model that streams."""
    reader = Reader(tools)
    for start in range(0, len(text), size):
        reader.feed(text[start : start + size])
    reader.close()


def microseconds(read: Callable[[str], object], texts: Sequence[str], rounds: int) -> float:
    """CPU per text, the best of the rounds."""
    best = float("inf")
    for _ in range(rounds):
        begun = time.process_time()
        for text in texts:
            read(text)
        best = min(best, time.process_time() - begun)
    return best / len(texts) * 1e6


def recorded() -> list[str]:
    """The texts of the corpus; none where it is missing."""
    if not CORPUS.exists():
        return []
    with gzip.open(CORPUS, "rt", encoding="utf-8") as file:
        return [step["raw"] for line in file for step in json.loads(line)["steps"]]


def report(what: str, texts: Sequence[str], tools: ToolIndex, rounds: int) -> None:
    whole = microseconds(lambda text: decide(text, tools), texts, rounds)
    pieces = microseconds(lambda text: stream(text, tools, 4), texts, rounds)
    length = sum(map(len, texts)) // len(texts)
    print(f"{what:34} {length:7,} characters   decide {whole:8.1f} µs   streamed by 4 {pieces:9.1f} µs")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    for what, text in zip(("object", "text input", "brackets", "answer"), USUAL, strict=True):
        report(f"usual step: {what}", [text] * 1000, TOOLS, rounds)
    if texts := recorded():
        report("FEVER (text-davinci-002)", texts, NAMES, rounds)
    for times in (1, 10, 100):
        report(f"thought of {10 * times} lines", [THOUGHT * 10 * times + USUAL[0]], TOOLS, rounds)


if __name__ == "__main__":
    main()
