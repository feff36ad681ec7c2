"""Edge weights of the neighbor graph, and each node's share of weight in each cluster.

The shares give the probabilities of a clustering, and decide which nodes are noise.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from chromalab.analytics.graph.graph import NeighborGraph

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

__all__ = [
    "NEAREST",
    "NEIGHBORS",
    "edge_weights",
    "settle",
    "shares",
    "strongest",
    "weights_between",
    "weights_of_equals",
]

NEIGHBORS = 30
"""Neighbors per node. With 30 the choice of the resolution was steadier than with 15 or 20."""

NEAREST = 3
"""Clusters stored per record: those with the largest shares."""

_MANY_NODES = 50_000  # above, fewer neighbors are used, so that one run of Leiden takes under 2 s
_NEIGHBORS_OF_MANY = 20


def edge_weights(graph: NeighborGraph) -> csr_matrix:
    """Make the symmetric edge weights of a graph: the cosine, twice for mutual neighbors.

    A neighbor at a right angle or beyond has no weight, so a zero vector has no edges at all.

    Returns:
        (m, m) float64, with sorted indices and an empty diagonal.

    Example:
        >>> import numpy as np
        >>> distances = np.array([[0.25], [0.25], [0.5]], dtype=np.float32)
        >>> neighbors = np.array([[1], [0], [1]], dtype=np.int32)
        >>> graph = NeighborGraph(neighbors, distances, np.arange(3), np.arange(3), 1.0, True, 0)
        >>> edge_weights(graph).toarray().tolist()
        [[0.0, 1.5, 0.0], [1.5, 0.0, 0.5], [0.0, 0.5, 0.0]]
    """
    from scipy.sparse import csr_matrix

    count = len(graph)
    cut = graph.cut(NEIGHBORS if count <= _MANY_NODES else _NEIGHBORS_OF_MANY)
    edges = (cut.neighbors >= 0) & (cut.distances < 1)
    ends = np.concatenate([[0], np.cumsum(edges.sum(axis=1))])
    one_way = csr_matrix(
        (1 - cut.distances[edges].astype(np.float64), cut.neighbors[edges], ends),
        shape=(count, count),
    )
    both = (one_way + one_way.T).tocsr()
    both.sort_indices()
    return both


def weights_of_equals(
    graph: NeighborGraph, has_direction: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Return the weight of the other records of each node, which have the same vector.

    They are its nearest neighbors: each weighs 2, as mutual neighbors with a cosine of 1, up to 30 of
    them.

    Args:
        graph: The neighbor graph.
        has_direction: (m,) bool, False for the zero vector, whose records weigh nothing.

    Returns:
        (m,) float64.
    """
    own = 2.0 * np.minimum(graph.counts - 1, NEIGHBORS)
    return np.where(has_direction, own, 0.0)


def weights_between(
    weights: csr_matrix, labels: NDArray[np.int32], count: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Sum the weights between clusters, and the degrees within each.

    Args:
        weights: (m, m), symmetric.
        labels: (m,) 0 to count - 1, or -1 for nodes to leave out of the first sum.
        count: Number of clusters.

    Returns:
        (count, count) sums, and (count,) sums of all weights at the nodes of each cluster.
    """
    source = np.repeat(labels, np.diff(weights.indptr)).astype(np.int64)
    target = labels[weights.indices]
    both = (source >= 0) & (target >= 0)
    cell = source[both] * count + target[both]
    sums = np.bincount(cell, weights.data[both], minlength=count * count).reshape(count, count)
    degrees = np.bincount(source[source >= 0], weights.data[source >= 0], minlength=count)
    return sums.astype(np.float64), degrees.astype(np.float64)


def shares(weights: csr_matrix, labels: NDArray[np.int32], own: NDArray[np.float64]) -> csr_matrix:
    """Return each node's share of its neighbors' weight in each cluster.

    Args:
        weights: (m, m), symmetric.
        labels: (m,) clusters, -1 for noise, whose weight counts for no cluster.
        own: (m,) the weight of the node's own records; see `weights_of_equals`.

    Returns:
        (m, clusters) float64. A row sums to 1, to less if some neighbors are noise, and to 0 without
        neighbors.
    """
    from scipy.sparse import csr_matrix, diags

    count = len(labels)
    members = np.flatnonzero(labels >= 0)
    clusters = int(labels.max(initial=-1)) + 1
    member = csr_matrix(
        (np.ones(len(members)), (members, labels[members])),
        shape=(count, clusters),
        dtype=np.float64,
    )
    total = np.asarray(weights.sum(axis=1)).ravel() + own
    scale = np.divide(1.0, total, out=np.zeros(count), where=total > 0)
    sums = diags(scale) @ (weights @ member + diags(own) @ member)
    return sums.tocsr()


def strongest(
    share: csr_matrix, count: int = NEAREST
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Return the clusters with the largest shares of each node; ties go by number.

    Returns:
        (m, count) int32 clusters, -1 after the last, and (m, count) float32 shares.
    """
    nodes = share.shape[0]
    labels = np.full((nodes, count), -1, dtype=np.int32)
    values = np.zeros((nodes, count), dtype=np.float32)
    rows = np.repeat(np.arange(nodes), np.diff(share.indptr))
    share.sort_indices()
    order = np.argsort(2.0 * rows - share.data, kind="stable")  # shares are 0 to 1: rows stay apart
    rank = np.arange(len(order)) - share.indptr[:-1][rows]  # rows are sorted already
    top = rank < count
    labels[rows[top], rank[top]] = share.indices[order][top]
    values[rows[top], rank[top]] = share.data[order][top]
    return labels, values


def settle(
    weights: csr_matrix,
    labels: NDArray[np.int32],
    counts: NDArray[np.int64],
    own: NDArray[np.float64],
    *,
    smallest: int,
    noise: float,
) -> NDArray[np.int32]:
    """Resolve the small and doubtful parts of a partition: each node joins a cluster or is noise.

    A node of a community with fewer than `smallest` records joins the cluster with most of its
    neighbors' weight. A node with a share of less than `noise` in its cluster is noise.

    Args:
        weights: (m, m), symmetric.
        labels: (m,) int32 communities, -1 for noise.
        counts: (m,) int64, the number of records per node.
        own: (m,) the weight of the node's own records.
        smallest: The smallest number of records in a cluster.
        noise: The smallest share.

    Returns:
        (m,) int32, 0 to the number of clusters - 1, or -1.
    """
    size = np.bincount(labels[labels >= 0], counts[labels >= 0])
    large = np.flatnonzero(size >= smallest)
    number = np.full(len(size) + 1, -1, dtype=np.int32)  # the last entry is for noise
    number[large] = np.arange(len(large), dtype=np.int32)
    settled = number[labels]
    share = shares(weights, settled, own)
    best, value = strongest(share, 1)
    without = settled < 0
    settled[without] = best[without, 0]
    value = np.where(without, value[:, 0], _share_of_own(share, settled))
    settled[value < max(noise, float(np.finfo(np.float32).tiny))] = -1
    return settled


def _share_of_own(share: csr_matrix, labels: NDArray[np.int32]) -> NDArray[np.float32]:
    """Return each node's share in its own cluster, 0 for noise."""
    rows = np.repeat(np.arange(len(labels)), np.diff(share.indptr))
    same = share.indices == labels[rows]
    return np.bincount(rows[same], share.data[same], minlength=len(labels)).astype(np.float32)
