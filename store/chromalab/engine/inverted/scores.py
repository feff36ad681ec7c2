"""The records with the highest scores: BM25 of texts, or dot products of sparse vectors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from chromalab.engine.inverted.inverted_index import Field, InvertedIndex, Part
from chromalab.engine.inverted.terms import query_terms

if TYPE_CHECKING:
    from chromalab.engine.opened import Opened

__all__ = ["KeywordScores", "keyword_scores", "sparse_scores"]

_K1, _B = 1.2, 0.75  # Lucene's defaults
_LONG = 2048  # entries; a shorter list is always read
_LOOKUP = 48  # looking up a row takes as long as reading this many entries
_ROUNDING = 1 + 1e-9  # a bound is raised by this much, as sums are rounded

Positions = NDArray[np.int64]
Rows = NDArray[np.intp]
Scores = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class KeywordScores:
    """The records that match a keyword query best.

    Attributes:
        positions: (m,) int64, positions in the view, best first; equal ones in ascending order.
        scores: (m,) float64, BM25; higher is better.
        terms: How many records contain each term of the query. A term is named by the first word of the
            query that has it.
    """

    positions: Positions
    scores: Scores
    terms: dict[str, int]


def keyword_scores(
    collection: Opened, key: str, query: str, k: int, among: Positions | None
) -> KeywordScores:
    """Score records by BM25 in the form of Lucene 8 and later, with k1 = 1.2 and b = 0.75.

    The score is the sum over the terms of the query of

        ln(1 + (N - df + 0.5) / (df + 0.5)) * tf / (tf + k1 * (1 - b + b * length / mean length))

    where N counts the records with a text, df those with the term, and tf how often it occurs in the
    text; a term that occurs twice in the query counts twice. N, df and the mean length are those of the
    whole collection, as of this version. (Kamphuis, de Vries, Boytsov and Lin, "Which BM25 do you mean?",
    ECIR 2020, "Lucene (accurate)".)

    Args:
        collection: The collection, in a transaction.
        key: "#document", or a metadata key of texts.
        query: Any text.
        k: The number of records.
        among: (m,) positions to choose from, ascending; all by default.

    Returns:
        At most k records that share a term with the query.
    """
    index = _index(collection, Field(key, is_sparse=False))
    terms = query_terms(query)
    found = _lists(index, [number for number, _ in terms.values()])
    frequencies = [sum(len(lists[at].records) for lists in found) for at in range(len(terms))]
    scored: list[list[_Scored]] = [[] for _ in found]
    for at, ((_, times), frequency) in enumerate(zip(terms.values(), frequencies, strict=True)):
        weight = times * float(np.log1p((index.texts - frequency + 0.5) / (frequency + 0.5)))
        for part, lists, into in zip(index.parts, found, scored, strict=True):
            score = partial(_bm25, weight, part.postings.lengths, index.mean_length)
            into.append(_Scored(lists[at], score, weight))
    positions, scores = _best(collection, index, scored, k, among, can_skip=True)
    return KeywordScores(positions, scores, dict(zip(terms, frequencies, strict=True)))


def sparse_scores(
    collection: Opened,
    key: str,
    indices: NDArray[np.int64],
    values: NDArray[np.float64],
    k: int,
    among: Positions | None,
) -> tuple[Positions, Scores]:
    """Score records by the dot product of a sparse vector with theirs under a metadata key.

    Args:
        collection: The collection, in a transaction.
        key: The metadata key.
        indices: (q,) int64, the dimensions of the query, each once.
        values: (q,) float64.
        k: The number of records.
        among: (m,) positions to choose from, ascending; all by default.

    Returns:
        Positions of at most k records that share a dimension with the query, (m,) int64, best first and
        equal ones in ascending order, and their dot products, (m,) float64.
    """
    index = _index(collection, Field(key, is_sparse=True))
    scored = [
        [
            _Scored.product(entries, value)
            for entries, value in zip(lists, values.tolist(), strict=True)
        ]
        for lists in _lists(index, indices.tolist())
    ]
    least = min((entries.least for lists in scored for entries in lists), default=0.0)
    return _best(collection, index, scored, k, among, can_skip=least >= 0)


@dataclass(frozen=True, eq=False)
class _Entries:
    """The records of one part that have a term, as ascending rows of the part, and their weights."""

    records: NDArray[np.integer[Any]]
    weights: NDArray[Any]

    def within(self, rows: Rows, mask: NDArray[np.bool_]) -> _Entries:
        """The entries of some rows.

        Args:
            rows: Distinct rows, in any order.
            mask: (n,) whether a row is one of them.
        """
        if not len(self.records) or len(rows) * _LOOKUP > len(self.records):
            at = np.flatnonzero(mask.take(self.records))
        else:
            at = np.searchsorted(self.records, rows).clip(max=len(self.records) - 1)
            at = at[self.records[at] == rows]
        return _Entries(self.records[at].astype(np.intp), self.weights[at])


@dataclass(frozen=True, eq=False)
class _Scored:
    """Entries, what they add to the scores of their records, and limits of what they may add."""

    entries: _Entries
    score: Callable[[_Entries], Scores]
    most: float
    least: float = 0.0

    @classmethod
    def product(cls, entries: _Entries, value: float) -> _Scored:
        ends = [value * float(end(entries.weights, initial=0.0)) for end in (np.min, np.max)]
        return cls(entries, partial(_product, value), max(ends), min(ends))


def _bm25(weight: float, lengths: NDArray[np.uint32], mean: float, entries: _Entries) -> Scores:
    norms = _K1 * (1 - _B) + _K1 * _B / mean * lengths.take(entries.records)
    return np.asarray(weight * (entries.weights / (entries.weights + norms)))


def _product(value: float, entries: _Entries) -> Scores:
    return np.asarray(value * entries.weights)


def _index(collection: Opened, field: Field) -> InvertedIndex:
    return collection.resident.inverted.get(
        collection.connection, collection.entry, collection.view, field
    )


def _lists(index: InvertedIndex, terms: Sequence[int]) -> list[list[_Entries]]:
    """The entries of each term in each part, without dead records."""
    numbers = np.array(terms, dtype=np.int64)
    found = []
    for postings, alive in index.parts:
        all_alive = bool(alive.all())
        of_part = []
        for entries in postings.lists(numbers):
            rows, weights = postings.records[entries], postings.weights[entries]
            if not all_alive:
                kept = alive.take(rows)
                rows, weights = rows[kept], weights[kept]
            of_part.append(_Entries(rows, weights))
        found.append(of_part)
    return found


def _best(
    collection: Opened,
    index: InvertedIndex,
    scored: Sequence[Sequence[_Scored]],
    k: int,
    among: Positions | None,
    *,
    can_skip: bool,
) -> tuple[Positions, Scores]:
    """Find the k best records of all parts."""
    places = collection.view.places
    positions, scores = [np.empty(0, dtype=np.int64)], [np.empty(0)]
    for part, lists in zip(index.parts, scored, strict=True):
        allowed = None if among is None else part.postings.rows(places[among])
        rows, sums = _best_of_part(part, lists, max(k, 0), allowed, can_skip=can_skip)
        positions.append(np.searchsorted(places, part.postings.places[rows]))
        scores.append(sums)
    all_positions, all_scores = np.concatenate(positions), np.concatenate(scores)
    order = np.lexsort((all_positions, -all_scores))[: max(k, 0)]
    return all_positions[order], all_scores[order]


def _best_of_part(
    part: Part, lists: Sequence[_Scored], k: int, allowed: Rows | None, *, can_skip: bool
) -> tuple[Rows, Scores]:
    """Sum the scores of the records of a part, and find at least the k best, in any order.

    The shortest lists are read first, as rare terms add the most. Once the rest together could not lift
    another record among the k best, only the records that could still be there are looked up in them, as
    in MaxScore (Turtle and Flood, "Query evaluation: strategies and optimizations", 1995).
    """
    lists = sorted(lists, key=lambda scored: len(scored.entries.records))
    rest = np.cumsum([scored.most for scored in reversed(lists)])[::-1] * _ROUNDING
    sums = np.zeros(len(part.postings))
    seen = np.zeros(len(part.postings), dtype=np.bool_)
    if allowed is not None:
        mask = np.zeros(len(part.postings), dtype=np.bool_)
        mask[allowed] = True
    found: list[NDArray[np.integer[Any]]] = [np.empty(0, dtype=np.intp)]
    for at, scored in enumerate(lists):
        entries = scored.entries
        if can_skip and len(entries.records) > _LONG:
            rows = np.concatenate(found)
            if _least(sums[rows], k) > rest[at]:
                for left, most in zip(lists[at:], rest[at:], strict=True):
                    so_far = sums[rows]
                    rows = rows[so_far + most >= _least(so_far, k)]
                    seen[:] = False
                    seen[rows] = True
                    entries = left.entries.within(rows, seen)
                    np.add.at(sums, entries.records, left.score(entries))
                found = [rows]
                break
        if allowed is None:  # numpy indexes faster by its own type of indexes
            entries = _Entries(entries.records.astype(np.intp), entries.weights)
        else:
            entries = entries.within(allowed, mask)
        np.add.at(sums, entries.records, scored.score(entries))
        found.append(entries.records[~seen.take(entries.records)])
        seen[entries.records] = True
    rows = np.concatenate(found)
    so_far = sums[rows]
    kept = so_far >= _least(so_far, k)
    return rows[kept], so_far[kept]


def _least(scores: Scores, k: int) -> float:
    """The k-th best score; -inf if there are fewer."""
    if not 0 < k <= len(scores):
        return -np.inf
    return float(np.partition(scores, len(scores) - k)[len(scores) - k])
