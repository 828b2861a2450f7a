"""A journal that is used on both sides of a fork: no connection is shared, and a child ends no run of its parent's."""

from __future__ import annotations

import os
import sys
from functools import partial
from pathlib import Path

from agentkit import Agent
from agentkit.journal import Journal
from agentkit.testing import ScriptedModel
from agentkit.tool import tool
from tests.journal.booking_run import child, wait
from tests.journal.support import SCRIPT, World

RUNS = 10


def test_children_and_parent_write_side_by_side(url: str) -> None:
    with Journal(url) as journal:

        def work(name: str) -> None:
            for number in range(RUNS):
                world = World(journal)
                assert world.agent(SCRIPT).run("How is it?", run_id=f"{name}-{number}").answer == "fine"
                assert journal.run(f"{name}-{number}").status == "ended"
                assert journal.pending() == []

        work("before")
        children = [child(partial(work, name)) for name in ("one", "other")]
        work("parent")
        assert [wait(each) for each in children] == [0, 0]
        work("after")
        assert {run.status for run in journal.runs()} == {"ended"} and len(journal.runs()) == 5 * RUNS


def test_a_tool_that_forks_leaves_the_run_to_the_parent(tmp_path: Path) -> None:
    parent = os.getpid()

    @tool
    def forks(text: str) -> str:
        """Forks."""
        if (pid := os.fork()) == 0:
            sys.exit(0)
        return f"its child ended with {os.waitpid(pid, 0)[1]}"

    with Journal(f"sqlite:///{tmp_path / 'journal.db'}") as journal:
        replies = ['Action: forks\nAction Input: {"text": "x"}', "Final Answer: ok"]
        try:
            run = Agent(ScriptedModel(replies), [forks], journal=journal).run("?", run_id="r")
        finally:
            if os.getpid() != parent:
                os._exit(0)
        assert run.answer == "ok" and journal.run("r").status == "ended"
        assert run.steps[0].observation is not None and run.steps[0].observation.text == "its child ended with 0"
