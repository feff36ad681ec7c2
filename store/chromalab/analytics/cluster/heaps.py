"""Heaps: many records with one direction, which are enough for a cluster by themselves.

The neighbor graph has one node per distinct vector, so that copies do not fill each other's lists. A
community of a graph over so few nodes says nothing of the thousands of records that they stand for. Among
the records themselves, a heap is the densest community there is: its members are each other's nearest
neighbors. Here the nodes of a heap become one node, and its copies count as the weight inside of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from chromalab.analytics.cluster.membership import NEIGHBORS
from chromalab.analytics.graph.graph import NeighborGraph

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

__all__ = ["Heaps", "find_heaps"]

_SAME = 1e-6  # cosine distances of float32 vectors are no finer: vectors of one direction


@dataclass(frozen=True, eq=False)
class Heaps:
    """The nodes of a neighbor graph, with those of each heap merged into one.

    Attributes:
        group: (m,) int64, the merged node of each node.
        inner: (merged,) float64, the weight of the records of a heap to each other; 0 for other nodes.
    """

    group: NDArray[np.int64]
    inner: NDArray[np.float64]

    def merged(self, weights: csr_matrix) -> csr_matrix:
        """Return the edges between merged nodes: the heaviest of those between their members.

        Args:
            weights: (m, m), symmetric.
        """
        from scipy.sparse import csr_matrix

        count = len(self.inner)
        source = self.group[np.repeat(np.arange(len(self.group)), np.diff(weights.indptr))]
        target = self.group[weights.indices]
        order = np.lexsort((weights.data, target, source))
        source, target, data = source[order], target[order], weights.data[order]
        last = np.ones(len(order), dtype=np.bool_)
        last[:-1] = (source[1:] != source[:-1]) | (target[1:] != target[:-1])
        last &= source != target
        return csr_matrix((data[last], (source[last], target[last])), shape=(count, count))


def find_heaps(
    graph: NeighborGraph, has_direction: NDArray[np.bool_], smallest: int
) -> Heaps | None:
    """Find the heaps of a graph; None if there are none, as in most data.

    Args:
        graph: The neighbor graph.
        has_direction: (m,) bool, False for the zero vector.
        smallest: The smallest number of records in a cluster, and so in a heap.

    Example:
        >>> from chromalab.analytics.graph.construction import build
        >>> graph = build(np.float32([[1, 0], [2, 0], [0, 1], [1, 0]]), 2)
        >>> find_heaps(graph, np.ones(3, dtype=np.bool_), 3).group.tolist()
        [0, 0, 1]
    """
    from scipy.sparse import csr_matrix
    from scipy.sparse.csgraph import connected_components

    count = len(graph)
    same = (graph.neighbors >= 0) & (graph.distances <= _SAME)
    pairs = csr_matrix(
        (np.ones(same.sum()), (np.nonzero(same)[0], graph.neighbors[same])), shape=(count, count)
    )
    _, part = connected_components(pairs, directed=False)
    records = np.bincount(part, graph.counts)
    is_heap = (records >= smallest)[part] & has_direction
    if not is_heap.any():
        return None
    # Nodes outside of heaps stay apart, also those of one direction.
    name = np.where(is_heap, part, count + np.arange(count))
    _, first, group = np.unique(name, return_index=True, return_inverse=True)
    own = 2.0 * np.minimum(records[part[first]] - 1, NEIGHBORS)
    return Heaps(group.ravel(), np.where(is_heap[first], own, 0.0))
