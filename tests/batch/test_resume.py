"""Batches that go on: after a break, a crash, Ctrl-C, another process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from agentkit import Agent, Budget, ConfigError, IdempotencyKey, tool
from agentkit.errors import JournalUnavailable, ModelError
from agentkit.journal import Journal
from agentkit.models.base import Request
from agentkit.toolbox import AnyTool
from tests.batch.support import StatelessModel, asked, echo
from tests.journal.support import rows

ROOT = Path(__file__).parents[2]


class Ledger:
    """A tool that acts, and what it did."""

    def __init__(self) -> None:
        self.keys: list[str] = []
        self.tools: list[AnyTool] = [tool(idempotent=True)(self.note)]

    def note(self, text: str, key: IdempotencyKey) -> str:
        """Write something down."""
        self.keys.append(key)
        return f"noted {text}"


def note_then_answer(request: Request) -> str:
    if len(request.messages) > 2:
        return echo(request)
    return f'Action: note\nAction Input: {{"text": "{asked(request)}"}}'


def questions(count: int) -> list[str]:
    return [f"Say {number}" for number in range(count)]


def test_a_batch_goes_on_where_it_was_left(url: str) -> None:
    world = Ledger()
    with Journal(url) as journal:
        model = StatelessModel(note_then_answer)
        agent = Agent(model, world.tools, journal=journal)
        for result in agent.batch(questions(30), batch_id="b", concurrency=3):
            if result.place == 9:
                break
        begun = len(world.keys)
        assert 10 <= begun < 30
        batch = agent.batch(questions(30), batch_id="b", concurrency=3)
        results = list(batch)
        assert [result.answer for result in results] == [str(number) for number in range(30)]
        assert all(result.from_journal for result in results[:10]) and not results[-1].from_journal
        assert 10 <= batch.summary.from_journal <= begun and batch.summary.answered == 30
        assert sorted(set(world.keys)) == sorted(f"b/{number}:1:0" for number in range(30))
        calls = model.calls
        assert [result.answer for result in agent.batch(questions(30), batch_id="b")] == [str(n) for n in range(30)]
        assert model.calls == calls  # all of it from the journal
    told = rows(url, "SELECT run_id, batch, place, status FROM runs ORDER BY place")
    assert told == [(f"b/{number}", "b", number, "ended") for number in range(30)]


def test_what_failed_is_tried_again_and_what_is_new_is_begun(tmp_path: Path) -> None:
    broken = True

    def reply(request: Request) -> str:
        if broken and asked(request) == "Say 1":
            raise ModelError("no answer")
        return echo(request)

    model = StatelessModel(reply)
    with Journal(f"sqlite:///{tmp_path / 'j.db'}") as journal:
        agent = Agent(model, journal=journal)
        assert [result.status for result in agent.batch(questions(3), batch_id="b")].count("failed") == 1
        broken, calls = False, model.calls
        results = list(agent.batch(questions(4), batch_id="b"))
    assert [result.status for result in results] == ["answered"] * 4
    assert [result.from_journal for result in results] == [True, False, True, False]
    assert model.calls == calls + 2


def test_another_question_at_a_place_is_refused(tmp_path: Path) -> None:
    with Journal(f"sqlite:///{tmp_path / 'j.db'}") as journal:
        agent = Agent(StatelessModel(), journal=journal)
        list(agent.batch(questions(3), batch_id="b"))
        with pytest.raises(ConfigError, match=r"another question at place 1 \('Say 1', and now 'Say one'\)"):
            list(agent.batch(["Say 0", "Say one", "Say 2"], batch_id="b"))
        # And where two processes begin it at the same time: a run is never given for another question.
        agent.run("Say something else", run_id="c/0")
        (result,) = agent.batch(["Say 0"], batch_id="c")
        assert isinstance(result.error, ConfigError) and "another question" in str(result.error)


def test_another_agent_is_refused(tmp_path: Path) -> None:
    with Journal(f"sqlite:///{tmp_path / 'j.db'}") as journal:
        list(Agent(StatelessModel(), journal=journal).batch(questions(2), batch_id="b"))
        other = Agent(StatelessModel(), Ledger().tools, journal=journal)
        with pytest.raises(ConfigError, match="begun by another agent; changed: tool note"):
            list(other.batch(questions(3), batch_id="b"))
        assert len(list(other.batch(questions(3), batch_id="b", allow_drift=True))) == 3


def test_the_budget_counts_what_earlier_goes_have_used(tmp_path: Path) -> None:
    with Journal(f"sqlite:///{tmp_path / 'j.db'}") as journal:
        agent = Agent(StatelessModel(), journal=journal)
        first = agent.batch(questions(20), batch_id="b", concurrency=1, budget=Budget(max_tokens=500))
        assert [result.status for result in first] == ["answered"] * 5 + ["not_run"] * 15
        again = agent.batch(questions(20), batch_id="b", concurrency=1, budget=Budget(max_tokens=500))
        assert [result.status for result in again] == ["answered"] * 5 + ["not_run"] * 15
        more = agent.batch(questions(20), batch_id="b", concurrency=1, budget=Budget(max_tokens=800))
        assert [result.status for result in more] == ["answered"] * 8 + ["not_run"] * 12
        assert more.summary.from_journal == 5 and more.summary.tokens == 800


def test_a_run_that_another_process_drives_is_waited_for(tmp_path: Path) -> None:
    world = Ledger()
    url = f"sqlite:///{tmp_path / 'j.db'}"
    with Journal(url) as one, Journal(url) as two:
        agents = [
            Agent(StatelessModel(note_then_answer, delay=0.02), world.tools, journal=journal) for journal in (one, two)
        ]
        found: list[list[str | None]] = []

        def drive(agent: Agent) -> None:
            found.append([result.answer for result in agent.batch(questions(12), batch_id="b")])

        threads = [threading.Thread(target=drive, args=(agent,)) for agent in agents]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert found == [[str(number) for number in range(12)]] * 2
    assert sorted(world.keys) == sorted(f"b/{number}:1:0" for number in range(12))


def test_a_journal_that_fails_ends_the_batch(tmp_path: Path) -> None:
    journal = Journal(f"sqlite:///{tmp_path / 'j.db'}")
    model = StatelessModel()

    def source() -> Iterator[str]:
        for number in range(2_000):
            if number == 100:
                for file in tmp_path.glob("j.db*"):
                    file.unlink()
                (tmp_path / "j.db").mkdir()
                journal.close()  # the connection that is kept would write to the file without a name
            yield f"Say {number}"

    with pytest.raises(JournalUnavailable) as error:
        list(Agent(model, journal=journal).batch(source(), batch_id="b", concurrency=2))
    assert "batch_id='b'" in " ".join(error.value.__notes__)
    assert model.calls < 200


CHILD = """
import sys
from agentkit import Agent
from agentkit.journal import Journal
from tests.batch.support import StatelessModel

