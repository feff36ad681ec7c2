"""A graph brought up to date after records came and went."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chromalab.analytics.graph.copies import distinct, unit
from chromalab.analytics.graph.exact import largest
from chromalab.analytics.graph.graph import Graph
from chromalab.analytics.graph.lists import best, in_order
from chromalab.analytics.graph.recall import RECALL_AT
from chromalab.analytics.graph.threads import each, one_thread_blas

__all__ = ["extended"]

# Each node that is wanted is compared with all others (10 ns a pair); all anew takes 7 ns a pair up to
# 12,000 nodes, then about 80,000 ns a node.
_SHARE = 0.25  # of the nodes that may be wanted
_MOST = 4000  # of them
_FEWEST = 1000  # nodes: below, all anew is as quick
_PRODUCTS = 4_000_000  # in a block

_Tell = Callable[[int, int], Any]


def extended(
    old: Graph,
    old_rows: NDArray[np.int64],
    vectors: NDArray[np.float32],
    rows: NDArray[np.int64],
    *,
    k: int = RECALL_AT,
    tell: _Tell | None = None,
) -> Graph | None:
    """Make the graph of the records that are now out of that of the records that were.

    A list loses the nodes that are gone. Every new node is compared with all, so that it enters
    each list to which it belongs, and nothing is lost as time goes by: a list stays complete as far
    as it goes. Where one has lost more than half of what it has above 15, or has fewer than k, its
    node is compared with all as well.

    Args:
        old: The graph that was.
        old_rows: (n of old,) int64, names of its records' vectors.
        vectors: (n, dimension) float32, of the records that are.
        rows: (n,) int64, their names; the same name is the same vector.
        k: Neighbours that are wanted of each.
        tell: Is told how many steps are done, and of how many.

    Returns:
        The graph, or None where making it from nothing is as cheap.

    Example:
        >>> from chromalab.analytics.graph.building import build
        >>> points = np.random.default_rng(0).normal(size=(1200, 8)).astype(np.float32)
        >>> old = build(points[:1190], 30)
        >>> len(extended(old, np.arange(1190), points, np.arange(1200)))
        1200
    """
    node, first = distinct(vectors)
    m = len(first)
    into = _same_nodes(old, old_rows, node, rows, m)
    if into is None or m < _FEWEST or len(old) <= old.k:
        return None
    neighbors, distances = _still_there(old, into, m)
    scaled, has_direction = unit(vectors[first])
    is_old = np.zeros(m, dtype=np.bool_)
    is_old[into[into >= 0]] = True
    least = max(k, old.k - max(0, old.k - RECALL_AT) // 2)
    wanted = np.flatnonzero(((neighbors >= 0).sum(axis=1) < min(least, m - 1)) & has_direction)
    if len(wanted) > min(_SHARE * m, _MOST):
        return None
    _compare(scaled, wanted, is_old, has_direction, neighbors, distances, tell)
    in_order(neighbors, distances)
    return Graph(neighbors, distances, node, first, old.recall, old.exact, old.random_state)


def _same_nodes(
    old: Graph,
    old_rows: NDArray[np.int64],
    node: NDArray[np.int32],
    rows: NDArray[np.int64],
    m: int,
) -> NDArray[np.int32] | None:
    """Return which node each old one is now, -1 if gone; None if the names do not fit together."""
    _, before, now = np.intersect1d(old_rows, rows, return_indices=True)
    into = np.full(len(old), -1, dtype=np.int32)
    into[old.node[before]] = node[now]
    there = into[into >= 0]
    one_to_one = len(np.unique(there)) == len(there)
    return into if one_to_one and np.array_equal(into[old.node[before]], node[now]) else None


def _still_there(
    old: Graph, into: NDArray[np.int32], m: int
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Return the old lists over the new nodes, without those that are gone."""
    neighbors = np.full((m, old.k), -1, dtype=np.int32)
    distances = np.full((m, old.k), np.inf, dtype=np.float32)
    kept = np.flatnonzero(into >= 0)
    lists = np.where(old.neighbors[kept] >= 0, into[old.neighbors[kept]], -1)
    order = np.argsort(lists < 0, axis=1, kind="stable")
    lists = np.take_along_axis(lists, order, 1)
    far = np.take_along_axis(old.distances[kept], order, 1)
    neighbors[into[kept]] = lists
    distances[into[kept]] = np.where(lists >= 0, far, np.inf)
    return neighbors, distances


def _compare(
    scaled: NDArray[np.float32],
    wanted: NDArray[np.int64],
    is_old: NDArray[np.bool_],
    has_direction: NDArray[np.bool_],
    neighbors: NDArray[np.int32],
    distances: NDArray[np.float32],
    tell: _Tell | None,
) -> None:
    """Find the lists of the wanted anew, and enter the new ones into the lists of others, in place."""
    m, k = neighbors.shape
    found = min(k, m - 1)
    last = np.where(neighbors >= 0, distances, -np.inf).max(axis=1)
    floor = 1 - last  # a list knows nothing of what is farther than its last
    floor[wanted] = np.inf  # these get a list of their own
    block = max(32, _PRODUCTS // m)

    def one(start: int) -> tuple[NDArray[Any], ...]:
        these = wanted[start : start + block]
        similarity = scaled[these] @ scaled.T
        similarity[np.arange(len(these)), these] = -np.inf
        similarity[:, ~has_direction] = -np.inf
        columns, values = largest(similarity, found)
        added = np.flatnonzero(~is_old[these])
        row, column = np.nonzero(similarity[added] >= floor)
        who, how = these[added[row]], similarity[added[row], column]
        return these, columns, values, column.astype(np.int32), who.astype(np.int32), how

    with one_thread_blas():
        answers = list(each(one, range(0, len(wanted), block), tell))
    if not answers:
        return
    these, columns, values, for_whom, who, how = (
        np.concatenate(part) for part in zip(*answers, strict=True)
    )
    there = values > -np.inf
    neighbors[these, :found] = np.where(there, columns, -1)
    distances[these, :found] = np.where(there, np.maximum(1 - values, 0), np.inf)
    touched = np.unique(for_whom)
    owner, place = np.nonzero(neighbors[touched] >= 0)
    lists, similarity = best(
        np.concatenate(
            [owner.astype(np.int32), np.searchsorted(touched, for_whom).astype(np.int32)]
        ),
        np.concatenate([neighbors[touched][owner, place], who]),
        np.concatenate([1 - distances[touched][owner, place], how]),
        len(touched),
        k,
    )
    neighbors[touched], distances[touched] = lists, np.maximum(1 - similarity, 0)
