"""Python values as tagged JSON data, by exact type, and back. No code, no class and no reference crosses.

JSON's own null, true, numbers, strings, arrays and objects stand for None, bool, int (short), float, str, list and
dict (text keys). Everything else is an object {"$t": tag, "v": data}.
"""

import math
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime, timedelta
from datetime import time as clock_time
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import cast

from .result import Opaque

MAX_DEPTH = 50
MAX_ITEMS = 200_000
_MAX_HASHED = 10_000  # keys that are not text, in one container: their hashes are the program's choice
_MAX_RATIO = 16_000  # hexadecimal digits of a Fraction's parts: reducing it is quadratic
_MAX_REDUCING = 5 * _MAX_RATIO**2  # the sum of their squares
_MAX_EXPONENT = 100_000  # a Decimal beyond this is a trap for int() and format()
_HASHING_SECONDS = 0.25
_MAX_SAME_HASH = 100  # elements of one set that have to be compared with each other
_MAX_INNER = 30  # the same, in all the sets that are elements themselves: comparing two costs the product
_LONG = 300  # digits: comparing an integer with a Decimal costs their square, in a set at every meeting of hashes
_SMALL = 10**15
_TAG = "$t"

Tree = object  # what json.dumps and json.loads take and give


class Unencodable(ValueError):
    """The value is too deep, too large or of a type that cannot cross. The text says which."""


class BadTree(ValueError):
    """The other side sent data that is no value."""


def _tagged(tag: str, data: Tree) -> Tree:
    return {_TAG: tag, "v": data}


class Encoder:
    """Turns one value into a tree. `other` gives the tree of a value of any other type, or raises Unencodable."""

    def __init__(self, other: Callable[["Encoder", object, int], Tree]) -> None:
        self._other = other
        self._items = 0
        self._reducing = 0
        self.hashes = False  # whether there are sets, or keys that are not plain text

    def encode(self, value: object, depth: int = 0) -> Tree:
        """The tree of `value`. Raises Unencodable."""
        self._items += 1
        if depth > MAX_DEPTH:
            raise Unencodable(f"the value is nested too deeply (more than {MAX_DEPTH} levels)")
        if self._items > MAX_ITEMS:
            raise Unencodable(f"the value has too many elements (more than {MAX_ITEMS})")
        encoder = _ENCODERS.get(type(value))
        return self._other(self, value, depth) if encoder is None else encoder(self, value, depth)

    def each(self, values: Iterable[object], depth: int) -> list[Tree]:
        """The trees of a container's elements."""
        return [self.encode(value, depth + 1) for value in values]

    def hashed(self, values: Iterable[object], depth: int) -> list[Tree]:
        """The trees of a set's elements."""
        self.hashes = True
        found = self.each(values, depth)
        if len(found) > _MAX_HASHED and not all(type(item) is str for item in found):
            raise Unencodable(f"a set or dict may have {_MAX_HASHED} elements that are not text")
        return found

    def fraction(self, value: Fraction) -> Tree:
        """The tree of a Fraction."""
        parts = [format(value.numerator, "x"), format(value.denominator, "x")]
        digits = max(map(len, parts))
        self._reducing += digits * digits
        if digits > _MAX_RATIO:
            raise Unencodable(f"the Fraction is too long (more than {_MAX_RATIO} hexadecimal digits)")
        if self._reducing > _MAX_REDUCING:
            raise Unencodable("the value has too many long Fractions")
        return _tagged("fraction", parts)

    def mapping(self, value: dict[object, object], depth: int) -> Tree:
        """The tree of a dict."""
        if all(type(key) is str and _encodable(key) for key in value) and _TAG not in value:
            return {cast("str", key): self.encode(item, depth + 1) for key, item in value.items()}
        if len(value) > _MAX_HASHED:
            raise Unencodable(f"a dict whose keys are not all plain text may have {_MAX_HASHED} of them")
        keys = self.hashed(value, depth)
        return _tagged("dict", [list(pair) for pair in zip(keys, self.each(value.values(), depth), strict=True)])


