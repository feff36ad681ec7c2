"""One run of `feedback`: its seeds, the transforms learned so far, and code shared by its cases."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from analytics_cases import Table
from feedback_sets import Log, Retrieval, stored
from texts import Absent

import chromalab
from chromalab.feedback import Transform, TuneReport, tune

__all__ = ["COUNTS", "Bench", "each", "judge", "met", "opened", "part_of", "points", "there"]

COUNTS = (50, 200, 1000)
"""Numbers of judgments."""


@dataclass
class Bench:
    """One run.

    Attributes:
        seeds: The seeds of splits and samples.
        folder: The folder in which vectors are cached.
        say: Called with a line about what is being measured.
        tuned: The reports of `tune` with its defaults, shared by the cases.
    """

    seeds: list[int]
    folder: Path
    say: Callable[[str], None]
    tuned: dict[tuple[str, int, int], TuneReport] = field(default_factory=dict)

    def default(self, data: Retrieval, seed: int, count: int) -> TuneReport:
        """Tune with the default options."""
        key = (data.name, seed, count)
        if key not in self.tuned:
            self.say(f"{data.name}, {count} judgments, seed {seed}")
            self.tuned[key] = tune(data.as_judged(data.judged(seed, count)))
        return self.tuned[key]


def there(
    table: Table, names: Iterable[str], make: Callable[[str], Retrieval] = stored
) -> Iterator[Retrieval]:
    """Yield the sets whose files exist; a note below the table reports the others."""
    for name in names:
        try:
            yield make(name)
        except Absent as error:
            table.notes.append(f"Without {name}: {error}")


def points(data: Retrieval, seed: int, made: Transform) -> float:
    """Return by how many points nDCG@10 of the tested queries changes."""
    return data.points(seed, made.queries(data.queries), made.documents(data.documents))


@contextlib.contextmanager
def opened(data: Retrieval) -> Iterator[Any]:
    """Open a collection of the documents, with their rows as ids."""
    client = chromalab.EphemeralClient()
    collection = client.create_collection(
        data.name, embedding_function=None, configuration={"hnsw": {"space": "cosine"}}
    )
    collection.add(ids=list(map(str, range(len(data.documents)))), embeddings=data.documents)
    yield collection
    client.delete_collection(data.name)


def judge(collection: Any, data: Retrieval, log: Log, by: str) -> None:
    """Add the judgments to a collection, query by query."""
    for query in dict.fromkeys(log.pairs[:, 0].tolist()):
        rows = log.pairs[:, 0] == query
        ids = list(map(str, log.pairs[rows, 1].tolist()))
        collection.feedback.add(data.queries[query], ids, log.grades[rows].tolist(), by=by)


def part_of(log: Log, rows: Any) -> Log:
    """Return some rows of a log."""
    return Log(log.pairs[rows], log.grades[rows])


def each(found: list[float], form: str = ".1f") -> tuple[str, str]:
    """Return the mean and all values as two cells."""
    return f"{np.mean(found):{form}}", ", ".join(f"{one:{form}}" for one in found)


def met(reached: bool) -> str:
    """Return "yes" or "no"."""
    return "yes" if reached else "no"
