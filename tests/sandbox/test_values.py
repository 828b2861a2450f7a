"""Values cross by exact type, whole; what cannot cross becomes its text."""

import json
import math
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentkit.sandbox import Opaque, Sandbox
from agentkit.sandbox.result import show
from agentkit.sandbox.values import BadTree, Decoder, Unencodable, plain
from agentkit.sandbox.wire import dumps


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as made:
        yield made


def surrogates() -> st.SearchStrategy[str]:
    return st.text(st.characters(codec=None), max_size=5)


def unfolded(value: time) -> time:
    """Which of two equal clock times was meant does not cross (nor does a zone's name)."""
    return value.replace(fold=0)


atoms = st.one_of(
    *(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), surrogates(), st.decimals(), st.fractions()),
    *(
        st.dates(),
        st.times().map(unfolded),
        st.datetimes().map(lambda value: value.replace(fold=0)),
        st.timedeltas(),
        st.complex_numbers(),
        st.integers(10**30, 10**60),
    ),
    st.datetimes(timezones=st.just(UTC)).map(lambda value: value.replace(fold=0)),
)
keys = st.one_of(st.integers(), st.text(max_size=5), surrogates(), st.just("$t"), st.dates())
values = st.recursive(
    atoms,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.lists(inner, max_size=4).map(tuple),
        st.dictionaries(keys, inner, max_size=4),
        st.sets(keys, max_size=4),
        st.frozensets(keys, max_size=4),
    ),
    max_leaves=15,
)


def shape(value: object) -> object:
    """Types and contents, so that 1, True and 1.0 differ and a NaN equals itself."""
    name = type(value).__name__
    if isinstance(value, list | tuple):
        return name, [shape(item) for item in cast("list[object]", value)]
    if isinstance(value, dict):
        return name, [(shape(key), shape(item)) for key, item in cast("dict[object, object]", value).items()]
    if isinstance(value, set | frozenset):
        return name, sorted(map(repr, cast("set[object]", value)))
    return name, value if isinstance(value, int) else repr(value)


@given(values)
def test_plain_values_come_back_by_exact_type(value: object) -> None:
    assert shape(Decoder().decode(json.loads(dumps(plain(value))))) == shape(value)


@given(values)
def test_shown_values_can_be_encoded(value: object) -> None:
    assert show(value).encode("utf-8", "backslashreplace")


CROSSING: list[tuple[str, object]] = [
    ("10**5000", 10**5000),
    ("-(2**63)", -(2**63)),
    ("True", True),
    ("-0.0", -0.0),
    ("1e308 * 10", math.inf),
    ("(1,)", (1,)),
    ("{'$t': 'int', 'v': 'ff'}", {"$t": "int", "v": "ff"}),
    ("{(1, 'a'): {2}}", {(1, "a"): {2}}),
    ("frozenset([1])", frozenset([1])),
    ("Decimal('1.10')", Decimal("1.10")),
    ("Fraction(2, 6)", Fraction(1, 3)),
    ("complex(1, -2)", complex(1, -2)),
    ("date(2024, 2, 29)", date(2024, 2, 29)),
    ("datetime(2024, 1, 2, 3, 4, 5, 6)", datetime(2024, 1, 2, 3, 4, 5, 6)),
    ("timedelta(days=-1, seconds=3)", timedelta(days=-1, seconds=3)),
    ("chr(0xD800)", "\ud800"),
    ("chr(0xD83D) + chr(0xDE00)", "\ud83d\ude00"),
]


@pytest.mark.parametrize(("code", "value"), CROSSING, ids=[code for code, _ in CROSSING])
def test_a_programs_value_crosses(sandbox: Sandbox, code: str, value: object) -> None:
    result = sandbox.run(code)
    assert result.error is None
    assert shape(result.value) == shape(value)


def test_a_time_with_a_zone_keeps_its_offset(sandbox: Sandbox) -> None:
    code = "import datetime\nzone = datetime.timezone(datetime.timedelta(hours=2))\ndatetime.time(1, 2, tzinfo=zone)"
    assert sandbox.run(code).value == time(1, 2, tzinfo=timezone(timedelta(hours=2)))


