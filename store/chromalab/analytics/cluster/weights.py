"""How strongly two nodes of the graph hold together: by the cosine of their vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from chromalab.analytics.graph.graph import Graph

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

__all__ = ["NEIGHBORS", "between", "weights_of"]

NEIGHBORS = 30
"""Neighbours a node takes part with. 30 gave steadier choices of the resolution than 15 or 20."""


_MANY = 50_000  # nodes; above, fewer neighbours take part, to keep a run of Leiden under 2 s
_NEIGHBORS_OF_MANY = 20


def weights_of(graph: Graph) -> csr_matrix:
    """Make the symmetric weights of a graph: the cosine, twice where both name each other.

    A neighbour at a right angle, or beyond, has no weight: so a zero vector has no edges at all.

    Returns:
        (m, m) float64, with sorted indices and an empty diagonal.

    Example:
        >>> import numpy as np
        >>> distances = np.array([[0.25], [0.25], [0.5]], dtype=np.float32)
        >>> neighbors = np.array([[1], [0], [1]], dtype=np.int32)
        >>> graph = Graph(neighbors, distances, np.arange(3), np.arange(3), 1.0, True, 0)
        >>> weights_of(graph).toarray().tolist()
        [[0.0, 1.5, 0.0], [1.5, 0.0, 0.5], [0.0, 0.5, 0.0]]
    """
    from scipy.sparse import csr_matrix

    count = len(graph)
    cut = graph.cut(NEIGHBORS if count <= _MANY else _NEIGHBORS_OF_MANY)
    kept = (cut.neighbors >= 0) & (cut.distances < 1)
    ends = np.concatenate([[0], np.cumsum(kept.sum(axis=1))])
    one_way = csr_matrix(
        (1 - cut.distances[kept].astype(np.float64), cut.neighbors[kept], ends),
        shape=(count, count),
    )
    both = (one_way + one_way.T).tocsr()
    both.sort_indices()
    return both


def between(
    weights: csr_matrix, labels: NDArray[np.int32], count: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Sum the weights between clusters, and the degrees in each.

    Args:
        weights: (m, m), symmetric.
        labels: (m,) 0 to count - 1, or -1 for what is left out of the first sum.
        count: How many clusters there are.

    Returns:
        (count, count) sums, and (count,) sums of all weights at the nodes of each.
    """
    of = np.repeat(labels, np.diff(weights.indptr)).astype(np.int64)
    to = labels[weights.indices]
    both = (of >= 0) & (to >= 0)
    cell = of[both] * count + to[both]
    sums = np.bincount(cell, weights.data[both], minlength=count * count).reshape(count, count)
    degrees = np.bincount(of[of >= 0], weights.data[of >= 0], minlength=count)
    return sums.astype(np.float64), degrees.astype(np.float64)
