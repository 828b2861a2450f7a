"""Runs programs inside a sealed worker process. Nothing here is trusted by the host."""

import gc
import mmap
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from types import CodeType, TracebackType
from typing import Protocol, cast

from .channel import Channel, Output, SoftTimeLimit, Timer
from .fixed import fix
from .tooling import Tools
from .values import Decoder, Encoder, Tree, Unencodable, encoded, opaque_tree
from .wire import dumps, excess, source_lines

_BALLAST = 4 << 20  # untouched memory given up to report that there is none left
_REPR = 2000
_ANSWERS = ("solution", "answer", "ans", "result")
_ABSENT = object()
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")


class Problem(Protocol):
    """One thing the policy refuses."""

    @property
    def line(self) -> int: ...
    @property
    def message(self) -> str: ...
    @property
    def source(self) -> str: ...
    @property
    def kind(self) -> str: ...


class Compiled(Protocol):
    """What compiling a program gives."""

    @property
    def code(self) -> CodeType | None: ...
    @property
    def errors(self) -> tuple[Problem, ...]: ...


class Compile(Protocol):
    """policy.compile_program or policy.compile_plain."""

    def __call__(self, source: str, *, filename: str = ...) -> Compiled: ...


@dataclass(frozen=True, slots=True)
class Language:
    """How programs are compiled, and the names they find."""

    compile: Compile
    names: dict[str, object]
    builtins: dict[str, object]


@dataclass(frozen=True, slots=True)
class Request:
    """A Q frame."""

    source: str
    entry: str
    inputs: dict[str, object]
    tools: list[str]
    wall: float
    result: int
    argument: int
    calls: int
    filename: str = "<program>"
    seed: str | None = None
    now: str | None = None

    @classmethod
    def read(cls, data: dict[str, Tree]) -> "Request":
        """From the host, which is trusted."""
        inputs = Decoder().decode(data["inputs"])
        return cls(**{**data, "inputs": inputs})  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


