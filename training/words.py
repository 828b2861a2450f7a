"""Names, cities and other words of the tasks, split so that the test tasks have none of the training tasks'."""

from __future__ import annotations

from random import Random
from typing import Literal, TypeAlias

__all__ = ["CITIES", "FIRST_NAMES", "LAST_NAMES", "THINGS", "Split", "names", "number"]

Split: TypeAlias = Literal["train", "test"]

FIRST_NAMES: dict[Split, tuple[str, ...]] = {
    "train": tuple(
        "Anna Ben Carla David Elena Farid Grace Hassan Ingrid Jorge Keiko Liam Mei Nadia Omar Priya Quentin Rosa Samuel "
        "Tariq Uma Viktor Wanjiru Ximena Yusuf Zofia Aiko Bruno Chidi Dmitri Esther Femi Giulia Hiroshi Ivana João Kofi "
        "Leila Marek Ngozi Olga Pablo Rania Sven Thandi Ursula Vijay Wei Yara Zainab Noah Emma Lucas Mia Arjun Sofia "
        "Tomás Élise Björn Anjali Kwame Fatima Hugo Linh Peter Maria Robert Susan James Linda Amy Tom".split()
    ),
    "test": tuple(
        "Ada Alan Katherine Linus Ayo Beatriz Cem Dagny Emil Fiona Goran Hana Imran Jun Kamala Lars Malika Nils Oksana "
        "Paulo Ravi Saoirse Tala Ugo Vera Wen Yuki Zoltan".split()
    ),
}
LAST_NAMES: dict[Split, tuple[str, ...]] = {
    "train": tuple(
        "Schmidt Okafor Garcia Tanaka Novak Haddad Johansson Silva Kumar Chen Kowalski Mbeki Rossi Dubois Petrov Nguyen "
        "Suzuki Yilmaz Andersen Costa Fischer Mwangi Lopez Park Ivanov Moreau Khan Singh Olsen Weber Santos Horvat Adeyemi "
        "Bauer Diaz Farouk Greco Hansen Ito Jensen Kaya Larsen Mendez Nakamura Ortiz Popov Reyes Sato Torres Ueda Vogel "
        "Walker Yang Ziegler Brown Jones Miller Davis Wilson Clark Muñoz Müller Smith Taylor".split()
    ),
    "test": tuple(
        "Lovelace Turing Johnson Sagan Abara Barbosa Celik Dahl Eriksen Fraser Galic Hayashi Iqbal Jang Kovacs Lindgren "
        "Mansour Nyberg Oduya Pereira Quispe Romano Shevchenko Toivonen Vargas Wolff Zhou".split()
    ),
}
CITIES: dict[Split, tuple[str, ...]] = {
    "train": tuple(
        "London,Edinburgh,Dublin,Paris,Amsterdam,Frankfurt,Munich,Zurich,Vienna,Warsaw,Budapest,Copenhagen,Stockholm,"
        "Reykjavik,Madrid,Lisbon,Milan,Istanbul,New York,Washington,Miami,Chicago,Dallas,Las Vegas,Los Angeles,Seattle,"
        "Toronto,Mexico City,Sao Paulo,Buenos Aires,Bogota,Cairo,Casablanca,Nairobi,Cape Town,Dubai,Delhi,Bangkok,"
        "Singapore,Beijing,Tokyo,Sydney,Auckland,Santiago,Doha".split(",")
    ),
    "test": tuple(
        "Oslo,Rome,Berlin,Brussels,Prague,Helsinki,Barcelona,Athens,Boston,Denver,San Francisco,Vancouver,"
        "Rio de Janeiro,Lima,Lagos,Johannesburg,Mumbai,Hong Kong,Shanghai,Seoul,Melbourne".split(",")
    ),
}
THINGS: dict[Split, tuple[str, ...]] = {
    "train": tuple(
        "apples pens books stickers marbles cookies pencils oranges eggs cards muffins candles bricks shells coins "
        "buttons tiles pears stamps beads cupcakes lemons bottles plates peaches toys bulbs".split()
    ),
    "test": tuple("rolls plums badges nails tickets mangoes postcards bagels screws onions".split()),
}


def names(dice: Random, split: Split, count: int = 1) -> list[str]:
    """Full names, no two alike."""
    found: dict[str, None] = {}
    while len(found) < count:
        found[f"{dice.choice(FIRST_NAMES[split])} {dice.choice(LAST_NAMES[split])}"] = None
    return list(found)


def number(dice: Random, split: Split, low: int, high: int, step: int = 1) -> int:
    """A number of this split: from 11 on, every fifth one is for tests alone. Smaller ones are too few to be split."""
    while True:
        found = dice.randrange(low, high + 1, step)
        if high <= 12 or found <= 10 or (found // step % 5 == 2) == (split == "test"):
            return found
