"""Cities: how people write them, and what a misspelt one gets."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentkit.tools.places import CITIES, City, UnknownCity, distance_km, find_city


def test_the_table() -> None:
    assert 60 <= len(CITIES) <= 70
    assert len({city.code for city in CITIES}) == len({city.name for city in CITIES}) == len(CITIES)
    assert all(len(city.code) == 3 and city.code.isupper() for city in CITIES)
    names = [name for city in CITIES for name in {n.casefold() for n in (city.code, city.name, *city.aliases)}]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("london", "LHR"),
        ("  LHR ", "LHR"),
        ("London, UK", "LHR"),
        ("London (LHR)", "LHR"),
        ("London Heathrow Airport", "LHR"),
        ("lgw", "LHR"),
        ("New York City", "JFK"),
        ("NYC", "JFK"),
        ("New York, United States of America", "JFK"),
        ("Washington, D.C.", "IAD"),
        ("São Paulo", "GRU"),
        ("MÜNCHEN", "MUC"),
        ("Muenchen", "MUC"),
        ("København", "CPH"),
        ("Bogotá, Colombia", "BOG"),
        ("paris france", "CDG"),
        ("Singapore, Singapore", "SIN"),
        ("Mexico City", "MEX"),
    ],
)
def test_spellings(text: str, code: str) -> None:
    assert find_city(text).code == code


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("Lodnon", "Did you mean London"),
        ("Pariss, France", "Did you mean Paris"),
        ("Barcelone", "Did you mean Barcelona"),
        ("London, Canada", "Did you mean London"),
        ("UK", "is a country. Name a city: London"),
        ("the netherlands", "Name a city: Amsterdam"),
        ("Atlantis", "Some that there are: London"),
        ("", "Name a city or an airport code"),
        ("?!", "Name a city or an airport code"),
    ],
)
def test_what_is_no_city_gets_a_hint(text: str, says: str) -> None:
    with pytest.raises(UnknownCity, match=says):
        find_city(text)


@given(
    st.sampled_from(CITIES),
    st.sampled_from(["upper", "lower", "title", "as it is"]),
    st.sampled_from(["{name}", "{code}", "{name}, {country}", "{name} ({code})", "{name} {country}", "{name}/{code}"]),
    st.booleans(),
)
def test_every_city_in_every_shape(city: City, case: str, shape: str, decomposed: bool) -> None:
    text = shape.format(name=city.name, code=city.code, country=city.country)
    written = {"upper": text.upper(), "lower": text.lower(), "title": text.title()}.get(case, f"\t {text} ")
    assert find_city(unicodedata.normalize("NFD" if decomposed else "NFC", written)) == city


@given(st.text(max_size=40))
def test_any_text_gives_a_city_or_a_clear_error(text: str) -> None:
    try:
        assert find_city(text) in CITIES
    except UnknownCity as error:
        hint = str(error)
        assert hint.endswith((".", "?"))


def test_only_the_cities_given() -> None:
    with pytest.raises(UnknownCity):
        find_city("Paris", CITIES[:1])


def test_distances() -> None:
    assert distance_km(find_city("London"), find_city("New York")) == pytest.approx(5570, rel=0.01)
    assert distance_km(find_city("Tokyo"), find_city("Los Angeles")) == pytest.approx(8815, rel=0.01)
