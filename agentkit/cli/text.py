"""How the parts of a run are put into words and lines, for a terminal and for a log alike."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping

from agentkit.messages import Action, Observation, Run, Usage

__all__ = [
    "arguments",
    "call_lines",
    "code_of",
    "counted",
    "folded",
    "observed",
    "printable",
    "steps_taken",
    "summary",
    "used",
]

FOLD_LINES = 8
FOLD_CHARS = 1200


def printable(text: str) -> str:
    """The text without what a terminal would obey: escape sequences, other controls, reversals of direction.

    What a model or a tool wrote must not be able to paint over a question that a person is asked.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(_visible(char) for char in text.expandtabs(4).replace("\r\n", "\n"))


def _visible(char: str) -> str:
    if char == "\n" or char.isprintable():
        return char
    match unicodedata.category(char):
        case "Zs":
            return " "
        case "Cc" if char < " ":
            return chr(0x2400 + ord(char))  # the control's picture, ␛ for ESC
        case "Cf" if char in "\u200c\u200d":  # joiners shape scripts and emoji, and move nothing
            return char
        case _:
            return "\N{REPLACEMENT CHARACTER}"


def folded(text: str, lines: int = FOLD_LINES, chars: int = FOLD_CHARS) -> tuple[str, str]:
    """The beginning of a text, and what to say of the rest ("" when all of it is shown)."""
    every = text.strip("\n").splitlines()
    head = "\n".join(every[:lines])
    if len(head) > chars:
        return head[:chars].rstrip(), f"… {counted(len(text) - chars, 'more character')}"
    left = len(every) - lines
    return head, f"… {counted(left, 'more line')}" if left > 0 else ""


def observed(observation: Observation, *, full: bool) -> tuple[str, str]:
    """An observation for people, and what to say of its rest: folded, and not told again when it was told before."""
    if full:
        return observation.text.strip("\n"), ""
    if observation.kind == "repeated":
        return "(the same action as before; it was not run again)", ""
    return folded(observation.text)


def arguments(given: Mapping[str, object] | str) -> str:
    """An action's input as it would be written in a call, on one line; nothing in it can be mistaken for another."""
    if isinstance(given, str):
        return repr(given) if given else ""
    return ", ".join(f"{name}={value!r}" for name, value in given.items())


def call_lines(given: Mapping[str, object], preview: str = "") -> list[str]:
    """A call that a person is to decide about: an argument to a line, and what it would do.

    `repr` escapes all that a terminal would obey or hide.
    """
    lines = [printable(f"    {name}={value!r}") for name, value in given.items()] or ["    no arguments"]
    shown = " ".join(printable(preview).split())
    return [*lines, *([f"  That is: {shown}"] if shown else [])]


def code_of(action: Action) -> str | None:
    """The program, when the action is to run one."""
    if action.tool != "python":
        return None
    if isinstance(action.input, str):
        return action.input
    code = action.input.get("code")
    return code if isinstance(code, str) and len(action.input) == 1 else None


def counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def steps_taken(run: Run) -> str:
    return counted(len(run.steps), "step")


def summary(run: Run) -> str:
    """One line: how far, how much, how long."""
    return " · ".join((steps_taken(run), *used(run.usage)))


def used(usage: Usage) -> list[str]:
    """How much, and how long."""
    parts = [f"{counted(usage.tokens, 'token')} ({usage.input_tokens:,} in, {usage.output_tokens:,} out)"]
    if usage.cost_usd:  # unknown, or nothing to pay
        parts.append(f"${usage.cost_usd:.4f}")
    parts.append(f"{usage.seconds:.1f} s")
    return parts