def refuse(_encoder: Encoder, value: object, _depth: int) -> Tree:
    """For `Encoder`: only plain data may cross."""
    raise Unencodable(f"a value of type {type(value).__name__} is not plain data")


def _encodable(text: str) -> bool:
    return text.isascii() or not any("\ud800" <= char <= "\udfff" for char in text)


def _string(value: str) -> Tree:
    return value if _encodable(value) else _tagged("str", value.encode("utf-8", "surrogatepass").hex())


def _integer(value: int) -> Tree:
    return value if -_SMALL < value < _SMALL else _tagged("int", format(value, "x"))


def _floating(value: float) -> Tree:
    return value if math.isfinite(value) else _tagged("float", repr(value))


def _decimal(value: Decimal) -> Tree:
    if value.is_finite() and abs(value.adjusted()) > _MAX_EXPONENT:
        return opaque_tree("Decimal", str(value))
    return _tagged("decimal", str(value))


def _aware(value: datetime | clock_time) -> Tree:
    """A time zone crosses as its offset; fold is in the offset then."""
    name = "datetime" if isinstance(value, datetime) else "time"
    if value.tzinfo is not None and value.utcoffset() is None:
        return _tagged(name, value.replace(tzinfo=None).isoformat())
    return _tagged(name, value.isoformat())


def opaque_tree(kind: str, text: str) -> Tree:
    """The tree of an `Opaque`."""
    return _tagged("object", [_string(kind), _string(text)])


_ENCODERS: dict[type, Callable[[Encoder, "object", int], Tree]] = {
    type(None): lambda _e, value, _d: value,
    bool: lambda _e, value, _d: value,
    str: lambda _e, value, _d: _string(cast("str", value)),
    int: lambda _e, value, _d: _integer(cast("int", value)),
    float: lambda _e, value, _d: _floating(cast("float", value)),
    list: lambda e, value, d: e.each(cast("list[object]", value), d),
    tuple: lambda e, value, d: _tagged("tuple", e.each(cast("tuple[object, ...]", value), d)),
    set: lambda e, value, d: _tagged("set", e.hashed(cast("set[object]", value), d)),
    frozenset: lambda e, value, d: _tagged("frozenset", e.hashed(cast("frozenset[object]", value), d)),
    dict: lambda e, value, d: e.mapping(cast("dict[object, object]", value), d),
    complex: lambda _e, value, _d: _tagged(
        "complex", [repr(cast("complex", value).real), repr(cast("complex", value).imag)]
    ),
    Decimal: lambda _e, value, _d: _decimal(cast("Decimal", value)),
    Fraction: lambda e, value, _d: e.fraction(cast("Fraction", value)),
    date: lambda _e, value, _d: _tagged("date", cast("date", value).isoformat()),
    datetime: lambda _e, value, _d: _aware(cast("datetime", value)),
    clock_time: lambda _e, value, _d: _aware(cast("clock_time", value)),
    timedelta: lambda _e, value, _d: _tagged(
        "timedelta",
        [cast("timedelta", value).days, cast("timedelta", value).seconds, cast("timedelta", value).microseconds],
    ),
    Opaque: lambda _e, value, _d: opaque_tree(cast("Opaque", value).type, cast("Opaque", value).text),
}


def cross_as_dict(kind: type[dict[str, object]]) -> None:
    """From now on, values of this class cross as dicts."""
    _ENCODERS[kind] = _ENCODERS[dict]


