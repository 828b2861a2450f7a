"""Reading what models write, and writing what they read.

- `decide(text, tools)` gives the first complete step in a reply: an `Action`, a `Finish` or a `Malformed`.
- `Reader(tools)` does the same as the reply streams: `feed(chunk)` may return `Ready(action)` (the input is complete:
  a read-only tool may start) or `Cut()` (the rest would be invented: close the stream); `text` is what to keep.
- `ToolIndex.of(tools)` prepares the tools once for both.
- `code(text)` and `CodeReader` do the same for programs (PAL), `answer(text)` and `PlainReader` for plain answers.
- `as_implicit` takes a text without markers as the answer; `render` writes a step as text that reads back the same.

What counts as a step is decided in `states` and `collect`, which `machine` drives; `inputs` turns texts into
arguments. Nothing here raises because of what a model wrote.
"""

from agentkit.parse.index import ToolIndex, Tools, ToolShape
from agentkit.parse.program_reader import CodeReader
from agentkit.parse.programs import Code, code
from agentkit.parse.reader import Cut, PlainReader, Reader, Ready, Sign, TextReader, answer, as_implicit, decide
from agentkit.parse.rendering import Dialect, render

__all__ = [
    "Code",
    "CodeReader",
    "Cut",
    "Dialect",
    "PlainReader",
    "Reader",
    "Ready",
    "Sign",
    "TextReader",
    "ToolIndex",
    "ToolShape",
    "Tools",
    "answer",
    "as_implicit",
    "code",
    "decide",
    "render",
]
