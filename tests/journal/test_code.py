"""Programs that act, with a journal: each call happens once, and what a program left in its variables comes back."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import count
from typing import NoReturn, cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from agentkit import Agent, IdempotencyKey, Limits, Run, tool
from agentkit.assembly import Start
from agentkit.errors import JournalError
from agentkit.events import Event, RunEnded
from agentkit.flow import Act, Effect, Flow, Perform
from agentkit.interpreter import Interpreter
from agentkit.journal import Journal
from agentkit.messages import JSON
from agentkit.models import Request
from agentkit.operations import drive
from agentkit.sandbox import Limits as ProgramLimits
from agentkit.sandbox import Result, Sandbox
from agentkit.testing import ScriptedModel
from agentkit.toolbox import AnyTool
from tests.journal.support import Crash


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as made:
        yield made


@pytest.fixture
def journal() -> Iterator[Journal]:
    with Journal("sqlite://") as opened:
        yield opened


class World:
    """Tools that note what was done, by key."""

    def __init__(self) -> None:
        self.looks: list[str] = []
        self.posted: dict[str, str] = {}
        self.posts = 0

    def tools(self, *, reconcile: bool = True, idempotent: bool = False) -> list[AnyTool]:
        def look(at: str) -> dict[str, object]:
            """Look."""
            self.looks.append(at)
            return {"at": at, "seen": len(at)}

        def post(text: str, key: IdempotencyKey) -> str:
            """Post."""
            self.posts += 1
            self.posted[key] = text
            return f"posted {text}"

        found = self.posted.get
        acting = tool(reconcile=lambda key: f"posted {found(key)}" if found(key) else None) if reconcile else tool
        if idempotent:
            acting = tool(idempotent=True)
        return [tool(read_only=True)(look), acting(post)]


def scripted(programs: Sequence[str]) -> ScriptedModel:
    """Writes the programs in order, as the conversation alone tells which is next."""

    def say(request: Request) -> str:
        said = sum(message.role == "assistant" for message in request.messages)
        return f"On.\n```python\n{programs[said]}\n```" if said < len(programs) else "Final Answer: enough"

    return ScriptedModel([say] * 50)


def agent(
    world: World | Sequence[AnyTool],
    programs: Sequence[str],
    journal: Journal | None,
    interpreter: Interpreter,
    *wrap: Callable[[Perform], Perform],
) -> Agent:
    tools = world.tools() if isinstance(world, World) else world
    return Agent(
        scripted(programs),
        tools,
        strategy="code",
        interpreter=interpreter,
        journal=journal,
        limits=Limits(max_steps=8, last_call=False),
        wrap=wrap,
    )


def cut(number: int, *, after: bool) -> Callable[[Perform], Perform]:
    """Dies at the effect that is begun, or ended, as the one of this number."""
    begun, ended = count(), count()

    def wrapper(perform: Perform) -> Perform:
        def inner(effect: Effect[object]) -> Flow[object]:
            if not after and next(begun) == number:
                raise Crash
            result = yield from perform(effect)
            if after and next(ended) == number:
                raise Crash
            return result

        return inner

    return wrapper


TRIP = [
    "from datetime import datetime\nimport random, uuid\nwhen = datetime.now()\nluck = random.random(), uuid.uuid4()\n"
    "places = gather([(look, name) for name in ('Rome', 'Oslo', 'Bern')])\nplaces",
    "names = {place['at'] for place in places}\nfirst = post(', '.join(names))\nprint(when, luck)\nfirst",
    "second = post(f'{first}, then {luck} {when}')\nlook('home')\nsecond",
    "final_answer([first, second, len(places), luck[0]])",
]


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("number", range(14))
def test_cut_anywhere_it_comes_out_the_same(sandbox: Sandbox, journal: Journal, number: int, after: bool) -> None:
    world = World()
    with pytest.raises(Crash):
        agent(world, TRIP, journal, sandbox, cut(number, after=after)).run("?", run_id="r")
    run = agent(world, TRIP, journal, sandbox).resume("r")
    assert run.stop_reason == "answer" and run.usage.tool_calls == 6 and run.usage.model_calls == 4
    assert sorted(world.posted) == ["r:2:1", "r:3:1"] and world.posts == 2
    first, second, places, luck = cast("list[object]", run.value)
    assert [first, second] == [f"posted {text}" for text in world.posted.values()] and places == 3
    assert str(luck) in str(second)  # made in one program, used in another: perhaps in another process
    assert agent(World(), TRIP, journal, sandbox).resume("r") == run


def test_a_run_that_has_ended_needs_no_sandbox(journal: Journal, sandbox: Sandbox) -> None:
    class Closed(Sandbox):
        def session(self) -> NoReturn:
            raise AssertionError("a program was run")

    run = agent(World(), TRIP, journal, sandbox).run("?", run_id="r")
    world = World()
    assert agent(world, TRIP, journal, Closed()).resume("r") == run
    assert (world.looks, world.posts) == ([], 0)


def test_async_too(journal: Journal, sandbox: Sandbox) -> None:
    world = World()
    with pytest.raises(Crash):
        asyncio.run(agent(world, TRIP, journal, sandbox, cut(10, after=True)).arun("?", run_id="r"))
    run = asyncio.run(agent(world, TRIP, journal, sandbox).aresume("r"))
    assert run.stop_reason == "answer" and world.posts == 2


def test_calls_are_numbered_as_the_program_makes_them_and_written_as_they_come(
    journal: Journal, sandbox: Sandbox
) -> None:
    gate = threading.Event()

    @tool(read_only=True)
    def slow(n: int) -> int:
        """The first one waits for the last."""
        if n == 0:
            assert gate.wait(10)
        if n == 5:
            gate.set()
        return n

    program = ["final_answer(gather([(slow, n) for n in range(6)]))"]
    for name in ("r", "s"):
        gate.clear()
        assert agent([slow], program, journal, sandbox).run("?", run_id=name).value == list(range(6))
    found = journal_rows(journal, "r"), journal_rows(journal, "s")
    for lines in found:
        assert [number for number, *_ in lines] == list(range(len(lines)))
        wanted = [(call, payload) for _, call, phase, payload in lines if phase == "intent" and call]
        assert sorted(wanted) == [(n + 1, f'{{"tool":"slow","input":{{"n":{n}}}}}') for n in range(6)]
        assert [call for _, call, phase, _ in lines if phase == "result"].index(1) > 1


def journal_rows(journal: Journal, run_id: str) -> list[tuple[int, int, str, str]]:
    """Number, call, phase and payload of each line of a run's programs."""
    from agentkit.journal.tables import effects

    wanted = select(effects).where(effects.c.run_id == run_id).order_by(effects.c.number)
    with journal._store._database.reading() as connection:  # pyright: ignore[reportPrivateUsage]
        found = connection.execute(wanted).mappings().all()
    return [(row["number"], row["call"], row["phase"], row["payload"]) for row in found]