class Decoder:
    """Rebuilds one value from a tree that may be hostile."""

    def __init__(self) -> None:
        self._items = 0
        self._hashing = 0.0
        self._keys = 0  # how many sets and keys surround what is decoded now
        self._inner = 0
        self._decimal = self._long = False
        self.reducing = 0

    def decode(self, tree: Tree, depth: int = 0) -> object:
        """The value. Raises BadTree for anything that `Encoder` does not write."""
        self._items += 1
        if depth > MAX_DEPTH or self._items > MAX_ITEMS:
            raise BadTree("nested too deeply or too large")
        if tree is None or isinstance(tree, (bool, int, float, str)):
            return tree
        if isinstance(tree, list):
            return self.each(cast("list[Tree]", tree), depth)
        if not isinstance(tree, dict):
            raise BadTree("not JSON data")
        node = cast("dict[str, Tree]", tree)
        if _TAG not in node:
            return {key: self.decode(item, depth + 1) for key, item in node.items()}
        tag = node[_TAG]
        decoder = _DECODERS.get(tag) if isinstance(tag, str) else None
        if decoder is None or node.keys() != {_TAG, "v"}:
            raise BadTree("unknown tag")
        try:
            return decoder(self, node["v"], depth)
        except BadTree:
            raise
        except (ValueError, TypeError, ArithmeticError, InvalidOperation) as error:
            raise BadTree(f"bad {tag}") from error

    def each(self, tree: Tree, depth: int) -> list[object]:
        """A container's elements."""
        if not isinstance(tree, list):
            raise BadTree("not an array")
        return [self.decode(item, depth + 1) for item in cast("list[Tree]", tree)]

    def hashed(self, tree: Tree, depth: int) -> set[object]:
        """A set. One insertion at a time: hashes that were made to collide meet the deadline."""
        if _too_many_hashes(tree):
            raise BadTree("too many elements in a set")
        self._keys += 1
        values = self.each(tree, depth)
        self._keys -= 1
        found: set[object] = set()
        for index in self._in_time(values):
            found.add(values[index])
        return found

    def mapping(self, tree: Tree, depth: int) -> dict[object, object]:
        """A dict whose keys are not all text."""
        if not isinstance(tree, list) or len(cast("list[Tree]", tree)) > _MAX_HASHED:
            raise BadTree("not an array, or too many keys")
        pairs = [cast("list[Tree]", pair) if isinstance(pair, list) else [] for pair in cast("list[Tree]", tree)]
        if any(len(pair) != 2 for pair in pairs):
            raise BadTree("not a pair")
        self._keys += 1
        keys = [self.decode(pair[0], depth + 2) for pair in pairs]
        self._keys -= 1
        values = [self.decode(pair[1], depth + 2) for pair in pairs]
        found: dict[object, object] = {}
        for index in self._in_time(keys):
            found[keys[index]] = values[index]
        return found

    def number(self, digits: int, *, decimal: bool = False) -> None:
        """Notes a number of so many digits. Raises BadTree where it might be compared at too high a cost."""
        if not self._keys:
            return
        self._decimal = self._decimal or decimal
        self._long = self._long or digits > _LONG
        if self._decimal and self._long:
            raise BadTree("a set or a dict's keys hold a Decimal and a number that is very long")

    def _in_time(self, keys: list[object]) -> Iterator[int]:
        """The place of each key that is to be inserted now."""
        if any(type(key) is not str for key in keys):  # no program knows how texts are hashed here
            self._count(keys)
        began = time.monotonic() - self._hashing
        for index in range(len(keys)):
            yield index
            self._hashing = time.monotonic() - began
            if self._hashing > _HASHING_SECONDS:
                raise BadTree("its hashes take too long")

    def _count(self, keys: list[object]) -> None:
        """Refuses what would be compared too often."""
        same = Counter(map(hash, keys)).values()
        if self._keys:
            self._inner += len(keys) - len(same)
        if max(same) > _MAX_SAME_HASH or self._inner > _MAX_INNER:
            raise BadTree("too many hashes in a set or dict are the same")


