"""Programs that models wrote, what plain CPython made of them, and how the sandbox's verdict compares."""

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from agentkit.sandbox import Limits, Result, Sandbox
from agentkit.sandbox.result import show

CORPUS = Path(__file__).resolve().parents[3] / "shared" / "corpora" / "pal_programs.jsonl.gz"
LIMITS = Limits(wall=2)
PREBOUND = ("factorial", "gcd", "math")
"""Names that are bound beforehand: a program that forgot to import them runs now."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """One program's end, in the corpus' fields."""

    ok: bool
    type: str
    repr: str
    stdout: str
    error: str
    message: str


@dataclass(frozen=True, slots=True)
class Case:
    """A program and what CPython 3.11 gave for it."""

    id: str
    source: str
    program: str
    entry: str
    gold: object
    plain: Verdict


def load() -> Iterator[Case]:
    """The corpus, row by row."""
    with gzip.open(CORPUS, "rt", encoding="utf-8") as file:
        for line in file:
            row = cast("dict[str, object]", json.loads(line))
            plain = cast("dict[str, object]", row["plain_cpython"])
            entry = "solution" if row["mode"] == "expr:solution()" else "auto"
            verdict = Verdict(
                plain["ok"] is True,
                str(plain.get("type", "")),
                str(plain.get("repr", "")),
                str(plain.get("stdout", "")),
                str(plain.get("err", "")),
                str(plain.get("msg", "")).partition(" (<")[0],
            )
            yield Case(str(row["id"]), str(row["source"]), str(row["program"]), entry, row.get("gold"), verdict)


def verdict(result: Result) -> Verdict:
    """The sandbox's result in the corpus' fields."""
    if result.error is None:
        return Verdict(True, type(result.value).__name__, show(result.value), result.output, "", "")
    kind = "TIMEOUT" if result.error.kind == "time" else result.error.type
    return Verdict(False, "", "", "", kind, "" if kind == "TIMEOUT" else result.error.message)


def difference(case: Case, result: Result) -> str:
    """What differs from plain CPython; empty where nothing does or a pre-bound name explains it."""
    found = verdict(result)
    if found == case.plain:
        return ""
    forgotten = case.plain.message.partition("'")[2].partition("'")[0]
    if found.ok and case.plain.error == "NameError" and forgotten in PREBOUND:
        return ""
    return f"{case.id}: {found} instead of {case.plain}"


def correct(case: Case, result: Result) -> bool:
    """Whether a GSM-hard answer is within 1e-3 of the gold answer, as the PAL paper counts."""
    if not isinstance(result.value, int | float) or not isinstance(case.gold, int | float):
        return False
    return abs(float(result.value) - float(case.gold)) < 1e-3


def run(sandbox: Sandbox, case: Case) -> Result:
    """Runs one program as its row says."""
    return sandbox.run(case.program, entry=case.entry)