def test_what_may_have_happened_inside_a_program_waits_for_a_person(journal: Journal, sandbox: Sandbox) -> None:
    world = World()
    programs = ["x = gather([(look, 'a'), (look, 'b')])\ny = post('1')\nz = post('2')\n", "final_answer([y, z])"]

    def made(*wrap: Callable[[Perform], Perform]) -> Agent:
        return agent(world.tools(reconcile=False), programs, journal, sandbox, *wrap)

    with pytest.raises(Crash):
        made(cut(5, after=False)).run("?", run_id="r")  # the second post
    for _ in range(2):
        run = made().resume("r")
        assert (run.stop_reason, run.steps) == ("needs_attention", ())
    attention = journal.attention("r")
    assert attention is not None
    assert (attention.tool, attention.input, attention.key) == ("post", {"text": "2"}, "r:1:4")
    assert "cut it off" in attention.why
    journal.resolve("r", retry=True)
    run = made().resume("r")
    assert run.value == ["posted 1", "posted 2"] and world.posts == 2 and sorted(world.looks) == ["a", "b"]


def test_a_person_can_tell_what_a_call_gave(journal: Journal, sandbox: Sandbox) -> None:
    world = World()
    programs = ["y = post('1')\nlook('x')\nfinal_answer(y)"]
    tools = world.tools(reconcile=False)
    with pytest.raises(Crash):
        agent(tools, programs, journal, sandbox, cut(2, after=False)).run("?", run_id="r")
    assert agent(tools, programs, journal, sandbox).resume("r").stop_reason == "needs_attention"
    journal.resolve("r", result="somebody posted it")
    assert agent(tools, programs, journal, sandbox).resume("r").answer == "somebody posted it"
    assert world.posts == 0 and world.looks == ["x"]


@pytest.mark.parametrize(
    "program",
    [
        "look('home')\npost(f'at {n}')",  # another call
        "look('home')\nif n == 1:\n    post('at 1')",  # one call less
        "look('home')\nif n == 2:\n    look('there')\npost('at 1')",  # one call more
    ],
)
def test_a_program_that_goes_another_way_is_refused_and_acts_no_more(
    journal: Journal, sandbox: Sandbox, program: str
) -> None:
    world = World()
    chance = iter([1, 2, 3])

    class Chancy(Interpreter):
        """Another interpreter, without seed and clock: each program finds another `n`."""

        def __init__(self) -> None:
            self._session = sandbox.session()

        def start(self) -> None:
            self._session.start()

        def run(
            self,
            code: str,
            *,
            inputs: Mapping[str, JSON] | None = None,
            tools: Mapping[str, Callable[..., object]] | None = None,
            entry: str = "auto",
        ) -> Result:
            return self._session.run(code, inputs={"n": next(chance)}, tools=tools, entry=entry)

        def close(self) -> None:
            self._session.close()

    with pytest.raises(Crash):
        agent(world, [program], journal, Chancy(), cut(2, after=True)).run("?", run_id="r")
    with pytest.raises(JournalError, match=r"program of step 1 does not call its tools as it did.*Time or chance"):
        agent(world, [program], journal, Chancy()).resume("r")
    assert world.posted == {"r:1:2": "at 1"} and world.posts == 1