class _Refused(Exception):
    """Carries a compile-time refusal."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        many = len(problems) > 1
        super().__init__("\n".join(f"line {item.line}: {item.message}" if many else item.message for item in problems))
        self.problems = problems
        self.kind = "NotAllowed" if problems[0].kind == "not_allowed" else "SyntaxError"


class _Shown:
    """The value is what the program printed."""


@dataclass(slots=True)
class Runtime:
    """One worker's interpreter: a namespace that lives from program to program."""

    language: Language
    timer: Timer = field(default_factory=Timer)
    sources: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    namespace: dict[str, object] = field(default_factory=dict[str, object])
    shadowed: dict[str, object] = field(default_factory=dict[str, object])
    channel: Channel = field(init=False)
    output: Output = field(init=False)
    tools: Tools = field(init=False)
    ballast: mmap.mmap | None = None

    def __post_init__(self) -> None:
        self.channel = Channel(self.timer)
        self.output = Output(self.channel)
        self.tools = Tools(self.channel, self.output, self.timer)
        self._bind()
        sys.stdout = sys.stderr = self.output

    def reset(self) -> None:
        """Forgets every program that ran."""
        self.sources.clear()
        self.namespace.clear()
        self._bind()

    def _bind(self) -> None:
        self.namespace.update(self.language.names)
        self.namespace.setdefault("__name__", "__main__")
        self.namespace["__builtins__"] = self.language.builtins

    def serve(self) -> None:
        """Runs programs until the host closes the socket."""
        gc.enable()
        while True:
            self.step()

    def step(self) -> None:
        """Takes one program from the host and answers it."""
        self.answer(self.channel.receive()[1])

    def answer(self, data: dict[str, Tree]) -> None:
        """Runs the program of a Q frame and sends its outcome."""
        self.channel.send(b"R", self.run(Request.read(data)))

    def run(self, request: Request) -> bytes:
        """The R frame's payload for one program."""
        self._prepare(request)
        try:
            self.timer.start(request.wall)
            try:
                reply = self._attempt(request)
            finally:
                self.timer.stop()
            if self.timer.rang:  # the exception was lost on its way
                raise SoftTimeLimit
            self.output.flush()
        except BaseException as error:  # whatever a program raises is its outcome
            self.timer.stop()
            if self.ballast is not None and isinstance(error, MemoryError):
                self.ballast.close()
                self.ballast = None
            reply = self._failure(error)
            self.output.flush()
        return reply

    def _prepare(self, request: Request) -> None:
        self.output.restart()
        fix(request.seed, request.now)
        self.sources[request.filename] = source_lines(request.source)
        self._grant(self.tools.functions(request.tools, request.argument, request.calls))
        self.namespace.pop("_last_", None)
        self.namespace.update(request.inputs)
        if self.ballast is None:
            self.ballast = mmap.mmap(-1, _BALLAST, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)

    def _grant(self, functions: dict[str, object]) -> None:
        """Tools stand among the built-in names, where a program may shadow but not lose them; those of before go."""
        known = self.language.builtins
        _put_back(known, self.shadowed)
        self.shadowed = {name: known.get(name, _ABSENT) for name in functions}
        known.update(functions)

    def _attempt(self, request: Request) -> bytes:
        code = self._compile(request)
        earlier, hidden = self._set_aside()
        try:
            exec(code, self.namespace)  # noqa: S102  (what a sandbox is for; the process is sealed)
            value = self._answer(request.entry, earlier)
        finally:
            _put_back(self.language.builtins, hidden)
            self.namespace.update({name: value for name, value in earlier.items() if name not in self.namespace})
        if isinstance(value, _Shown):
            return dumps({"ok": True, "shown": True, "names": self._names()})
        data = dumps(encoded(value, _other))
        if len(data) > request.result:
            raise Unencodable(f"the result is too large: {len(data)} bytes, limit {request.result}")
        if why := excess(data):
            raise Unencodable(f"the value {why}")
        return b'{"ok":true,"names":%b,"value":%b}' % (dumps(self._names()), data)

    def _compile(self, request: Request) -> CodeType:
        compiled = self.language.compile(request.source, filename=request.filename)
        if compiled.code is not None:
            return compiled.code
        problem = compiled.errors[0]
        if problem.kind == "program":  # Python's own error has the right type and line
            try:
                compile(request.source, request.filename, "exec", dont_inherit=True)
            except (RecursionError, MemoryError, ValueError):
                raise SyntaxError(problem.message) from None
        raise _Refused(compiled.errors)

    def _set_aside(self) -> tuple[dict[str, object], dict[str, object]]:
        """Makes built-in names of the answers of a session's earlier programs: what a program reads, but did not set.

        These, and what the names meant. (No context manager of the library's: a program can change its class.)
        """
        space, known = self.namespace, self.language.builtins
        earlier = {name: space.pop(name) for name in _ANSWERS if name in space}
        hidden = {name: known.get(name, _ABSENT) for name in earlier}
        known.update(earlier)
        return earlier, hidden

    def _answer(self, entry: str, earlier: dict[str, object]) -> object:
        """The value that `entry` names. In "auto", only what this program itself set counts."""
        space = self.namespace
        if entry == "solution" or (entry == "auto" and callable(space.get("solution"))):
            return cast("Callable[[], object]", _named(earlier | space, "solution", "function"))()
        if entry.startswith("var:"):
            return _named(earlier | space, entry.removeprefix("var:"), "variable")
        if entry == "auto":
            for name in _ANSWERS[1:]:
                if name in space:
                    return space[name]
        last = space.get("_last_")
        if entry == "last" or (entry == "auto" and last is not None):
            return last
        return _Shown()

    def _names(self) -> list[str]:
        """The program's own variables, for a session that must say what a kill lost."""
        fixed = self.language.names
        return [name for name in self.namespace if not name.startswith("_") and name not in fixed][:50]

    def _failure(self, error: BaseException) -> bytes:
        fault, message = _fault(error)
        line, source = self._place(error)
        kind = {"time": "TimeLimit", "memory": "MemoryError"}.get(fault, type(error).__name__)
        if isinstance(error, _Refused):
            kind, line, source = error.kind, error.problems[0].line, error.problems[0].source
        failed = {"type": _safe(kind, 200), "message": _safe(message, 4000), "line": line, "source": _safe(source, 300)}
        return _encode_failure({"ok": False, "fault": fault, "names": self._names(), **failed})

    def _place(self, error: BaseException) -> tuple[int | None, str]:
        """The innermost line of the program that the error passed through."""
        line, name = self._deepest(error.__traceback__)
        if isinstance(error, SyntaxError) and type(error.filename) is str and error.filename in self.sources:
            line, name = error.lineno, error.filename
        if type(line) is not int or not 0 <= line < 1 << 31:  # a program may make such an error of anything
            return None, ""
        lines = self.sources.get(name, [])
        return line, lines[line - 1].strip() if 0 < line <= len(lines) else ""

    def _deepest(self, trace: TracebackType | None) -> tuple[int | None, str]:
        line, name = None, ""
        while trace is not None:
            filename = trace.tb_frame.f_code.co_filename
            if filename in self.sources:
                line, name = trace.tb_lineno, filename
            trace = trace.tb_next
        return line, name


