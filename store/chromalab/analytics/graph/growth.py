"""Growth: a neighbor graph updated after records were added and deleted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chromalab.analytics.graph.approximate import RECALL_AT
from chromalab.analytics.graph.distinct_vectors import distinct, unit
from chromalab.analytics.graph.exact import largest
from chromalab.analytics.graph.graph import NeighborGraph, lists_of_pairs, order_ties
from chromalab.cores import each, one_thread_blas

__all__ = ["extended"]

# A node whose list must be recomputed is compared with all others, at 10 ns per pair. Building the whole
# graph takes 7 ns per pair up to 12,000 nodes, and about 80,000 ns per node above.
_MAX_SHARE = 0.25  # the share of nodes that may be recomputed
_MAX_NODES = 4000  # nodes that may be recomputed
_MIN_NODES = 1000  # a smaller graph is built from scratch as fast
_PRODUCTS = 4_000_000  # per block


def extended(
    old: NeighborGraph,
    old_rows: NDArray[np.int64],
    vectors: NDArray[np.float32],
    rows: NDArray[np.int64],
    *,
    k: int = RECALL_AT,
    on_progress: Callable[[int, int], Any] | None = None,
) -> NeighborGraph | None:
    """Make the graph of the current records from the graph of earlier ones.

    Deleted nodes are removed from all lists. Every new node is compared with all others, so it enters
    each list that it belongs to. Recall does not degrade with time, as every list remains complete up
    to its length. If a list has lost more than half of its neighbors beyond the 15th, or has fewer than
    k, its node is compared with all others as well.

    Args:
        old: The earlier graph.
        old_rows: (records of `old`,) int64, the names of their vectors.
        vectors: (n, dimension) float32, of the current records.
        rows: (n,) int64, their names; the same name means the same vector.
        k: Number of neighbors needed per node.
        on_progress: Called with the number of finished steps and their total.

    Returns:
        The graph; None if building it is as cheap.

    Example:
        >>> from chromalab.analytics.graph.construction import build
        >>> points = np.random.default_rng(0).normal(size=(1200, 8)).astype(np.float32)
        >>> old = build(points[:1190], 30)
        >>> len(extended(old, np.arange(1190), points, np.arange(1200)))
        1200
    """
    node, representative = distinct(vectors)
    m = len(representative)
    now = _nodes_now(old, old_rows, node, rows, m)
    if now is None or m < _MIN_NODES or len(old) <= old.k:
        return None
    neighbors, distances = _without_deleted(old, now, m)
    scaled, has_direction = unit(vectors[representative])
    is_old = np.zeros(m, dtype=np.bool_)
    is_old[now[now >= 0]] = True
    least = max(k, old.k - max(0, old.k - RECALL_AT) // 2)
    incomplete = np.flatnonzero(((neighbors >= 0).sum(axis=1) < min(least, m - 1)) & has_direction)
    if len(incomplete) > min(_MAX_SHARE * m, _MAX_NODES):
        return None
    _compare(scaled, incomplete, is_old, has_direction, neighbors, distances, on_progress)
    order_ties(neighbors, distances)
    return NeighborGraph(
        neighbors, distances, node, representative, old.recall, old.exact, old.random_state
    )


def _nodes_now(
    old: NeighborGraph,
    old_rows: NDArray[np.int64],
    node: NDArray[np.int32],
    rows: NDArray[np.int64],
    m: int,
) -> NDArray[np.int32] | None:
    """Return the current node of each old one, -1 if it is gone; None if the names are inconsistent."""
    _, before, after = np.intersect1d(old_rows, rows, return_indices=True)
    now = np.full(len(old), -1, dtype=np.int32)
    now[old.node[before]] = node[after]
    there = now[now >= 0]
    one_to_one = len(np.unique(there)) == len(there)
    return now if one_to_one and np.array_equal(now[old.node[before]], node[after]) else None


def _without_deleted(
    old: NeighborGraph, now: NDArray[np.int32], m: int
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Return the old lists with current node numbers, without deleted nodes."""
    neighbors = np.full((m, old.k), -1, dtype=np.int32)
    distances = np.full((m, old.k), np.inf, dtype=np.float32)
    there = np.flatnonzero(now >= 0)
    lists = np.where(old.neighbors[there] >= 0, now[old.neighbors[there]], -1)
    order = np.argsort(lists < 0, axis=1, kind="stable")
    lists = np.take_along_axis(lists, order, 1)
    far = np.take_along_axis(old.distances[there], order, 1)
    neighbors[now[there]] = lists
    distances[now[there]] = np.where(lists >= 0, far, np.inf)
    return neighbors, distances


def _compare(
    scaled: NDArray[np.float32],
    incomplete: NDArray[np.int64],
    is_old: NDArray[np.bool_],
    has_direction: NDArray[np.bool_],
    neighbors: NDArray[np.int32],
    distances: NDArray[np.float32],
    on_progress: Callable[[int, int], Any] | None,
) -> None:
    """Recompute the incomplete lists, and insert the new nodes into the other lists, in place."""
    m, k = neighbors.shape
    found = min(k, m - 1)
    last = np.where(neighbors >= 0, distances, -np.inf).max(axis=1)
    floor = 1 - last  # a list may be incomplete beyond its last neighbor, so nothing is added there
    floor[incomplete] = np.inf  # these lists are recomputed
    block = max(32, _PRODUCTS // m)

    def compare(start: int) -> tuple[NDArray[Any], ...]:
        these = incomplete[start : start + block]
        similarity = scaled[these] @ scaled.T
        similarity[np.arange(len(these)), these] = -np.inf
        similarity[:, ~has_direction] = -np.inf
        columns, values = largest(similarity, found)
        added = np.flatnonzero(~is_old[these])
        row, column = np.nonzero(similarity[added] >= floor)
        neighbor, cosine = these[added[row]], similarity[added[row], column]
        return these, columns, values, column.astype(np.int32), neighbor.astype(np.int32), cosine

    with one_thread_blas():
        answers = list(each(compare, range(0, len(incomplete), block), on_progress))
    if not answers:
        return
    these, columns, values, owner, neighbor, cosine = (
        np.concatenate(part) for part in zip(*answers, strict=True)
    )
    there = values > -np.inf
    neighbors[these, :found] = np.where(there, columns, -1)
    distances[these, :found] = np.where(there, np.maximum(1 - values, 0), np.inf)
    touched = np.unique(owner)
    row, rank = np.nonzero(neighbors[touched] >= 0)
    lists, similarity = lists_of_pairs(
        np.concatenate([row.astype(np.int32), np.searchsorted(touched, owner).astype(np.int32)]),
        np.concatenate([neighbors[touched][row, rank], neighbor]),
        np.concatenate([1 - distances[touched][row, rank], cosine]),
        len(touched),
        k,
    )
    neighbors[touched], distances[touched] = lists, np.maximum(1 - similarity, 0)
