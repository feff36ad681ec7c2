"""One run of `feedback`: its seeds, what was learned already, and what its cases share."""

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
"""Of judgements."""


@dataclass
class Bench:
    """One run.

    Attributes:
        seeds: Of splits and drawings.
        folder: Where vectors are kept.
        say: Is told what is being done.
        tuned: What `tune` gave by default, for other cases.
    """

    seeds: list[int]
    folder: Path
    say: Callable[[str], None]
    tuned: dict[tuple[str, int, int], TuneReport] = field(default_factory=dict)

    def default(self, data: Retrieval, seed: int, count: int) -> TuneReport:
        """Tune as a user does who says nothing."""
        key = (data.name, seed, count)
        if key not in self.tuned:
            self.say(f"{data.name}, {count} judgements, seed {seed}")
            self.tuned[key] = tune(data.as_judged(data.judged(seed, count)))
        return self.tuned[key]


def there(
    table: Table, names: Iterable[str], make: Callable[[str], Retrieval] = stored
) -> Iterator[Retrieval]:
    """The sets whose files are there; a note below the table tells of the others."""
    for name in names:
        try:
            yield make(name)
        except Absent as error:
            table.notes.append(f"Without {name}: {error}")


def points(data: Retrieval, seed: int, made: Transform) -> float:
    """By how many points nDCG@10 of the tested queries changes."""
    return data.points(seed, made.queries(data.queries), made.documents(data.documents))


@contextlib.contextmanager
def opened(data: Retrieval) -> Iterator[Any]:
    """A collection of the documents; their rows are their ids."""
    client = chromalab.EphemeralClient()
    collection = client.create_collection(
        data.name, embedding_function=None, configuration={"hnsw": {"space": "cosine"}}
    )
    collection.add(ids=list(map(str, range(len(data.documents)))), embeddings=data.documents)
    yield collection
    client.delete_collection(data.name)


def judge(collection: Any, data: Retrieval, log: Log, by: str) -> None:
    """Give a collection the judgements, query by query."""
    for query in dict.fromkeys(log.pairs[:, 0].tolist()):
        rows = log.pairs[:, 0] == query
        ids = list(map(str, log.pairs[rows, 1].tolist()))
        collection.feedback.add(data.queries[query], ids, log.grades[rows].tolist(), by=by)


def part_of(log: Log, rows: Any) -> Log:
    """Some rows of a log."""
    return Log(log.pairs[rows], log.grades[rows])


def each(found: list[float], form: str = ".1f") -> tuple[str, str]:
    """The mean, and all of them, as cells."""
    return f"{np.mean(found):{form}}", ", ".join(f"{one:{form}}" for one in found)


def met(reached: bool) -> str:
    """Yes or no."""
    return "yes" if reached else "no"
