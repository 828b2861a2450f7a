"""Keeps secrets out of the journal: what is masked in everything that is written down. The run itself goes on with the
real texts.

Three kinds are known: texts that look like well-known credentials, the values of environment variables that are named
like credentials, and the arguments that a tool marks as secret (`Secret`, `SecretStr`).
"""

from __future__ import annotations

import json
import os
import re
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import TypeAlias, cast

from agentkit.journal.marked import MASK

__all__ = ["Masks", "Redact", "default_patterns"]

Redact: TypeAlias = Callable[[str], str]

# What a text with a credential has in it: looked for first, since most texts have none of it, and each step is waited
# for. Some credentials may be short, and stand after one of these words; the others are long, and have one of those.
_LONG_HINTS = (
    *("akia", "asia", "secret", "session", "private key", "sk-", "github_pat_", "glpat-", "xox", "aiza"),
    *("ghp_", "gho_", "ghu_", "ghs_", "ghr_"),
)
_IN_TOKENS = bytes(120 if (chr(byte).isalnum() and byte < 128) or chr(byte) in "_+/=-" else 32 for byte in range(256))
_LONG = b"x" * 20
_LEFT = r"(?:(?<![A-Za-z0-9])|(?<=\\[nrtbf]))"  # JSON inside a text has its line ends written out
_IS = r"""\\*["']?\s*[:=,]\s*\\*["']?"""
_VALUE = r"(?:(?=[A-Za-z._~+/=-]*[0-9])[A-Za-z0-9._~+/=-]{8,}|[A-Za-z0-9._~+/=-]{20,})"
_PEM = "[A-Z ]*PRIVATE KEY-----"
_MASKED = re.escape(MASK)
# What stands in the first group stays.
_PATTERNS = tuple(
    re.compile(text)
    for text in (
        rf"(-----BEGIN {_PEM})(?!{_MASKED})(?s:.{{0,20000}}?)-----END {_PEM}",
        rf"(-----BEGIN {_PEM})(?!{_MASKED})(?:\\+[nrt]|[A-Za-z0-9+/=\s])+",
        rf"((?i:authorization|x-api-key){_IS}(?:(?i:basic|bearer|token|apikey)(?:\s|\\+[nrt])+)?){_VALUE}",
        rf"((?i:bearer)(?:\s|\\+[nrt])+){_VALUE}",
        rf"((?i:secret[-_ ]?(?:access[-_ ]?)?key|client[-_]?secret|session[-_ ]?token){_IS})[A-Za-z0-9/+=_-]{{20,}}",
        rf"({_LEFT})(?:AKIA|ASIA)[A-Z0-9]{{16}}(?![A-Za-z0-9])",
        rf"({_LEFT})sk-[A-Za-z0-9_-]{{17,}}",
        rf"({_LEFT})(?:gh[pousr]_|github_pat_)[A-Za-z0-9_]{{20,}}",
        rf"({_LEFT})(?:glpat-[A-Za-z0-9_-]{{20,}}|xox[abeoprs]-[A-Za-z0-9-]{{15,}}|AIza[A-Za-z0-9_-]{{35}})",
        r"""(://[^\s/:@"'\\]*:)[^\s/@"'\\]+(?=@)""",
    )
)
_NAME = re.compile(r"(?:^|_)(?:API_?KEY|ACCESS_?KEY|SECRET_?KEY|PRIVATE_?KEY|TOKEN|SECRET|PASSWORD|PASSWD)$", re.I)
_SHORTEST = 8  # a variable's value that is shorter is no credential, and stands in many texts
_OF_TOOLS = ("input", "value")  # of an action and an observation
_WORD = 4  # a marked argument that is shorter is masked only where it stands alone


def default_patterns(text: str) -> str:
    """The text without AWS keys, bearer tokens and Authorization headers, private keys, the tokens of OpenAI and
    Anthropic, GitHub, GitLab, Slack and Google, and the passwords in URLs."""
    if not _may_hold_any(text):
        return text
    for pattern in _PATTERNS:
        text = pattern.sub(rf"\g<1>{MASK}", text)
    return text


def _may_hold_any(text: str) -> bool:
    low = text.lower()
    if "://" in low or "bearer" in low or "authorization" in low or "api-key" in low:
        return True
    if _LONG not in text.encode("utf-8", "replace").translate(_IN_TOKENS):
        return False
    return any(hint in low for hint in _LONG_HINTS)


def _never(_text: str) -> bool:
    return False


def _always(_text: str) -> bool:
    return True


