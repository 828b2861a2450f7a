"""What a run depends on besides its journal: its agent's model, prompts and tools, as hashes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict

from agentkit.assembly import Assembly
from agentkit.prompt import PromptFile
from agentkit.toolbox import AnyTool

__all__ = ["Fingerprint", "changes", "fingerprint"]


class Fingerprint(dict[str, str]):
    """A name or hash for each part of an agent that decides how a run goes on.

    Attributes:
        spec: the agent itself, as JSON text (see `agentkit.journal.spec`).
    """

    spec: str = ""


def fingerprint(assembly: Assembly) -> Fingerprint:
    """What an agent is, in short and in full."""
    from pydantic_core import to_json

    from agentkit.journal.spec import described

    made = Fingerprint(_parts(assembly))
    made.spec = to_json(described(assembly), fallback=str, inf_nan_mode="constants").decode()
    return made


def _parts(assembly: Assembly) -> dict[str, str]:
    prompts = assembly.plan.prompts
    texts = {name: _texts(file) for name, file in prompts.texts.items()}
    return {
        "model": ", ".join(model.name for model in assembly.models),
        "strategy": assembly.plan.name,
        "prompts": _hash([_texts(prompts.main), prompts.main.examples, texts]),
        "answer_type": _hash(assembly.answers.format),
        **{f"tool {name}": _tool(tool) for name, tool in assembly.plan.toolbox.items()},
    }


def changes(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """What differs, in words."""
    told: list[str] = []
    for part in sorted(before.keys() | now.keys()):
        was, is_now = before.get(part), now.get(part)
        if was is None:
            told.append(f"{part} (new)")
        elif is_now is None:
            told.append(f"{part} (gone)")
        elif was != is_now:
            told.append(f"{part} ({was} → {is_now})" if part in ("model", "strategy") else f"{part} (changed)")
    return told


def _texts(file: PromptFile) -> dict[str, str]:
    return {title: template.text for title, template in file.sections.items()}


def _tool(tool: AnyTool) -> str:
    return _hash([tool.schema, asdict(tool.marks)])


def _hash(value: object) -> str:
    from pydantic_core import to_json

    return hashlib.sha256(to_json(value, fallback=str)).hexdigest()[:16]
