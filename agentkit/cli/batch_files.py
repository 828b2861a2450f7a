"""The questions of a file: JSON Lines, or CSV with a header. Read twice, so that no more than a line is held."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import cast

from agentkit.errors import ConfigError

__all__ = ["QuestionFile", "Row", "question_file"]

TOLD = 10
"""So many bad lines are told; the rest are counted."""
JSON_LINES, CSV = (".jsonl", ".ndjson"), {".csv": ",", ".tsv": "\t"}


@dataclass(frozen=True, slots=True)
class Row:
    """A question; the number of its line, from 1; and what else stands there."""

    question: str
    line: int
    rest: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class QuestionFile:
    """A file of questions. `field` holds the question; `name` is what the file is called in errors."""

    path: Path
    field: str
    name: str

    def check(self) -> int:
        """How many questions there are.

        Raises:
            ConfigError: lines are wrong: says which, and how.
        """
        count, bad = 0, list[str]()
        for found in self._read():
            if isinstance(found, Row):
                count += 1
            else:
                bad.append(found)
        if bad:
            more = f"\n… and {len(bad) - TOLD:,} more" if len(bad) > TOLD else ""
            raise ConfigError(f"Nothing was run: {self.name} has wrong lines.\n" + "\n".join(bad[:TOLD]) + more)
        if not count:
            raise ConfigError(f"{self.name} has no questions.")
        return count

    def rows(self) -> Iterator[Row]:
        """The questions, once more.

        Raises:
            ConfigError: the file is another by now.
        """
        for found in self._read():
            if not isinstance(found, Row):
                raise ConfigError(f"{self.name} was changed while it was used. {found}")
            yield found

    def _read(self) -> Iterator[Row | str]:
        """A row, or what is wrong with a line."""
        try:
            if self.path.suffix.lower() in CSV:
                yield from self._csv(CSV[self.path.suffix.lower()])
            else:
                yield from self._json_lines()
        except UnicodeDecodeError:
            raise ConfigError(f"{self.name} is no UTF-8 text.") from None
        except OSError as error:
            raise ConfigError(f"Cannot read {self.name}: {error.strerror}.") from None
        except csv.Error as error:
            raise ConfigError(f"{self.name} is no CSV: {error}.") from None

    def _json_lines(self) -> Iterator[Row | str]:
        with self.path.open(encoding="utf-8-sig") as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield self._json_line(line, number)

    def _json_line(self, line: str, number: int) -> Row | str:
        try:
            value: object = json.loads(line)
        except ValueError as error:
            return f"Line {number}: no JSON ({error})."
        if isinstance(value, str):
            value = {self.field: value}
        if not isinstance(value, dict):
            return f'Line {number}: neither an object with "{self.field}" nor a text.'
        return self._row(cast("dict[str, object]", value), number)

    def _csv(self, delimiter: str) -> Iterator[Row | str]:
        with self.path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, delimiter=delimiter, strict=True)
            names = list(reader.fieldnames or ())
            if names and self.field not in names:
                raise ConfigError(
                    f"{self.name} has no column {self.field!r}, but {', '.join(names)}: choose one by --question-field."
                )
            for values in reader:
                wide = cast("dict[str | None, object]", values).pop(None, None)
                if wide is not None:
                    yield f"Line {reader.line_num}: more fields than the header has."
                else:
                    yield self._row(dict[str, object](values), reader.line_num)

    def _row(self, values: dict[str, object], number: int) -> Row | str:
        question = values.pop(self.field, None)
        if question is None:
            return f"Line {number}: there is no {self.field!r}."
        if not isinstance(question, str) or not question.strip():
            return f"Line {number}: {self.field!r} is {'empty' if isinstance(question, str) else 'no text'}."
        return Row(question.strip(), number, values)


@contextmanager
def question_file(place: str, field: str) -> Generator[QuestionFile]:
    """The file at a path; "-" is JSON Lines from stdin, which are kept in a file meanwhile.

    Raises:
        ConfigError: its name does not say what is in it.
    """
    if place != "-":
        path = Path(place)
        if path.suffix.lower() not in (*JSON_LINES, *CSV):
            raise ConfigError(f"The name of {place} must end in {', '.join((*JSON_LINES, *CSV))}.")
        yield QuestionFile(path, field, place)
        return
    with TemporaryDirectory(prefix="agentkit-batch-") as folder:
        path = Path(folder) / "stdin.jsonl"
        with path.open("w", encoding="utf-8") as file:
            file.writelines(sys.stdin)
        yield QuestionFile(path, field, "stdin")
