"""Steps: what a search does with its ranked records before it returns them, such as making them diverse.

A step takes candidates, best first, and says which it keeps, in which order, and why it drops the others.
Every candidate is either kept or dropped for one reason, which is what lets `why_not` answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from chromalab.embed import EmbeddingFunction
from chromalab.engine import Positions, Reader, RecordTransform, Vectors
from chromalab.errors import InvalidArgumentError
from chromalab.search.forms import Form, Forms

__all__ = ["Asked", "Candidates", "Kept", "Records", "Step", "read_step", "steps"]

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Candidates:
    """Records in order, best first.

    Attributes:
        positions: (n,) int64, which record each is.
        scores: (n,) float64; lower is better.
    """

    positions: Positions
    scores: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.positions)

    def take(self, rows: Rows) -> Candidates:
        """Return some of them, in the order of `rows`."""
        return Candidates(self.positions[rows], self.scores[rows])


@dataclass(frozen=True)
class Kept:
    """What a step makes of n candidates.

    Attributes:
        rows: (m,) int64, the rows of the candidates that it keeps, in their new order.
        dropped: The rows of the others by reason, such as {"nearly the same as one before it": rows}.
        scores: (m,) float64, new scores of the rows that are kept; None for the old ones.
        detail: Says by how much a dropped row missed, such as "distance 0.52, cut at 0.50".
        columns: Values to show beside the records, one per row that is kept, by the column's name.
        note: What a person should know about the result, such as that fewer than n were left.
    """

    rows: Rows
    dropped: Mapping[str, Rows] = field(default_factory=dict)
    scores: NDArray[np.float64] | None = None
    detail: Callable[[int], str] | None = None
    columns: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    note: str = ""


@dataclass(frozen=True)
class Asked:
    """A query of a search, as it is compared with embeddings.

    Attributes:
        text: The text, if it was one.
        vector: (1, dimension) float32.
    """

    text: str | None
    vector: Vectors


@dataclass(frozen=True)
class Records:
    """What a step may read: the records as the search sees them, and what was asked.

    Attributes:
        queries: The queries that were compared with embeddings, in the order of the rank.
        texts: All query texts, each once.
        wanted: The number of results that the search returns, with those it skips; None for all.
        space: "l2", "cosine" or "ip".
        reader: Reads everything else.
        function: The embedding function of the collection, where a step `embeds`.
        transform: The record transform of the search, if any.
    """

    queries: Sequence[Asked]
    texts: Sequence[str]
    wanted: int | None
    space: str
    reader: Reader
    function: EmbeddingFunction[Any] | None = None
    transform: RecordTransform | None = None

    def vectors(self, candidates: Candidates) -> Vectors:
        """Read the embeddings that were compared: (n, dimension) float32."""
        return self.reader.vectors(candidates.positions, self.transform)

    def asked(self, step: str) -> Sequence[Asked]:
        """Return the queries; raises InvalidArgumentError if there are none."""
        if not self.queries:
            raise InvalidArgumentError(
                f"{step} compares records with a query. Rank by a Knn in embeddings."
            )
        return self.queries

    def distances(self, candidates: Candidates) -> NDArray[np.float64]:
        """Measure the distances to the nearest of the queries: (n,) float64."""
        asked = self.asked("A distance")
        reader, transform = self.reader, self.transform
        each = [reader.distances(a.vector, candidates.positions, transform) for a in asked]
        return np.asarray(np.min(each, axis=0))

    def documents(self, candidates: Candidates) -> list[str | None]:
        """Read the documents."""
        return self.reader.rows(candidates.positions, {"documents"}).documents or []

    def ids(self, candidates: Candidates) -> list[str]:
        """Read the ids."""
        return self.reader.rows(candidates.positions, set()).ids

    def values(self, key: str, candidates: Candidates) -> list[Any]:
        """Read the values under a metadata key; None for a record without it."""
        return self.reader.values(key, candidates.positions)


class Step(Form):
    """The base of steps, which are frozen dataclasses; `steps.add` registers their forms in JSON.

    Attributes:
        embeds: Whether it calls the embedding function of the collection, which must then have one.
        ends: Whether what it drops ends the result. Otherwise, the sources find more records where too
            few are left.
    """

    embeds: ClassVar[bool] = False
    ends: ClassVar[bool] = False

    def run(self, candidates: Candidates, records: Records) -> Kept:
        """Keep some of the candidates, perhaps in another order."""
        raise NotImplementedError


steps = Forms("A step of a search", "Mmr()")
"""The steps by their names in JSON."""


def read_step(value: Any) -> Step:
    """Read a step given as an object or as a dict.

    Raises:
        InvalidArgumentError: The dict names no known step, or its options are not those of the step.
    """
    return steps.read(value, Step)
