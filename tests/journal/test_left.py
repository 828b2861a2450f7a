"""A run that is left while its tool acts in a thread, which nobody can stop: it is held until that has ended."""

from __future__ import annotations

import asyncio
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agentkit import Agent, IdempotencyKey, tool
from agentkit.errors import LeaseHeld
from agentkit.journal import Journal
from agentkit.testing import ScriptedModel
from agentkit.toolbox import AnyTool

SEND = 'Action: send\nAction Input: {"text": "hello"}'


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal(f"sqlite:///{tmp_path / 'journal.db'}", lease_seconds=0.2) as opened:
        yield opened


class Post:
    """Sends when it is let to; can tell what it has sent."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.may_go_on = threading.Event()
        self.sent: list[str] = []

    def tools(self) -> list[AnyTool]:
        @tool(reconcile=lambda key: "It was sent." if key in self.sent else None, timeout=60)
        def send(text: str, key: IdempotencyKey) -> str:
            """Send."""
            self.begun.set()
            assert self.may_go_on.wait(30)
            self.sent.append(key)
            return f"sent {text}"

        return [send]


def cancelled(agent: Agent, post: Post) -> None:
    async def main() -> None:
        task = asyncio.create_task(agent.arun("?", run_id="r"))
        await asyncio.to_thread(post.begun.wait, 30)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())


def interrupted(agent: Agent, post: Post) -> None:
    main = threading.get_ident()

    def press() -> None:
        assert post.begun.wait(30)
        signal.pthread_kill(main, signal.SIGINT)

    threading.Thread(target=press).start()
    with pytest.raises(KeyboardInterrupt):
        agent.run("?", run_id="r")


@pytest.mark.parametrize("leave", [cancelled, interrupted])
def test_what_may_still_act_is_not_done_beside_it(journal: Journal, leave: Callable[[Agent, Post], None]) -> None:
    post = Post()
    leave(Agent(ScriptedModel([SEND]), post.tools(), journal=journal), post)
    agent = Agent(ScriptedModel(["Final Answer: ok"]), post.tools(), journal=journal)
    time.sleep(0.5)  # longer than the lease: it is renewed all the time
    with pytest.raises(LeaseHeld, match="goes on in a thread of this process"):
        agent.resume("r")
    post.may_go_on.set()
    until = time.monotonic() + 30
    while journal.run("r").status != "interrupted" and time.monotonic() < until:
        time.sleep(0.01)
    run = agent.resume("r")
    assert run.answer == "ok" and post.sent == ["r:1:0"]
    assert run.steps[0].observation is not None and run.steps[0].observation.text == "It was sent."


def test_a_tool_that_raises_stop_iteration_fails_like_any_other(journal: Journal) -> None:
    @tool
    def first(text: str) -> str:
        """The first of nothing."""
        return next(iter(list[str]()))

    def agent() -> Agent:
        replies = ['Action: first\nAction Input: {"text": "x"}', "Final Answer: none"]
        return Agent(ScriptedModel(replies), [first], journal=journal)

    runs = [agent().run("?", run_id="s"), asyncio.run(asyncio.wait_for(agent().arun("?", run_id="a"), 30))]
    for run in runs:
        assert run.answer == "none"
        assert run.steps[0].observation is not None
        assert run.steps[0].observation.text == "first failed: RuntimeError: function raised StopIteration"
