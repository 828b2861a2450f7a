"""Takes personal data out of texts that leave the journal: what has a form that can be checked, and named values.

Found by their form: e-mail addresses, IBANs (ISO 13616, with their check digits), payment card numbers (ISO/IEC 7812,
with Luhn's check digit), and phone numbers that are written internationally or in groups. Names of people have no
form: they are found where an argument of a tool held them. What else there is (addresses, birthdays, names that only
stand in prose) stays: read what you share.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

__all__ = ["Redactor"]

_EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)*\.[A-Za-z]{2,}(?![\w-])")
_IBAN = re.compile(r"(?<!\w)[A-Z]{2}\d{2}(?: ?[A-Z0-9]){11,30}(?![A-Za-z0-9])")
_CARD = re.compile(r"(?<![\w.-])\d(?:[ -]?\d){12,18}(?![\w-])")
# International (+44 20 7946 0958), with an area code in brackets, or in groups (020 7946 0958, 555-867-5309).
_PHONE = re.compile(
    r"(?<![\w.+-])(?<!\d )(?:\+\d(?:[ ./()-]{0,2}\d){7,14}|\(\d{2,5}\) ?\d(?:[ -]?\d){5,9}"
    r"|0\d{1,4}[ /-]\d{3,4}[ -]?\d{3,5}|\d{3}[ .-]\d{3}[ .-]\d{4})(?![\w-]|[ .]\d)"
)
_SHORTEST = 3  # a value that is shorter stands in too many texts


@dataclass
class Redactor:
    """Replaces personal data by placeholders: the same value by the same one ("[EMAIL_1]"), in all its texts.

    Args:
        values: by kind ("passengers"): texts to be replaced wherever they stand, in any case.
    """

    values: Iterable[tuple[str, str]] = ()
    _known: dict[tuple[str, str], str] = field(default_factory=dict[tuple[str, str], str])
    _counts: dict[str, int] = field(default_factory=dict[str, int])

    def __post_init__(self) -> None:
        named = {(kind, value) for kind, value in self.values if len(value.strip()) >= _SHORTEST}
        # Longer ones first: one can be a part of another.
        self._named = sorted(named, key=lambda each: (-len(each[1]), each))

    def __call__(self, text: str) -> str:
        text = _EMAIL.sub(self._as("email"), text)
        text = _IBAN.sub(self._as("iban", _is_iban), text)
        text = _CARD.sub(self._as("card", _is_card), text)
        text = _PHONE.sub(self._as("phone"), text)
        for kind, value in self._named:
            text = re.sub(rf"(?<!\w){re.escape(value.strip())}(?!\w)", self._as(kind), text, flags=re.IGNORECASE)
        return text

    def _as(self, kind: str, holds: Callable[[str], bool] = lambda _: True) -> Callable[[re.Match[str]], str]:
        def placeholder(match: re.Match[str]) -> str:
            if not holds(match[0]):
                return match[0]
            key = kind, re.sub(r"[\s().-]", "", match[0]).casefold()
            if key not in self._known:
                self._counts[kind] = self._counts.get(kind, 0) + 1
                self._known[key] = f"[{kind.upper()}_{self._counts[kind]}]"
            return self._known[key]

        return placeholder


def _is_card(text: str) -> bool:
    """Luhn's check digit."""
    digits = [int(char) for char in text if char.isdigit()]
    doubled = [2 * digit - 9 * (digit > 4) for digit in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0 and len(set(digits)) > 1


def _is_iban(text: str) -> bool:
    """The check digits of ISO 13616: the number, its first four characters moved to the end, is 1 modulo 97."""
    plain = text.replace(" ", "")
    if not 15 <= len(plain) <= 34:
        return False
    return int("".join(str(int(char, 36)) for char in plain[4:] + plain[:4])) % 97 == 1
