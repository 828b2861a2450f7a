"""What `except*` does at run time: splits exception groups, and puts together what comes out of the statement.

The interpreter's own `except*` calls the group's `split`, up to Python 3.13 whatever a program has put there, and
believes the answer. So the policy compiles the statement to plain `try` statements around a `Star` (policy_star.py),
and groups are split here: what they hold is read through the built-in descriptors, the parts are plain groups, and
nothing of the program's is called. The rules are those of PEP 654, and of CPython's `_PyExc_PrepReraiseStar` and
`exceptiongroup_split_recursive` in Objects/exceptions.c.
"""

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, Protocol, TypeVar, cast

_Value = TypeVar("_Value")
_Group = BaseExceptionGroup[BaseException]

CATCHABLE: Final = (Exception, SystemExit, KeyboardInterrupt, GeneratorExit, BaseExceptionGroup)
"""The classes that a program can name, with all below them. Anything else, such as the time limit, passes through."""

_RENEWS: Final = sys.version_info >= (3, 12)  # a group of which a clause catches nothing goes on as a plain copy
_NO_EXCEPTION: Final = "catching classes that do not inherit from BaseException is not allowed"
_NO_GROUP: Final = "catching ExceptionGroup with except* is not allowed. Use except instead."


class _Slot(Protocol[_Value]):
    """A descriptor of a built-in class."""

    def __get__(self, instance: object, owner: type | None = None, /) -> _Value: ...
    def __set__(self, instance: object, value: _Value, /) -> None: ...


_TRACEBACK = cast("_Slot[TracebackType | None]", vars(BaseException)["__traceback__"])
_CONTEXT = cast("_Slot[BaseException | None]", vars(BaseException)["__context__"])
_CAUSE = cast("_Slot[BaseException | None]", vars(BaseException)["__cause__"])
_VARIABLES = cast("_Slot[dict[str, object]]", vars(BaseException)["__dict__"])
_MEMBERS = cast("_Slot[tuple[BaseException, ...]]", vars(BaseExceptionGroup)["exceptions"])
_MESSAGE = cast("_Slot[str]", vars(BaseExceptionGroup)["message"])
_DERIVES: Final = cast("Callable[[type, object], bool]", type.__subclasscheck__)  # asks no metaclass
_ITEMS: Final = cast("Callable[[object], Iterator[type]]", vars(tuple)["__iter__"])


def _is_group(error: BaseException) -> bool:
    return _DERIVES(BaseExceptionGroup, type(error))


def _is_any(error: BaseException, kinds: Iterable[type]) -> bool:
    """Whether the real class of an exception, whatever its `__class__` says, derives from one of these."""
    kind = type(error)
    return any(_DERIVES(wanted, kind) for wanted in kinds)


def _matcher(wanted: object) -> Callable[[BaseException], bool]:
    """Whether a clause catches an exception. Raises TypeError, in CPython's words, for what no `except*` may name."""
    kinds = tuple(_ITEMS(wanted)) if _DERIVES(tuple, type(wanted)) else (cast("type", wanted),)
    if not all(_DERIVES(type, type(kind)) and _DERIVES(BaseException, kind) for kind in kinds):
        raise TypeError(_NO_EXCEPTION)
    if any(_DERIVES(BaseExceptionGroup, kind) for kind in kinds):
        raise TypeError(_NO_GROUP)
    known: dict[int, bool] = {}  # by the identity of a class

    def matches(error: BaseException) -> bool:
        kind = id(type(error))
        if kind not in known:
            known[kind] = _is_any(error, kinds) and _is_any(error, CATCHABLE)
        return known[kind]

    return matches


def _subset(group: _Group, members: list[BaseException]) -> _Group | None:
    """A plain group with some members of another and all that is known of where that came from."""
    if not members:
        return None
    part = BaseExceptionGroup(_MESSAGE.__get__(group), members)
    part.__traceback__ = _TRACEBACK.__get__(group)
    part.__context__ = _CONTEXT.__get__(group)
    part.__cause__ = _CAUSE.__get__(group)
    notes = _VARIABLES.__get__(group).get("__notes__")
    if type(notes) is list:
        part.__notes__ = list(cast("list[str]", notes))
    return part


@dataclass(slots=True)
class _Level:
    """A group on the way down into nested ones, and what has been found of its members."""

    group: _Group
    left: Iterator[BaseException] = field(init=False)
    matching: list[BaseException] = field(default_factory=list[BaseException])
    others: list[BaseException] = field(default_factory=list[BaseException])

    def __post_init__(self) -> None:
        self.left = iter(_MEMBERS.__get__(self.group))

    def next_group(self, matches: Callable[[BaseException], bool]) -> _Group | None:
        """Sorts members up to the next group that does not match as a whole; None after the last."""
        for error in self.left:
            if matches(error):
                self.matching.append(error)
            elif _is_group(error):
                return cast("_Group", error)
            else:
                self.others.append(error)
        return None

    def add(self, matching: _Group | None, others: _Group | None) -> None:
        """Takes the parts of a nested group."""
        if matching is not None:
            self.matching.append(matching)
        if others is not None:
            self.others.append(others)


