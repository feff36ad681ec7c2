"""Pairs with near vectors, taken from the neighbour graph."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from chromalab.analytics.dedupe.units import Units
from chromalab.analytics.graph import NeighborGraph

__all__ = ["semantic_pairs"]

Rows = NDArray[np.int64]

_SPREAD = 8  # texts of one vector that are each paired with the texts of near vectors


def semantic_pairs(
    graph: NeighborGraph, units: Units, floor: float, zero: NDArray[np.bool_]
) -> tuple[Rows, Rows, NDArray[np.float32]]:
    """Find the pairs of units whose vectors have a cosine of at least `floor`.

    A vector may stand for several texts ("tea or coffee" and "coffee or tea" for a model that takes
    the mean over words). Each text is paired with the first of its vector, and with those of near
    vectors; of a vector with more than 8 texts only the first is paired with those of near ones, as
    the pairs would be without end, and the others hang on it.

    Args:
        graph: The neighbour graph of the records.
        units: The records taken together.
        floor: The least cosine.
        zero: (n,) bool, whether a record's vector is zero.

    Returns:
        The units of each pair, (p,) int64, left < right, and its cosine, (p,) float32.
    """
    near = np.flatnonzero((graph.distances <= 1 - floor).ravel())
    one = near // max(graph.k, 1)
    other = graph.neighbors.ravel()[near].astype(np.int64)
    cosine = 1 - graph.distances.ravel()[near]
    kept = other >= 0
    one, other, cosine = one[kept], other[kept], cosine[kept]

    # Which units stand at each node: node after node, the units of each in order.
    places = np.sort(graph.node.astype(np.int64) * len(units) + units.unit)
    places = places[np.diff(places, prepend=-1) != 0]
    node, unit = places // max(len(units), 1), places % max(len(units), 1)
    sizes = np.bincount(node, minlength=len(graph))
    starts = np.cumsum(sizes) - sizes

    many = sizes[one] * sizes[other] > _SPREAD
    wide = np.where(many, 1, sizes[other])
    times = np.where(many, 1, sizes[one]) * wide
    edge = np.repeat(np.arange(len(one)), times)
    turn = np.arange(len(edge)) - np.repeat(np.cumsum(times) - times, times)
    left = unit[starts[one[edge]] + turn // wide[edge]]
    right = unit[starts[other[edge]] + turn % wide[edge]]
    cosine = cosine[edge]

    sure = ~zero[graph.representative] if len(graph) else np.zeros(0, dtype=bool)
    same = np.flatnonzero((starts[node] != np.arange(len(node))) & sure[node])
    left = np.concatenate([left, unit[starts[node[same]]]])
    right = np.concatenate([right, unit[same]])
    cosine = np.concatenate([cosine, np.ones(len(same), dtype=np.float32)])
    return _strongest(left, right, cosine.astype(np.float32), len(units))


def _strongest(
    left: Rows, right: Rows, cosine: NDArray[np.float32], count: int
) -> tuple[Rows, Rows, NDArray[np.float32]]:
    """Keep each pair once, with its highest cosine; both directions are one pair."""
    pairs = np.minimum(left, right) * count + np.maximum(left, right)
    kept = np.flatnonzero(left != right)
    kept = kept[np.lexsort((-cosine[kept], pairs[kept]))]
    pairs = pairs[kept]
    kept = kept[np.diff(pairs, prepend=-1) != 0]
    return np.minimum(left, right)[kept], np.maximum(left, right)[kept], cosine[kept]
