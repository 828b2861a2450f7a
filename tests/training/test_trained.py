"""The adapter that is shipped, on the model itself: what it must be able to do, in a small part of the evaluation."""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import asdict
from pathlib import Path

import pytest

from agentkit.agent import Agent
from agentkit.errors import ConfigError
from agentkit.models import load
from agentkit.models.local import EDITION, LocalModel, installed
from agentkit.models.weights import ADAPTER, file_sha256
from training.evaluate import Result, calculation, main, problem, table, travel, wilson

pytestmark = pytest.mark.skipif(not installed(), reason="the local model is not installed: run-agent model fetch")


def test_the_adapter_is_the_one_that_is_pinned_and_small() -> None:
    assert file_sha256(ADAPTER.path) == ADAPTER.sha256
    assert ADAPTER.path.stat().st_size <= 10_000_000


def test_local_has_the_adapter_and_its_prompts_and_base_has_neither() -> None:
    trained, bare = LocalModel(notice=False), load("local:base")
    assert trained.name == f"local:SmolLM2-135M-Instruct+{ADAPTER.path.stem}"
    assert trained.prompts is EDITION
    assert bare.name == "local:SmolLM2-135M-Instruct"
    assert "Answer with the tools." in Agent(trained).opening("?")[0].text
    assert "You answer questions." in Agent(bare).opening("?")[0].text


def test_a_damaged_adapter_is_not_loaded(tmp_path: Path) -> None:
    damaged = tmp_path / "adapter.gguf"
    shutil.copy(ADAPTER.path, damaged)
    with damaged.open("r+b") as file:
        file.seek(5_000_000)
        file.write(b"\x00\x01\x02")
    with pytest.raises(ConfigError, match="is not the adapter that was named"):
        LocalModel(adapter=damaged, sha256=ADAPTER.sha256)


def right(results: list[Result]) -> int:
    assert all(result.format for result in results)
    return sum(result.right for result in results)


def test_problems() -> None:
    model = LocalModel(notice=False)
    assert right([problem(seed, model) for seed in range(10)]) >= PROBLEMS


def test_travel_tasks() -> None:
    model = LocalModel(notice=False)
    assert right([travel(seed, model) for seed in range(6)]) >= TRAVEL


def test_calculations() -> None:
    model = LocalModel(notice=False)
    assert right([calculation(seed, model) for seed in range(5)]) >= CALCULATIONS


PROBLEMS, TRAVEL, CALCULATIONS = 5, 3, 2
"""Well under what the whole evaluation measured (see the model card): it must not fail by another rounding."""


def test_intervals_are_wilson_s() -> None:
    # The example of Wikipedia's "Binomial proportion confidence interval" at 95 %, reckoned by hand.
    low, high = wilson(8, 10)
    assert (round(low, 3), round(high, 3)) == (0.490, 0.943)
    assert wilson(0, 0) == (0.0, 1.0)


def test_results_of_several_processes_are_counted_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for n, good in enumerate((True, False, True)):
        result = Result("travel", "get", good, True, n == 1, False, 2, 3.0, "?", "a", "b")
        (tmp_path / f"{n}.jsonl").write_text(json.dumps(asdict(result)) + "\n", encoding="utf-8")
    monkeypatch.setattr(sys, "argv", ["evaluate", "--results", *map(str, sorted(tmp_path.iterdir()))])
    main()
    told = capsys.readouterr().out
    assert "| **travel** | 2 of 3 (67%)" in told
    assert "unasked: 1; claimed and not done: 0; processor seconds for a ReAct step: 1.50" in told


def test_the_table_counts_by_kind() -> None:
    def result(kind: str, *, good: bool) -> Result:
        return Result("travel", kind, good, True, False, False, 3, 1.0, "?", "", "")

    lines = table([result("get", good=True), result("get", good=False), result("cancel", good=True)]).splitlines()
    assert lines[2].startswith("| **travel** | 2 of 3 (67%)")
    assert lines[4].startswith("| &nbsp;&nbsp;get | 1 of 2 (50%)")
