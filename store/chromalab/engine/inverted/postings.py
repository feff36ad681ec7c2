"""Postings: for each term, the records that contain it. The core of an inverted index."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Alive", "Postings", "merged"]

Alive = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Postings:
    """The terms of some records, as arrays that are never changed; possibly memory-mapped.

    Attributes:
        places: (n,) int64, ascending: the places of the records.
        terms: (t,) int64, ascending: the numbers of the distinct terms.
        starts: (t + 1,) int64: where the list of each term starts in the next two.
        weights: (p,) the number of times that a record has a term, of the smallest unsigned type that
            holds them; or the value of a dimension of a sparse vector, float64.
        records: (p,) int32: for each term, the records that have it, as rows of `places`, ascending.
        lengths: (n,) uint32: the number of terms of each record, each counted as often as it occurs.
    """

    places: NDArray[np.int64]
    terms: NDArray[np.int64]
    starts: NDArray[np.int64]
    weights: NDArray[Any]
    records: NDArray[np.int32]
    lengths: NDArray[np.uint32]

    @classmethod
    def of(
        cls,
        places: NDArray[np.int64],
        lengths: NDArray[np.int64],
        terms: NDArray[np.int64],
        values: NDArray[np.float64] | None = None,
    ) -> Postings:
        """Sort the terms of records.

        Args:
            places: (n,) ascending.
            lengths: (n,) the number of terms of each record.
            terms: The terms, record by record.
            values: One per term, where each is once in a record; None to count the terms.
        """
        owners = np.repeat(np.arange(len(places), dtype=np.int32), lengths)
        order = np.argsort(terms, kind="stable")
        terms, owners = terms[order], owners[order]
        if values is None:
            new = np.ones(len(terms), dtype=np.bool_)
            new[1:] = (terms[1:] != terms[:-1]) | (owners[1:] != owners[:-1])
            first = np.flatnonzero(new)
            weights: NDArray[Any] = _small(np.diff(np.append(first, len(terms))))
            terms, owners = terms[first], owners[first]
        else:
            weights = values[order]
        return _sorted(places, terms, weights, owners, lengths.astype(np.uint32))

    def __len__(self) -> int:
        return len(self.places)

    @property
    def nbytes(self) -> int:
        """The size of the arrays."""
        return sum(getattr(self, field.name).nbytes for field in fields(self))

    def lists(self, terms: NDArray[np.int64]) -> list[slice]:
        """Find the list of each term, as a slice of `records` and `weights`; it may be empty."""
        found = []
        for term, at in zip(
            terms.tolist(), np.searchsorted(self.terms, terms).tolist(), strict=True
        ):
            there = at < len(self.terms) and self.terms[at] == term
            found.append(slice(*self.starts[at : at + 2].tolist()) if there else slice(0))
        return found

    def rows(self, places: NDArray[np.int64]) -> NDArray[np.intp]:
        """The rows of those of the places that are among these records; ascending if the places are."""
        at = np.searchsorted(self.places, places)
        at = at[: len(at) if len(self) else 0].clip(max=len(self) - 1)
        return np.asarray(at[self.places[at] == places[: len(at)]])


def merged(parts: Sequence[tuple[Postings, Alive]]) -> Postings:
    """Merge postings of different records, without the records that are not alive."""
    places = np.concatenate([part.places[alive] for part, alive in parts])
    order = np.argsort(places)
    rank = np.empty(len(order), dtype=np.int32)
    rank[order] = np.arange(len(order), dtype=np.int32)
    lengths = np.concatenate([part.lengths[alive] for part, alive in parts])[order]
    terms, owners, weights, start = [], [], [], 0
    for part, alive in parts:
        row = np.full(len(part), -1, dtype=np.int32)
        count = int(alive.sum())
        row[alive] = rank[start : start + count]
        start += count
        owner = row[part.records]
        kept = owner >= 0
        terms.append(np.repeat(part.terms, np.diff(part.starts))[kept])
        owners.append(owner[kept])
        weights.append(part.weights[kept])
    all_terms, all_owners = np.concatenate(terms), np.concatenate(owners)
    order = np.lexsort((all_owners, all_terms))
    all_weights = np.concatenate(weights)[order]
    if all_weights.dtype != np.float64:
        all_weights = _small(all_weights)
    return _sorted(
        places[np.argsort(places)], all_terms[order], all_weights, all_owners[order], lengths
    )


def _sorted(
    places: NDArray[np.int64],
    terms: NDArray[np.int64],
    weights: NDArray[Any],
    owners: NDArray[np.int32],
    lengths: NDArray[np.uint32],
) -> Postings:
    """Make postings of one entry per record and term, sorted by the term and the record."""
    new = np.ones(len(terms), dtype=np.bool_)
    new[1:] = terms[1:] != terms[:-1]
    first = np.flatnonzero(new)
    starts = np.append(first, len(terms)).astype(np.int64)
    return Postings(places, terms[first], starts, weights, owners, lengths)


def _small(counts: NDArray[Any]) -> NDArray[Any]:
    return counts.astype(np.min_scalar_type(int(counts.max(initial=0))))
