"""Recorded PAL programs under the policy: the same outcome as in plain CPython."""

import gzip
import io
import json
from contextlib import redirect_stdout
from pathlib import Path

import pytest

from agentkit.sandbox.policy import compile_program

from .layer1 import namespace

CORPUS = Path(__file__).parents[2].parent / "shared" / "corpora" / "pal_programs.jsonl.gz"
BOUND = {"factorial", "gcd", "math", "comb", "datetime", "date", "timedelta", "relativedelta", "statistics"}


def outcome(source: str, mode: str) -> dict[str, object]:
    """As the corpus records it."""
    compiled = compile_program(source)
    if compiled.code is None:
        return {"ok": False, "err": compiled.errors[0].message.partition(":")[0]}
    space = namespace()
    try:
        with redirect_stdout(io.StringIO()) as printed:
            exec(compiled.code, space)
            value = answer(space, mode)
    except Exception as error:
        return {"ok": False, "err": type(error).__name__, "msg": str(error)}
    return {"ok": True, "type": type(value).__name__, "repr": repr(value), "stdout": printed.getvalue()}


def answer(space: dict[str, object], mode: str) -> object:
    """`expr:...` is evaluated; "auto" is solution(), else the first of the usual names, else the last expression."""
    if mode.startswith("expr:") or "solution" in space:
        return eval(mode.removeprefix("expr:") if mode != "auto" else "solution()", space)
    names = [name for name in ("answer", "ans", "result") if name in space]
    return space[names[0]] if names else space.get("_last_")


@pytest.mark.skipif(not CORPUS.exists(), reason="the corpus of PAL programs is not here")
def test_recorded_programs_do_what_they_do_in_cpython() -> None:
    rows = [json.loads(line) for line in gzip.decompress(CORPUS.read_bytes()).decode().splitlines()]
    different: list[str] = []
    for row in rows:
        plain = row["plain_cpython"]
        if plain.get("err") == "TIMEOUT":
            continue  # never ends
        if plain.get("err") == "IndentationError":
            plain = {**plain, "err": "SyntaxError"}
        found = outcome(row["program"], row["mode"])
        if any(plain[key] != found.get(key) for key in ("ok", "type", "repr", "err") if key in plain):
            missing = str(plain.get("msg", "")).split("'")[1:2]
            if not (plain.get("err") == "NameError" and missing and missing[0] in BOUND):
                different.append(f"{row['id']}: {plain} {found}")
    assert rows
    assert not different
