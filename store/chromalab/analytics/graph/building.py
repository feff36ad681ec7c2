"""The graph of some vectors, from nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chromalab.analytics.graph.approximate import approximate_neighbors
from chromalab.analytics.graph.copies import distinct, unit
from chromalab.analytics.graph.exact import exact_neighbors
from chromalab.analytics.graph.graph import Graph
from chromalab.analytics.graph.lists import in_order
from chromalab.analytics.graph.recall import Held

__all__ = ["build"]

# Nodes. Glosses, 256 dimensions, CPU s exact and not: 0.44 and 0.34 at 8,000, 0.92 and 0.58 at 12,000,
# 1.48 and 0.71 at 15,000. So this is not where costs cross: up to a second, exact is worth it.
_EXACT_UP_TO = 12_000
_PER_NEIGHBOR = 50  # nodes for each neighbour: cells are of 2k vectors at least


def build(
    vectors: NDArray[np.float32],
    k: int,
    *,
    random_state: int = 0,
    tell: Callable[[int, int], Any] | None = None,
) -> Graph:
    """Find the k nearest others of every distinct vector.

    Args:
        vectors: (n, dimension) float32, finite.
        k: Neighbours of each.
        random_state: The seed of what is drawn where not all pairs are compared.
        tell: Is told how many steps are done, and of how many.

    Returns:
        The graph; where all is zero, or one vector, or none, its lists are empty (-1 and inf).

    Example:
        >>> build(np.array([[1, 0], [0, 1], [1, 0]], dtype=np.float32), 1).neighbors
        array([[1],
               [0]], dtype=int32)
    """
    node, first = distinct(vectors)
    scaled, has_direction = unit(vectors[first])
    living = np.flatnonzero(has_direction)
    if len(living) < len(first):
        scaled = scaled[living]
    random = np.random.default_rng(random_state)
    recall, found = 1.0, None
    if len(living) > max(_EXACT_UP_TO, _PER_NEIGHBOR * k):
        held = Held.of(scaled, random)
        found = approximate_neighbors(scaled, k, held, random=random, tell=tell)
        if found is not None:
            recall = held.recall(found[1])
    exact = found is None
    neighbors, distances = exact_neighbors(scaled, k, tell=tell) if found is None else found
    in_order(neighbors, distances)
    if len(living) < len(first):
        neighbors, distances = _with_zero(neighbors, distances, living, len(first))
    return Graph(neighbors, distances, node, first, recall, exact, random_state)


def _with_zero(
    neighbors: NDArray[np.int32],
    distances: NDArray[np.float32],
    living: NDArray[np.int64],
    m: int,
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Give the vector without a direction its place back; it is nobody's neighbour."""
    shape = (m, neighbors.shape[1])
    all_neighbors = np.full(shape, -1, dtype=np.int32)
    all_distances = np.full(shape, np.inf, dtype=np.float32)
    # A -1 would read the last; there is a first only where there is a neighbour.
    numbers = living if len(living) else np.zeros(1, dtype=np.int64)
    all_neighbors[living] = np.where(neighbors >= 0, numbers[neighbors], -1)
    all_distances[living] = distances
    return all_neighbors, all_distances