@pytest.mark.parametrize(
    ("code", "kind", "text"),
    [
        ("def f():\n    return 1\nanswer = f", "function", "<function f>"),
        ("answer = (i for i in [])", "generator", "<generator object <genexpr>>"),
        ("class A:\n    def __repr__(self):\n        return 'x' * 10**6\nanswer = A()", "A", "x" * 2000),
        ("class A:\n    def __repr__(self):\n        raise ValueError\nanswer = A()", "A", "<A object>"),
        ("class S(str):\n    pass\nanswer = S('x')", "S", "'x'"),
        ("answer = b'ab'", "bytes", "b'ab'"),
        ("from collections import Counter\nanswer = Counter('aab')", "Counter", "Counter({'a': 2, 'b': 1})"),
    ],
)
def test_other_types_become_text(sandbox: Sandbox, code: str, kind: str, text: str) -> None:
    assert sandbox.run(code).value == Opaque(kind, text)


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("a = []\na.append(a)\na", "nested too deeply"),
        ("a = []\nfor _ in range(60):\n    a = [a]\na", "nested too deeply"),
        ("[0] * 300_000", "too many elements"),
        ("'x' * 2_000_000", "too large"),
        ("set(range(30_000))", "not text"),
        ("{n: n for n in range(30_000)}", "keys are not all plain text"),
        ("[[] for n in range(60_000)]", "too many parts"),
        ("[(n, 'x') for n in range(15_000)]", "too many parts"),
        ("{str(n): n for n in range(60_000)}", "too many parts"),
        ("[chr(300 + n % 999) for n in range(150_000)]", "too many parts"),
        ("'x' * 700_000 + chr(0x1F600)", "too long for the characters"),
        ("[Fraction(10**19000 + n, 3**40000) for n in range(6)]", "too many long Fractions"),
        ("{n * (2**61 - 1) for n in range(200)}", "hashes"),
        ("{Decimal(5), 2**3_000_000}", "very long"),
        ("{frozenset({(Decimal(7), 1)}): 1, 2**5000: 2}", "very long"),
    ],
)
def test_a_value_too_large_is_a_result_error(sandbox: Sandbox, code: str, said: str) -> None:
    error = sandbox.run(code).error
    assert error is not None
    assert (error.kind, error.type) == ("result", "ResultLimit")
    assert said in error.message


SHOWN: list[tuple[object, str]] = [
    (10**5000, "<an integer of about 5001 digits>"),
    ([10**5000, (1,), {"a": {2}}], "[<an integer of about 5001 digits>, (1,), {'a': {2}}]"),
    (set[int](), "set()"),
    (frozenset({1}), "frozenset({1})"),
    (frozenset[int](), "frozenset()"),
    (True, "True"),
    ([Opaque("A", "<A object>"), None], "[<A object>, None]"),
    (Decimal("1.50"), "Decimal('1.50')"),
    (Fraction(1, 3), "Fraction(1, 3)"),
    ([Fraction(1, 10**5000)], "[Fraction(1, <an integer of about 5001 digits>)]"),
]


@pytest.mark.parametrize(("value", "text"), SHOWN, ids=[text for _, text in SHOWN])
def test_show(value: object, text: str) -> None:
    assert show(value) == text


def test_a_fraction_with_long_parts_is_described(sandbox: Sandbox) -> None:
    assert sandbox.run("Fraction(10**5000, 3)").text == "<an integer of about 5001 digits>/3"
    assert sandbox.run("Fraction(6, 8)").text == "3/4"
    assert sandbox.run("Fraction(6, 3)").text == "2"


def test_only_plain_data_is_plain() -> None:
    with pytest.raises(Unencodable, match="type object is not plain"):
        plain([object()])


