"""Runs a program under the language policy alone, in this process: for programs that do no harm."""

import io
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from agentkit.sandbox.modules import BASE_MODULES, facades, prebound, warm
from agentkit.sandbox.policy import compile_program, hooks

FOLDER = Path(__file__).with_name("features")


@dataclass(frozen=True, slots=True)
class Ran:
    """The variables a program left and what it printed."""

    space: dict[str, object]
    printed: str


@cache
def _shown(extra: tuple[str, ...]) -> dict[str, object]:
    warm()
    return facades((*BASE_MODULES, *extra))


def namespace(*extra: str) -> dict[str, object]:
    """A new namespace, as a worker has."""
    return hooks(_shown(extra)) | prebound(extra)


def run(source: str, *extra: str, space: dict[str, object] | None = None) -> Ran:
    """Compiles and runs; a refused program raises PermissionError with every message."""
    compiled = compile_program(source)
    if compiled.code is None:
        raise PermissionError("\n".join(f"line {item.line}: {item.message}" for item in compiled.errors))
    space = namespace(*extra) if space is None else space
    printed = io.StringIO()
    with redirect_stdout(printed):
        exec(compiled.code, space)
    return Ran(space, printed.getvalue())


def refusals(source: str) -> list[tuple[int, str]]:
    """Line and message of everything that is wrong with a program."""
    return [(item.line, item.message) for item in compile_program(source).errors]


def sections(name: str) -> Iterator[tuple[str, str]]:
    """(title, program) of each `=== title` in a file of programs."""
    for part in ("\n" + (FOLDER / name).read_text(encoding="utf-8")).split("\n=== ")[1:]:
        title, _, program = part.partition("\n")
        yield title, program
