"""Any bytes from a worker give a typed outcome or a ProtocolError, and any stream gives a Result."""

import contextlib
import json
import re
import socket
import threading
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentkit.sandbox import Limits, Result
from agentkit.sandbox.client import Exit, Worker
from agentkit.sandbox.engine import Cancellation, Program, execute
from agentkit.sandbox.exchange import Exchange, Outcome, Stopped, Tool
from agentkit.sandbox.result import show
from agentkit.sandbox.values import Tree, encoded, opaque_tree, plain
from agentkit.sandbox.wire import (
    Failed,
    Finished,
    FrameReader,
    ProtocolError,
    ToolCall,
    dumps,
    frame,
    load_object,
    parse_call,
    parse_outcome,
)
from tests.sandbox.hostile import echo

json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.one_of(st.text(max_size=5), st.sampled_from(["$t", "v"])), inner, max_size=4),
        st.fixed_dictionaries(
            {
                "$t": st.sampled_from(["int", "set", "dict", "decimal", "fraction", "date", "object", "str", "tuple"]),
                "v": inner,
            }
        ),
    ),
    max_leaves=12,
)
KEYS = ["ok", "value", "shown", "names", "fault", "type", "message", "line", "source", "id", "name", "args", "kwargs"]
messages = st.dictionaries(st.sampled_from([*KEYS, "batch", "x"]), json_values, max_size=8)
payloads = st.one_of(st.binary(max_size=200), messages.map(lambda m: json.dumps(m).encode()), st.just(b"[" * 5000))


@given(payloads)
def test_any_payload_is_typed_or_refused(payload: bytes) -> None:
    with contextlib.suppress(ProtocolError):
        assert isinstance(parse_outcome(payload), Finished | Failed)
    with contextlib.suppress(ProtocolError):
        assert isinstance(parse_call(payload), ToolCall)


@given(st.lists(st.tuples(st.sampled_from([b"O", b"C", b"R"]), st.binary(max_size=50)), max_size=20), st.data())
def test_frames_arrive_however_the_stream_is_cut(frames: list[tuple[bytes, bytes]], data: st.DataObject) -> None:
    stream = b"".join(frame(kind, payload) for kind, payload in frames)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=10)))
    reader = FrameReader(1000, 1000)
    parts = [stream[start:end] for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    assert [found for part in parts for found in reader.feed(part)] == frames
    assert reader.empty


@given(st.binary(max_size=300))
def test_any_stream_is_cut_or_refused(stream: bytes) -> None:
    reader = FrameReader(100, 100)
    with contextlib.suppress(ProtocolError):
        assert all(kind in b"OCR" for kind, _ in reader.feed(stream))


@pytest.mark.parametrize("kind", [b"Q", b"V", b"X", b"\0", b"o"])
def test_other_frames_are_refused(kind: bytes) -> None:
    with pytest.raises(ProtocolError):
        list(FrameReader(100, 100).feed(frame(kind, b"")))


def test_a_frame_too_long_is_refused_before_it_arrives() -> None:
    with pytest.raises(ProtocolError):
        list(FrameReader(1000, 1000).feed(b"R" + (6000).to_bytes(4, "big")))


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"[1]",
        b"1",
        b'"x"',
        b"null",
        b'{"a":NaN}',
        b'{"a":1',
        b'{"a":' + b"1" * 41 + b"}",
        b"\xff",
        b'{"a":1e' + b"9" * 50 + b"}",
    ],
)
def test_what_is_no_object_is_refused(payload: bytes) -> None:
    with pytest.raises(ProtocolError):
        load_object(payload)


def test_depth_is_measured_outside_strings() -> None:
    assert load_object(dumps({"a": "[" * 5000 + '"\\'})) == {"a": "[" * 5000 + '"\\'}
    with pytest.raises(ProtocolError, match="nested"):
        load_object(b'{"a":"\\\\","b":' + b"[" * 300 + b"]" * 300 + b"}")


@pytest.mark.parametrize("tail", [b"", b"\\", b'"', b'\\"'])
def test_a_text_that_does_not_end_is_looked_at_once(tail: bytes) -> None:
    """To look for the end of each of a million texts in what is left takes an hour."""
    for head in (b'{"a":' + b"[" * 150 + b"]" * 150, b'{"a":' + b"[],[" * 150):
        with pytest.raises(ProtocolError):
            load_object(head + b'"' + b'\\"' * 500_000 + tail)


