"""A program whose chance and clock are fixed does the same again; and calls are counted in the program's order."""

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import cast

import pytest

from agentkit.sandbox import Sandbox
from agentkit.sandbox.calls import CALL_NUMBER

NOW = datetime(2031, 5, 6, 7, 8, 9, 250_000, tzinfo=timezone(timedelta(hours=3)))


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as made:
        yield made


CHANCE = "import random, uuid\n[random.random(), random.choice('abcdef'), str(uuid.uuid4())]"


def test_chance_is_that_of_the_seed(sandbox: Sandbox) -> None:
    found = [sandbox.run(CHANCE, seed=seed).value for seed in ("a", "a", "b", None, None)]
    assert found[0] == found[1]
    assert len({str(value) for value in found}) == 4


def test_each_program_of_a_session_begins_with_its_own_seed(sandbox: Sandbox) -> None:
    with sandbox.session() as first, sandbox.session() as second:
        first.run("import random\nrandom.random()", seed="a")
        assert first.run(CHANCE, seed="b").value == second.run(CHANCE, seed="b").value
        assert second.run(CHANCE).value != second.run(CHANCE).value


@pytest.mark.parametrize(
    ("program", "value"),
    [
        ("datetime.now()", NOW.replace(tzinfo=None)),
        ("datetime.today()", NOW.replace(tzinfo=None)),
        ("date.today()", NOW.date()),
        ("import datetime\nstr(datetime.datetime.utcnow())", "2031-05-06 04:08:09.250000"),
        ("from datetime import datetime as d, timezone\nstr(d.now(timezone.utc))", "2031-05-06 04:08:09.250000+00:00"),
        ("from datetime import datetime as d, timezone\nstr(d.now(tz=timezone.utc).hour)", "4"),
        ("clock = datetime.now\nclock() - clock() == timedelta(0)", True),
        ("getattr(datetime, 'now')().year", 2031),
        ("class D(date):\n    pass\n[type(D.today()).__name__, D.today().year]", ["D", 2031]),
        ("class D(datetime):\n    pass\n[type(D.now()).__name__, D.now().year]", ["D", 2031]),
        ("import time\ntime.time()", NOW.timestamp()),
        ("import time\ntime.time_ns() == int(time.time() * 1000) * 1_000_000", True),
        ("import time\n[time.localtime().tm_hour, time.gmtime().tm_hour]", [7, 4]),
        ("import time\n[time.strftime('%H:%M'), time.ctime()]", ["07:08", "Tue May  6 07:08:09 2031"]),
        ("import time\ntime.asctime()", "Tue May  6 07:08:09 2031"),
        ("import time\n[time.strftime('%Y', time.gmtime(0)), time.gmtime(0).tm_year]", ["1970", 1970]),
    ],
)
def test_the_clock_stands_still_at_the_given_time(sandbox: Sandbox, program: str, value: object) -> None:
    result = sandbox.run(program, now=NOW)
    assert result.error is None
    assert result.value == value


def test_without_it_the_clock_goes(sandbox: Sandbox) -> None:
    before = datetime.now().timestamp()
    found = sandbox.run("import time\n[time.time(), datetime.now().timestamp(), time.time_ns() / 1e9]").value
    assert isinstance(found, list)
    assert all(before - 1 < moment < before + 60 for moment in cast("list[float]", found))


def test_what_is_called_now_but_is_no_clock_is_left_alone(sandbox: Sandbox) -> None:
    program = (
        "class A:\n    now = 1\n    def today(self):\n        return 2\n"
        "class D(datetime):\n    now = datetime.fromtimestamp\n"
        "a = A()\na.now += 1\n[a.now, A.now, a.today(), D.now(0).year, '{0.now}'.format(a)]"
    )
    assert sandbox.run(program, now=NOW).value == [2, 1, 2, 1970, "2"]


def test_calls_are_counted_in_the_program_s_order(sandbox: Sandbox) -> None:
    seen: dict[object, int | None] = {}

    def note(what: object) -> object:
        seen[what] = CALL_NUMBER.get()
        return what

    tools = {"note": note}
    sandbox.run("note('a')\ngather([(note, n) for n in range(12)])\nnote('b')", tools=tools)
    assert seen.pop("a") == 1 and seen.pop("b") == 14
    assert seen == {n: n + 2 for n in range(12)}
    sandbox.run("note('c')", tools=tools)
    assert seen["c"] == 1 and CALL_NUMBER.get() is None


def test_a_result_says_whether_a_session_lost_its_variables(sandbox: Sandbox) -> None:
    with sandbox.session() as session:
        assert not session.run("a = 1").reset
        assert not session.run("1 / 0").reset
        assert session.run("import itertools\nsum(itertools.repeat(1))", limits=None).reset
