"""`Problem`: judgements as the methods that learn from them see them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from chromalab.feedback.judged import Judged

__all__ = ["SAFE", "Problem", "lengths_of", "unit"]

_SAMPLE = 20_000  # records that stand for the whole collection where it is larger
_NUMBERS = 40_000_000  # or fewer, so that queries by records take 80 MB at most
SAFE = 0.05
"""The share of records nearest to a query that may be answers, though nobody said so."""


def unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Divide rows by their lengths: (n, d) float32; rows of zeros stay."""
    lengths = lengths_of(rows)[:, np.newaxis]
    if np.isinf(lengths).any():  # longer than float32 can say
        rows = np.where(np.isinf(lengths), rows * np.float32(2.0**-64), rows)
        lengths = lengths_of(rows)[:, np.newaxis]
    made: NDArray[np.float32] = (rows / np.where(lengths > 0, lengths, 1)).astype(np.float32)
    return made


def lengths_of(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """The lengths of rows, (n,) float32, taken in float64: squares of large numbers are larger still.

    Those beyond float32 are infinite.
    """
    lengths: NDArray[np.float64] = np.sqrt(np.einsum("ij,ij->i", rows, rows, dtype=np.float64))
    with np.errstate(over="ignore"):
        return lengths.astype(np.float32)


@dataclass(frozen=True, eq=False)
class Problem:
    """Queries, records and what was said of them; a row of `pairs` is (query, record).

    Attributes:
        queries: (q, d) float32, unit length.
        documents: (n, d) float32, unit length: the judged records, and all others or a sample.
        pairs: (m, 2) int64.
        gains: (m,) float32: of a relevant record its weight by its share of the query's best grade;
            of others minus the weight.
        own: (q,) int64, the record that a query is itself; -1 for others.
        others: (q, n) float16, how far a record counts as not being an answer to a query: the weight
            of the judgement for those that were judged so, 1 for unjudged ones that are not near the
            query, 0 for all others.
        lengths: The lengths that the queries (q,) and the documents (n,) had, float32.
        space: The distance that they are ranked by: "cosine", "l2" or "ip".
    """

    queries: NDArray[np.float32]
    documents: NDArray[np.float32]
    pairs: NDArray[np.int64]
    gains: NDArray[np.float32]
    own: NDArray[np.int64]
    others: NDArray[np.float16]
    lengths: tuple[NDArray[np.float32], NDArray[np.float32]]
    space: str = "cosine"

    @classmethod
    def of(cls, judged: Judged, random_state: int) -> Problem:
        """Prepare judgements; of a large collection a random sample of records is taken."""
        count = len(judged.documents)
        most = min(_SAMPLE, _NUMBERS // max(len(judged.queries), 1))
        rows = np.arange(count)
        if count > most:
            named = np.concatenate([judged.pairs[:, 1], judged.own[judged.own >= 0]])
            some = np.random.default_rng(random_state).choice(count, most, replace=False)
            rows = np.unique(np.concatenate([named, some]))
        place = np.full(count + 1, -1)  # the last stands for -1
        place[rows] = np.arange(len(rows))
        pairs = np.stack([judged.pairs[:, 0], place[judged.pairs[:, 1]]], axis=1).astype(np.int64)
        best = np.zeros(len(judged.queries), dtype=np.float32)
        np.maximum.at(best, pairs[:, 0], judged.relevance)
        relevant = judged.relevance > 0
        share = judged.relevance / np.where(relevant, best[pairs[:, 0]], 1)
        gains = np.where(relevant, judged.weights * share, -judged.weights).astype(np.float32)
        taken = np.asarray(judged.documents[rows], dtype=np.float32)
        queries, documents, own = unit(judged.queries), unit(taken), place[judged.own]
        others = _far(queries, documents)
        others[pairs[:, 0], pairs[:, 1]] = np.maximum(-gains, 0)
        others[own >= 0, own[own >= 0]] = 0
        return cls(
            queries=queries,
            documents=documents,
            pairs=pairs,
            gains=gains,
            own=own,
            others=others,
            lengths=(lengths_of(judged.queries), lengths_of(taken)),
            space=judged.space,
        )

    @property
    def dimension(self) -> int:
        """Numbers of an embedding."""
        return int(self.documents.shape[1])

    @property
    def relevant(self) -> NDArray[np.intp]:
        """The rows of `pairs` whose record is an answer."""
        return np.flatnonzero(self.gains > 0)

    @property
    def judged_queries(self) -> NDArray[np.int64]:
        """The queries that have an answer: what can be learned from, and tested on."""
        return np.unique(self.pairs[self.relevant, 0])

    def scores(self, asked: NDArray[np.int64], cosines: NDArray[np.float32]) -> NDArray[np.float32]:
        """Turn cosines (a, n) of queries and all documents into what the space ranks by.

        A transform keeps lengths, so they are those from before it.
        """
        if self.space == "cosine":
            return cosines
        theirs = self.lengths[1]
        if self.space == "ip":
            with np.errstate(over="ignore", invalid="ignore"):
                return cosines * theirs
        with np.errstate(over="ignore", invalid="ignore"):
            made: NDArray[np.float32] = 2 * self.lengths[0][asked, np.newaxis] * theirs * cosines
            return made - theirs * theirs

    def only(self, queries: NDArray[np.int64]) -> Problem:
        """The same with the judgements of some queries alone."""
        kept = np.isin(self.pairs[:, 0], queries)
        return replace(self, pairs=self.pairs[kept], gains=self.gains[kept])


def _far(queries: NDArray[np.float32], documents: NDArray[np.float32]) -> NDArray[np.float16]:
    """1 for records that are not near a query, 0 for those that are: (q, n) float16."""
    at = len(documents) - max(1, round(SAFE * len(documents)))
    made = np.empty((len(queries), len(documents)), dtype=np.float16)
    for start in range(0, len(queries), 256):
        near = queries[start : start + 256] @ documents.T
        made[start : start + 256] = near < np.partition(near, at, axis=1)[:, at : at + 1]
    return made
