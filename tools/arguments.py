"""Types of the travel tools' arguments: what models write for them, read forgivingly."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, TypeAlias, cast

from pydantic import BeforeValidator, Field

from .places import CITIES

__all__ = [
    "BookingId",
    "Day",
    "Dollars",
    "FlightId",
    "HotelId",
    "Name",
    "NameOrAll",
    "Names",
    "Nights",
    "Place",
    "Seats",
    "ToCancel",
]

# Only what was said or observed can be right here: models that are held to a grammar cannot write anything else.
_COPIED = Field(json_schema_extra={"x-copied": True})

_PLACEHOLDER = re.compile(
    r"(?:(?:the|my|your|full|first|last|lead|adult|child|test)[ _]*)*"
    r"(?:passengers?|travell?ers?|guests?|users?|customers?|names?|adults?|child(?:ren)?|persons?|people|me|myself|i|you|"
    r"unknown|tb[acd]|n/?a|none|null|string|unspecified|someone|anyone)?[ _-]*\d*",
    re.IGNORECASE,
)

_PLACES = frozenset(word.casefold() for city in CITIES for word in (city.name, city.country, *city.aliases))


def _names(value: object) -> object:
    """Full names from a list, or from one string with commas, semicolons, & or "and" between them."""
    if isinstance(value, str):
        value = _split(value)
    if not isinstance(value, list):
        return value
    given = cast("list[object]", value)
    names = [" ".join(name.split()).strip("'\"") for name in given if isinstance(name, str)]
    if len(names) < len(given):
        return given
    _check(names)
    return names


def _split(text: str) -> list[str]:
    parts = re.split(r"[,;&\n]|\band\b", text.strip("[] "))
    if "," in text and any(len(part.split()) == 1 for part in parts):
        raise ValueError('write full names in a list, such as ["Ann Lee", "Bo Berg"]')
    return [part for part in parts if part.strip(" '\"")]


def _check(names: Sequence[str]) -> None:
    if not names:
        raise ValueError("the names of the people who travel are missing; ask the user for them")
    for name in names:
        if _PLACEHOLDER.fullmatch(name) or sum(map(str.isalpha, name)) < 2:
            raise ValueError(f"{name!r} is not a person's name; ask the user for the name")
        if name.casefold() in _PLACES:
            raise ValueError(f"{name!r} is a place and not a person's name; ask the user for the name")


def _one_name(value: object) -> object:
    names = _names([value] if isinstance(value, str) else value)
    return cast("list[str]", names)[0] if isinstance(names, list) else names


def _name_or_all(value: object) -> object:
    """One name; empty where nobody is named."""
    if isinstance(value, str) and (name := " ".join(value.split()).strip("'\"")):
        if _PLACEHOLDER.fullmatch(name):
            raise ValueError(f"{name!r} is not a person's name; leave it out to list all bookings")
        return name
    return "" if value is None or isinstance(value, str) else value


def _dollars(value: object) -> object:
    if isinstance(value, str):
        return re.sub(r"(?i)\$|,|usd|dollars?", "", value).strip()
    return 0 if value is None else value


Place: TypeAlias = Annotated[str, _COPIED]
Day: TypeAlias = Annotated[str, _COPIED]
# "x-done": what such a model can say in its answer only when a tool has said that it was done.
FlightId: TypeAlias = Annotated[str, Field(json_schema_extra={"x-copied": "F[0-9]{3,}", "x-done": "booked"})]
HotelId: TypeAlias = Annotated[str, Field(json_schema_extra={"x-copied": "H[0-9]{3,}", "x-done": "booked"})]
BookingId: TypeAlias = Annotated[str, Field(json_schema_extra={"x-copied": "B[0-9]{3,}"})]
ToCancel: TypeAlias = Annotated[str, Field(json_schema_extra={"x-copied": "B[0-9]{3,}", "x-done": "cancelled"})]
Names: TypeAlias = Annotated[list[Annotated[str, _COPIED]], Field(max_length=9), BeforeValidator(_names)]
Name: TypeAlias = Annotated[str, Field(max_length=100), _COPIED, BeforeValidator(_one_name)]
NameOrAll: TypeAlias = Annotated[str, Field(max_length=100), _COPIED, BeforeValidator(_name_or_all)]
Dollars: TypeAlias = Annotated[float, Field(ge=0), _COPIED, BeforeValidator(_dollars)]
Seats: TypeAlias = Annotated[int, Field(ge=1, le=9)]
Nights: TypeAlias = Annotated[int, Field(ge=1, le=30)]