def test_what_takes_much_memory_is_refused_before_it_is_parsed() -> None:
    """The host keeps less than 8 MB of what a program gives."""
    for many in (b'"\xc4\xac",' * 100_000, b'{"k":1},' * 50_000, b"[]," * 80_000, b"1," * 300_000):
        with pytest.raises(ProtocolError, match="too many parts"):
            load_object(b'{"a":[' + many + b"1]}")
    for wide in (b"\xf0\x9f\x98\x80", b"\\ud83d\\ude00"):  # makes each other character as wide
        with pytest.raises(ProtocolError, match="too long for the characters"):
            load_object(b'{"a":"' + b"x" * 700_000 + wide + b'"}')
    assert load_object(dumps({"a": "\U0001f600" * 260_000}))
    text = ',[]{}:\\"' * 100_000
    assert load_object(dumps({"a": text})) == {"a": text}  # inside a text they are none


def test_a_lie_about_the_fault_is_refused() -> None:
    for fault in ("internal", "crashed", "not_allowed", "", None, 1):
        with pytest.raises(ProtocolError):
            parse_outcome(dumps({"ok": False, "fault": fault, "type": "T", "message": "m", "line": None}))


streams = st.one_of(
    st.binary(max_size=200),
    st.lists(
        st.one_of(
            st.tuples(st.sampled_from([b"O", b"C", b"R", b"Z"]), payloads).map(lambda pair: frame(*pair)),
            st.just(frame(b"C", dumps({"id": 1, "name": "echo", "args": plain([1]), "kwargs": {}}))),
        ),
        max_size=6,
    ).map(b"".join),
)