HOSTILE: list[object] = [
    {"$t": "nothing", "v": 1},
    {"$t": "int"},
    {"$t": "int", "v": 5},
    {"$t": "int", "v": "zz"},
    {"$t": ["int"], "v": "1"},
    {"$t": "int", "v": "1", "more": 1},
    {"$t": "set", "v": [[1]]},
    {"$t": "set", "v": 5},
    {"$t": "dict", "v": [[1]]},
    {"$t": "dict", "v": [[[], 1]]},
    {"$t": "decimal", "v": "1e999999999"},
    {"$t": "decimal", "v": "abc"},
    {"$t": "fraction", "v": ["1", "0"]},
    {"$t": "fraction", "v": ["f" * 20_000, "1"]},
    {"$t": "fraction", "v": "12"},
    {"$t": "date", "v": "2024-13-01"},
    {"$t": "timedelta", "v": [10**12, 0, 0]},
    {"$t": "timedelta", "v": [1, 2]},
    {"$t": "timedelta", "v": [True, 0, 0]},
    {"$t": "str", "v": "zz"},
    {"$t": "str", "v": "ff"},
    {"$t": "complex", "v": ["1"]},
    {"$t": "object", "v": ["A", 5]},
    {"$t": "set", "v": list(range(30_000))},
    {"$t": "dict", "v": [[i, i] for i in range(30_000)]},
    b"bytes",
]


@pytest.mark.parametrize("tree", HOSTILE, ids=lambda tree: repr(tree)[:40])
def test_trees_that_are_no_values_are_refused(tree: object) -> None:
    with pytest.raises(BadTree):
        Decoder().decode(tree)


def test_fractions_that_take_long_to_reduce_end_in_time() -> None:
    long = {"$t": "fraction", "v": ["f" * 16_000, "7" * 16_000]}
    assert len(cast("list[Fraction]", Decoder().decode([long] * 5))) == 5
    with pytest.raises(BadTree, match="fraction too long"):
        Decoder().decode([long] * 6)


PRIME = 2**61 - 1  # what Python's hashes of numbers are taken by


def colliding(count: int, tag: str = "set") -> dict[str, object]:
    """The tree of a set of integers that all have the hash 5."""
    return {"$t": tag, "v": [{"$t": "int", "v": format(5 + i * PRIME, "x")} for i in range(count)]}


def test_sets_whose_hashes_collide_end_in_time() -> None:
    with pytest.raises(BadTree, match="hashes in a set or dict are the same"):
        Decoder().decode(colliding(101))
    fractions = [{"$t": "fraction", "v": [format(1 + i * PRIME, "x"), "1"]} for i in range(100)]
    with pytest.raises(BadTree, match="hashes take too long"):
        Decoder().decode([{"$t": "set", "v": fractions}] * 1_500)


def test_sets_in_sets_may_not_collide_much() -> None:
    """Comparing two sets whose elements all collide costs the product of their sizes."""
    assert Decoder().decode({"$t": "set", "v": [colliding(20, "frozenset")]})
    with pytest.raises(BadTree, match="hashes in a set or dict are the same"):
        Decoder().decode({"$t": "set", "v": [colliding(20, "frozenset"), colliding(20, "frozenset")]})


def test_sets_of_neighbours_cross() -> None:
    """-1 and -2 have the same hash, and so have all tuples that differ in nothing else."""
    cube = {(x, y, z) for x in range(-9, 9) for y in range(-9, 9) for z in range(-9, 9)}
    assert Decoder().decode(plain(cube)) == cube
    pairs = {frozenset({n, n + 1}): n for n in range(-5, 5)}
    assert Decoder().decode(plain(pairs)) == pairs


@pytest.mark.parametrize(
    "other",
    [
        {"$t": "int", "v": format(5 + (PRIME << 3_000_000), "x")},
        {"$t": "fraction", "v": [format(5 + (PRIME << 60_000), "x"), "1"]},
        {"$t": "tuple", "v": [{"$t": "int", "v": "f" * 1000}]},
    ],
    ids=["int", "fraction", "tuple"],
)
def test_a_long_number_meets_no_decimal_in_a_set(other: object) -> None:
    """To compare them takes seconds."""
    decimal = {"$t": "decimal", "v": "5"}
    for tree in ({"$t": "set", "v": [decimal, other]}, {"$t": "dict", "v": [[other, 0], [decimal, 0]]}):
        with pytest.raises(BadTree, match="very long"):
            Decoder().decode(tree)
    assert Decoder().decode([decimal, other]) is not None
    assert Decoder().decode({"$t": "set", "v": [other]}) is not None