def _too_many_hashes(tree: Tree) -> bool:
    items = cast("list[Tree]", tree) if isinstance(tree, list) else []
    return len(items) > _MAX_HASHED and not all(type(item) is str for item in items)


def _text(tree: Tree) -> str:
    if not isinstance(tree, str):
        raise BadTree("not a text")
    return tree


def _texts(tree: Tree, count: int) -> list[str]:
    if not isinstance(tree, list) or len(cast("list[Tree]", tree)) != count:
        raise BadTree("wrong length")
    return [_text(item) for item in cast("list[Tree]", tree)]


def _read_integer(decoder: Decoder, digits: str) -> int:
    decoder.number(len(digits))
    return int(digits, 16)


def _read_decimal(decoder: Decoder, digits: str) -> Decimal:
    decoder.number(len(digits), decimal=True)
    value = Decimal(digits)
    if value.is_finite() and abs(value.adjusted()) > _MAX_EXPONENT:
        raise BadTree("exponent too large")
    return value


def _read_fraction(decoder: Decoder, tree: Tree) -> Fraction:
    parts = _texts(tree, 2)
    digits = max(map(len, parts))
    decoder.number(digits)
    decoder.reducing += digits * digits
    if digits > _MAX_RATIO + 1 or decoder.reducing > _MAX_REDUCING:
        raise BadTree("fraction too long")
    return Fraction(int(parts[0], 16), int(parts[1], 16))


def _read_timedelta(tree: Tree) -> timedelta:
    if not isinstance(tree, list) or not all(type(item) is int for item in cast("list[Tree]", tree)):
        raise BadTree("not a timedelta")
    days, seconds, microseconds = cast("list[int]", tree)
    return timedelta(days, seconds, microseconds)


def _read_opaque(decoder: Decoder, tree: Tree, depth: int) -> Opaque:
    parts = decoder.each(tree, depth)
    if len(parts) != 2 or not all(type(part) is str for part in parts):
        raise BadTree("not an object")
    return Opaque(cast("str", parts[0])[:200], cast("str", parts[1])[:4000])


_DECODERS: dict[str, Callable[[Decoder, Tree, int], object]] = {
    "str": lambda _s, tree, _d: bytes.fromhex(_text(tree)).decode("utf-8", "surrogatepass"),
    "int": lambda self, tree, _d: _read_integer(self, _text(tree)),
    "float": lambda _s, tree, _d: float(_text(tree)[:8]),
    "tuple": lambda self, tree, depth: tuple(self.each(tree, depth)),
    "set": lambda self, tree, depth: self.hashed(tree, depth),
    "frozenset": lambda self, tree, depth: frozenset(self.hashed(tree, depth)),
    "dict": lambda self, tree, depth: self.mapping(tree, depth),
    "complex": lambda _s, tree, _d: complex(*map(float, _texts(tree, 2))),
    "decimal": lambda self, tree, _d: _read_decimal(self, _text(tree)),
    "fraction": lambda self, tree, _d: _read_fraction(self, tree),
    "date": lambda _s, tree, _d: date.fromisoformat(_text(tree)),
    "datetime": lambda _s, tree, _d: datetime.fromisoformat(_text(tree)),
    "time": lambda _s, tree, _d: clock_time.fromisoformat(_text(tree)),
    "timedelta": lambda _s, tree, _d: _read_timedelta(tree),
    "object": _read_opaque,
}


def encoded(value: object, other: Callable[[Encoder, object, int], Tree]) -> Tree:
    """The tree of a value that the other side can rebuild. Raises Unencodable."""
    encoder = Encoder(other)
    tree = encoder.encode(value)
    if encoder.hashes:  # the only thing that depends on more than sizes
        try:
            Decoder().decode(tree)
        except BadTree as error:
            raise Unencodable(f"the value cannot cross: {error}") from None
    return tree


def plain(value: object) -> Tree:
    """The tree of plain data. Raises Unencodable for any other type."""
    return encoded(value, refuse)
