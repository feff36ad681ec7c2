"""The exact scan, which compares each query with every candidate, and Chroma's three distances.

The scan ranks by matrix products in float32, then measures the best again in float64. A bound on the
rounding error tells whether any other candidate could be nearer; if so, all that could be are
measured too. The answer is therefore exact, and ties are broken by insertion order.

The bound is that of a dot product in floating point (Higham, Accuracy and Stability of Numerical
Algorithms, section 3.1).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chromalab.engine.values import Vectors

__all__ = [
    "ExactScan",
    "Norms",
    "at_columns",
    "distances",
    "dot",
    "error_bound",
    "measured",
    "norms_of",
    "unit",
]

_PRODUCT = 1 << 20  # numbers in the distance matrix of a block: 4 MB
_GATHERED = 512  # rows copied at a time when they are not contiguous
_DENSE = 0.4  # the share of a range of rows above which the whole range is compared
_SPARE = 8  # extra candidates beyond k that are measured again, so that the bound rarely fails
_LARGE = 32_000_000  # numbers above which several threads are faster
_BLOCK = 8192  # rows whose norms are computed at a time
_UNIT = float(np.finfo(np.float32).eps)
_TINY, _HUGE = 1e-15, 1e18  # beyond these norms, squares approach the limits of float32
_ZERO = 1e-30  # the norm of a zero vector, which can be divided by, and whose square is zero

Slots = NDArray[np.int64]
Measured = tuple[Slots, NDArray[np.float64]]


@dataclass(frozen=True)
class Norms:
    """The norms of the rows of a vector file, which a float32 scan needs.

    Attributes:
        lengths: (rows,) float32, the Euclidean norms; those of zero vectors are negligible instead.
        odd: The slots, ascending, of rows whose squares leave the range of float32.
        largest: The largest norm of the other rows.
    """

    lengths: Vectors
    odd: Slots
    largest: float


_NO_NORMS = Norms(np.empty(0, dtype=np.float32), np.empty(0, dtype=np.int64), 0.0)


def norms_of(vectors: Vectors, known: Norms = _NO_NORMS) -> Norms:
    """Compute the norms of rows (n, dimension), reusing known ones of the first rows."""
    lengths = np.empty(len(vectors), dtype=np.float32)
    start = min(len(known.lengths), len(vectors))
    lengths[:start] = known.lengths[:start]
    odd, largest = [known.odd[known.odd < start]], known.largest
    for first in range(start, len(vectors), _BLOCK):
        block = vectors[first : first + _BLOCK]
        with np.errstate(over="ignore"):
            found = np.sqrt(np.einsum("ij,ij->i", block, block))
        lengths[first : first + len(block)] = np.maximum(found, _ZERO)
        strange = ~(found < _HUGE)
        tiny = np.flatnonzero(found < _TINY)
        strange[tiny] = block[tiny].any(axis=1)  # zero vectors are not odd
        odd.append(first + np.flatnonzero(strange))
        largest = max(largest, float(found[~strange].max(initial=0.0)))
    return Norms(lengths, np.concatenate(odd), largest)


class ExactScan:
    """Finds the nearest rows among candidates.

    Args:
        vectors: (rows, dimension), float32; slots are its row numbers.
        norms: The norms of all its rows.
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
            k: The number of rows; fewer are returned if there are fewer candidates.
            slots: (n,) the candidates, in insertion order, which breaks ties.

        Returns:
            Positions in `slots` (q, min(k, n)) and distances of the same shape.
        """
        k = min(k, len(slots))
        odd = np.flatnonzero(np.isin(slots, self._norms.odd)) if len(self._norms.odd) else _NONE
        with np.errstate(over="ignore", invalid="ignore"):  # odd ones are measured in any case
            found = self._candidates(queries, min(k + _SPARE, len(slots)), slots)
            winners, exact = self._measured(queries, _together(found.positions, odd), k, slots)
            if found.positions.shape[1] == len(slots):
                return winners, exact
            limits = exact[:, -1] + error_bound(queries, self._norms.largest, self._space)
            border = found.near.max(axis=1)
            certain = (limits < border) & (border < np.inf)  # also False for a NaN
            for row in () if certain.all() else np.flatnonzero(~certain):
                query = queries[row : row + 1]
                within = _together(self._within(query, limits[row], slots)[np.newaxis], odd)
                nearest = self._measured(query, within, k, slots)
                winners[row], exact[row] = (part[0] for part in nearest)
        return winners, exact

    def _candidates(self, queries: Vectors, count: int, slots: Slots) -> _Candidates:
        """Find the `count` nearest rows per query, up to rounding."""
        best = _Candidates(
            np.empty((len(queries), 0), dtype=np.int64),
            np.empty((len(queries), 0), dtype=np.float32),
        )
        for start, rough in self._rough(queries, slots):
            best = best.joined(start, rough, count)
        return best

    def _within(self, query: Vectors, limit: float, slots: Slots) -> Slots:
        """Find all positions whose rough distance to a query (1, dimension) may be within the limit."""
        blocks = self._rough(query, slots)
        return np.concatenate([s + np.flatnonzero(~(rough[0] > limit)) for s, rough in blocks])

    def _rough(self, queries: Vectors, slots: Slots) -> Iterator[tuple[int, NDArray[np.float32]]]:
        """Iterate over blocks of candidates: the position of the first, the distances (q, block)."""
        prepared = _Prepared.of(queries, self._space)
        first, last = int(slots[0]), int(slots[-1])
        length = max(_PRODUCT // len(queries), _GATHERED)
        if (slots[1:] <= slots[:-1]).any() or len(slots) < _DENSE * (last - first + 1):
            if len(queries) == 1:
                length = _GATHERED
            held = np.empty((min(length, len(slots)), self._vectors.shape[1]), dtype=np.float32)
            for start in range(0, len(slots), length):
                block = slots[start : start + length]
                # One buffer stays in the processor's cache; mode "clip" avoids a copy for a check.
                rows = np.take(self._vectors, block, axis=0, out=held[: len(block)], mode="clip")
                yield start, prepared.distances(rows, self._norms.lengths[block])
            return
        every = len(slots) == last - first + 1
        for low in range(first, last + 1, length):  # these slices are not copied
            high = min(low + length, last + 1)
            rough = prepared.distances(self._vectors[low:high], self._norms.lengths[low:high])
            if every:
                yield low - first, rough
            else:
                start, stop = np.searchsorted(slots, (low, high))
                yield int(start), rough[:, slots[start:stop] - low]

    def _measured(self, queries: Vectors, candidates: Slots, k: int, slots: Slots) -> Measured:
        return measured(queries, candidates, k, self._vectors, slots, self._space)


def measured(
    queries: Vectors, candidates: Slots, k: int, vectors: Vectors, slots: Slots, space: str
) -> Measured:
    """Measure candidates in float64, and find the k nearest of each query.

    Args:
        queries: (q, dimension), float32.
        candidates: (q, c) positions in `slots`, each once per query, and any number of -1 instead.
        k: The number of positions per query.
        vectors: (rows, dimension), float32.
        slots: (n,) the row of each position.
        space: "l2", "cosine" or "ip".

    Returns:
        Positions (q, min(k, c)), nearest first, and their distances. Equally near ones are in ascending
        order. An absent candidate is at the end, with an infinite distance.
    """
    far = np.empty(candidates.shape)
    step = max(1, _PRODUCT // max(1, candidates.shape[1] * queries.shape[1]))
    for start in range(0, len(queries), step):
        part = slice(start, start + step)
        far[part] = distances(queries[part], vectors[slots[candidates[part]]], space)
    far[candidates < 0] = np.inf
    order = np.lexsort((candidates, far), axis=-1)[:, :k]
    return at_columns(candidates, order), at_columns(far, order)


def distances(query: Vectors, rows: Vectors, space: str) -> NDArray[np.float64]:
    """Chroma's distances of a query (dimension,) to rows (n, dimension), in float64.

    With one more axis before these, each query is compared with rows of its own. A distance does not
    depend on what else is measured.

    Example:
        >>> distances(np.array([1.0, 0.0]), np.array([[1.0, 0.0], [0.0, 2.0]]), "l2").tolist()
        [0.0, 5.0]
    """
    q, x = query.astype(np.float64), rows.astype(np.float64)
    if space == "l2":
        x -= q[..., np.newaxis, :]
        return np.asarray(np.einsum("...ij,...ij->...i", x, x))
    dot = np.einsum("...ij,...j->...i", x, q)
    if space == "cosine":
        norms = np.sqrt(np.einsum("...j,...j->...", q, q))[..., np.newaxis]
        norms = np.sqrt(np.einsum("...ij,...ij->...i", x, x)) * norms
        dot /= norms + (norms == 0)  # a zero vector is at distance 1 from everything
        dot = np.minimum(np.maximum(dot, -1), 1)  # rounding may exceed these
    return np.asarray(1.0 - dot)


@dataclass(frozen=True)
class _Prepared:
    """Queries, of which the distances from any rows are computed in float32.

    Attributes:
        factors: (q, dimension) what rows are multiplied by.
        squares: (q, 1) the squared norms of the queries, for "l2".
        space: "l2", "cosine" or "ip".
    """

    factors: Vectors
    squares: Vectors
    space: str

    @classmethod
    def of(cls, queries: Vectors, space: str) -> _Prepared:
        """Prepare queries (q, dimension)."""
        if space == "ip":
            return cls(queries, _NO_NORMS.lengths, space)
        squares = np.einsum("ij,ij->i", queries, queries)[:, np.newaxis]
        if space == "l2":
            return cls(-2 * queries, squares, space)
        return cls(queries / np.sqrt(squares + (squares == 0)), squares, space)

    def distances(self, rows: Vectors, lengths: Vectors) -> NDArray[np.float32]:
        """Those (q, n) of `distances`, up to the error bounded by `error_bound`.

        Args:
            rows: (n, dimension), float32.
            lengths: (n,) the norms of the rows.
        """
        factors = self.factors
        products = dot(rows, factors[0])[np.newaxis] if len(factors) == 1 else factors @ rows.T
        if self.space == "l2":
            products += np.square(lengths)
            products += self.squares
            return np.asarray(products)
        if self.space == "cosine":
            products /= lengths
        return np.asarray(np.subtract(1, products, out=products))


def error_bound(queries: Vectors, largest: float, space: str) -> NDArray[np.float64]:
    """The largest error of the rough distances of each query, for rows with norms up to `largest`."""
    terms = (queries.shape[1] + 4) * _UNIT
    wide = queries.astype(np.float64)
    norms = np.sqrt(np.einsum("ij,ij->i", wide, wide))
    ordinary = (norms == 0) | ((norms > _TINY) & (norms < _HUGE))
    bound = 2 * terms
    if space == "l2":
        bound = bound * (norms**2 + largest**2)
    elif space == "ip":
        bound = terms * (1 + norms * largest)
    return np.where(ordinary, bound, np.inf)


def unit(rows: Vectors) -> Vectors:
    """Scale rows (n, dimension) to length 1, float32; zero vectors stay zero."""
    wide = rows.astype(np.float64)
    norms = np.sqrt(np.einsum("ij,ij->i", wide, wide))[:, np.newaxis]
    wide /= norms + (norms == 0)
    return wide.astype(np.float32)


def dot(rows: Vectors, query: Vectors) -> Vectors:
    """Multiply rows by one vector; limited by memory, where BLAS threads would only spin."""
    if rows.size > _LARGE:
        return np.asarray(rows @ query)
    return np.asarray(np.einsum("ij,j->i", rows, query))


def _together(positions: Slots, more: Slots) -> Slots:
    """Add positions (m,) to those of each query (q, c), with -1 where one would be repeated."""
    if not len(more):
        return positions
    every = np.broadcast_to(more, (len(positions), len(more)))
    joined = np.sort(np.hstack([positions, every]), axis=1)
    return np.where(np.diff(joined, axis=1, prepend=-1) > 0, joined, -1)


@dataclass(frozen=True)
class _Candidates:
    """The nearest up to rounding: positions (q, count) int64, their distances (q, count) float32."""

    positions: Slots
    near: NDArray[np.float32]

    def joined(self, start: int, rough: NDArray[np.float32], count: int) -> _Candidates:
        """Merge a block of distances (q, block) whose first position is `start`."""
        if not self.near.shape[1] and rough.shape[1] > count:
            best = rough.argpartition(count - 1, axis=1)[:, :count]
            return _Candidates(start + best, at_columns(rough, best))
        if self.near.shape[1] == count and not np.isnan(self.near).any():
            border = self.near.max(axis=1, keepdims=True)
            nearer = ~(rough >= border)
            counts = nearer.sum(axis=1)
            if not counts.any():
                return self
            if counts.max() * 8 < rough.shape[1]:  # few are nearer, so only those are examined
                return self._with_few(start, rough, nearer, counts, count)
        positions = np.broadcast_to(np.arange(start, start + rough.shape[1]), rough.shape)
        return _Candidates(
            np.hstack([self.positions, positions]), np.hstack([self.near, rough])
        )._cut(count)

    def _with_few(
        self,
        start: int,
        rough: NDArray[np.float32],
        nearer: NDArray[np.bool_],
        counts: NDArray[np.int64],
        count: int,
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
        )._cut(count)

    def _cut(self, count: int) -> _Candidates:
        if self.near.shape[1] <= count:
            return self
        best = self.near.argpartition(count - 1, axis=1)[:, :count]
        return _Candidates(at_columns(self.positions, best), at_columns(self.near, best))


def at_columns(values: NDArray[Any], columns: Slots) -> NDArray[Any]:
    """The values (q, n) at columns (q, c), which each row has of its own."""
    return np.asarray(values[np.arange(len(values))[:, np.newaxis], columns])


_NONE: Slots = np.empty(0, dtype=np.int64)