def _put_back(known: dict[str, object], hidden: dict[str, object]) -> None:
    """What built-in names meant before."""
    for name, value in hidden.items():
        if value is _ABSENT:
            del known[name]
        else:
            known[name] = value


def _named(space: dict[str, object], name: str, what: str) -> object:
    if name not in space:
        raise NameError(f"the program sets no {what} named {name}")
    return space[name]


def _safe(text: str, longest: int) -> str:
    """The beginning of a text that can be encoded; joined, since a program's own kind of text may lie."""
    return "".join([text])[:longest].encode("utf-8", "backslashreplace").decode("utf-8")


def _encode_failure(failed: dict[str, Tree]) -> bytes:
    return dumps({**failed, "source": failed["source"] or None})


def _fault(error: BaseException) -> tuple[str, str]:
    """The fault's class and its message. Exact types: a program may define a class of any name."""
    if type(error) is SoftTimeLimit:
        return "time", ""
    if isinstance(error, MemoryError):  # numpy has its own
        return "memory", ""
    if type(error) is _Refused:
        return ("refused" if error.kind == "NotAllowed" else "raised"), str(error)
    if type(error) is Unencodable:
        return "value", str(error)
    try:
        message = str(error.msg if isinstance(error, SyntaxError) else error)
    except BaseException:
        message = "(its message cannot be shown)"
    return "raised", message


def _text_of(value: object) -> str:
    try:
        return _ADDRESS.sub("", _safe(repr(value), 2 * _REPR))[:_REPR]
    except Exception:
        return f"<{type(value).__name__} object>"


def _other(encoder: Encoder, value: object, depth: int) -> Tree:
    """A value of any other type: numpy and sympy numbers as numbers, the rest as its cut repr."""
    kind = type(value)
    root = str(kind.__module__).partition(".")[0]
    if root == "numpy" and hasattr(value, "tolist"):
        return encoder.encode(_native(value), depth + 1)
    if root == "sympy":
        return encoder.encode(_from_sympy(value), depth + 1)
    return opaque_tree(_safe(kind.__name__, 200), _text_of(value))


class _HasToList(Protocol):
    def tolist(self) -> object: ...


def _native(value: object) -> object:
    """A numpy scalar or array as numbers in lists."""
    found = cast("_HasToList", value).tolist()
    return found if type(found).__module__ in ("builtins", "datetime") else _text_of(value)


def _from_sympy(value: object) -> object:
    """A sympy number as a number where that is exact (Float: the nearest float), else its text."""
    if getattr(value, "is_Integer", False):
        return int(cast("int", value))
    if getattr(value, "is_Rational", False):
        from fractions import Fraction

        return Fraction(int(getattr(value, "p")), int(getattr(value, "q")))  # noqa: B009  (no stubs for sympy)
    if getattr(value, "is_Float", False):
        return float(cast("float", value))
    return _text_of(value)
