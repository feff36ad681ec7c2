"""Nearest neighbours. `Index` is what a query asks; `ExactScan` reads every candidate.

The scan ranks by blocked matrix products in float32, then measures the winners again in float64. A
bound on the rounding error (Higham, Accuracy and Stability of Numerical Algorithms, section 3.1)
says whether a loser could have been nearer; where it could, all that may be are measured. So the
answer is the true one, and ties go by insertion order.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from chromalab.engine.interface import Vectors

__all__ = ["ExactScan", "Index", "distances"]

_BLOCK = 8192  # rows a product; (100 queries x 8192) float32 = 3 MB
_SPARE = 8  # winners beyond k that are measured again, so that the bound is seldom in doubt
_UNIT = float(np.finfo(np.float32).eps)
_TINY, _HUGE = 1e-15, 1e18  # beyond these norms, squares come near the ends of float32

Slots = NDArray[np.int64]


class Index(Protocol):
    """Finds the nearest rows among candidates."""

    def search(self, queries: Vectors, k: int, slots: Slots) -> tuple[Slots, NDArray[np.float64]]:
        """Find the k nearest of `slots` for each query, nearest first.

        Args:
            queries: (q, dimension), float32.
            k: How many; fewer come back where there are fewer candidates.
            slots: (n,) the candidates, in insertion order, which breaks ties.

        Returns:
            Positions in `slots` (q, min(k, n)) and distances of the same shape.
        """
        ...


class ExactScan:
    """Compares each query with each candidate.

    Args:
        vectors: (rows, dimension), float32; slots are its row numbers.
        space: "l2" (squared), "cosine" (1 - cos) or "ip" (1 - dot), as in Chroma.
    """

    def __init__(self, vectors: Vectors, space: str) -> None:
        self._vectors = vectors
        self._space = space

    def search(self, queries: Vectors, k: int, slots: Slots) -> tuple[Slots, NDArray[np.float64]]:
        """Find the k nearest of `slots` for each query; see `Index.search`."""
        k = min(k, len(slots))
        found = self._candidates(queries, min(k + _SPARE, len(slots)), slots)
        winners = np.empty((len(queries), k), dtype=np.int64)
        exact = np.empty((len(queries), k), dtype=np.float64)
        for row, query in enumerate(queries):
            candidates = np.union1d(found.positions[row], found.odd)
            best, measured = self._measured(query, candidates, k, slots)
            margin = _error(query, found.largest, self._space)
            border = float(found.near[row].max())
            certain = measured[-1] + margin < border < np.inf  # False for a NaN, too
            if len(candidates) < len(slots) and not certain:
                candidates = self._within(query, measured[-1] + margin, slots)
                best, measured = self._measured(query, np.union1d(candidates, found.odd), k, slots)
            winners[row], exact[row] = best, measured
        return winners, exact

    def _candidates(self, queries: Vectors, kept: int, slots: Slots) -> _Candidates:
        """Find the `kept` nearest of each query up to rounding."""
        near = np.empty((len(queries), 0), dtype=np.float32)
        where = np.empty((len(queries), 0), dtype=np.int64)
        largest, odd = 0.0, [np.empty(0, dtype=np.int64)]
        for start, block in self._blocks(slots):
            norms = _norms(block)
            strange = _is_odd(norms, block)
            odd.append(start + np.flatnonzero(strange))
            largest = max(largest, float(norms[~strange].max(initial=0.0)))
            found = np.broadcast_to(
                np.arange(start, start + len(block)), (len(queries), len(block))
            )
            near = np.hstack([near, _rough_distances(queries, block, norms, self._space)])
            where = np.hstack([where, found])
            if near.shape[1] > kept:
                best = np.argpartition(near, kept - 1, axis=1)[:, :kept]
                near = np.take_along_axis(near, best, axis=1)
                where = np.take_along_axis(where, best, axis=1)
        return _Candidates(where, near, np.concatenate(odd), largest)

    def _within(self, query: Vectors, limit: float, slots: Slots) -> Slots:
        """Find all positions whose rough distance is not clearly beyond the limit."""
        found = []
        for start, block in self._blocks(slots):
            rough = _rough_distances(query[np.newaxis], block, _norms(block), self._space)[0]
            found.append(start + np.flatnonzero(~(rough > limit)))
        return np.concatenate(found)

    def _measured(
        self, query: Vectors, candidates: Slots, k: int, slots: Slots
    ) -> tuple[Slots, NDArray[np.float64]]:
        """Measure candidates in float64, keep the k nearest, in order."""
        measured = distances(query, self._vectors[slots[candidates]], self._space)
        order = np.lexsort((candidates, measured))[:k]
        return candidates[order], measured[order]

    def _blocks(self, slots: Slots) -> Iterator[tuple[int, Vectors]]:
        for start in range(0, len(slots), _BLOCK):
            yield start, self._rows(slots[start : start + _BLOCK])

    def _rows(self, slots: Slots) -> Vectors:
        first, last = slots[0], slots[-1]
        if last - first == len(slots) - 1 and np.all(np.diff(slots) == 1):
            return self._vectors[first : last + 1]  # no copy
        return self._vectors[slots]


def distances(query: Vectors, rows: Vectors, space: str) -> NDArray[np.float64]:
    """Chroma's distances of one query (dimension,) to rows (n, dimension), in float64.

    Example:
        >>> distances(np.array([1.0, 0.0]), np.array([[1.0, 0.0], [0.0, 2.0]]), "l2").tolist()
        [0.0, 5.0]
    """
    q, x = query.astype(np.float64), rows.astype(np.float64)
    if space == "l2":
        return np.asarray(np.square(x - q).sum(axis=1))
    dot = x @ q
    if space == "cosine":
        dot = _divide(dot, np.linalg.norm(x, axis=1) * np.linalg.norm(q))
    return np.asarray(1.0 - dot)


@dataclass(frozen=True)
class _Candidates:
    """What the float32 pass found.

    Attributes:
        positions: (q, kept) int64, the nearest up to rounding.
        near: (q, kept) float32, their rough distances.
        odd: Positions of rows whose numbers the rounding bound does not cover.
        largest: The largest norm of the other rows.
    """

    positions: Slots
    near: Vectors
    odd: Slots
    largest: float


def _norms(rows: Vectors) -> Vectors:
    with np.errstate(over="ignore"):
        norms: Vectors = np.sqrt(np.einsum("ij,ij->i", rows, rows))
    return norms


def _is_odd(norms: Vectors, rows: Vectors) -> NDArray[np.bool_]:
    """Which rows are so large or small that squares leave float32's range; zero vectors are not."""
    odd = ~(norms < _HUGE)
    tiny = np.flatnonzero(norms < _TINY)
    odd[tiny] = rows[tiny].any(axis=1)
    return odd


