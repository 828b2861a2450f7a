"""Hostile programs against the policy alone: no process around them holds them back, so none may reach its goal."""

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from .layer1 import sections

ROOT = Path(__file__).parents[2]
CORPUS = ROOT.parent / "shared" / "corpora" / "escapes.jsonl"
MARK = "PWNED"
# Goals that the language layer leaves to the sealed process: sympy evaluates text, results and output are data.
LEFT = {"sympy-read-file", "out-fake-json-result"}


def outcomes(programs: dict[str, str]) -> dict[str, str]:
    """What each program did, each in a child process of one helper process."""
    helper = [sys.executable, "-m", "tests.sandbox.attacker"]
    done = subprocess.run(
        helper, input=json.dumps(programs), capture_output=True, text=True, check=True, cwd=ROOT, env={**os.environ}
    )
    found: dict[str, str] = json.loads(done.stdout)
    return found


def runnable(source: str) -> bool:
    return all(find_spec(name) for name in ("numpy", "sympy") if f"import {name}" in source)


@pytest.fixture(scope="module")
def own() -> dict[str, str]:
    return outcomes({name: source for name, source in sections("attacks.txt") if runnable(source)})


@pytest.mark.parametrize("name", [name for name, _ in sections("attacks.txt")])
def test_an_attack_reaches_nothing(name: str, own: dict[str, str]) -> None:
    if name not in own:
        pytest.skip("needs a package that is not installed")
    told, _, printed = own[name].partition("\n")
    assert MARK not in printed
    assert told.startswith(("refused: ", "raised: ")) or (told.startswith("result: ") and MARK not in told)


def corpus() -> list[dict[str, str]]:
    """The attempts on the language; those on time, memory and tools need the process around it."""
    rows = [json.loads(line) for line in CORPUS.read_text(encoding="utf-8").splitlines()] if CORPUS.exists() else []
    return [row for row in rows if row["mode"] == "L1" and row["kind"] not in ("cpu", "memory", "tools")]


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    canary = str(tmp_path_factory.mktemp("canary"))
    programs: dict[str, str] = {}
    for row in corpus():
        source = row["source"] or eval(row["gen"])
        if runnable(source) and len(source) < 10**6:
            programs[row["id"]] = source.replace("@CANARY@", canary)
    return outcomes(programs)


@pytest.mark.skipif(not CORPUS.exists(), reason="the corpus of escape attempts is not here")
@pytest.mark.timeout(300)
def test_the_corpus_reaches_nothing(known: dict[str, str]) -> None:
    wrong: list[str] = []
    for row in corpus():
        told = known.get(row["id"], "refused: not_allowed: line").partition("\n")[0]
        if MARK in told.removeprefix("raised: ") and not told.startswith("raised: ") and row["id"] not in LEFT:
            wrong.append(f"{row['id']}: {told}")
        if row["expected"].startswith("L1 compile") and not told.startswith("refused: not_allowed: line"):
            wrong.append(f"{row['id']}: should not compile: {told}")
        if row["expected"].startswith("L1 runtime") and not told.startswith(("raised: ", "refused: not_allowed")):
            wrong.append(f"{row['id']}: should fail: {told}")
    assert not wrong
