"""Many questions: order, bounds, failures, budgets."""

from __future__ import annotations

import asyncio
import gc
import sqlite3
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import aclosing

import pytest

from agentkit import Agent, AuthError, Batch, Budget, ConfigError, Limits, tool
from agentkit.models.base import Request
from tests.batch.support import StatelessModel, asked, echo


def questions(count: int) -> Iterator[str]:
    return (f"Say {number}" for number in range(count))


def answers(batch: Batch) -> list[str | None]:
    return [result.answer for result in batch]


def test_results_come_in_the_order_of_the_questions() -> None:
    model = StatelessModel(delay=lambda request: 0.02 * (int(asked(request).split()[-1]) % 3))
    batch = Agent(model, journal=None).batch(questions(20), concurrency=5)
    results = list(batch)
    assert [result.place for result in results] == list(range(20))
    assert [result.answer for result in results] == [str(number) for number in range(20)]
    assert {result.status for result in results} == {"answered"}
    assert [result.run_id for result in results] == [f"{batch.batch_id}/{number}" for number in range(20)]
    assert model.most == 5
    assert batch.summary.answered == batch.summary.done == 20 and batch.summary.tokens == 2000
    assert batch.failures == []


def test_or_as_they_are_completed() -> None:
    model = StatelessModel(delay=lambda request: 0.2 if asked(request) == "Say 0" else 0.0)
    batch = Agent(model, journal=None).batch(questions(10), concurrency=2, order="completed")
    places = [result.place for result in batch]
    assert places[-1] == 0 and sorted(places) == list(range(10))


def test_in_an_event_loop() -> None:
    agent = Agent(StatelessModel(delay=0.01), journal=None)

    async def main() -> None:
        assert [result.answer async for result in agent.batch(questions(5))] == ["0", "1", "2", "3", "4"]
        assert [result.answer for result in await agent.abatch(questions(3), concurrency=2)] == ["0", "1", "2"]

    asyncio.run(main())


def test_a_loop_that_runs_already_is_no_obstacle() -> None:
    async def main() -> list[str | None]:
        return answers(Agent(StatelessModel(), journal=None).batch(questions(3)))

    assert asyncio.run(main()) == ["0", "1", "2"]


def test_a_failure_is_a_result_and_stops_no_other() -> None:
    def reply(request: Request) -> str:
        if asked(request) == "Say 1":
            raise AuthError("no access")
        if asked(request) == "Say 3":
            raise ZeroDivisionError("a defect")
        return echo(request)

    batch = Agent(StatelessModel(reply), journal=None).batch(questions(5))
    results = list(batch)
    assert [result.status for result in results] == ["answered", "failed", "answered", "failed", "answered"]
    assert isinstance(results[1].error, AuthError) and isinstance(results[3].error, ZeroDivisionError)
    assert results[1].run is not None and results[1].run.stop_reason == "error" and results[1].answer is None
    assert batch.failures == [results[1], results[3]]
    assert (batch.summary.failed, batch.summary.answered) == (2, 3)


def test_what_would_end_an_event_loop_ends_the_batch_and_does_not_hang() -> None:
    @tool
    def leave() -> str:
        """Leave."""
        raise SystemExit(3)

    model = StatelessModel(lambda _: "Action: leave\nAction Input: {}")
    with pytest.raises(RuntimeError, match="SystemExit"):
        list(Agent(model, [leave], journal=None).batch(questions(3)))


def test_a_tool_that_is_cancelled_fails_its_run_alone() -> None:
    @tool
    async def give_up(number: int) -> str:
        """Give up."""
        if number == 1:
            raise asyncio.CancelledError
        return "fine"

    def reply(request: Request) -> str:
        if len(request.messages) > 2:
            return echo(request)
        return f'Action: give_up\nAction Input: {{"number": {asked(request).split()[-1]}}}'

    results = list(Agent(StatelessModel(reply), [give_up], journal=None).batch(questions(3)))
    assert [result.status for result in results] == ["answered", "failed", "answered"]


def test_tools_run_in_threads_beside_each_other() -> None:
    @tool(read_only=True)
    def wait() -> str:
        """Wait."""
        time.sleep(0.3)
        return "waited"

    model = StatelessModel(lambda r: echo(r) if len(r.messages) > 2 else "Action: wait\nAction Input: {}")
    began = time.monotonic()
    assert len(answers(Agent(model, [wait], journal=None).batch(questions(10), concurrency=10))) == 10
    assert time.monotonic() - began < 2.5  # one after the other: 3 s


def test_questions_are_taken_as_they_are_needed_and_by_the_caller() -> None:
    taken: list[int] = []
    here = sqlite3.connect(":memory:")  # refuses to be used in another thread

    def source() -> Iterator[str]:
        for number in range(10_000):
            taken.append(number)
            yield str(here.execute(f"SELECT 'Say {number}'").fetchone()[0])

    for result in Agent(StatelessModel(), journal=None).batch(source(), concurrency=4):
        if result.place == 10:
            break
    here.close()
    assert len(taken) < 300


