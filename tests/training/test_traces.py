"""The training's tasks: what the expert does is right, and the test's tasks are others than the training's."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Sequence
from random import Random

import pytest

from agentkit.messages import Malformed
from agentkit.models.base import ReplyFormat
from agentkit.models.grammar import held_to
from agentkit.models.local import EDITION
from agentkit.prompt import load
from agentkit.registry_import import load_tools
from tests.models.gbnf import as_pattern
from training import calculations, pal_tasks, travel_tasks, travel_wordings
from training.pal_more_wordings import MORE
from training.pal_wordings import WORDINGS
from training.play import TOOLSETS, facts, play_calculation, play_problem, play_travel
from training.traces import calculation_trace, problem_trace, travel_task, travel_trace, world
from training.words import CITIES, FIRST_NAMES, LAST_NAMES, THINGS, Split

BOOKS = ("book cheapest", "book earliest", "book latest", "book hotel", "return", "flight and hotel")
READS = ("ask cheapest", "ask earliest", "ask latest", "ask under", "ask hotel", "list flights", "under?", "seats?",
         "list bookings", "get", "small talk")  # fmt: skip


def test_there_are_many_kinds() -> None:
    assert len(travel_tasks.KINDS) >= 20
    assert len(pal_tasks.KINDS) >= 25
    assert WORDINGS.keys() == MORE.keys() == pal_tasks.KINDS.keys()


@pytest.mark.parametrize("kind", travel_tasks.KINDS)
def test_the_expert_solves_each_kind_of_travel_task(kind: str) -> None:
    task, tools, run_id = travel_task(7, "test", kind)
    played = play_travel(task, world("test"), tools, run_id)
    run = played.run
    assert run.stop_reason == "answer" and run.answer
    faults = [step for step in run.steps if isinstance(step.decision, Malformed)]
    assert len(faults) <= (task.faulty is not None)
    assert {booking.id for booking in played.new} <= facts(run.answer)
    if kind in BOOKS and task.refusal is None:
        assert bool(played.new) != run.answer.startswith("Nothing was booked")
        assert all(name in task.question for booking in played.new for name in booking.names)
    if kind in (*READS, "refused", "failure", "sold out"):
        assert not played.new
    if kind == "cancel" and task.refusal is None and task.priors:
        assert [booking.status for booking in played.after].count("cancelled") == 1


@pytest.mark.parametrize("kind", travel_tasks.KINDS)
def test_what_the_expert_says_last_the_grammar_lets_the_model_say(kind: str) -> None:
    by_name = {tool.name: tool.schema for tool in load_tools("travel")}
    for seed in range(3):
        task, tools, run_id = travel_task(seed, "test", kind)
        *before, last = play_travel(task, world("test"), tools, run_id).messages
        said = f" {last.text.partition('Final Answer: ')[2]}"
        held = held_to(ReplyFormat("answer", tuple(by_name[name] for name in tools)), before)
        assert as_pattern(held.grammar or "").fullmatch(said), said


def test_what_is_hard_is_trained_more_often_and_tested_as_often_as_ever() -> None:
    def many(split: Split) -> Counter[str]:
        return Counter(travel_task(seed, split)[0].kind for seed in range(400))

    trained, tested = many("train"), many("test")
    assert trained["return"] > 1.5 * tested["return"] > 0
    assert trained["list for"] and not tested["list for"]


def test_the_seats_are_the_last_number_that_was_counted() -> None:
    for seed in range(6):
        task, tools, run_id = travel_task(seed, "train", "sold out")
        played = play_travel(task, world("train"), tools, run_id)
        thought, search = played.messages[2].text.split("\nAction: search_flights\nAction Input: ")
        counted = re.findall(r"(\d+) \w", thought)
        assert counted == [str(n) for n in range(1, len(counted) + 1)]
        assert json.loads(search)["seats"] == len(counted)
        assert list(json.loads(search)) == ["origin", "destination", "date", "first", "seats"]


@pytest.mark.parametrize(("kind", "order"), [("book cheapest", "price"), ("book earliest", "departs")])
def test_the_flight_that_is_booked_is_the_one_that_was_asked_for(kind: str, order: str) -> None:
    for seed in range(4):
        task, tools, run_id = travel_task(seed, "train", kind)
        booked = play_travel(task, world("train"), tools, run_id).new
        if not booked:
            continue
        flight = booked[0].item
        assert flight.kind == "flight"
        where = {city.code: city for city in world("train").places}
        others = world("train").flights(where[flight.origin], where[flight.destination], flight.begins)
        free = [each for each in others if each.left >= len(booked[0].names)]
        assert getattr(flight, order) == min(getattr(each, order) for each in free)


@pytest.mark.parametrize("kind", pal_tasks.KINDS)
def test_each_kind_of_problem_has_a_program_that_runs(kind: str) -> None:
    found = pal_tasks.problem(Random(3), "test", kind)
    run = play_problem(found.question, found.program, "test").run
    assert run.stop_reason == "answer" and len(run.steps) == 1
    assert run.answer


WAYS: dict[str, Callable[[Sequence[int]], float]] = {
    "boxes": lambda n: n[0] * n[1],
    "wage": lambda n: n[0] * n[1],
    "discount": lambda n: n[0] * (100 - n[1]) / 100,
    "recipe": lambda n: n[0] * n[2] / n[1],
    "entrance": lambda n: n[0] * n[1] + n[2] * n[3],
}


@pytest.mark.parametrize("kind", WAYS)
def test_problems_have_the_right_answers(kind: str) -> None:
    """Reckoned here once more."""
    for seed in range(5):
        found = pal_tasks.problem(Random(seed), "train", kind)
        numbers = [int(number) for number in re.findall(r" = (\d+)$", found.program, re.MULTILINE)]
        assert all(str(number) in found.question.replace(",", "") for number in numbers)
        answer = play_problem(found.question, found.program, "test").run.answer
        assert float(answer or "nan") == pytest.approx(WAYS[kind](numbers))


def test_calculations_are_right() -> None:
    for seed in range(10):
        found = calculations.calculation(Random(seed), "test")
        run = play_calculation(found.question, found.expert(), "test").run
        (call, _) = run.steps
        assert call.observation is not None and not call.observation.failed
        assert run.answer == call.observation.text


def test_the_test_s_words_are_not_the_training_s() -> None:
    for words in (CITIES, FIRST_NAMES, LAST_NAMES, THINGS):
        assert not set(words["train"]) & set(words["test"])
    asked = {wording for kind in WORDINGS.values() for wording in kind["train"]}
    asked |= {wording for more in MORE.values() for wording in more}
    assert not asked & {wording for kind in WORDINGS.values() for wording in kind["test"]}
    for options in (*travel_wordings.OTHER.values(), travel_wordings.BOOK_FLIGHT,
                    travel_wordings.ASK_FLIGHT):  # fmt: skip
        assert not set(options["train"]) & set(options["test"])


def test_no_training_task_asks_for_a_city_or_a_person_of_the_test() -> None:
    reserved = re.compile(rf"\b({'|'.join((*CITIES['test'], *LAST_NAMES['test']))})\b")
    for seed in range(300):
        question = travel_task(seed, "train")[0].question
        assert not reserved.search(question), question


def test_traces_are_what_the_model_reads_and_the_same_each_time() -> None:
    for make in (travel_trace, problem_trace, calculation_trace):
        line = make(5, "train").line()
        assert line == make(5, "train").line()
        record = json.loads(line)
        roles = [role for role, _ in record["messages"]]
        assert roles[0] == "system" and roles[1::2][: len(roles) // 2 - 1] == ["user"] * (len(roles) // 2 - 1)
        main = EDITION.of("pal-math" if record["family"] == "problem" else "react")
        assert record["messages"][0][1].startswith(load(main)["instructions"].text)


def test_the_toolsets_are_those_of_the_command_line() -> None:
    from agentkit.cli.demo import TRAVEL_TOOLS

    assert TOOLSETS["demo"] == tuple(TRAVEL_TOOLS)
    assert TOOLSETS["travel"] == tuple(tool.name for tool in load_tools("travel"))
