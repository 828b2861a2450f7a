"""Fenced blocks of code in a reply, and the reader that closes a stream behind the first complete program."""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["Block", "blocks_of", "closes", "opening", "without_thinking"]

_THINK = re.compile(r"<think(?:ing)?>.*?(?:</think(?:ing)?>|\Z)", re.DOTALL | re.IGNORECASE)
_THOUGHT = re.compile(r"</think(?:ing)?>", re.IGNORECASE)
_OPEN = re.compile(r"(?<![`~])(`{3,}+|~{3,}+)[ \t]*([\w+#.-]*)[^`~\n]*$").search
_INLINE = re.compile(r"```[ \t]*(?:python3?|py)[ \t]+([^`\n]+)```", re.IGNORECASE)
_TAG = re.compile(r"<(code|python|execute|tool_code)>(.*?)(?:(</\1>)|(?:</\w*)?\Z)", re.DOTALL | re.IGNORECASE)
_PYTHON = re.compile(r"(?:i?python|py)[\d.]*", re.IGNORECASE).fullmatch


@dataclass(frozen=True, slots=True)
class Block:
    """A block of code: its info string, text, place in the reply, and whether it was closed."""

    info: str
    source: str
    start: int
    end: int
    closed: bool

    @property
    def python(self) -> bool:
        return _PYTHON(self.info) is not None


def without_thinking(text: str) -> str:
    """The reply without `<think>…</think>`; one that is not closed hides the rest."""
    if "think" not in text.lower():
        return text
    text = _THINK.sub("", text)
    ends = [found.end() for found in _THOUGHT.finditer(text)]  # the opening tag was in the prompt
    return text[ends[-1] :] if ends else text


def opening(line: str) -> tuple[str, str, int] | None:
    """The fence, info string and column of a block that opens in this line."""
    found = _OPEN(line)
    if found is None or found[1] in line[: found.start()]:
        return None  # the second one in a line closes
    return found[1], found[2], found.start()


def closes(line: str, fence: str) -> bool:
    """Whether the line is the closing fence."""
    bare = line.strip()
    return bare.startswith(fence) and not bare.strip(fence[0])


def blocks_of(text: str) -> list[Block]:
    """All blocks in a reply: fences, or where there are none, tags such as `<code>`."""
    blocks = _fences(text)
    if not blocks:
        blocks = [Block("python", m[1], m.start(), m.end(), closed=True) for m in _INLINE.finditer(text)]
    if not blocks:
        blocks = [Block("python", m[2], m.start(), m.end(), m[3] is not None) for m in _TAG.finditer(text)]
    return blocks


def _fences(text: str) -> list[Block]:
    blocks: list[Block] = []
    fence, info, start, body = "", "", 0, 0
    at = 0
    while at <= len(text):
        end = text.find("\n", at)
        end = len(text) if end < 0 else end
        line = text[at:end]
        if not fence and ("```" in line or "~~~" in line) and (found := opening(line)):
            fence, info, start, body = found[0], found[1], at + found[2], end + 1
        elif fence and closes(line, fence):
            blocks.append(Block(info, text[body:at], start, end, closed=True))
            fence = ""
        elif fence and line.rstrip().endswith(fence) and not opening(line.rstrip()[: -len(fence)]):
            blocks.append(Block(info, text[body : at + len(line.rstrip()) - len(fence)], start, end, closed=True))
            fence = ""
        at = end + 1
    if fence:
        blocks.append(Block(info, _without_partial_fence(text[body:], fence), start, len(text), closed=False))
    return blocks


def _without_partial_fence(source: str, fence: str) -> str:
    """A stream that was cut inside the closing fence leaves one or two of its characters."""
    head, newline, last = source.rpartition("\n")
    return head if newline and last.strip() and not last.strip().strip(fence[0]) else source
