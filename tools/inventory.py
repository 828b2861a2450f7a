"""Flights and hotels made up from a seeded hash: the same on every machine and in every year, and stored nowhere."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from hashlib import blake2b

from .booking import Flight, Offer, Stay
from .places import CITIES, City, distance_km

__all__ = ["Inventory", "resources"]

_SHORTEST_KM = 120
_LONGEST_KM = 14_000  # about the reach of the airliners that fly the longest routes
_FIRST_DEPARTURE = 5 * 60 + 30  # minutes after midnight
_LAST_DEPARTURE = 22 * 60 + 30
_AIRLINES = {
    "United Kingdom": ("British Airways", "easyJet"), "Ireland": ("Aer Lingus", "Ryanair"), "France": ("Air France",),
    "Netherlands": ("KLM",), "Belgium": ("Brussels Airlines",), "Germany": ("Lufthansa", "Condor"),
    "Switzerland": ("Swiss",), "Austria": ("Austrian",), "Poland": ("LOT",), "Hungary": ("Wizz Air",),
    "Denmark": ("SAS",), "Norway": ("SAS", "Norwegian"), "Sweden": ("SAS",), "Finland": ("Finnair",),
    "Iceland": ("Icelandair",), "Spain": ("Iberia", "Vueling"), "Portugal": ("TAP",), "Italy": ("ITA Airways",),
    "Greece": ("Aegean",), "Turkey": ("Turkish Airlines", "Pegasus"),
    "United States": ("Delta", "United", "American", "JetBlue"), "Canada": ("Air Canada", "WestJet"),
    "Mexico": ("Aeromexico",), "Brazil": ("LATAM", "Gol"), "Argentina": ("Aerolineas",), "Chile": ("LATAM",),
    "Colombia": ("Avianca",), "Peru": ("LATAM",), "Egypt": ("EgyptAir",), "Morocco": ("Royal Air Maroc",),
    "Nigeria": ("Air Peace",), "Kenya": ("Kenya Airways",), "South Africa": ("South African", "Airlink"),
    "United Arab Emirates": ("Emirates",), "Qatar": ("Qatar Airways",), "India": ("Air India", "IndiGo"),
    "Thailand": ("Thai Airways",), "Singapore": ("Singapore Airlines", "Scoot"),
    "China": ("Cathay Pacific", "Air China"), "Japan": ("ANA", "Japan Airlines"), "South Korea": ("Korean Air",),
    "Australia": ("Qantas",), "New Zealand": ("Air New Zealand",),
}  # fmt: skip
_SHORT_HAUL = {"easyJet", "Ryanair", "Wizz Air", "Vueling", "Pegasus", "Norwegian", "Scoot", "IndiGo", "Gol"}
_SHORT_HAUL_KM = 4_500
_ANYWHERE = ("Emirates", "Qatar Airways", "Turkish Airlines")
_HOTELS = ("Grand", "Central", "Park", "Harbour", "Plaza", "Garden", "Royal", "Station", "Riverside", "Metropol")


@dataclass(frozen=True, slots=True)
class Inventory:
    """Everything there is to book before anybody books.

    Attributes:
        seed: another seed, another world.
        places: the cities to fly between.
    """

    seed: str = "agentkit"
    places: Sequence[City] = CITIES

    def flights(self, origin: City, destination: City, day: date) -> list[Flight]:
        """The 2 to 5 direct flights of a day; none between places too near or too far apart for one."""
        km = distance_km(origin, destination)
        if not _SHORTEST_KM <= km <= _LONGEST_KM:
            return []
        route = f"{origin.code}-{destination.code}"
        dice = self._dice("route", route)
        airlines = _airlines(origin, destination, km)
        flights = 2 + next(dice) % 4
        slot = (_LAST_DEPARTURE - _FIRST_DEPARTURE) // flights // 5 * 5
        found: list[Flight] = []
        for n in range(flights):
            minutes = _FIRST_DEPARTURE + n * slot + next(dice) % (slot // 5) * 5
            departs = datetime.combine(day, time(minutes // 60, minutes % 60))
            airline = airlines[next(dice) % len(airlines)]
            price = self._fare(km, day, f"{route} {minutes}")
            found.append(self._flight(origin, destination, departs, km, airline, price))
        return found

    def stays(self, city: City, check_in: date, nights: int) -> list[Stay]:
        """A room in each of the city's 4 to 6 hotels."""
        dice = self._dice("hotels", city.code)
        first, step, level = next(dice) % len(_HOTELS), (1, 3, 7)[next(dice) % 3], 70 + next(dice) % 60
        found: list[Stay] = []
        for n in range(4 + next(dice) % 3):
            name = f"{_HOTELS[(first + n * step) % len(_HOTELS)]} {city.name}"
            stars = 2 + next(dice) % 4
            percent = (40 + 35 * (stars - 2)) * (85 + next(self._dice("rate", name, check_in)) % 31) // 100
            stay = Stay(id="", hotel=name, city=city.code, stars=stars, check_in=check_in, nights=nights,
                        price=max(25, level * percent * _season(check_in) // 10_000), left=0)  # fmt: skip
            found.append(replace(stay, left=self._left(stay)))
        return found

    def capacity(self, resource: str, day: date) -> int:
        """Seats of a flight or rooms of a hotel that can be had on a day: 0 to 9, on about one day of 16 none."""
        dice = self._dice("capacity", resource, day)
        return 0 if next(dice) % 16 == 0 else 1 + next(dice) % 9

    def _left(self, item: Offer) -> int:
        return min(self.capacity(resource, day) for resource, day in resources(item))

    def _flight(
        self, origin: City, destination: City, departs: datetime, km: float, airline: str, price: int
    ) -> Flight:
        minutes = round((35 + km / 13.5) / 5) * 5  # taxi, climb and descent, then 810 km/h
        ahead = timedelta(hours=destination.utc_offset - origin.utc_offset)
        flight = Flight(id="", origin=origin.code, destination=destination.code, departs=departs,
                        arrives=departs + timedelta(minutes=minutes) + ahead, airline=airline,
                        price=price, left=0)  # fmt: skip
        return replace(flight, left=self._left(flight))

    def _fare(self, km: float, day: date, flight: str) -> int:
        busy = 115 if day.weekday() in (4, 6) else 100
        luck = 60 + next(self._dice("fare", flight, day)) % 81
        return max(19, int(30 + 0.085 * km) * luck * busy * _season(day) // 1_000_000)

    def _dice(self, *parts: object) -> Iterator[int]:
        """Up to 16 numbers below 2**32 that depend on nothing but these words."""
        digest = blake2b("|".join(map(str, (self.seed, *parts))).encode()).digest()
        return (int.from_bytes(digest[n : n + 4]) for n in range(0, len(digest), 4))


def resources(item: Offer) -> list[tuple[str, date]]:
    """What a booking of it takes one of for each person or room: (name, day)."""
    match item:
        case Flight():
            return [(f"{item.origin}-{item.destination} {item.departs:%H:%M}", item.departs.date())]
        case Stay():
            return [(item.hotel, day) for day in item.days]


def _airlines(origin: City, destination: City, km: float) -> Sequence[str]:
    at_home = dict.fromkeys((*_AIRLINES.get(origin.country, ()), *_AIRLINES.get(destination.country, ())))
    able = tuple(name for name in at_home if km < _SHORT_HAUL_KM or name not in _SHORT_HAUL)
    return able if len(able) > 1 else (*able, *_ANYWHERE)


def _season(day: date) -> int:
    """Percent of the usual price."""
    return 120 if day.month in (7, 8) or (day.month == 12 and day.day >= 18) else 100
