"""The program socket: frames of a type byte, a length (4 bytes, big endian) and a payload; decoding what a worker sent.

Host to worker: Q (a program to run), V (a tool's reply). Worker to host: O (output, UTF-8), C (a tool call),
R (the outcome). Whatever bytes arrive, decoding gives a typed value or a ProtocolError.
"""

import json
import re
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, cast

from .values import MAX_DEPTH, BadTree, Decoder, Tree

_HEADER = struct.Struct(">cI")
_ENVELOPE = 4 << 10
_MAX_OUTPUT_FRAME = 64 << 10
_MAX_NUMBER = 40
MAX_WEIGHT = 7_000_000
MAX_BATCH = 2_000_000  # of calls sent together; a single one may weigh more
_TREE_DEPTH = 4 * MAX_DEPTH  # a level of a value is at most three levels of JSON
# A text that does not end takes all that is left: to look for its end again at each quote would cost the square.
_TOKENS = re.compile(rb'"(?:[^"\\]|\\.)*+(?:"|\\?\Z)|[\[\]{},:]', re.DOTALL)
_CONTINUED = bytes(range(0x80, 0xC0))  # in UTF-8
_WIDE = re.compile(rb"[\xf0-\xf7]|\\u(?!00)")  # with one character beyond 16 bits a text takes 32 for each
_TIMES = 3  # a text in the host: what arrived, what is parsed, what comes out
# About the bytes that the host needs for a text, an entry of a dict, an element, an array or object.
_TEXT, _ENTRY, _ELEMENT, _PART = 60, 80, 24, 100
_WEIGHTS = dict(zip(b'":,[{]}', (_TEXT, _ENTRY, _ELEMENT, _PART, _PART, 0, 0), strict=True))

Fault = Literal["raised", "refused", "time", "memory", "value"]
_FAULTS: tuple[Fault, ...] = ("raised", "refused", "time", "memory", "value")


class ProtocolError(Exception):
    """The worker sent something that its runtime never sends."""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """`batch`: how many calls were sent together, this one included."""

    id: int
    name: str
    args: tuple[object, ...]
    kwargs: dict[str, object]
    batch: int = 1


@dataclass(frozen=True, slots=True)
class Finished:
    """`shown`: the value is what was printed."""

    value: object
    shown: bool
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Failed:
    """How the worker says a program ended; the host decides the kind."""

    fault: Fault
    type: str
    message: str
    line: int | None
    source: str | None
    names: tuple[str, ...] = ()


def frame(kind: bytes, payload: bytes) -> bytes:
    """One frame, ready to send."""
    return _HEADER.pack(kind, len(payload)) + payload


def dumps(tree: Tree) -> bytes:
    """JSON without blanks. The tree holds no NaN and no lone surrogate (`values` tags them)."""
    return _ENCODER.encode(tree).encode()


class FrameReader:
    """Cuts a stream into frames, refusing types and lengths that no runtime sends."""

    def __init__(self, result: int, argument: int) -> None:
        self._buffer = bytearray()
        self._longest = {b"O": _MAX_OUTPUT_FRAME, b"C": argument + _ENVELOPE, b"R": result + _ENVELOPE}

    @property
    def empty(self) -> bool:
        """Whether nothing is left of what was fed."""
        return not self._buffer

    def feed(self, data: bytes) -> Iterator[tuple[bytes, bytes]]:
        """The frames that are complete now. Raises ProtocolError."""
        self._buffer += data
        start = 0
        try:
            while start + _HEADER.size <= len(self._buffer):
                kind, length = _HEADER.unpack_from(self._buffer, start)
                if length > self._longest.get(kind, -1):
                    raise ProtocolError("a frame of an unknown type or too long")
                begin, end = start + _HEADER.size, start + _HEADER.size + length
                if len(self._buffer) < end:
                    return
                start = end
                with memoryview(self._buffer) as whole:
                    payload = bytes(whole[begin:end])
                yield kind, payload
        finally:
            del self._buffer[:start]  # once: a flood of tiny frames must not cost the square of its size


def _in_memory(data: bytes) -> int:
    """At most the bytes of a text once it is decoded."""
    wide = _WIDE.search(data) is not None
    if data.isascii():
        return len(data) * (4 if wide else 1)
    return len(data.translate(None, _CONTINUED)) * (4 if wide else 2)


def weight(data: bytes) -> int:
    """About the most bytes that the host needs for JSON text once it is parsed. Quick: what is in texts counts too."""
    parts = data.count(b"[") + data.count(b"{")
    most = parts * _PART + data.count(b",") * _ELEMENT + data.count(b":") * _ENTRY + data.count(b'"') * _TEXT // 2
    return max(most, _TIMES * _in_memory(data))