@given(streams)
def test_any_worker_gives_an_outcome(stream: bytes) -> None:
    """A worker that answers a program with arbitrary bytes, reads nothing and goes away."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        writer = threading.Thread(target=send_and_leave, args=(theirs, stream))
        tools: dict[str, Tool] = {"echo": echo}
        exchange = Exchange(Worker(1, ours, 0, None), tools, Limits(wall=5), writer.start)
        outcome = exchange.run(frame(b"Q", b"{}"))
        writer.join()
        assert isinstance(exchange.printed.text, str)
        assert outcome != Stopped("time")


class Answering:
    """A launcher whose worker answers any program with these bytes, and leaves."""

    layers: tuple[str, ...] = ()
    alive = True

    def __init__(self, connection: socket.socket, stream: bytes) -> None:
        self._connection, self._stream = connection, stream

    def take(self, memory: int, cpu: int | None) -> Worker:
        raise AssertionError

    def refill(self) -> None:
        send_and_leave(self._connection, self._stream)

    def end(self, worker: Worker, *, report: bool) -> Exit | None:
        return Exit(0, 0.0, 0) if report else None

    def close(self) -> None:
        """Nothing runs."""


VALUES: tuple[object, ...] = (
    [None, True, -1, 10**40, 1.5, float("nan"), "\ud800 \u00e9", b"ab", 1j, Decimal("1.5"), Fraction(1, 3)],
    {"a": (1, {2}, frozenset({"x"})), 2: [{"y": None}], "d": date(2024, 2, 29), "t": timedelta(seconds=1.5)},
    [datetime(2024, 1, 1, tzinfo=UTC), range(3), ...],
)


def valid_frames() -> list[bytes]:
    """Frames of each kind, as a worker in order sends them."""
    found = [frame(b"O", "text \u00e9".encode())]
    for value in VALUES:
        tree = encoded(value, lambda _e, other, _d: opaque_tree("object", repr(other)))
        found.append(frame(b"R", dumps({"ok": True, "names": ["a"], "value": tree})))
        call: dict[str, Tree] = {"id": 1, "name": "echo", "args": [tree], "kwargs": {}}
        found.append(frame(b"C", dumps({**call, "batch": 1})))
        found.append(frame(b"C", dumps({**call, "batch": 2})) + frame(b"C", dumps({**call, "id": 2, "batch": 2})))
    failed: dict[str, Tree] = {"ok": False, "fault": "raised", "type": "KeyError", "message": "'k'", "line": 1}
    return [
        *found,
        frame(b"R", dumps({**failed, "source": "x", "names": []})),
        frame(b"R", b'{"ok":true,"shown":true}'),
    ]


def reframed(random: Random, stream: bytes) -> bytes:
    """A frame that is whole again, though its payload was changed: it gets as far as the decoder."""
    payload = changed(random, stream[5:])
    return frame(stream[:1], payload)


def changed(random: Random, data: bytes) -> bytes:
    """Bytes with a bit turned, a piece left out, doubled, moved or cut off, or a token in the place of another."""
    start, end = sorted(random.choices(range(len(data) + 1), k=2))
    piece, place = data[start:end], random.randrange(len(data) + 1)
    match random.randrange(6):
        case 0 if data:
            place %= len(data)
            return data[:place] + bytes([data[place] ^ 1 << random.randrange(8)]) + data[place + 1 :]
        case 1:
            return data[:start] + data[end:]
        case 2:
            return data[:end] + piece * random.randrange(1, 4) + data[end:]
        case 3:
            return data[:place] + piece + data[place:]
        case 4:
            return data[:start]
        case _:
            found = [match.span() for match in TOKEN.finditer(data)] or [(start, end)]
            tokens = [*TOKENS, *(data[begin:stop] for begin, stop in found)]
            start, end = random.choice(found)
            return data[:start] + random.choice(tokens) + data[end:]


TOKEN = re.compile(rb'"[^"]*"|-?[0-9.]+|true|false|null|[\[\]{},:]')
TOKENS = [b"1e999", b"-0", b"NaN", b'"$t"', b'"v"', b'"9999-12-31"', b'"1E+999999"', b'"-f"', b'"\\ud800"', b"1" * 41]


def test_frames_that_are_changed_at_random_give_a_result() -> None:
    """Five thousand streams of valid frames, of which one or more are broken: the same ones each time."""
    random, valid = Random(3), valid_frames()
    kinds: Counter[str] = Counter()
    for _ in range(5000):
        frames = random.choices(valid, k=random.randrange(1, 4))
        for place in random.choices(range(len(frames)), k=random.randrange(1, 3)):
            frames[place] = random.choice([changed, reframed, reframed])(random, frames[place])
        result = answered_with(b"".join(frames))
        assert result.error is None or isinstance(result.error.message, str)
        show(result.value).encode()
        result.output.encode()
        kinds["ok" if result.error is None else result.error.kind] += 1
    assert set(kinds) == {"ok", "program", "crashed"}, kinds  # both what is whole and what is not was met
    assert min(kinds.values()) > 100, kinds


def answered_with(stream: bytes) -> Result:
    """What a program comes to whose worker sends this."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        place = Answering(theirs, stream), Worker(1, ours, 0, None)
        program = Program("", "auto", Limits(wall=5), tools={"echo": echo})
        return execute(place, program, program.message(), Cancellation(), keep=False).result


def exchanged(stream: bytes, tool: Tool) -> Outcome:
    """The outcome of a worker that sends these bytes, reads nothing and stays."""
    ours, theirs = socket.socketpair()
    with theirs:
        writer = threading.Thread(target=send, args=(theirs, stream))
        with ours:
            outcome = Exchange(Worker(1, ours, 0, None), {"t": tool}, Limits(wall=0.2), writer.start).run(b"")
        writer.join()
    return outcome


def send(connection: socket.socket, stream: bytes) -> None:
    with contextlib.suppress(OSError):  # the host hangs up
        connection.sendall(stream)


def called(count: int, *args: object) -> bytes:
    """The frames of calls that are made together."""
    payload = dumps({"id": 1, "name": "t", "batch": count, "args": plain(list(args)), "kwargs": {}})
    return frame(b"C", payload) * count


def test_replies_that_nobody_reads_are_not_piled_up() -> None:
    made: list[int] = []

    def reply() -> str:
        made.append(1)
        return "y" * 250_000

    assert exchanged(called(100), reply) == Stopped("time")
    assert len(made) <= 16


def test_calls_that_weigh_too_much_together_are_not_kept() -> None:
    made: list[object] = []
    assert exchanged(called(100, "x" * 60_000), made.append) == Stopped("protocol")
    assert not made


def send_and_leave(connection: socket.socket, stream: bytes) -> None:
    connection.sendall(stream)
    connection.shutdown(socket.SHUT_WR)