agent = Agent(StatelessModel(delay=0.05), journal=Journal(sys.argv[1]))
for result in agent.batch([f"Say {n}" for n in range(200)], batch_id="b", concurrency=4):
    if result.place < 10:
        print(result.answer, flush=True)
"""


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGKILL])
def test_a_process_that_is_interrupted_or_killed(tmp_path: Path, sign: signal.Signals) -> None:
    url = f"sqlite:///{tmp_path / 'j.db'}"
    with subprocess.Popen(
        [sys.executable, "-c", CHILD, url],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    ) as child:
        assert child.stdout is not None and child.stderr is not None
        for _ in range(10):
            child.stdout.readline()
        time.sleep(0.2)  # until it has nothing to do but to wait for results
        child.send_signal(sign)
        told = child.stderr.read()
        child.wait()
    if sign == signal.SIGINT:
        assert "KeyboardInterrupt" in told and "The batch can go on: agent.batch(…, batch_id='b')" in told
        assert rows(url, "SELECT count(*) FROM runs WHERE status = 'running' OR owner IS NOT NULL") == [(0,)]
    with Journal(url) as journal:
        began = time.monotonic()
        batch = Agent(StatelessModel(), journal=journal).batch(questions(20), batch_id="b")
        assert [result.answer for result in batch] == [str(number) for number in range(20)]
        assert batch.summary.from_journal >= 10
        assert time.monotonic() - began < 30  # nobody waits for the dead
