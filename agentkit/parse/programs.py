"""The program in a reply (PAL): which of its text is the program, and whether it gives a result."""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from agentkit.messages import Malformed
from agentkit.parse.blocks import Block, blocks_of, without_thinking
from agentkit.parse.literals import parse_python

__all__ = ["Code", "code"]


@dataclass(frozen=True, slots=True)
class Code:
    """A program that is valid Python and has the entry point asked for.

    Attributes:
        source: the program, without indentation of the whole.
        thought: the text before it.
        dropped: the text after it.
    """

    source: str
    thought: str = ""
    dropped: str = ""


_MOST_BLOCKS = 16
_MOST_CUTS = 16
_START = re.compile(r"^[ \t]*+(def|import|from|class|async def|@\w+|print\b|[A-Za-z_]\w*[ \t]*=(?!=))", re.MULTILINE)
_CODE_LIKE = (ast.Call, ast.Assign, ast.AugAssign, ast.AnnAssign, ast.BinOp, ast.FunctionDef, ast.Import, ast.Subscript)
_SOLUTION = "solution"
_AUTO = ("solution", "last", "var:answer", "var:ans", "var:result", "stdout")
_FAILS = (SyntaxError, ValueError, RecursionError, MemoryError)


def code(text: str, *, entry: str = "auto", truncated: bool = False) -> Code | Malformed:
    """The first complete program in a reply. Never raises, whatever the text.

    The first block marked as Python counts, else the first block, else the text itself as far as it is Python. If the
    first block has no entry point, the blocks after it are added until there is one. Text outside of fences is cut at
    a second `def solution` and where it stops to be Python: there the model went on to invent questions.

    Args:
        text: the reply.
        entry: where the program must leave its result: "solution" (a function), "var:NAME", "last" (an expression at
            the end), "stdout", "auto" for any of these (with the variables answer, ans and result), or "any" for a
            program that need not leave one.
        truncated: the reply ended at its token limit, so a block that stands open is not complete.
    """
    text = without_thinking(text)
    blocks = _best(blocks_of(text))
    if not blocks:
        return _unfenced(text, entry)
    if truncated and not blocks[0].closed:
        return Malformed("truncated", "The reply ended at its token limit inside the program.", _before(text, blocks))
    return _fenced(text, blocks[:_MOST_BLOCKS], entry)


def _best(blocks: Sequence[Block]) -> Sequence[Block]:
    """The blocks marked as Python, else those without a mark, else all, from the first that can be read on."""
    filled = [block for block in blocks if block.source.strip()]
    for choice in ([b for b in filled if b.python], [b for b in filled if not b.info], filled):
        if choice:
            start = next((i for i, block in enumerate(choice) if block.python or _tree(_clean(block.source))), 0)
            return choice[start:]
    return ()


def _before(text: str, blocks: Sequence[Block]) -> str:
    return text[: blocks[0].start].strip()


def _fenced(text: str, blocks: Sequence[Block], entry: str) -> Code | Malformed:
    thought = _before(text, blocks)
    source = _clean(blocks[0].source)
    if not blocks[0].closed and _tree(source) is None:
        source = _longest_prefix(source) or source
    tree = _tree(source)
    if tree is None:
        return Malformed("syntax", _syntax_fault(source), thought)
    end = blocks[0].end
    for block in blocks[1:]:
        if _has_entry(tree, entry):
            break
        longer = f"{source}\n\n{_clean(block.source)}"
        if longer_tree := _tree(longer):
            source, tree, end = longer, longer_tree, block.end
    if not _has_entry(tree, entry):
        return Malformed("no_entry_point", _no_entry(entry), thought)
    return Code(source, thought, text[end:].strip())


def _unfenced(text: str, entry: str) -> Code | Malformed:
    found = _unfenced_source(text)
    if found is None:
        return Malformed("no_code", "", text.strip())
    source, start = found
    thought = text[:start].strip()
    tree = _tree(source)
    if tree is None:
        return Malformed("syntax", _syntax_fault(source), thought)
    source = _first_solution(source, tree)
    if not _has_entry(tree, entry):
        return Malformed("no_entry_point", _no_entry(entry), thought)
    last = source.rsplit("\n", 1)[-1].strip()
    end = text.find(last, start + len(source) - len(last) - 1) if last else -1
    return Code(source, thought, text[end + len(last) :].strip() if end >= 0 else "")


def _unfenced_source(text: str) -> tuple[str, int] | None:
    """The program in a text without fences, and where it begins."""
    whole = _clean(text)
    tree = _tree(whole)
    if tree is not None:
        return (whole, 0) if _is_code(tree) else None
    definition = False
    for found in _starts(text):
        source = _clean(text[found.start() :])
        definition = found[1].startswith(("def", "import", "from", "class", "async"))
        prefix = _longest_prefix(source)
        tree = _tree(prefix) if prefix else None
        if tree is not None and _is_code(tree):
            return prefix, found.start()
        if definition and re.match(r"(?:async )?def \w+\(|import \w+$", source):
            return source, found.start()  # a program with a fault in it
    return None