class _Secret:
    """A value that is masked wherever it stands.

    Attributes:
        spellings: as it stands in a text: as it is, in JSON, in Python.
        stored: as those stand in a JSON text.
    """

    __slots__ = ("_mask", "spellings", "stored")

    def __init__(self, value: object) -> None:
        text = value if isinstance(value, str) else json.dumps(value)
        inside = {text, json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1], repr(text)[1:-1]}
        self._mask = MASK if isinstance(value, str) else f'"{MASK}"'  # what was a number must go on to be a value
        self.spellings = sorted(inside, key=len, reverse=True)
        self.stored = {json.dumps(each, ensure_ascii=False)[1:-1] for each in inside}

    def masked(self, text: str) -> str:
        for spelling in self.spellings:
            if spelling not in text:
                continue
            if len(spelling) < _WORD or self._mask != MASK:
                text = re.sub(rf"(?<!\w){re.escape(spelling)}(?!\w)", self._mask, text)
            else:
                text = text.replace(spelling, MASK)
        return text


class Masks:
    """What is masked for one run.

    Args:
        redact: takes credentials out of a text; None leaves texts as they are but for the marked arguments.
    """

    def __init__(self, redact: Redact | None) -> None:
        self._redact = redact
        self._secrets = () if redact is None else _ENVIRONMENT.secrets()
        self._marked: dict[str, _Secret] = {}
        self._forms = [form for secret in self._secrets for form in secret.stored]
        self._may_hold_any = _never if redact is None else _may_hold_any if redact is default_patterns else _always
        self.found = redact not in (None, default_patterns)  # nobody can tell what another one will find

    @property
    def has_marked(self) -> bool:
        """Whether the run has used marked arguments."""
        return bool(self._marked)

    def add(self, values: Iterable[object]) -> None:
        """From now on these are masked too: the values of marked arguments."""
        for value in values:
            # True, False and None stand in every text.
            if value not in ("", MASK) and isinstance(value, (str, int, float)) and not isinstance(value, bool):
                name = repr(value)
                if name not in self._marked:
                    self._marked[name] = secret = _Secret(value)
                    self._forms += secret.stored

    def text(self, text: str) -> str:
        """A text without its secrets."""
        masked = self._masked(text)
        self.found = self.found or masked != text
        return masked

    def json(self, text: str, *, names: bool = False) -> str:
        """A JSON text with its strings masked; `names`: all of it is a tool's."""
        if not self._may_hold_any(text):
            for form in self._forms:
                if form in text:
                    break
            else:
                return text
        value: object = json.loads(text)
        masked = _each(value, self._masked, names=names)
        if masked == value:
            return text
        self.found = True
        return json.dumps(masked, ensure_ascii=False, separators=(",", ":"))

    def _masked(self, text: str) -> str:
        masked = text if self._redact is None else self._redact(text)
        for secret in (*self._secrets, *self._marked.values()):
            masked = secret.masked(masked)
        return masked


class _Environment:
    """The values of variables that are named like credentials."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._count = -1
        self._known: dict[str, str] = {}
        self._secrets: tuple[_Secret, ...] = ()

    def secrets(self) -> tuple[_Secret, ...]:
        # To read all of it for each run would take longer than to write a step down.
        with self._lock:
            if len(os.environ) != self._count or any(os.environ.get(name) != v for name, v in self._known.items()):
                self._count = len(os.environ)
                self._known = {name: value for name, value in os.environ.items() if _NAME.search(name)}
                found = {value for value in self._known.values() if len(value) >= _SHORTEST}
                self._secrets = tuple(_Secret(value) for value in sorted(found, key=len, reverse=True))
            return self._secrets


_ENVIRONMENT = _Environment()


def _each(value: object, change: Redact, *, names: bool = False) -> object:
    """The same JSON data with each string in it changed: the names, too, of what is a tool's and not agentkit's."""
    match value:
        case str():
            return change(value)
        case dict():
            items = cast("Mapping[str, object]", value).items()
            return {change(name) if names else name: _named(name, item, change, names=names) for name, item in items}
        case [str(name), str(text)]:  # headers come as pairs, too
            return [change(name), _named(name, text, change, names=names)]
        case list():
            return [_each(item, change, names=names) for item in cast("list[object]", value)]
        case _:
            return value


def _named(name: str, value: object, change: Redact, *, names: bool) -> object:
    """A value by its name: what a header holds is a credential because of how the header is called."""
    if isinstance(value, str):
        before = f"{name}: "
        both = change(before + value)
        if both.startswith(before):
            return both.removeprefix(before)
    return _each(value, change, names=names or name in _OF_TOOLS)
