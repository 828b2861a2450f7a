"""One run as a value: all that the journal has of it, which can be saved to a file, replayed, forked and compared."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, TypeAlias, cast

from agentkit.assembly import Start
from agentkit.errors import ConfigError
from agentkit.journal.records import Outcome, RunStatus, load
from agentkit.journal.rows import check_rows
from agentkit.messages import JSON, Action, Usage

__all__ = ["Happened", "Recording", "Row", "usage_of"]

FORMAT = "agentkit-run"
VERSION = 1
# Any: JSON, a column's value each.
Row: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Happened:
    """One effect of a run, from its intent to its result.

    Attributes:
        kind: "ask" of a model call, "act" of an action.
        call: which effect of its step (see `agentkit.journal.past.call_of`).
        action: what was wanted of a tool.
        outcome: what came of it; None where the recording has no result.
        began, ended: UTC, ISO 8601.
    """

    kind: Literal["ask", "act"]
    step: int
    call: int
    key: str | None
    action: Action | None
    outcome: Outcome | None
    began: str
    ended: str | None


@dataclass(frozen=True)
class Recording:
    """One run of the journal.

    Attributes:
        run: its row in `runs`, without the lease; `start`, `fingerprint` and `origin` as data.
        effects: its lines in `effects`, `payload` as data.
        approvals: what was asked of people, and what they said: its rows in `approvals`.
        agent: the agent that began it (see `agentkit.journal.spec`); None where the journal has it not.
    """

    run: Row
    effects: tuple[Row, ...] = ()
    approvals: tuple[Row, ...] = ()
    agent: Mapping[str, JSON] | None = None

    @property
    def run_id(self) -> str:
        return cast("str", self.run["run_id"])

    @property
    def question(self) -> str:
        return cast("str", self.run["question"])

    @property
    def status(self) -> RunStatus:
        return cast("RunStatus", self.run["status"])

    @property
    def answer(self) -> str | None:
        return cast("str | None", self.run["answer"])

    @property
    def stop_reason(self) -> str | None:
        return cast("str | None", self.run["stop_reason"])

    @cached_property
    def start(self) -> Start:
        """Question, history, and the run's clock."""
        return load(Start, json.dumps(self.run["start"]))

    @cached_property
    def happened(self) -> tuple[Happened, ...]:
        """Its effects, in the order in which they began."""
        found: dict[int, Happened] = {}
        for row in self.effects:
            known = found.get(row["effect"])
            if known is None:
                action = None if row["kind"] == "ask" else load(Action, json.dumps(row["payload"]))
                known = Happened(row["kind"], row["step"], row["call"], row["key"], action, None, row["at"], None)
            if row["phase"] == "result":
                known = replace(known, outcome=load(Outcome, json.dumps(row["payload"])), ended=row["at"])
            found[row["effect"]] = known
        return tuple(found.values())

    @property
    def usage(self) -> Usage:
        """What the run used, as far as the recording goes."""
        return usage_of(self.happened)

    def save(self, path: str | Path) -> None:
        """Write it to a file, from which `load` makes an equal recording on any machine.

        Raises:
            ConfigError: the file cannot be written; what stood there does so still.
        """
        try:
            _write(Path(path).resolve(), self.to_json())
        except OSError as error:
            raise ConfigError(f"Cannot write the recording to {path}: {error.strerror}.") from None

    @classmethod
    def load(cls, path: str | Path) -> Recording:
        """The recording that `save` wrote.

        Raises:
            ConfigError: the file cannot be read, or is no recording that this version knows.
        """
        try:
            return cls.from_json(Path(path).read_text(encoding="utf-8"), str(path))
        except OSError as error:
            raise ConfigError(f"Cannot read the recording {path}: {error.strerror}.") from None
        except UnicodeDecodeError:
            raise ConfigError(f"{path} is no recorded run: it is not UTF-8 text.") from None

    def to_json(self) -> str:
        """As the text of a file."""
        told = {
            "format": FORMAT,
            "version": VERSION,
            "run": self.run,
            "agent": self.agent,
            "effects": self.effects,
            "approvals": self.approvals,
        }
        return json.dumps(told, ensure_ascii=False, indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str, where: str = "The text") -> Recording:
        """The recording that `to_json` wrote.

        Raises:
            ConfigError: it is none that this version knows.
        """
        try:
            told: Any = json.loads(text)  # Any: checked as it is read
            if told["format"] != FORMAT:
                raise ValueError(f"its format is {told['format']!r}")
            if told["version"] != VERSION:
                raise ConfigError(
                    f"{where} was recorded by another version of agentkit (format {told['version']}, and this one "
                    f"knows {VERSION}): use that version."
                )
            text.encode()
            json.dumps(told, ensure_ascii=False).encode()  # half characters, written as escapes, are in no database
            made = cls(told["run"], tuple(told["effects"]), tuple(told["approvals"]), told["agent"])
            check_rows(made.run, made.effects, made.approvals, made.agent)
            _ = made.start
            if any(
                each.outcome == Outcome(each.outcome.usage, counted=each.outcome.counted)
                for each in made.happened
                if each.outcome
            ):
                raise ValueError("one of its effects came to nothing")
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            fault = f"it lacks {error}" if isinstance(error, KeyError) else error
            raise ConfigError(f"{where} is no recorded run ({fault}).") from None
        return made


def _write(file: Path, text: str) -> None:
    """All of it or nothing, where it is a file and not a device."""
    if file.exists() and not file.is_file():
        file.write_text(text, encoding="utf-8")
        return
    part = file.with_name(f".{file.name[:200]}.{os.getpid()}.part")
    try:
        part.write_text(text, encoding="utf-8")
        if file.exists():
            part.chmod(file.stat().st_mode & 0o7777)
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)


def usage_of(effects: tuple[Happened, ...]) -> Usage:
    """What these effects used together: tokens and calls as the last model call tells, and the tools they called."""
    told = [each.outcome.usage for each in effects if each.outcome is not None and each.outcome.usage is not None]
    asked = [
        each.outcome.usage
        for each in effects
        if each.kind == "ask" and each.outcome is not None and each.outcome.usage is not None
    ]
    acted = sum(each.kind == "act" and each.outcome is not None and each.outcome.counted for each in effects)
    last = asked[-1] if asked else Usage()
    return replace(last, tool_calls=acted, seconds=max((usage.seconds for usage in told), default=0.0))
