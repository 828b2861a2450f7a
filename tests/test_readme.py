"""The README's promises that a machine can check."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from agentkit import Agent, Approval, tool
from agentkit.models.local import installed
from agentkit.models.weights import locate
from agentkit.testing import ScriptedModel

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.skipif(not installed() or locate() is None, reason="the embedded model is not here")
def test_the_python_example_runs_on_the_embedded_model() -> None:
    (code,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, input="", timeout=110, check=True
    )
    answer, reason, tokens = done.stdout.split("\n")[-2].rsplit(" ", 2)
    assert answer and int(tokens) > 0
    assert reason in {"answer", "max_steps", "timeout"}


def test_every_file_it_points_to_is_there() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        if "://" not in target:
            assert (ROOT / target).exists(), target


def test_the_two_commands_are_targets_of_the_makefile() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for command in re.findall(r"^    make (\w+)", README, re.MULTILINE):
        assert re.search(rf"^{command}:", makefile, re.MULTILINE), command
    assert "make test" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def guide(defines: str) -> str:
    """The block of the guide that defines this function."""
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "guide.md").read_text(encoding="utf-8"), re.DOTALL)
    (code,) = (block for block in blocks if f"def {defines}(" in block)
    return str(code)


def test_the_guide_s_wrapper_works() -> None:
    code = guide("logged")
    names: dict[str, Any] = {}  # Any: what the example defines
    exec(code, names)
    run = Agent(ScriptedModel(["Final Answer: 4"]), wrap=[names["logged"]]).run("2 + 2?")
    assert run.answer == "4"


def test_the_guide_s_approver_works() -> None:
    names: dict[str, Any] = {}  # Any: what the example defines
    exec(guide("approve"), {"Approval": Approval}, names)
    sold: list[int] = []

    @tool(needs_approval=True)
    def order(price: int, seats: int) -> str:
        """Order."""
        sold.append(seats)
        return "ordered"

    script = [f'Action: order\nAction Input: {{"price": {price}, "seats": 5}}' for price in (2_000, 900)]
    run = Agent(ScriptedModel([*script, "Final Answer: ok"]), [order], approve=names["approve"]).run("?")
    seen = [step.observation.text for step in run.steps if step.observation is not None]
    assert "At most 1,000 dollars." in seen[0] and 'What was run: order {"price":900,"seats":2}' in seen[1]
    assert sold == [2]
