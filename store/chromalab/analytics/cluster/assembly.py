"""From the labels of nodes to the arrays of a `Clusters`: memberships, a hierarchy, stable numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from chromalab.analytics.cluster.levels import merges
from chromalab.analytics.cluster.membership import (
    shares,
    strongest,
    weights_between,
    weights_of_equals,
)
from chromalab.analytics.graph.distinct_vectors import unit
from chromalab.analytics.graph.graph import NeighborGraph
from chromalab.snapshot import Snapshot

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

__all__ = ["Assembly", "assemble", "directed", "matched", "numbered", "reach_of"]

_MAX_MERGED = 6_000  # clusters; the weights between all pairs of them take 8 bytes each
_NEAREST = 10  # neighbors whose mean distance measures how far out a record lies


@dataclass(frozen=True, eq=False)
class Assembly:
    """The arrays of a clustering of n records; see `Clusters`.

    Attributes:
        labels: (n,) int32.
        probabilities: (n,) float32.
        near: (n, 3) int32.
        shares: (n, 3) float32.
        tree: (n_clusters - 1, 3) float64.
    """

    labels: NDArray[np.int32]
    probabilities: NDArray[np.float32]
    near: NDArray[np.int32]
    shares: NDArray[np.float32]
    tree: NDArray[np.float64]


def assemble(
    snapshot: Snapshot,
    graph: NeighborGraph,
    weights: csr_matrix,
    labels: NDArray[np.int32],
    *,
    strength: NDArray[np.float32] | None = None,
    previous: tuple[NDArray[np.int32], Sequence[str]] | None = None,
    keep_numbers: bool = False,
    has_direction: NDArray[np.bool_] | None = None,
) -> Assembly:
    """Compute the arrays of a clustering from the labels of the graph's nodes.

    Args:
        snapshot: The records.
        graph: Their neighbor graph.
        weights: (m, m), the edge weights of the graph.
        labels: (m,) labels of the nodes, -1 for noise.
        strength: (m,) probabilities; by default, the shares of the neighbors.
        previous: Earlier labels whose numbers are reused, and the ids of their records.
        keep_numbers: Whether the labels are numbered already.
        has_direction: (m,) the value of `directed`, if it is known.
    """
    if has_direction is None:
        has_direction = directed(snapshot, graph)
    labels = np.where(has_direction, labels, np.int32(-1)).astype(np.int32)
    if not keep_numbers:
        rows = numbered(labels[graph.node])
        if previous is not None:
            rows = matched(rows, snapshot.ids, *previous)
        labels = rows[graph.representative] if len(graph) else labels
    share = shares(weights, labels, weights_of_equals(graph, has_direction))
    near, values = strongest(share)
    if strength is None:
        same = near == labels[:, None]
        strength = np.where(same & (near >= 0), values, 0).sum(axis=1).astype(np.float32)
    numbers = np.unique(labels[labels >= 0])
    tree = np.zeros((0, 3))
    if len(numbers) <= _MAX_MERGED:
        number = np.searchsorted(numbers, labels)
        dense = np.where(labels >= 0, number, -1).astype(np.int32)
        tree = merges(*weights_between(weights, dense, len(numbers)))
    node = graph.node
    return Assembly(
        labels=labels[node],
        probabilities=np.where(labels >= 0, strength, 0).astype(np.float32)[node],
        near=near[node],
        shares=values[node],
        tree=tree,
    )


def directed(snapshot: Snapshot, graph: NeighborGraph) -> NDArray[np.bool_]:
    """Return for each node whether its vector has a direction; a zero vector does not."""
    return unit(snapshot.vectors[graph.representative])[1]


def reach_of(graph: NeighborGraph) -> float:
    """Return the mean distance to its nearest 10 records beyond which a new record is noise.

    It is three interquartile ranges above the upper quartile: Tukey's outer fence (Tukey 1977).
    """
    distances = graph.cut(_NEAREST).distances.astype(np.float64)
    known = np.isfinite(distances)
    has = known.any(axis=1) if graph.k else np.zeros(len(graph), dtype=bool)
    if not has.any():
        return 1.0
    sums = np.where(known, distances, 0)[has].sum(axis=1)
    low, high = np.quantile(sums / known[has].sum(axis=1), [0.25, 0.75])
    return float(min(max(high + 3 * (high - low), 1e-6), 1.0))


def numbered(labels: NDArray[np.int32]) -> NDArray[np.int32]:
    """Number clusters by size, the largest 0; clusters of equal size by their first record.

    Example:
        >>> numbered(np.array([7, 3, 3, -1], dtype=np.int32)).tolist()
        [1, 0, 0, -1]
    """
    found, first, inverse, sizes = np.unique(
        labels, return_index=True, return_inverse=True, return_counts=True
    )
    order = np.lexsort((first, -sizes))
    order = order[found[order] >= 0]
    number = np.full(len(found), -1, dtype=np.int32)
    number[order] = np.arange(len(order), dtype=np.int32)
    return number[inverse.ravel()]


def matched(
    labels: NDArray[np.int32],
    ids: Sequence[str],
    earlier: NDArray[np.int32],
    earlier_ids: Sequence[str],
) -> NDArray[np.int32]:
    """Give clusters the numbers of the earlier clusters that they share most records with.

    Clusters are paired so that as many records as possible keep their number (the assignment problem,
    Kuhn 1955). A cluster that shares no record with its pair gets an unused number.

    Args:
        labels: (n,) int32, -1 for noise.
        ids: The ids of the n records.
        earlier: The earlier labels.
        earlier_ids: The ids of their records.

    Example:
        >>> matched(np.array([0, 0, 1], dtype=np.int32), "abc", np.array([4, 2]), "ac").tolist()
        [4, 4, 2]
    """
    from scipy.optimize import linear_sum_assignment
    from scipy.sparse import csr_matrix

    row_of = {id: row for row, id in enumerate(earlier_ids)}
    pairs = [(row, row_of[id]) for row, id in enumerate(ids) if id in row_of]
    rows, before = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    shared = (labels[rows] >= 0) & (earlier[before] >= 0)
    rows, before = rows[shared], before[shared]
    new, old = int(labels.max(initial=-1)) + 1, int(earlier.max(initial=-1)) + 1
    if new == 0:
        return labels
    table = csr_matrix(
        (np.ones(len(rows), dtype=np.int64), (labels[rows], earlier[before])),
        shape=(new, max(old, 1)),
    ).toarray()
    one, other = linear_sum_assignment(table, maximize=True)
    number = np.full(new, -1, dtype=np.int32)
    meets = table[one, other] > 0
    number[one[meets]] = other[meets]
    free = number < 0
    number[free] = old + np.arange(free.sum(), dtype=np.int32)
    return np.where(labels >= 0, number[labels], np.int32(-1)).astype(np.int32)
