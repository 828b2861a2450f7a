"""Prompts are Markdown files with front matter, read from `agentkit.prompts` or from a path of the user's.

A file has sections (`## name`), each a template with `{{names}}`. Filling is strict: a name that the template uses and
nobody gives, or that is given and not used, is an error. The prompt of a strategy has the four parts of a prompt:
instructions, context, input data, output indicator; the other files hold the texts the agent says on the way.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files
from pathlib import Path
from typing import TypeAlias, cast

from agentkit.errors import ConfigError
from agentkit.messages import JSON

__all__ = ["Edition", "PromptChoice", "PromptFile", "Prompts", "Template", "load", "names"]

PromptChoice: TypeAlias = "str | Path | Mapping[str, str | Path] | Edition | Prompts | None"
PARTS = ("instructions", "context", "input data", "output indicator")
TEXTS = ("observations", "format_errors", "last_call", "tools")
_PLACE = re.compile(r"\{\{\s*(\w+)\s*\}\}")


@dataclass(frozen=True)
class Template:
    """A text with `{{names}}` in it; `where` says which section of which file it is."""

    text: str
    where: str

    @cached_property
    def names(self) -> frozenset[str]:
        return frozenset(_PLACE.findall(self.text))

    @cached_property
    def _parts(self) -> list[tuple[int, str]]:
        """The text in pieces: every other one is a name."""
        return [(number % 2, part) for number, part in enumerate(_PLACE.split(self.text))]

    def fill(self, **values: object) -> str:
        """The text with every name replaced.

        Raises:
            ConfigError: a name without a value, or a value without a name.
        """
        if not self.text:
            return ""  # a text that was left empty on purpose
        if values.keys() != self.names:
            missing, unused = sorted(self.names - values.keys()), sorted(values.keys() - self.names)
            faults = [f"no value for {', '.join(missing)}"] * bool(missing)
            faults += [f"nothing uses {', '.join(unused)}"] * bool(unused)
            raise ConfigError(f"{self.where}: {'; '.join(faults)}.")
        return "".join([str(values[part]) if odd else part for odd, part in self._parts])


@dataclass(frozen=True)
class PromptFile:
    """A prompt file: what its front matter says, its sections, its few-shot examples."""

    name: str
    where: str
    meta: Mapping[str, JSON]
    sections: Mapping[str, Template]
    examples: tuple[Mapping[str, JSON], ...] = ()

    def __getitem__(self, section: str) -> Template:
        try:
            return self.sections[section]
        except KeyError:
            raise ConfigError(f"{self.where} has no section '## {section}'.") from None


def names() -> list[str]:
    """The prompts that come with agentkit."""
    return sorted(
        path.name.removesuffix(".md") for path in files("agentkit.prompts").iterdir() if path.name.endswith(".md")
    )


def load(name: str | Path) -> PromptFile:
    """A prompt by name, or from a Markdown file of the user's.

    Raises:
        ConfigError: no such prompt, no such file, or a file that does not read as one.
    """
    if isinstance(name, Path) or name.endswith(".md") or "/" in name:
        path = Path(name).expanduser()
        try:
            return _parse(path.stem, str(path), path.read_text(encoding="utf-8"), path.parent)
        except OSError as error:
            raise ConfigError(f"Cannot read the prompt {path}: {error.strerror}.") from None
        except UnicodeDecodeError:
            raise ConfigError(f"The prompt {path} is not UTF-8 text.") from None
    return _built_in(name)


@cache
def _built_in(name: str) -> PromptFile:
    resource = files("agentkit.prompts") / f"{name}.md"
    if not resource.is_file():
        raise ConfigError(
            f"There is no prompt {name!r}. There are: {', '.join(names())}; or give the path of a .md file."
        )
    return _parse(name, f"prompts/{name}.md", resource.read_text(encoding="utf-8"), None)


def _parse(name: str, where: str, text: str, folder: Path | None) -> PromptFile:
    import yaml  # front matter is YAML in every tool that knows it

    front: object = {}
    body = text
    if match := re.match(r"---\n(.*?\n)?---\n", text, re.DOTALL):
        body = text[match.end() :]
        try:
            front = yaml.safe_load(match[1] or "") or {}
        except yaml.YAMLError as error:
            raise ConfigError(f"{where}: the front matter is not YAML: {' '.join(str(error).split())}") from None
    if not isinstance(front, dict):
        raise ConfigError(f"{where}: the front matter must be 'name: value' lines.")
    meta = cast("dict[str, JSON]", front)
    parts = re.split(r"^## +(.+?) *$", body, flags=re.MULTILINE)
    sections = {
        title.lower(): Template(text.strip("\n"), f"{where}, section '{title}'")
        for title, text in zip(parts[1::2], parts[2::2], strict=True)
    }
    if not sections:
        raise ConfigError(f"{where}: no section; a prompt file has '## name' headings.")
    return PromptFile(name, where, meta, sections, _examples(meta.get("examples"), where, folder))


def _examples(name: JSON, where: str, folder: Path | None) -> tuple[Mapping[str, JSON], ...]:
    if name is None:
        return ()
    source = (folder or files("agentkit.prompts")) / str(name)
    try:
        found = json.loads(source.read_text(encoding="utf-8"))
    except OSError:
        raise ConfigError(f"{where}: its examples {name!r} are not beside it.") from None
    except ValueError as error:
        raise ConfigError(f"{where}: its examples {name!r} are not JSON: {error}.") from None
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in cast("list[object]", found)):
        raise ConfigError(f"{where}: its examples {name!r} must be a list of objects.")
    return tuple(cast("list[Mapping[str, JSON]]", found))


@dataclass(frozen=True, slots=True)
class Edition:
    """Prompts for one kind of model: for each built-in file the name of the one that takes its place."""

    names: Mapping[str, str]

    def of(self, name: str) -> str:
        """The file to use for a built-in one: itself, where this edition has no other."""
        return self.names.get(name, name)


@dataclass(frozen=True)
class Prompts:
    """All the texts of one agent: the strategy's prompt and the four files of texts."""

    main: PromptFile
    texts: Mapping[str, PromptFile]

    @classmethod
    def choose(cls, default: str, choice: PromptChoice = None) -> Prompts:
        """The built-in files, with those of the user in their place.

        `choice` is a name or path for the main prompt, or a mapping from "prompt" or the name of a file of texts
        ("observations", "format_errors", "last_call", "tools") to a name or path; or an edition of all of them, or all
        of them as they are.

        Raises:
            ConfigError: an unknown key or file, or a file without a section that is needed.
        """
        if isinstance(choice, Prompts):
            return choice
        if isinstance(choice, Edition):
            choice = {"prompt": choice.of(default), **{name: choice.of(name) for name in TEXTS}}
        chosen = dict(choice) if isinstance(choice, Mapping) else {"prompt": choice} if choice is not None else {}
        if unknown := sorted(chosen.keys() - {"prompt", *TEXTS}):
            raise ConfigError(f"Unknown prompt {unknown[0]!r}: override one of prompt, {', '.join(TEXTS)}.")
        main = load(chosen.get("prompt", default))
        for part in PARTS:
            _ = main[part]
        return cls(main, {name: _same_sections(load(chosen.get(name, name)), _built_in(name)) for name in TEXTS})

    def say(self, file: str, section: str, **values: object) -> str:
        """A text the agent says, filled in."""
        return self.texts[file][section].fill(**values)


def _same_sections(given: PromptFile, original: PromptFile) -> PromptFile:
    """Sections the user's file leaves out are the original's: one can override a single text."""
    if given is original:
        return given
    if unknown := sorted(given.sections.keys() - original.sections.keys()):
        raise ConfigError(f"{given.where}: unknown section {unknown[0]!r}. Known: {', '.join(original.sections)}.")
    for title, template in given.sections.items():
        expected = original.sections[title].names
        if template.text and template.names != expected:
            raise ConfigError(f"{template.where}: must use {_listed(expected)}, and uses {_listed(template.names)}.")
    return PromptFile(given.name, given.where, given.meta, {**original.sections, **given.sections})


def _listed(names: frozenset[str]) -> str:
    return ", ".join(f"{{{{{name}}}}}" for name in sorted(names)) or "no names"