def excess(data: bytes) -> str:
    """Why JSON text may not cross: what it would cost to parse it; empty when it may.

    Before parsing, so that no depth can exhaust the host's stack and no count its memory.
    """
    if _TIMES * _in_memory(data) > MAX_WEIGHT:
        return "is too long for the characters in it"
    if data.count(b"[") + data.count(b"{") <= _TREE_DEPTH and weight(data) <= MAX_WEIGHT:  # true of almost all
        return ""
    total = depth = 0
    for token in _TOKENS.finditer(data):  # one by one: no copy of the text
        kind = data[token.start()]
        total += _WEIGHTS[kind]
        if kind in b"[{":
            depth += 1
            if depth > _TREE_DEPTH:
                return "is nested too deeply"
        elif kind in b"]}":
            depth -= 1
        if total > MAX_WEIGHT:
            return "has too many parts"
    return ""


def _integer(text: str) -> int:
    if len(text) > _MAX_NUMBER:
        raise ProtocolError("a number is too long")
    return int(text)


def _float(text: str) -> float:
    if len(text) > _MAX_NUMBER:
        raise ProtocolError("a number is too long")
    return float(text)


def _refuse_constant(name: str) -> object:
    raise ProtocolError(f"{name} is not JSON")


_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)
_JSON = json.JSONDecoder(parse_int=_integer, parse_float=_float, parse_constant=_refuse_constant)


def load_object(payload: bytes) -> dict[str, Tree]:
    """One JSON object from a worker. Raises ProtocolError for anything else."""
    if why := excess(payload):
        raise ProtocolError(f"an object that {why}")
    try:
        found: object = _JSON.decode(payload.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise ProtocolError("not JSON") from error
    if not isinstance(found, dict):
        raise ProtocolError("not a JSON object")
    return cast("dict[str, Tree]", found)


def _value(tree: Tree) -> object:
    try:
        return Decoder().decode(tree)
    except (BadTree, RecursionError) as error:
        raise ProtocolError(f"a value cannot be rebuilt: {error}") from error


def _text(found: Mapping[str, Tree], key: str, longest: int) -> str:
    text = found.get(key)
    if not isinstance(text, str):
        raise ProtocolError(f"no text {key}")
    return escape(text[:longest])


def escape(text: str) -> str:
    """Lone surrogates as their escapes, so that the text can be encoded anywhere."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode("utf-8")


def source_lines(text: str) -> list[str]:
    """A program's lines as Python counts them: a form feed or another of Unicode's separators ends none."""
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def _names(found: Mapping[str, Tree]) -> tuple[str, ...]:
    names = found.get("names", [])
    if not isinstance(names, list):
        raise ProtocolError("names")
    return tuple(escape(name[:80]) for name in cast("list[Tree]", names)[:50] if isinstance(name, str))


def parse_call(payload: bytes) -> ToolCall:
    """A C frame. Raises ProtocolError."""
    found = load_object(payload)
    number, batch = found.get("id"), found.get("batch", 1)
    args, kwargs = _value(found.get("args", [])), _value(found.get("kwargs", {}))
    if not isinstance(args, list) or not isinstance(kwargs, dict):
        raise ProtocolError("arguments")
    if type(number) is not int or type(batch) is not int or not 1 <= batch <= 1000 or not 0 <= number < 1 << 31:
        raise ProtocolError("a call without a number")
    named = cast("dict[object, object]", kwargs)
    if not all(type(key) is str for key in named):
        raise ProtocolError("arguments")
    positional = tuple(cast("list[object]", args))
    return ToolCall(number, _text(found, "name", 200), positional, cast("dict[str, object]", named), batch)


def parse_outcome(payload: bytes) -> Finished | Failed:
    """An R frame. Raises ProtocolError."""
    found = load_object(payload)
    if found.get("ok") is True:
        if "value" not in found and found.get("shown") is not True:
            raise ProtocolError("no value")
        return Finished(_value(found.get("value")), found.get("shown") is True, _names(found))
    fault, line = found.get("fault"), found.get("line")
    if fault not in _FAULTS or not (line is None or (type(line) is int and 0 <= line < 1 << 31)):
        raise ProtocolError("an outcome that is none")
    source = None if found.get("source") is None else _text(found, "source", 300)
    return Failed(
        _FAULTS[_FAULTS.index(fault)],
        _text(found, "type", 200),
        _text(found, "message", 4000),
        line,
        source,
        _names(found),
    )
