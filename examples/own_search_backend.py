"""search_web on a search engine of your own: one class with one method, here over the notes in a folder.

Run it: python examples/own_search_backend.py (offline; the model follows a script).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from agentkit import Agent
from agentkit.testing import ScriptedModel
from agentkit.tools.search import SearchFailed, SearchResult, search_tool


@dataclass(frozen=True)
class Notes:
    """Finds the Markdown files of a folder with the most of the words in them. Fulfils `SearchBackend`."""

    folder: Path

    def search(self, query: str, max_results: int) -> Sequence[SearchResult]:
        if not self.folder.is_dir():
            raise SearchFailed(f"There is no folder {self.folder.name}: say that the notes cannot be searched.")
        words = query.casefold().split()
        texts = {path: path.read_text(encoding="utf-8") for path in sorted(self.folder.glob("*.md"))}
        scores = {path: sum(word in text.casefold() for word in words) for path, text in texts.items()}
        best = sorted((path for path in texts if scores[path]), key=lambda path: -scores[path])
        return [SearchResult(path.stem, path.as_uri(), texts[path]) for path in best[:max_results]]


def main() -> None:
    search = search_tool(Notes(Path(__file__).parents[1] / "docs"), name="search_notes", max_results=2)
    model = ScriptedModel(
        [
            "Thought: The notes will say.\nAction: search_notes\nAction Input: why each dependency",
            "Thought: I have seen it.\nFinal Answer: docs/dependencies.md says why.",
        ]
    )
    run = Agent(model, [search]).run("Why does agentkit need SQLAlchemy?")
    for step in run.steps:
        print(step.observation.text if step.observation else "")
    print(run.answer)


if __name__ == "__main__":
    main()
