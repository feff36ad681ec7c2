"""Texts that follow a pattern, all of them different, and altered copies of some that are the same.

Every set is made by a seeded script. Rules were tuned on the sets of `TUNED` only; those of `HELD_OUT`
were written down before, and measured at the end. Questions with labels are measured too: a pair of two
classes is taken for a false one. "Scores alone" are the same pairs at the same thresholds, whatever words
differ.

    python benchmarks/variants.py
    python benchmarks/variants.py --write                         # into README.md
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["HELD_OUT", "TUNED", "Variants", "copies", "variants"]

_COUNT = 200
_COPIED = 50
_FILLERS = {
    "": ("please", "just", "really", "actually", "the", "so"),
    "German": ("bitte", "denn", "eigentlich", "doch", "die"),
    "Spanish": ("pues", "la", "ya", "realmente", "de"),
}
Edit = Callable[[str, random.Random], str]
_CHINESE_EDITS: tuple[Edit, ...] = (
    lambda text, rng: text + rng.choice("?!。"),
    lambda text, rng: text.replace("火车票", "火车票 "),
    lambda text, rng: "请问" + text,
    lambda text, rng: text + "呢",
)
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
    return copies(texts, copied, rng, name.partition(", in ")[2])


def copies(texts: list[str], count: int, rng: random.Random, language: str = "") -> Variants:
    """Add altered copies: a typo in a long word, case, punctuation, order of two words, a filler.

    Chinese has no spaces and no case, so its copies have other punctuation, spaces, width, or a filler.
    """
    rows = sorted(rng.sample(range(len(texts)), min(count, len(texts))))
    made: list[str] = []
    pairs: list[tuple[int, int]] = []
    edits: tuple[Edit, ...] = (
        _typo,
        _case,
        _punctuation,
        _order,
        _filler(_FILLERS.get(language, ())),
    )
    if language == "Chinese":
        edits = _CHINESE_EDITS
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


def _filler(fillers: tuple[str, ...]) -> Edit:
    def insert(text: str, rng: random.Random) -> str:
        words = text.split(" ")
        words.insert(rng.randrange(1, len(words)), rng.choice(fillers))
        return " ".join(words)

    return insert


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


def _prices(rng: random.Random) -> list[str]:
    return [
        f"Gibt es {what} aus {fabric} noch in {color}, oder ist alles ausverkauft?"
        for what in ("den Mantel", "die Hose", "das Hemd", "den Rock", "die Jacke")
        for fabric in ("Wolle", "Leinen", "Seide", "Baumwolle", "Leder", "Samt")
        for color in ("Rot", "Blau", "Schwarz", "Grün", "Gelb", "Braun", "Beige")
    ]


def _hotels(rng: random.Random) -> list[str]:
    return [
        f"¿Cuánto cuesta una habitación {kind} en {city} para el {day}?"
        for kind in ("doble", "individual", "familiar")
        for city in _CITIES[:20]
        for day in ("lunes", "martes", "jueves", "viernes", "domingo")
    ]


def _trains(rng: random.Random) -> list[str]:
    cities = [
        "北京",
        "上海",
        "广州",
        "深圳",
        "杭州",
        "南京",
        "成都",
        "重庆",
        "武汉",
        "西安",
        "天津",
        "苏州",
    ]
    return [
        f"我想买一张从{one}到{other}的火车票{day}还有座位吗"
        for one, other in (rng.sample(cities, 2) for _ in range(_COUNT))
        for day in (rng.choice(("今天", "明天", "后天")),)
    ]


Make = Callable[[random.Random], list[str]]

TUNED: dict[str, Make] = {
    "products": _products,
    "rooms": _rooms,
    "invoices": _invoices,
    "log lines": _logs,
    "countries": _travel,
    "meetings": _meetings,
    "flights": _flights,
    "routes, in German": _german,
    "clothes, in German": _prices,
    "hotels, in Spanish": _hotels,
    "trains, in Chinese": _trains,
}
"""Name -> function of a random generator: the sets that rules were tuned on."""

HELD_OUT: dict[str, Make] = {
    "clothes": _clothes,
    "drugs": _drugs,
    "versions": _versions,
    "part numbers": _skus,
    "weather": _weather,
}
"""Name -> function of a random generator: the sets that no rule was tuned on."""

_QUESTIONS = {"banking77": "intent", "banking77 test": "intent", "trec": "fine"}
_HEAD = ["texts", "held out", "duplicates", "found", "false", "false, scores alone", "F1"]


def main() -> None:
    """Measure `dedupe` with its defaults on the sets and on questions, and print the table."""
    from tables import write
    from texts import Absent, embedded, read

    from chromalab.analytics import dedupe
    from chromalab.cache import cache_folder
    from chromalab.snapshot import Snapshot

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--vectors", type=Path, help="a folder to cache the vectors in")
    parser.add_argument("--write", action="store_true", help="write the table to README.md")
    options = parser.parse_args()
    folder = options.vectors or cache_folder() / "benchmarks"
    folder.mkdir(parents=True, exist_ok=True)
    rows: list[list[Any]] = []
    missing: list[str] = []
    disputed: list[str] = []

    def measure(name: str, texts: list[str]) -> tuple[set[tuple[int, int]], set[tuple[int, int]]]:
        found = dedupe(
            Snapshot.of(embedded(folder, texts, "MiniLM"), documents=texts), progress=False
        )
        pairs = list(zip(found.left.tolist(), found.right.tolist(), strict=True))
        alone = (
            found.equal
            | (found.jaccard >= found.lexical_threshold)
            | (found.cosine >= found.threshold)
        )
        return {pairs[at] for at in found.pairs}, {pairs[at] for at in alone.nonzero()[0]}

    for name in TUNED | HELD_OUT:
        made = variants(name, copied=_COPIED)
        true = set(made.pairs)
        held, alone = measure(name, made.texts)
        f1 = 2 * len(held & true) / (len(held) + len(true))
        counts = [len(true), len(held), len(held - true), len(alone - true), f"{f1:.2f}"]
        rows.append([name, "yes" if name in HELD_OUT else "", *counts])
    for name, kind in _QUESTIONS.items():
        try:
            whole = read(name)
        except Absent as error:
            missing.append(str(error))
            continue
        labels = whole.labels[kind]
        held, alone = measure(name, whole.texts)
        false, before = (
            {pair for pair in pairs if labels[pair[0]] != labels[pair[1]]}
            for pairs in (held, alone)
        )
        rows.append([f"{name}, {len(labels):,}", "", "", len(held), len(false), len(before), ""])
        for pair in sorted(false):
            sides = [f"{whole.texts[row]} ({labels[row]})" for row in pair]
            disputed.append(f"* {name}: {' / '.join(sides)}")
    lines = [" | ".join(map(str, row)) for row in (_HEAD, ["---"] * len(_HEAD), *rows)]
    text = "\n".join(
        [
            "`python benchmarks/variants.py`",
            "",
            *(f"| {line} |" for line in lines),
            "",
            "The pairs of two classes that are found:",
            "",
            *disputed,
            *missing,
        ]
    )
    print(text)
    if options.write:
        write("variants.py", text)


if __name__ == "__main__":
    main()