def _starts(text: str) -> Iterator[re.Match[str]]:
    """Where a program may begin: at most a few places, at the start of a line."""
    return islice(_START.finditer(text), _MOST_CUTS)


def _longest_prefix(source: str) -> str:
    """The program up to where it stops to be Python."""
    lines = source.split("\n")
    for _ in range(_MOST_CUTS):
        try:
            parse_python("\n".join(lines))
            return "\n".join(lines).rstrip()
        except SyntaxError as error:
            end = max(0, min(len(lines), error.lineno or len(lines)) - 1)
        except (ValueError, RecursionError, MemoryError):
            return ""
        while end > 0 and (not lines[end].strip() or lines[end][:1] in " \t"):
            end -= 1  # back to the statement that is at fault
        lines = lines[:end]
        if not any(map(str.strip, lines)):
            return ""
    return ""


def _clean(source: str) -> str:
    """Without blank lines around it, common indentation, or the prompts of an interactive session."""
    lines = source.replace("\r\n", "\n").split("\n")
    filled = [number for number, line in enumerate(lines) if line.strip()]
    lines = lines[filled[0] : filled[-1] + 1] if filled else []
    if lines and lines[0].lstrip().startswith(">>> "):
        lines = [line.lstrip()[4:] for line in lines if line.lstrip().startswith((">>> ", "... "))]
    if lines and lines[0][:1] == " " and any(line[:1] not in (" ", "") for line in lines):
        lines[0] = lines[0].lstrip()  # only the first line is set off, by the prompt it continues
    clean = textwrap.dedent("\n".join(lines))
    if "\u00a0" in clean and _tree(clean) is None:
        clean = clean.replace("\u00a0", " ")  # blanks as web pages have them
    return clean


def _tree(source: str) -> ast.Module | None:
    try:
        return parse_python(source)
    except _FAILS:
        return None


def _syntax_fault(source: str) -> str:
    try:
        parse_python(source)
    except SyntaxError as error:
        line = (error.text or "").strip()
        return f"Line {error.lineno}: {error.msg}{': ' + line if line else ''}."
    except (ValueError, RecursionError, MemoryError) as error:
        return f"{error}." if isinstance(error, ValueError) else "It is nested too deeply."
    return ""


def _is_code(tree: ast.Module) -> bool:
    """Whether it does anything: a lone word is Python, too."""
    if any(isinstance(node, _CODE_LIKE) for node in ast.walk(tree)):
        return True
    return any(
        isinstance(n, ast.Expr) and isinstance(n.value, ast.Constant) and not isinstance(n.value.value, str)
        for n in tree.body
    )


def _first_solution(source: str, tree: ast.Module) -> str:
    """Without a second `def solution` and what follows: the model went on to the next question."""
    found = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == _SOLUTION]
    if len(found) < 2:
        return source
    first = min([found[1].lineno, *(d.lineno for d in found[1].decorator_list)])
    return "\n".join(source.split("\n")[: first - 1]).rstrip()


def _has_entry(tree: ast.Module, entry: str) -> bool:
    match entry.partition(":"):
        case ("any", _, _):
            return True
        case ("solution", _, _):
            return _defines(tree, _SOLUTION)
        case ("var", _, name):
            return _assigns(tree, name)
        case ("last", _, _):
            return bool(tree.body) and isinstance(tree.body[-1], ast.Expr)
        case ("stdout", _, _):
            return any(isinstance(node, ast.Name) and node.id == "print" for node in ast.walk(tree)) or any(
                isinstance(node, ast.Attribute) and node.attr == "write" for node in ast.walk(tree)
            )
        case _:
            return any(_has_entry(tree, one) for one in _AUTO)


def _defines(tree: ast.Module, name: str) -> bool:
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return any(isinstance(node, functions) and node.name == name for node in tree.body) or _assigns(tree, name)


def _assigns(tree: ast.Module, name: str) -> bool:
    stored = (n for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store))
    return any(node.id == name for node in stored)


def _no_entry(entry: str) -> str:
    match entry.partition(":"):
        case ("solution", _, _):
            return "It defines no function solution()."
        case ("var", _, name):
            return f"It sets no variable {name!r}."
        case ("last", _, _):
            return "Its last line is no expression."
        case ("stdout", _, _):
            return "It prints nothing."
        case _:
            return "It neither defines solution(), sets a variable answer, prints, nor ends in an expression."
