"""The cities that flights connect, and how people write them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from math import asin, cos, radians, sin, sqrt

from agentkit.errors import ToolError

__all__ = ["CITIES", "City", "UnknownCity", "distance_km", "find_city"]


class UnknownCity(ToolError):
    """No city, or more than one, goes by this name; the message offers the nearest."""


@dataclass(frozen=True, slots=True)
class City:
    """A city with flights.

    Attributes:
        code: IATA code of its main airport.
        latitude: degrees north, of the city.
        longitude: degrees east, of the city.
        utc_offset: hours that its standard time is ahead of UTC.
        aliases: other names and airport codes that people use for it.
    """

    code: str
    name: str
    country: str
    latitude: float
    longitude: float
    utc_offset: float
    aliases: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.name} ({self.code})"


_COUNTRY_ALIASES = {
    "United Kingdom": ("uk", "gb", "great britain", "britain", "england", "scotland"),
    "United States": ("us", "usa", "u s a", "u s", "united states of america", "america"),
    "United Arab Emirates": ("uae", "emirates"),
    "South Korea": ("korea",),
    "Netherlands": ("holland", "the netherlands"),
    "Czechia": ("czech republic",),
    "Turkey": ("turkiye",),
}

# code|name|country|latitude|longitude|hours ahead of UTC (standard time)|aliases
_TABLE = """
LHR|London|United Kingdom|51.51|-0.13|0|LON,LGW,STN,LCY,LTN,Heathrow,Gatwick
EDI|Edinburgh|United Kingdom|55.95|-3.19|0|
DUB|Dublin|Ireland|53.35|-6.26|0|
CDG|Paris|France|48.86|2.35|1|PAR,ORY,Charles de Gaulle,Orly
AMS|Amsterdam|Netherlands|52.37|4.90|1|Schiphol
BRU|Brussels|Belgium|50.85|4.35|1|Bruxelles,Brussel
FRA|Frankfurt|Germany|50.11|8.68|1|Frankfurt am Main
MUC|Munich|Germany|48.14|11.58|1|Muenchen,München
BER|Berlin|Germany|52.52|13.41|1|TXL,SXF
ZRH|Zurich|Switzerland|47.37|8.54|1|Zuerich
VIE|Vienna|Austria|48.21|16.37|1|Wien
PRG|Prague|Czechia|50.08|14.44|1|Praha
WAW|Warsaw|Poland|52.23|21.01|1|Warszawa
BUD|Budapest|Hungary|47.50|19.04|1|
CPH|Copenhagen|Denmark|55.68|12.57|1|København,Kopenhagen
OSL|Oslo|Norway|59.91|10.75|1|
ARN|Stockholm|Sweden|59.33|18.07|1|STO,BMA
HEL|Helsinki|Finland|60.17|24.94|2|
KEF|Reykjavik|Iceland|64.15|-21.94|0|REK
MAD|Madrid|Spain|40.42|-3.70|1|
BCN|Barcelona|Spain|41.39|2.17|1|
LIS|Lisbon|Portugal|38.72|-9.14|0|Lisboa
FCO|Rome|Italy|41.90|12.50|1|ROM,CIA,Roma
MXP|Milan|Italy|45.46|9.19|1|MIL,LIN,BGY,Milano
ATH|Athens|Greece|37.98|23.73|2|Athina
IST|Istanbul|Turkey|41.01|28.98|3|SAW
JFK|New York|United States|40.71|-74.01|-5|NYC,EWR,LGA,NY,New York City,Newark,LaGuardia
BOS|Boston|United States|42.36|-71.06|-5|
IAD|Washington|United States|38.91|-77.04|-5|WAS,DCA,Washington DC,Washington D.C.
MIA|Miami|United States|25.76|-80.19|-5|
ORD|Chicago|United States|41.88|-87.63|-6|CHI,MDW,O'Hare
DFW|Dallas|United States|32.78|-96.80|-6|DAL
DEN|Denver|United States|39.74|-104.99|-7|
LAS|Las Vegas|United States|36.17|-115.14|-8|Vegas
LAX|Los Angeles|United States|34.05|-118.24|-8|LA
SFO|San Francisco|United States|37.77|-122.42|-8|SF,Frisco
SEA|Seattle|United States|47.61|-122.33|-8|
YYZ|Toronto|Canada|43.65|-79.38|-5|YTO
YVR|Vancouver|Canada|49.28|-123.12|-8|
MEX|Mexico City|Mexico|19.43|-99.13|-6|Mexico DF,Ciudad de Mexico,CDMX
GRU|Sao Paulo|Brazil|-23.55|-46.63|-3|SAO,CGH,VCP
GIG|Rio de Janeiro|Brazil|-22.91|-43.17|-3|RIO,SDU,Rio
EZE|Buenos Aires|Argentina|-34.60|-58.38|-3|BUE,AEP
SCL|Santiago|Chile|-33.45|-70.67|-4|Santiago de Chile
BOG|Bogota|Colombia|4.71|-74.07|-5|
LIM|Lima|Peru|-12.05|-77.04|-5|
CAI|Cairo|Egypt|30.04|31.24|2|
CMN|Casablanca|Morocco|33.57|-7.59|1|
LOS|Lagos|Nigeria|6.52|3.38|1|
NBO|Nairobi|Kenya|-1.29|36.82|3|
JNB|Johannesburg|South Africa|-26.20|28.05|2|Joburg
CPT|Cape Town|South Africa|-33.92|18.42|2|
DXB|Dubai|United Arab Emirates|25.20|55.27|4|DWC
DOH|Doha|Qatar|25.29|51.53|3|
DEL|Delhi|India|28.61|77.21|5.5|New Delhi
BOM|Mumbai|India|19.08|72.88|5.5|Bombay
BKK|Bangkok|Thailand|13.76|100.50|7|DMK
SIN|Singapore|Singapore|1.35|103.82|8|
HKG|Hong Kong|China|22.32|114.17|8|
PEK|Beijing|China|39.90|116.41|8|BJS,PKX,Peking
PVG|Shanghai|China|31.23|121.47|8|SHA
HND|Tokyo|Japan|35.68|139.69|9|TYO,NRT,Narita,Haneda
ICN|Seoul|South Korea|37.57|126.98|9|SEL,GMP,Incheon
SYD|Sydney|Australia|-33.87|151.21|10|
MEL|Melbourne|Australia|-37.81|144.96|10|
AKL|Auckland|New Zealand|-36.85|174.76|12|
"""


def _city(line: str) -> City:
    code, name, country, latitude, longitude, offset, aliases = line.split("|")
    others = tuple(alias for alias in aliases.split(",") if alias)
    return City(code, name, country, float(latitude), float(longitude), float(offset), others)


CITIES: tuple[City, ...] = tuple(_city(line) for line in _TABLE.split("\n") if line)


def distance_km(a: City, b: City) -> float:
    """Great-circle distance (haversine formula, mean Earth radius 6371 km)."""
    lat_a, lat_b = radians(a.latitude), radians(b.latitude)
    across = sin((lat_b - lat_a) / 2) ** 2
    along = cos(lat_a) * cos(lat_b) * sin(radians(b.longitude - a.longitude) / 2) ** 2
    return 2 * 6371 * asin(sqrt(across + along))


def find_city(text: str, cities: Sequence[City] = CITIES) -> City:
    """The city that is meant: by name, airport or city code, with or without its country, accents or capitals.

    Raises:
        UnknownCity: nothing fits, or a country with several cities; a misspelt name is not guessed but offered.
    """
    wanted = _plain(text)
    if not wanted:
        raise UnknownCity("Name a city or an airport code, for example London or LHR.")
    for city in cities:
        if any(wanted == name or _is_with_place(wanted, name, city) for name in _names(city)):
            return city
    if at_home := [city for city in cities if wanted in _country_names(city)]:
        raise UnknownCity(f"{text.strip()} is a country. Name a city: {_listed(at_home)}.")
    by_name = {name: city for city in cities for name in _names(city) if len(name) > 4 or name == _plain(city.name)}
    whole_or_part = (wanted, *(_plain(part) for part in re.split(r"[,(/]", text)))
    near = [by_name[name] for part in whole_or_part for name in get_close_matches(part, by_name, n=3, cutoff=0.7)]
    if near:
        raise UnknownCity(f"There is no city {text.strip()!r} here. Did you mean {_listed(_unique(near)[:3], ' or ')}?")
    raise UnknownCity(f"There is no city {text.strip()!r} here. Some that there are: {_listed(cities[:60:6])}.")


def _plain(text: str) -> str:
    """Lower case, without accents and punctuation, single blanks."""
    letters = unicodedata.normalize("NFKD", text.casefold().replace("ø", "o").replace("ł", "l"))
    return " ".join(re.findall(r"[^\W_]+", "".join(c for c in letters if not unicodedata.combining(c))))


def _names(city: City) -> list[str]:
    return [_plain(name) for name in (city.name, city.code, *city.aliases)]


def _country_names(city: City) -> list[str]:
    return [_plain(city.country), *_COUNTRY_ALIASES.get(city.country, ())]


def _is_with_place(wanted: str, name: str, city: City) -> bool:
    """Whether it is the name with more words that all belong to the city: "london uk", "london lhr airport"."""
    if not re.search(rf"\b{re.escape(name)}\b", wanted):
        return False
    rest = re.sub(rf"\b{re.escape(name)}\b", " ", wanted, count=1)
    for known in sorted([*_names(city), *_country_names(city)], key=len, reverse=True):
        rest = re.sub(rf"\b{re.escape(known)}\b", " ", rest)
    return not set(rest.split()) - {"airport", "international", "city", "intl", "downtown", "the", "in", "of"}


def _unique(cities: Iterable[City]) -> list[City]:
    return list(dict.fromkeys(cities))


def _listed(cities: Iterable[City], between: str = ", ") -> str:
    return between.join(map(str, cities))