def test_variables_that_time_or_chance_made_are_not_made_up(journal: Journal, sandbox: Sandbox) -> None:
    programs = ["import time\nx = time.perf_counter()\nx", "final_answer(look(str(x)))"]
    with pytest.raises(Crash):
        agent(World(), programs, journal, sandbox, cut(3, after=False)).run("?", run_id="r")
    world = World()
    with pytest.raises(JournalError, match="program of step 1 was run again to get its variables back"):
        agent(world, programs, journal, sandbox).resume("r")
    assert world.looks == [] and journal.run("r").status == "interrupted"


def test_a_killed_program_s_variables_are_gone_after_a_resume_too(journal: Journal) -> None:
    with Sandbox(limits=ProgramLimits(output_total=1000)) as short:
        programs = [
            "import time\nx = time.perf_counter()\nx",  # could not be run again
            "print('x' * 10_000)",  # killed
            "y = look('there')['seen']\ny",
            "try:\n    x\nexcept NameError as e:\n    final_answer([str(e), y])",
        ]
        whole = agent(World(), programs, None, short).run("?")
        assert whole.value == ["name 'x' is not defined", 5]
        world = World()
        with pytest.raises(Crash):
            agent(world, programs, journal, short, cut(7, after=False)).run("?", run_id="r")
        run = agent(world, programs, journal, short).resume("r")
    assert run.value == whole.value and world.looks == ["there"]
    killed = run.steps[1].observation
    assert killed is not None and killed.failed and killed.value == {"session": "reset"}


def test_what_a_wrapper_made_of_a_program_s_result_does_not_stop_a_resume(journal: Journal, sandbox: Sandbox) -> None:
    def louder(perform: Perform) -> Perform:
        def inner(effect: Effect[object]) -> Flow[object]:
            result = yield from perform(effect)
            return replace(result, text=f"{result.text}!") if isinstance(effect, Act) else result

        return inner

    programs = ["x = post('a')\nx", "final_answer(x)"]
    world = World()
    with pytest.raises(Crash):
        agent(world, programs, journal, sandbox, louder, cut(4, after=False)).run("?", run_id="r")
    assert agent(world, programs, journal, sandbox, louder).resume("r").answer == "posted a!!"
    assert world.posts == 1


def test_events_of_a_program_that_is_run_again_are_not_told_twice(journal: Journal, sandbox: Sandbox) -> None:
    world = World()
    with pytest.raises(Crash):
        agent(world, TRIP, journal, sandbox, cut(9, after=False)).run("?", run_id="r")  # the third program
    events = list(drive(agent(world, TRIP, journal, sandbox).resume_flow("r")))
    started = [event.action.tool for event in events if event.type == "action"]
    assert started == ["python", "post", "look", "python"]
    assert len([event for event in events if event.type == "observation" and event.step <= 2]) == 2


STATEMENTS = st.sampled_from(
    [
        "x = look('a')['seen']",
        "y = gather([(look, 'b'), (look, 'c'), (look, 'd')])",
        "z = post('one')",
        "z = gather([(post, 'a'), (look, 'b'), (post, 'c'), (look, 'd')])",
        "z = [post(f'{n}') for n in range(2)]",
        "print(x)",
        "w = x + 1; print(w)",
        "import random; v = random.choice('abc'); post(v)",
        "print(post(f'{v} {len(y)}'))",
        "1 / 0",
        "raise ToolError('no')",
        "post(7, 8)",
        "{look(name)['at'] for name in {'p', 'q', 'r'}}",
    ]
)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
@given(
    programs=st.lists(st.lists(STATEMENTS, min_size=1, max_size=3).map("\n".join), min_size=1, max_size=4),
    first=st.integers(0, 14),
    second=st.integers(0, 6),
    after=st.booleans(),
)
def test_run_resume_and_replay_are_the_same(
    sandbox: Sandbox, programs: list[str], first: int, second: int, after: bool
) -> None:
    """For any programs: a run, the same run cut off twice and resumed, and its replay."""
    now = datetime.now().astimezone()
    bare, world = World(), World()
    with Journal("sqlite://") as kept, Journal("sqlite://") as journal:
        whole = begun(agent(bare, programs, kept, sandbox), now)
        run: Run | None = None
        for again, wrapper in enumerate((cut(first, after=after), cut(second, after=not after), None)):
            made = agent(world, programs, journal, sandbox, *([wrapper] if wrapper else ()))
            try:
                run = made.resume("r") if again else begun(made, now)
                break
            except Crash:
                continue
        assert run == whole
        assert world.posted == bare.posted and world.posts == bare.posts
        assert agent(World(), programs, journal, sandbox).resume("r") == run


def begun(agent: Agent, now: datetime) -> Run:
    """A run that begins at this time, and so has the same chance as another that does."""
    return _ended(drive(agent.assembly.flow(Start("?", (), "r", now))))


def _ended(events: Iterable[Event]) -> Run:
    return next(event.run for event in events if isinstance(event, RunEnded))