def _rough_distances(
    queries: Vectors, rows: Vectors, norms: Vectors, space: str
) -> NDArray[np.float32]:
    """Distances (q, n) in float32: as `distances`, up to the rounding that `_error` bounds."""
    with np.errstate(over="ignore", invalid="ignore"):  # odd rows and queries are measured anyway
        dot = queries @ rows.T
        lengths = np.linalg.norm(queries, axis=1)[:, np.newaxis]
        if space == "cosine":
            dot = _divide(_divide(dot, norms), lengths)
        if space == "l2":
            return np.asarray(np.square(norms) + np.square(lengths) - 2 * dot, dtype=np.float32)
        return np.asarray(1 - dot, dtype=np.float32)


def _error(query: Vectors, largest: float, space: str) -> float:
    """How far a rough distance of this query may be off, for rows of a norm up to `largest`."""
    terms = (len(query) + 4) * _UNIT
    norm = float(np.linalg.norm(query.astype(np.float64)))
    if not _TINY < norm < _HUGE and norm:
        return float("inf")
    if space == "cosine":
        return 2 * terms
    return terms * (2 * (norm**2 + largest**2) if space == "l2" else 1 + norm * largest)


def _divide(dot: NDArray[Any], norms: NDArray[Any]) -> NDArray[Any]:
    """Divide, with 0 for a zero vector: it is at cosine distance 1 from everything."""
    quotient: NDArray[Any] = np.divide(dot, norms, out=np.zeros_like(dot), where=norms > 0)
    return quotient
