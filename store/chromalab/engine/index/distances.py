"""Chroma's three distances: exactly, in float64; and quickly, in float32 with a bound on the error.

The bound is that of a dot product in floating point (Higham, Accuracy and Stability of Numerical
Algorithms, section 3.1).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chromalab.engine.interface import Vectors

__all__ = ["Norms", "distances", "dot", "error_bound", "norms_of", "rough_distances", "unit"]

_LARGE = 32_000_000  # numbers from which on several threads are quicker
_BLOCK = 8192  # rows whose norms are taken together
_UNIT = float(np.finfo(np.float32).eps)
_TINY, _HUGE = 1e-15, 1e18  # beyond these norms, squares come near the ends of float32

Slots = NDArray[np.int64]


@dataclass(frozen=True)
class Norms:
    """What a float32 scan needs to know about the rows of a vector file.

    Attributes:
        lengths: (rows,) float32, their Euclidean norms.
        odd: Ascending slots of rows so large or small that squares leave float32's range.
        largest: The largest norm of the other rows.
    """

    lengths: Vectors
    odd: Slots
    largest: float


_NONE = Norms(np.empty(0, dtype=np.float32), np.empty(0, dtype=np.int64), 0.0)


def norms_of(vectors: Vectors, known: Norms = _NONE) -> Norms:
    """Take the norms of the rows (n, dimension), from known ones of the first rows on."""
    lengths = np.empty(len(vectors), dtype=np.float32)
    start = min(len(known.lengths), len(vectors))
    lengths[:start] = known.lengths[:start]
    odd, largest = [known.odd[known.odd < start]], known.largest
    for first in range(start, len(vectors), _BLOCK):
        block = vectors[first : first + _BLOCK]
        with np.errstate(over="ignore"):
            found = np.sqrt(np.einsum("ij,ij->i", block, block))
        lengths[first : first + len(block)] = found
        strange = ~(found < _HUGE)
        tiny = np.flatnonzero(found < _TINY)
        strange[tiny] = block[tiny].any(axis=1)  # zero vectors are not odd
        odd.append(first + np.flatnonzero(strange))
        largest = max(largest, float(found[~strange].max(initial=0.0)))
    return Norms(lengths, np.concatenate(odd), largest)


def distances(query: Vectors, rows: Vectors, space: str) -> NDArray[np.float64]:
    """Chroma's distances of one query (dimension,) to rows (n, dimension), in float64.

    Example:
        >>> distances(np.array([1.0, 0.0]), np.array([[1.0, 0.0], [0.0, 2.0]]), "l2").tolist()
        [0.0, 5.0]
    """
    q, x = query.astype(np.float64), rows.astype(np.float64)
    if space == "l2":
        x -= q
        return np.asarray(np.einsum("ij,ij->i", x, x))
    dot = x @ q
    if space == "cosine":
        dot = _divide(dot, np.sqrt(np.einsum("ij,ij->i", x, x)) * np.sqrt(q @ q))
    return np.asarray(1.0 - dot)


def rough_distances(
    queries: Vectors, rows: Vectors, lengths: Vectors, space: str
) -> NDArray[np.float32]:
    """Distances (q, n) in float32: as `distances`, up to the rounding that `error_bound` bounds.

    Args:
        queries: (q, dimension), float32.
        rows: (n, dimension), float32.
        lengths: (n,) their norms.
        space: "l2", "cosine" or "ip".
    """
    with np.errstate(over="ignore", invalid="ignore"):  # odd rows and queries are measured anyway
        products = dot(rows, queries[0])[np.newaxis] if len(queries) == 1 else queries @ rows.T
        if space == "ip":
            return np.asarray(np.subtract(1, products, out=products))
        norms = np.sqrt(np.einsum("ij,ij->i", queries, queries))[:, np.newaxis]
        if space == "cosine":
            products /= norms + (norms == 0)
            products /= lengths + (lengths == 0)
            return np.asarray(np.subtract(1, products, out=products))
        products *= -2
        products += np.square(lengths)
        products += np.square(norms)
        return np.asarray(products)


def error_bound(query: Vectors, largest: float, space: str) -> float:
    """How far a rough distance of this query may be off, for rows of a norm up to `largest`."""
    terms = (len(query) + 4) * _UNIT
    norm = float(np.linalg.norm(query.astype(np.float64)))
    if not _TINY < norm < _HUGE and norm:
        return float("inf")
    if space == "cosine":
        return 2 * terms
    return terms * (2 * (norm**2 + largest**2) if space == "l2" else 1 + norm * largest)


def unit(rows: Vectors) -> Vectors:
    """Scale rows (n, dimension) to length 1, float32; zero vectors stay."""
    wide = rows.astype(np.float64)
    norms = np.sqrt(np.einsum("ij,ij->i", wide, wide))[:, np.newaxis]
    return np.asarray(rows / (norms + (norms == 0)), dtype=np.float32)


def dot(rows: Vectors, query: Vectors) -> Vectors:
    """Multiply rows with one vector; what memory bounds needs no threads, which wait by spinning."""
    if rows.size > _LARGE:
        return np.asarray(rows @ query)
    return np.asarray(np.einsum("ij,j->i", rows, query))


def _divide(dot: NDArray[Any], norms: NDArray[Any]) -> NDArray[Any]:
    """Divide, with 0 for a zero vector: it is at cosine distance 1 from everything."""
    quotient: NDArray[Any] = np.divide(dot, norms, out=np.zeros_like(dot), where=norms > 0)
    return quotient
