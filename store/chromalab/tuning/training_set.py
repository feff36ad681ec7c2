"""`TrainingSet`: judgments in the form that the learning methods need."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from chromalab.judgments.resolved import ResolvedJudgments

__all__ = ["NEAR_SHARE", "TrainingSet", "unit"]

NEAR_SHARE = 0.05
"""The share of records nearest to a query that may be answers although they are unjudged."""

_SAMPLE = 20_000  # A larger collection is represented by a sample of this many records,
_NUMBERS = 40_000_000  # or fewer, so that the matrix of queries by records takes at most 80 MB.


def unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Scale rows (n, d) float32 to unit length; rows of zeros stay zero."""
    lengths = _lengths(rows)[:, np.newaxis]
    if np.isinf(lengths).any():  # The length exceeds the range of float32.
        rows = np.where(np.isinf(lengths), rows * np.float32(2.0**-64), rows)
        lengths = _lengths(rows)[:, np.newaxis]
    made: NDArray[np.float32] = (rows / np.where(lengths > 0, lengths, 1)).astype(np.float32)
    return made


def _lengths(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the lengths of rows, (n,) float32; those beyond the range of float32 are infinite.

    The sum is taken in float64, because the squares of large numbers overflow sooner than they do.
    """
    lengths: NDArray[np.float64] = np.sqrt(np.einsum("ij,ij->i", rows, rows, dtype=np.float64))
    with np.errstate(over="ignore"):
        return lengths.astype(np.float32)


@dataclass(frozen=True, eq=False)
class TrainingSet:
    """Queries, records and their judgments; each row of `pairs` is (query, record).

    Attributes:
        queries: (q, d) float32, unit length.
        documents: (n, d) float32, unit length: the judged records, and all others or a sample of them.
        pairs: (m, 2) int64.
        gains: (m,) float32. For a relevant record: its weight times its grade as a share of the
            query's best grade. For any other record: minus its weight.
        own: (q,) int64, the record that the query is itself; -1 for other queries.
        others: (q, n) float16, how strongly a record counts as a non-answer to a query: the weight of
            the judgment if it was judged so, 1 if it is unjudged and not near the query, otherwise 0.
        lengths: The original lengths of the queries (q,) and of the documents (n,), float32.
        space: The distance by which records are ranked: "cosine", "l2" or "ip".
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
    def of(cls, judgments: ResolvedJudgments, random_state: int) -> TrainingSet:
        """Prepare judgments for training; a large collection is sampled at random."""
        count = len(judgments.documents)
        most = min(_SAMPLE, _NUMBERS // max(len(judgments.queries), 1))
        rows = np.arange(count)
        if count > most:
            own = judgments.own[judgments.own >= 0]
            named = np.concatenate([judgments.pairs[:, 1], own])
            some = np.random.default_rng(random_state).choice(count, most, replace=False)
            rows = np.unique(np.concatenate([named, some]))
        place = np.full(count + 1, -1)  # The last entry maps -1 to itself.
        place[rows] = np.arange(len(rows))
        pairs = np.stack([judgments.pairs[:, 0], place[judgments.pairs[:, 1]]], axis=1).astype(
            np.int64
        )
        best = np.zeros(len(judgments.queries), dtype=np.float32)
        np.maximum.at(best, pairs[:, 0], judgments.relevance)
        relevant = judgments.relevance > 0
        share = judgments.relevance / np.where(relevant, best[pairs[:, 0]], 1)
        weights = judgments.weights
        gains = np.where(relevant, weights * share, -weights).astype(np.float32)
        taken = np.asarray(judgments.documents[rows], dtype=np.float32)
        queries, documents, own = unit(judgments.queries), unit(taken), place[judgments.own]
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
            lengths=(_lengths(judgments.queries), _lengths(taken)),
            space=judgments.space,
        )

    @property
    def dimension(self) -> int:
        """The dimension of the embeddings."""
        return int(self.documents.shape[1])

    @property
    def relevant(self) -> NDArray[np.intp]:
        """The rows of `pairs` whose record is an answer."""
        return np.flatnonzero(self.gains > 0)

    @property
    def judged_queries(self) -> NDArray[np.int64]:
        """The queries with an answer: those that can be learned from and tested on."""
        return np.unique(self.pairs[self.relevant, 0])

    def scores(
        self, queries: NDArray[np.int64], cosines: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Convert cosines (a, n) between queries and all documents to the scores of the space.

        A transform preserves lengths, so the original lengths are used.
        """
        if self.space == "cosine":
            return cosines
        theirs = self.lengths[1]
        if self.space == "ip":
            with np.errstate(over="ignore", invalid="ignore"):
                return cosines * theirs
        with np.errstate(over="ignore", invalid="ignore"):
            made: NDArray[np.float32] = 2 * self.lengths[0][queries, np.newaxis] * theirs * cosines
            return made - theirs * theirs

    def only(self, queries: NDArray[np.int64]) -> TrainingSet:
        """Return the same training set with the judgments of some queries only."""
        chosen = np.isin(self.pairs[:, 0], queries)
        return replace(self, pairs=self.pairs[chosen], gains=self.gains[chosen])


def _far(queries: NDArray[np.float32], documents: NDArray[np.float32]) -> NDArray[np.float16]:
    """Return 1 for records that are not near a query and 0 for those that are: (q, n) float16."""
    at = len(documents) - max(1, round(NEAR_SHARE * len(documents)))
    made = np.empty((len(queries), len(documents)), dtype=np.float16)
    for start in range(0, len(queries), 256):
        near = queries[start : start + 256] @ documents.T
        made[start : start + 256] = near < np.partition(near, at, axis=1)[:, at : at + 1]
    return made
