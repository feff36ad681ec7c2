"""The exact scan: compares each query with every candidate.

It ranks by matrix products in float32, then measures the winners again in float64. A bound on the
rounding error says whether a loser could have been nearer; where it could, all that may be are
measured. So the answer is the true one, and ties go by insertion order.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chromalab.engine.index.distances import Norms, distances, error_bound, rough_distances
from chromalab.engine.interface import Vectors

__all__ = ["ExactScan", "measured", "together"]

_PRODUCT = 1 << 20  # numbers of a block's matrix of distances: 4 MB
_GATHERED = 512  # rows copied together when they do not lie side by side
_DENSE = 0.4  # share of a range of rows from which on the whole range is compared
_SPARE = 8  # winners beyond k that are measured again, so that the bound is seldom in doubt

Slots = NDArray[np.int64]
Measured = tuple[Slots, NDArray[np.float64]]


class ExactScan:
    """Finds the nearest rows among candidates.

    Args:
        vectors: (rows, dimension), float32; slots are its row numbers.
        norms: Of all its rows.
        space: "l2" (squared), "cosine" (1 - cos) or "ip" (1 - dot), as in Chroma.
    """

    def __init__(self, vectors: Vectors, norms: Norms, space: str) -> None:
        self._vectors = vectors
        self._norms = norms
        self._space = space

    def search(self, queries: Vectors, k: int, slots: Slots) -> Measured:
        """Find the k nearest of `slots` for each query, nearest first.

        Args:
            queries: (q, dimension), float32.
            k: How many; fewer come back where there are fewer candidates.
            slots: (n,) the candidates, in insertion order, which breaks ties.

        Returns:
            Positions in `slots` (q, min(k, n)) and distances of the same shape.
        """
        k = min(k, len(slots))
        odd = np.flatnonzero(np.isin(slots, self._norms.odd)) if len(self._norms.odd) else _NONE
        found = self._candidates(queries, min(k + _SPARE, len(slots)), slots)
        winners = np.empty((len(queries), k), dtype=np.int64)
        exact = np.empty((len(queries), k), dtype=np.float64)
        for row, query in enumerate(queries):
            candidates = together(found.positions[row], odd)
            best, nearest = self._measured(query, candidates, k, slots)
            margin = error_bound(query, self._norms.largest, self._space)
            border = float(found.near[row].max())
            certain = nearest[-1] + margin < border < np.inf  # False for a NaN, too
            if len(candidates) < len(slots) and not certain:
                candidates = together(self._within(query, nearest[-1] + margin, slots), odd)
                best, nearest = self._measured(query, candidates, k, slots)
            winners[row], exact[row] = best, nearest
        return winners, exact

    def _candidates(self, queries: Vectors, kept: int, slots: Slots) -> _Candidates:
        """Find the `kept` nearest of each query up to rounding."""
        best = _Candidates(
            np.empty((len(queries), 0), dtype=np.int64),
            np.empty((len(queries), 0), dtype=np.float32),
        )
        for start, rough in self._rough(queries, slots):
            best = best.joined(start, rough, kept)
        return best

    def _within(self, query: Vectors, limit: float, slots: Slots) -> Slots:
        """Find all positions whose rough distance is not clearly beyond the limit."""
        blocks = self._rough(query[np.newaxis], slots)
        return np.concatenate([s + np.flatnonzero(~(rough[0] > limit)) for s, rough in blocks])

    def _rough(self, queries: Vectors, slots: Slots) -> Iterator[tuple[int, NDArray[np.float32]]]:
        """Go through blocks of candidates: the first one's position, the distances (q, block)."""
        steps = np.diff(slots)
        first, last = int(slots[0]), int(slots[-1])
        length = max(_PRODUCT // len(queries), _GATHERED)
        if np.any(steps <= 0) or len(slots) < _DENSE * (last - first + 1):
            if len(queries) == 1:
                length = _GATHERED
            held = np.empty((min(length, len(slots)), self._vectors.shape[1]), dtype=np.float32)
            for start in range(0, len(slots), length):
                block = slots[start : start + length]
                # Into one buffer that stays in the cache; "clip" spares a copy for a check.
                rows = np.take(self._vectors, block, axis=0, out=held[: len(block)], mode="clip")
                yield start, self._distances(queries, rows, block)
            return
        every = len(slots) == last - first + 1
        for low in range(first, last + 1, length):  # no copy
            high = min(low + length, last + 1)
            rough = self._distances(queries, self._vectors[low:high], slice(low, high))
            if every:
                yield low - first, rough
            else:
                start, stop = np.searchsorted(slots, (low, high))
                yield int(start), rough[:, slots[start:stop] - low]

    def _distances(
        self, queries: Vectors, rows: Vectors, block: slice | Slots
    ) -> NDArray[np.float32]:
        return rough_distances(queries, rows, self._norms.lengths[block], self._space)

    def _measured(self, query: Vectors, candidates: Slots, k: int, slots: Slots) -> Measured:
        best, nearest = measured(query, self._vectors, slots[candidates], self._space, k)
        return candidates[best], nearest


def measured(query: Vectors, vectors: Vectors, slots: Slots, space: str, k: int) -> Measured:
    """Measure candidates in float64: the k nearest, as positions in `slots`, and how far they are.

    Equal distances stay in the order of `slots`.
    """
    found = distances(query, vectors[slots], space)
    order = np.argsort(found, kind="stable")[:k]
    return order, found[order]


def together(positions: Slots, more: Slots) -> Slots:
    """Join positions, ascending and each once; np.unique would import numpy.ma for it."""
    joined = np.sort(np.concatenate([positions, more]))
    return joined[np.diff(joined, prepend=-1) > 0]


@dataclass(frozen=True)
class _Candidates:
    """The nearest up to rounding: positions (q, kept) int64, their distances (q, kept) float32."""

    positions: Slots
    near: NDArray[np.float32]

    def joined(self, start: int, rough: NDArray[np.float32], kept: int) -> _Candidates:
        """Take a block of distances (q, block) in, whose first position is `start`."""
        if not self.near.shape[1] and rough.shape[1] > kept:
            best = np.argpartition(rough, kept - 1, axis=1)[:, :kept]
            return _Candidates(start + best, np.take_along_axis(rough, best, axis=1))
        if self.near.shape[1] == kept and not np.isnan(self.near).any():
            border = self.near.max(axis=1, keepdims=True)
            nearer = ~(rough >= border)
            counts = nearer.sum(axis=1)
            if not counts.any():
                return self
            if counts.max() * 8 < rough.shape[1]:  # few are nearer: look at those alone
                return self._with_few(start, rough, nearer, counts, kept)
        positions = np.broadcast_to(np.arange(start, start + rough.shape[1]), rough.shape)
        return _Candidates(
            np.hstack([self.positions, positions]), np.hstack([self.near, rough])
        )._cut(kept)

    def _with_few(
        self,
        start: int,
        rough: NDArray[np.float32],
        nearer: NDArray[np.bool_],
        counts: NDArray[np.int64],
        kept: int,
    ) -> _Candidates:
        queries, columns = np.nonzero(nearer)
        most = int(counts.max())
        first = np.cumsum(counts) - counts
        at = np.arange(len(queries)) - first[queries]
        near = np.full((len(rough), most), np.inf, dtype=np.float32)
        positions = np.zeros((len(rough), most), dtype=np.int64)
        near[queries, at] = rough[queries, columns]
        positions[queries, at] = start + columns
        return _Candidates(
            np.hstack([self.positions, positions]), np.hstack([self.near, near])
        )._cut(kept)

    def _cut(self, kept: int) -> _Candidates:
        if self.near.shape[1] <= kept:
            return self
        best = np.argpartition(self.near, kept - 1, axis=1)[:, :kept]
        return _Candidates(
            np.take_along_axis(self.positions, best, axis=1),
            np.take_along_axis(self.near, best, axis=1),
        )


_NONE: Slots = np.empty(0, dtype=np.int64)