def _split(group: _Group, matches: Callable[[BaseException], bool]) -> tuple[_Group | None, _Group | None]:
    """What matches and what does not, nested as in the group. Not recursive: a program nests as deep as it likes."""
    levels = [_Level(group)]
    while True:
        level = levels[-1]
        nested = level.next_group(matches)
        if nested is not None:
            levels.append(_Level(nested))
            continue
        levels.pop()
        parts = _subset(level.group, level.matching), _subset(level.group, level.others)
        if not levels:
            return parts
        levels[-1].add(*parts)


def _together(errors: Sequence[BaseException]) -> _Group:
    """A new group. That it has the first one's traceback gives an error of the program's a line."""
    group = BaseExceptionGroup("", errors)
    group.__traceback__ = _TRACEBACK.__get__(errors[0])
    return group


def _divided(
    error: BaseException, matches: Callable[[BaseException], bool]
) -> tuple[BaseException | None, BaseException | None]:
    """What a clause handles, always a group, and what it leaves."""
    if matches(error):
        return (error if _is_group(error) else _together((error,))), None
    return _split(cast("_Group", error), matches) if _is_group(error) else (None, error)


def _leaves(groups: Iterable[_Group]) -> set[int]:
    """The identities of all that is no group."""
    found: set[int] = set()
    left: list[BaseException] = list(groups)
    while left:
        error = left.pop()
        if _is_group(error):
            left.extend(_MEMBERS.__get__(error))
        else:
            found.add(id(error))
    return found


def _is_reraised(error: BaseException, caught: BaseException) -> bool:
    """Whether an exception is a part of the one that was caught, passed on unchanged by a bare `raise`."""
    return _is_group(error) and all(
        slot.__get__(error) is slot.__get__(caught) for slot in (_TRACEBACK, _CAUSE, _CONTEXT)
    )


class Star:
    """One `except*` statement that has caught something. Made, and its methods called, where that is being handled.

    `part` is what the program raises next, so that it becomes the exception being handled: the part for a clause, in
    the end the outcome. To raise it changes what it knows of its origin; `restore` undoes that.
    """

    __slots__ = ("_caught", "_origins", "_raised", "_rest", "part")

    def __init__(self) -> None:
        caught = sys.exception()
        assert caught is not None
        self._caught = caught
        self._rest: BaseException | None = caught
        self._raised: list[BaseException] = []
        self._origins: list[tuple[BaseException, TracebackType | None, BaseException | None]] = []
        self.part: BaseException | None = None

    def match(self, wanted: object) -> bool:
        """Whether a clause for these classes has something to handle, which is then `part`."""
        matches = _matcher(wanted)
        rest = self._rest
        if rest is None:
            return False
        part, others = _divided(rest, matches)
        if part is not None or _RENEWS:
            self._rest = others
        if part is None:
            return False
        self._show(part)
        return True

    def _show(self, part: BaseException) -> None:
        """Notes what raising the part may change: its own origin, and the context of what is being handled, which the
        interpreter cuts off where that is the part."""
        self.part = part
        self._origins = [(error, _TRACEBACK.__get__(error), _CONTEXT.__get__(error)) for error in (part, self._caught)]

    def restore(self) -> None:
        """Where `part` has been raised and caught. Anything else that was caught instead is raised again."""
        part, self.part = self.part, None
        for error, traceback, context in self._origins:
            _TRACEBACK.__set__(error, traceback)
            _CONTEXT.__set__(error, context)
        self._origins = []
        if sys.exception() is not part:
            raise  # noqa: PLE0704  (memory ran out on the way)

    def collect(self) -> None:
        """Keeps what a handler raised."""
        error = sys.exception()
        assert error is not None
        self._raised.append(error)

    def finish(self) -> bool:
        """Whether something comes out of the statement, which is then `part`."""
        outcome = self._outcome()
        if outcome is None:
            return False
        self._show(outcome)
        return True

    def _outcome(self) -> BaseException | None:
        """What handlers raised, and one group of what nobody handled or was raised again, in the old structure."""
        errors = self._raised if self._rest is None else [*self._raised, self._rest]
        if not errors or not _is_group(self._caught):
            return errors[0] if errors else None
        reraised = [error for error in errors if _is_reraised(error, self._caught)]
        raised = [error for error in errors if not _is_reraised(error, self._caught)]
        kept = _leaves(cast("list[_Group]", reraised))
        again = _split(cast("_Group", self._caught), lambda error: id(error) in kept)[0] if kept else None
        if again is not None:
            raised.append(again)
        if len(raised) == 1:
            return raised[0]
        return _together(raised) if raised else None
