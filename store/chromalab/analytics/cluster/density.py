"""HDBSCAN from the neighbour graph: dense cores, and all else as noise.

Campello, Moulavi and Sander 2013, https://doi.org/10.1007/978-3-642-37456-2_14; McInnes and Healy
2017, https://doi.org/10.1109/ICDMW.2017.12. The mutual reachability of all pairs is never made: the
minimum spanning tree of the graph's edges stands in for that of all.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from chromalab.analytics.cluster.condensed import condense, select
from chromalab.analytics.graph.graph import Graph

__all__ = ["core_distances", "dense", "merges", "spanning_tree"]

_FLOOR = 1e-3  # distances below it are rounding: float32 cosines of equal vectors differ by 5e-7

_NEIGHBORS = 20  # ARI to all pairs on banking77 .95-1.00; 30 gave no more, for twice the time
_MORE = 5  # beyond those that make the core distance: the tree needs some to choose from


def dense(
    graph: Graph, *, min_cluster_size: int = 15, min_samples: int | None = None, leaf: bool = False
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Find dense clusters, as `hdbscan.HDBSCAN` does on unit vectors.

    Args:
        graph: The neighbours. Its copies count: a node of 20 records is as dense as 20 records.
        min_cluster_size: The fewest records of a cluster.
        min_samples: How many neighbours make a record dense; None for min_cluster_size, but no
            more than the graph has.
        leaf: Whether to take the finest clusters, rather than those that last longest.

    Returns:
        (m,) int32 labels, -1 for noise, and (m,) float32, how near each is to the core of its own.

    Example:
        >>> alone = Graph(np.empty((1, 0), np.int32), np.empty((1, 0), np.float32),
        ...               np.zeros(1, np.int32), np.zeros(1, np.int64), 1.0, True, 0)
        >>> dense(alone)[0].tolist()
        [-1]
    """
    count = len(graph)
    min_samples = min_cluster_size if min_samples is None else min_samples
    graph = graph.cut(max(_NEIGHBORS, min_samples + _MORE))
    core = core_distances(graph, min_samples)
    if count < 2:
        return np.full(count, -1, dtype=np.int32), np.zeros(count, dtype=np.float32)
    edges, lengths = spanning_tree(graph, core)
    tree, sizes = merges(edges, lengths, graph.copies)
    condensed = condense(tree, lengths, sizes, core, min_cluster_size)
    return select(condensed, leaf=leaf)


def core_distances(graph: Graph, min_samples: int) -> NDArray[np.float64]:
    """Return how far each node's nearest `min_samples` other records reach, copies among them.

    Returns:
        (m,) float64 Euclidean distances of unit vectors; where the graph has fewer neighbours, to
        the last of them.
    """
    copies = graph.copies
    lengths = _euclidean(graph)
    known = np.isfinite(lengths)
    nearby = np.where(known, copies[graph.neighbors], 0)
    reached = np.cumsum(nearby, axis=1) + (copies - 1)[:, None]
    enough = reached >= min_samples
    last = known.sum(axis=1) - 1
    place = np.where(enough.any(axis=1), enough.argmax(axis=1), last) if graph.k else last
    core = np.full(len(graph), _FLOOR)
    has = place >= 0
    core[has] = lengths[np.flatnonzero(has), place[has]]
    core[copies - 1 >= min_samples] = _FLOOR
    return core


def spanning_tree(
    graph: Graph, core: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Make the minimum spanning tree of the mutual reachability along the graph's edges.

    Where the graph falls into components, they are bridged at the largest length there is, never
    at infinity: else the components come back as the clusters.

    Returns:
        (m - 1, 2) int64 edges and (m - 1,) float64 lengths, ascending.
    """
    from scipy.sparse import csr_matrix
    from scipy.sparse.csgraph import connected_components, minimum_spanning_tree

    count = len(graph)
    lengths = _euclidean(graph)
    known = np.isfinite(lengths)
    rows = np.repeat(np.arange(count), known.sum(axis=1))
    columns = graph.neighbors[known]
    reach = np.maximum(lengths[known], np.maximum(core[rows], core[columns]))
    ends = np.concatenate([[0], np.cumsum(known.sum(axis=1))])
    forest = minimum_spanning_tree(csr_matrix((reach, columns, ends), shape=(count, count))).tocoo()
    edges = np.column_stack([forest.row, forest.col]).astype(np.int64)
    parts, part = connected_components(forest, directed=False)
    if parts > 1:
        # Each is bridged at its node nearest to its core, as it would be with all pairs known.
        order = np.lexsort((core, part))
        first = order[np.concatenate([[True], part[order][1:] != part[order][:-1]])]
        longest = max(float(reach.max(initial=_FLOOR)), _FLOOR)
        edges = np.concatenate([edges, np.column_stack([first[:-1], first[1:]])])
        all_lengths = np.concatenate([forest.data, np.full(parts - 1, longest)])
    else:
        all_lengths = forest.data
    order = np.argsort(all_lengths, kind="stable")
    return edges[order], all_lengths[order]


def merges(
    edges: NDArray[np.int64], lengths: NDArray[np.float64], copies: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Make of a spanning tree the tree of what joins what, shortest edge first.

    Returns:
        (m - 1, 2) int64, the two that join: a node below m, or m + the row where it was made; and
        (2m - 1,) int64, how many records are in each.
    """
    count = len(copies)
    sizes = copies.tolist() + [0] * (count - 1)
    above = list(range(2 * count - 1))
    tree = []
    for at, (one, other) in enumerate(edges.tolist(), start=count):
        while above[one] != one:
            above[one] = one = above[above[one]]
        while above[other] != other:
            above[other] = other = above[above[other]]
        tree.append((one, other))
        above[one] = above[other] = at
        sizes[at] = sizes[one] + sizes[other]
    return np.array(tree, dtype=np.int64).reshape(-1, 2), np.array(sizes, dtype=np.int64)


def _euclidean(graph: Graph) -> NDArray[np.float64]:
    """Return the distances of the unit vectors, at least the floor: scipy takes 0 for no edge."""
    cosine = np.maximum(graph.distances.astype(np.float64), 0)
    lengths: NDArray[np.float64] = np.maximum(np.sqrt(2 * cosine), _FLOOR)
    return np.where(graph.neighbors >= 0, lengths, np.inf)