def test_a_slow_reader_holds_the_runs_up() -> None:
    model = StatelessModel()

    async def main() -> None:
        async with aclosing(aiter(Agent(model, journal=None).batch(questions(5_000), concurrency=4))) as results:
            await anext(results)
            await asyncio.sleep(0.3)

    asyncio.run(main())
    assert model.calls < 600


def test_leaving_the_loop_ends_the_runs() -> None:
    model = StatelessModel(delay=lambda request: 0.0 if asked(request) == "Say 0" else 30.0)
    began = time.monotonic()
    for result in Agent(model, journal=None).batch(questions(50)):
        assert result.answer == "0"
        break
    assert time.monotonic() - began < 10 and model.going_on == 0


def test_memory_does_not_grow_with_the_questions() -> None:
    agent = Agent(StatelessModel(), journal=None)

    def peak(count: int) -> int:
        gc.collect()
        tracemalloc.start()
        for result in agent.batch(questions(count)):
            assert result.status == "answered"
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    peak(50)
    assert peak(1500) < peak(500) * 1.3 + 100_000


def test_the_budget_ends_what_goes_on_and_begins_no_more() -> None:
    model = StatelessModel()
    batch = Agent(model, journal=None).batch(questions(1000), concurrency=4, budget=Budget(max_tokens=1000))
    results = list(batch)
    # Ten calls of 100 tokens; those that were begun before the tenth ended may add one each.
    assert 10 <= model.calls <= 10 + 4
    assert batch.summary.not_run == 1000 - model.calls and batch.summary.tokens == 100 * model.calls
    assert results[-1].status == "not_run" and results[-1].run is None and results[-1].answer is None


def test_runs_that_go_on_when_the_budget_is_used_up_end_by_their_last_call() -> None:
    @tool(read_only=True)
    def look() -> str:
        """Look."""
        return "nothing yet"

    def reply(request: Request) -> str:
        last = "no more actions" in request.messages[-1].text
        return "Final Answer: as far as I know" if last else "Action: look\nAction Input: {}"

    model = StatelessModel(reply, delay=0.01)
    limits = Limits(max_steps=1000)
    batch = Agent(model, [look], limits=limits, journal=None).batch(
        questions(3), concurrency=3, budget=Budget(max_tokens=3000)
    )
    results = list(batch)
    assert {result.status for result in results} == {"limit"}
    assert {result.run.stop_reason for result in results if result.run} == {"max_tokens"}
    assert all(result.answer for result in results)
    assert batch.summary.tokens <= 3000 + 3 * 200  # a call that had begun, and the last one, each


def test_seconds_cut_calls_short() -> None:
    model = StatelessModel(delay=30.0)
    limits = Limits(last_call=False)
    began = time.monotonic()
    batch = Agent(model, limits=limits, journal=None).batch(questions(10), concurrency=2, budget=Budget(seconds=0.3))
    results = list(batch)
    assert time.monotonic() - began < 10
    assert [result.status for result in results] == ["limit"] * 2 + ["not_run"] * 8
    assert results[0].run and results[0].run.stop_reason == "timeout"


def test_what_is_wrong_is_told_at_once() -> None:
    agent = Agent(StatelessModel(), journal=None)
    with pytest.raises(ConfigError, match="one text"):
        agent.batch("What is this?")
    with pytest.raises(ConfigError, match="concurrency"):
        agent.batch([], concurrency=0)
    with pytest.raises(ConfigError, match="order must be"):
        agent.batch([], order="random")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="needs a journal"):
        agent.batch([], batch_id="b")
    with pytest.raises(ConfigError, match="known price"):
        agent.batch([], budget=Budget(max_cost_usd=1.0))
    with pytest.raises(ConfigError, match="max_tokens must not be negative"):
        Budget(max_tokens=-1)
    with pytest.raises(ConfigError, match="place 1 is empty"):
        list(agent.batch(["Say 1", ""]))


def test_a_batch_is_looped_over_once() -> None:
    batch = Agent(StatelessModel(), journal=None).batch(["Say 1"])
    assert answers(batch) == ["1"]
    with pytest.raises(ConfigError, match="another one"):
        list(batch)


def test_no_questions() -> None:
    batch = Agent(StatelessModel(), journal=None).batch([])
    assert list(batch) == [] and batch.summary.done == 0


def test_an_error_of_the_source_reaches_the_caller() -> None:
    def source() -> Iterator[str]:
        yield "Say 1"
        raise LookupError("the file is torn")

    with pytest.raises(LookupError, match="torn"):
        list(Agent(StatelessModel(), journal=None).batch(source()))
