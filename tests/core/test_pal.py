"""PAL: the model writes a program, the sandbox runs it, its value is the answer."""

import asyncio
from collections.abc import Iterator
from fractions import Fraction

import pytest

from agentkit import Agent, Limits, Pal
from agentkit.interpreter import Interpreter, plain
from agentkit.sandbox import Sandbox
from agentkit.sandbox.result import Opaque
from agentkit.testing import ScriptedModel


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as made:
        yield made


def block(program: str) -> str:
    return f"I compute it.\n```python\n{program}\n```\nThat is all."


CONTRACTS = {
    "solution": ("def solution():\n    eggs = 16 - 3 - 4\n    return eggs * 2", "18", 18),
    "answer variable": ("dozens = 3\nanswer = dozens * 12", "36", 36),
    "last expression": ("x = 2\nx ** 10", "1024", 1024),
    "stdout": ("for n in range(2):\n    print('row', n)", "row 0\nrow 1", "row 0\nrow 1"),
    "no imports needed": (
        "answer = (datetime(2024, 3, 3) + relativedelta(months=1)).strftime('%m/%d/%Y')",
        "04/03/2024",
        "04/03/2024",
    ),
    "fractions": ("answer = Fraction(comb(4, 2), factorial(3)) + gcd(6, 4)", "3", "3"),
    "one namespace": ("n = 4\ndef f():\n    return n + 1\nanswer = [f() for _ in range(n)]", "[5, 5, 5, 5]", [5] * 4),
}


@pytest.mark.parametrize("name", CONTRACTS)
def test_the_contracts_of_a_program(sandbox: Sandbox, name: str) -> None:
    program, answer, value = CONTRACTS[name]
    run = Agent(ScriptedModel([block(program)]), strategy="pal", interpreter=sandbox).run("?")
    assert (run.answer and run.answer.strip(), run.stop_reason) == (answer, "answer")
    assert run.value == value or str(run.value).strip() == answer
    assert run.usage.tool_calls == 1


def test_an_error_goes_back_with_its_line_and_is_repaired(sandbox: Sandbox) -> None:
    model = ScriptedModel([block("eggs = 16\nanswer = egs * 2"), block("answer = 16 * 2")])
    with model:
        run = Agent(model, strategy="pal", interpreter=sandbox).run("?")
    told = model.requests[1].messages[-1].text
    assert "NameError: name 'egs' is not defined" in told
    assert "line 2" in told and "answer = egs * 2" in told
    assert run.answer == "32" and len(run.steps) == 2


def test_repairs_are_bounded(sandbox: Sandbox) -> None:
    model = ScriptedModel([block(f"answer = undefined_{n}") for n in range(3)] + ["Final Answer: I could not."])
    with model:
        run = Agent(model, strategy=Pal(repairs=2), interpreter=sandbox).run("?")
    assert run.stop_reason == "max_steps" and run.answer == "I could not."


def test_a_reply_without_a_program_is_told_so(sandbox: Sandbox) -> None:
    model = ScriptedModel(["It is four, I think.", block("answer = 4")])
    run = Agent(model, strategy="pal", interpreter=sandbox).run("?")
    assert "There is no program in your text" in model.requests[1].messages[-1].text
    assert run.answer == "4"


@pytest.mark.parametrize(
    "program",
    [
        "answer = {chr(0xDFFF): chr(0xD800)}",
        "answer = [{10**5000}, {10**5000: 1}, Fraction(10**5000, 3), 10**3005]",
        "answer = [Decimal('sNaN'), Decimal('1E+99999'), float('nan'), chr(0)]",
        "a = []\nfor _ in range(45):\n    a = [a]\nanswer = a",
    ],
)
def test_no_value_of_a_program_breaks_the_run(sandbox: Sandbox, program: str) -> None:
    run = Agent(ScriptedModel([block(program)]), strategy="pal", interpreter=sandbox).run("?")
    assert run.stop_reason == "answer"
    assert run.answer and run.answer.encode()


def test_the_value_can_be_put_into_words(sandbox: Sandbox) -> None:
    model = ScriptedModel([block("answer = 6 * 7"), "Final Answer: It is forty-two."])
    with model:
        run = Agent(model, strategy=Pal(explain=True), interpreter=sandbox).run("?")
    assert run.answer == "It is forty-two."
    assert "42" in model.requests[1].messages[-1].text and "one or two sentences" in model.requests[1].messages[-1].text


def test_the_majority_wins_and_the_vote_is_told(sandbox: Sandbox) -> None:
    programs = ["answer = 7", "answer = 5", "answer = 1 / 0", "answer = 5.0", "answer = '5'", "answer = 9"]
    repaired = [block(p) for p in programs]
    repaired.insert(3, block("raise ValueError('again')"))
    model = ScriptedModel(repaired)
    run = Agent(model, strategy=Pal(samples=6, repairs=1), interpreter=sandbox, params={"seed": 1}).run("?")
    assert run.answer == "5" and run.votes == (("5", 3), ("7", 1))
    assert len({request.params.seed for request in model.requests}) > 1, "samples differ in seed"
    assert [step.number for step in run.steps] == list(range(1, len(run.steps) + 1))


def test_voting_stops_once_it_is_decided(sandbox: Sandbox) -> None:
    model = ScriptedModel([block("answer = 5")] * 3)
    with model:
        run = Agent(model, strategy=Pal(samples=5), interpreter=sandbox).run("?")
    assert run.answer == "5" and run.votes == (("5", 3),)


def test_a_vote_that_meets_a_limit_gives_what_it_has(sandbox: Sandbox) -> None:
    model = ScriptedModel([block("answer = 5")] * 2)
    run = Agent(model, strategy=Pal(samples=5), interpreter=sandbox, limits=Limits(max_model_calls=2)).run("?")
    assert run.answer == "5" and run.votes == (("5", 2),)


def test_answers_can_be_typed(sandbox: Sandbox) -> None:
    model = ScriptedModel([block("answer = 'many'"), block("answer = 3.0")])
    run = Agent(model, strategy="pal", interpreter=sandbox, answer_type=int).run("?")
    assert run.value == 3 and len(run.steps) == 2


def test_the_agent_s_own_sandbox_starts_when_needed_and_closes() -> None:
    with Agent(ScriptedModel([block("answer = 4")]), strategy="pal") as agent:
        assert asyncio.run(agent.arun("?")).answer == "4"


def test_any_interpreter_will_do() -> None:
    """The protocol has three methods; a sandbox of one's own is one class."""
    assert isinstance(Sandbox(), Interpreter)


@pytest.mark.parametrize(
    ("value", "data"),
    [
        ((1, [2.5, None]), [1, [2.5, None]]),
        ({1: {2}}, {"1": "{2}"}),
        (10**30, str(10**30)),
        (Opaque("Thing", "<Thing>"), "<Thing>"),
        (Fraction(1, 10**5000), "1/<an integer of about 5001 digits>"),
        ({10**5000: {10**5000}}, {"<an integer of about 5001 digits>": "{<an integer of about 5001 digits>}"}),
        ({"\udfff": 1}, {"\\udfff": 1}),
    ],
)
def test_values_as_json(value: object, data: object) -> None:
    assert plain(value) == data
