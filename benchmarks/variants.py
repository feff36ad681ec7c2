"""Texts that follow a pattern, all of them different, and altered copies of some that are the same.

Every set is made by a seeded script. Rules were tuned on the sets of `TUNED` only; those of `HELD_OUT`
were written down before, and measured at the end.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["HELD_OUT", "TUNED", "Variants", "copies", "variants"]

_COUNT = 200
_COPIED = 50
_FILLERS = ("please", "just", "really", "actually", "the", "so")
_KEYS = "abcdefghijklmnopqrstuvwxyz"

_CITIES = [
    "Lisbon",
    "Oslo",
    "Madrid",
    "Vienna",
    "Prague",
    "Dublin",
    "Athens",
    "Warsaw",
    "Cairo",
    "Tokyo",
    "Seoul",
    "Lima",
    "Quito",
    "Bogota",
    "Nairobi",
    "Lagos",
    "Accra",
    "Tunis",
    "Rabat",
    "Amman",
    "Beirut",
    "Riga",
    "Tallinn",
    "Vilnius",
    "Sofia",
    "Zagreb",
    "Belgrade",
    "Budapest",
    "Helsinki",
    "Stockholm",
    "Copenhagen",
    "Brussels",
    "Paris",
    "London",
    "Rome",
    "Milan",
    "Naples",
    "Turin",
    "Genoa",
    "Venice",
    "Porto",
    "Seville",
    "Malaga",
    "Bilbao",
    "Lyon",
    "Nantes",
    "Lille",
    "Toulouse",
    "Hamburg",
    "Munich",
]
_COUNTRIES = [
    "England",
    "Belgium",
    "France",
    "Spain",
    "Italy",
    "Portugal",
    "Norway",
    "Sweden",
    "Denmark",
    "Finland",
    "Poland",
    "Germany",
    "Austria",
    "Hungary",
    "Greece",
    "Turkey",
    "Egypt",
    "Kenya",
    "Ghana",
    "Japan",
    "China",
    "India",
    "Nepal",
    "Peru",
    "Chile",
    "Brazil",
    "Canada",
    "Mexico",
    "Cuba",
    "Ireland",
    "Scotland",
    "Wales",
    "Iceland",
    "Latvia",
    "Estonia",
    "Croatia",
    "Serbia",
    "Romania",
    "Bulgaria",
    "Russia",
]
_PEOPLE = [
    "Anna",
    "Bruno",
    "Carla",
    "David",
    "Elena",
    "Felix",
    "Greta",
    "Hugo",
    "Irene",
    "Jonas",
    "Klara",
    "Lukas",
    "Maria",
    "Nina",
    "Oscar",
    "Paula",
    "Quentin",
    "Rosa",
    "Simon",
    "Teresa",
]
_DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
_DRUGS = [
    "aspirin",
    "ibuprofen",
    "codeine",
    "morphine",
    "naproxen",
    "tramadol",
    "diazepam",
    "lorazepam",
    "sertraline",
    "fluoxetine",
    "insulin",
    "metformin",
    "warfarin",
    "heparin",
    "amoxicillin",
    "penicillin",
    "doxycycline",
    "ramipril",
    "lisinopril",
    "atenolol",
]
_SYMPTOMS = [
    "headache",
    "fever",
    "nausea",
    "insomnia",
    "anxiety",
    "cough",
    "asthma",
    "dizziness",
    "fatigue",
    "arthritis",
]


@dataclass(frozen=True)
class Variants:
    """Texts of one pattern.

    Attributes:
        texts: The variants, all of them different things, then the copies.
        pairs: (variant, copy), rows of `texts`: the only duplicates.
    """

    texts: list[str]
    pairs: list[tuple[int, int]]


def variants(name: str, *, copied: int = 0, seed: int = 0) -> Variants:
    """Make a set of `TUNED` or `HELD_OUT`, with altered copies of some of its texts.

    Args:
        name: The name of the set.
        copied: The number of copies.
        seed: Seed of the random choices.
    """
    rng = random.Random(f"{name} {seed}")
    texts = list(dict.fromkeys((TUNED | HELD_OUT)[name](rng)))
    if len(texts) > _COUNT:
        texts = sorted(rng.sample(texts, _COUNT), key=texts.index)
    return copies(texts, copied, rng)


def copies(texts: list[str], count: int, rng: random.Random) -> Variants:
    """Add altered copies: a typo in a long word, case, punctuation, order of two words, a filler."""
    rows = sorted(rng.sample(range(len(texts)), min(count, len(texts))))
    made: list[str] = []
    pairs: list[tuple[int, int]] = []
    edits = (_typo, _case, _punctuation, _order, _filler)
    for number, row in enumerate(rows):
        copy = edits[number % len(edits)](texts[row], rng)
        if copy not in texts and copy not in made:
            pairs.append((row, len(texts) + len(made)))
            made.append(copy)
    return Variants([*texts, *made], pairs)


def _typo(text: str, rng: random.Random) -> str:
    words = text.split()
    long = [at for at, word in enumerate(words) if len(word) >= 5 and word.isalpha()]
    if not long:
        return text + "."
    at = rng.choice(long)
    word = words[at]
    place = rng.randrange(1, len(word) - 1)
    kind = rng.randrange(3)
    if kind == 0:
        word = word[:place] + word[place + 1 :]
    elif kind == 1:
        word = word[:place] + rng.choice(_KEYS) + word[place:]
    else:
        word = word[:place] + word[place + 1] + word[place] + word[place + 2 :]
    words[at] = word
    return " ".join(words)


def _case(text: str, rng: random.Random) -> str:
    return rng.choice([str.upper, str.title, str.swapcase])(text)


def _punctuation(text: str, rng: random.Random) -> str:
    words = text.replace(",", "").split(" ")
    words[rng.randrange(len(words) - 1)] += rng.choice([";", " -", "..."])
    return " ".join(words) + rng.choice(["!", "...", " ."])


def _order(text: str, rng: random.Random) -> str:
    words = text.split(" ")
    at = [n for n in range(len(words) - 1) if not any(c.isdigit() for c in words[n] + words[n + 1])]
    if not at:
        return text + "."
    first = rng.choice(at)
    words[first], words[first + 1] = words[first + 1], words[first]
    return " ".join(words)


def _filler(text: str, rng: random.Random) -> str:
    words = text.split(" ")
    words.insert(rng.randrange(1, len(words)), rng.choice(_FILLERS))
    return " ".join(words)


def _products(rng: random.Random) -> list[str]:
    return [
        f"USB-C cable, {length} m, {color}, model {model}"
        for length in (1, 2, 3, 5, 10)
        for color in ("black", "white", "red", "blue")
        for model in "ABCDEFGHIJ"
    ]


def _rooms(rng: random.Random) -> list[str]:
    return [f"Room {n} is on floor {n // 20} of the building" for n in range(_COUNT)]


def _invoices(rng: random.Random) -> list[str]:
    return [
        f"Invoice {rng.randrange(10_000, 99_999)}: {rng.randrange(10, 999)}.{rng.randrange(10, 99)} "
        f"euros for {rng.choice(('paper', 'coffee', 'cleaning', 'software'))}, "
        f"due in {rng.randrange(10, 60)} days"
        for _ in range(_COUNT)
    ]


def _logs(rng: random.Random) -> list[str]:
    return [
        f"2026-11-{rng.randrange(1, 29):02} {rng.randrange(24):02}:{rng.randrange(60):02}:"
        f"{rng.randrange(60):02} ERROR worker-{rng.randrange(40)} could not reach "
        f"10.0.{rng.randrange(255)}.{rng.randrange(255)}: connection timed out after {rng.randrange(1, 90)} s"
        for _ in range(_COUNT)
    ]


def _travel(rng: random.Random) -> list[str]:
    return [
        text
        for country in _COUNTRIES
        for text in (
            f"I'm traveling to {country} soon and want to inform my bank",
            f"does {country} have any travel alerts",
            f"is a visa needed to go to {country}",
            f"what is the exchange rate in {country} right now",
            f"tell my bank that I will be in {country} next week",
        )
    ]


def _clothes(rng: random.Random) -> list[str]:
    return [
        f"{who} cotton {what}, {color}, size {size}"
        for who in ("Women's", "Men's", "Boys'", "Girls'")
        for what in ("shirt", "sweater", "jacket", "trousers")
        for color in ("black", "white", "navy", "olive", "burgundy")
        for size in ("S", "M", "L", "XL")
    ]


def _flights(rng: random.Random) -> list[str]:
    return [
        f"Cheap flights from {one} to {other}, non-stop"
        for one, other in (rng.sample(_CITIES, 2) for _ in range(_COUNT))
    ]


def _meetings(rng: random.Random) -> list[str]:
    return [
        f"Do I have a meeting with {who} on {day} {part}?"
        for who in _PEOPLE
        for day in _DAYS
        for part in ("morning", "afternoon")
    ]


def _drugs(rng: random.Random) -> list[str]:
    return [
        f"Can I take {drug} for {symptom} while I am pregnant?"
        for drug in _DRUGS
        for symptom in _SYMPTOMS
    ]


def _versions(rng: random.Random) -> list[str]:
    return [
        f"Release notes for version {major}.{minor}.{patch}: fixes and small improvements"
        for major in range(1, 5)
        for minor in range(10)
        for patch in range(5)
    ]


def _skus(rng: random.Random) -> list[str]:
    return [
        f"Replacement filter {rng.choice('ABCDEFGHK')}{rng.choice('XYZ')}-{rng.randrange(100, 999)}"
        f"{rng.choice('ABC')} for vacuum cleaners, pack of {rng.choice((2, 4, 6))}"
        for _ in range(_COUNT)
    ]


def _weather(rng: random.Random) -> list[str]:
    return [
        f"Will it {what} in {city} {when}?"
        for what in ("rain", "snow")
        for city in _CITIES
        for when in ("today", "tomorrow")
    ]


def _german(rng: random.Random) -> list[str]:
    return [
        f"Wie komme ich am schnellsten von {one} nach {other}?"
        for one, other in (rng.sample(_CITIES, 2) for _ in range(_COUNT))
    ]


Make = Callable[[random.Random], list[str]]

TUNED: dict[str, Make] = {
    "products": _products,
    "rooms": _rooms,
    "invoices": _invoices,
    "log lines": _logs,
    "countries": _travel,
    "meetings": _meetings,
}
"""Name -> function of a random generator: the sets that rules were tuned on."""

HELD_OUT: dict[str, Make] = {
    "clothes": _clothes,
    "flights": _flights,
    "drugs": _drugs,
    "versions": _versions,
    "part numbers": _skus,
    "weather": _weather,
    "routes, in German": _german,
}
"""Name -> function of a random generator: the sets that no rule was tuned on."""
