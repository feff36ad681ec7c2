"""What becomes of labels: a `Clusters`, with memberships, a hierarchy and stable numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from chromalab.analytics.cluster.clusters import Clusters
from chromalab.analytics.cluster.labels import by_size, matched
from chromalab.analytics.cluster.levels import join
from chromalab.analytics.cluster.membership import shares, strongest
from chromalab.analytics.cluster.weights import NEIGHBORS, between
from chromalab.analytics.graph.copies import unit
from chromalab.analytics.graph.graph import Graph
from chromalab.snapshot import Snapshot

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

__all__ = ["copies_weight", "directed", "made"]

_MOST_JOINED = 6_000  # clusters: the weights between all pairs of them take 8 bytes each
_NEAREST = 10  # neighbours whose mean distance says how far out a record lies


def directed(snapshot: Snapshot, graph: Graph) -> NDArray[np.bool_]:
    """Return for each node whether its vector has a direction: zero has none."""
    return unit(snapshot.vectors[graph.first])[1]


def copies_weight(graph: Graph, has_direction: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return what a node's copies weigh among its neighbours: twice cosine 1 each, to 30 of them."""
    own = 2.0 * np.minimum(graph.copies - 1, NEIGHBORS)
    return np.where(has_direction, own, 0.0)


def made(
    snapshot: Snapshot,
    graph: Graph,
    weights: csr_matrix,
    labels: NDArray[np.int32],
    *,
    method: str,
    parameters: Mapping[str, Any],
    curve: Mapping[str, list[float]] | None = None,
    strength: NDArray[np.float32] | None = None,
    previous: Clusters | None = None,
    keep_numbers: bool = False,
    has_direction: NDArray[np.bool_] | None = None,
) -> Clusters:
    """Make a `Clusters` of the labels of nodes.

    Args:
        snapshot: The records.
        graph: Their graph.
        weights: (m, m) of the graph's nodes.
        labels: (m,) of the nodes, -1 for noise.
        method: What found them.
        parameters: What was asked for.
        curve: Of the choice of the resolution.
        strength: (m,) confidences, where they are not the shares of neighbours.
        previous: Whose numbers to keep.
        keep_numbers: Whether the labels are numbered already.
        has_direction: (m,) `directed`, where it is known.
    """
    if has_direction is None:
        has_direction = directed(snapshot, graph)
    labels = np.where(has_direction, labels, np.int32(-1)).astype(np.int32)
    if not keep_numbers:
        rows = by_size(labels[graph.node])
        if previous is not None:
            rows = matched(rows, snapshot.ids, previous.labels, previous.snapshot.ids)
        labels = rows[graph.first] if len(graph) else labels
    share = shares(weights, labels, copies_weight(graph, has_direction))
    near, values = strongest(share)
    if strength is None:
        same = near == labels[:, None]
        strength = np.where(same & (near >= 0), values, 0).sum(axis=1).astype(np.float32)
    numbers = np.unique(labels[labels >= 0])
    tree = np.zeros((0, 3))
    if len(numbers) <= _MOST_JOINED:
        place = np.searchsorted(numbers, labels)
        dense = np.where(labels >= 0, place, -1).astype(np.int32)
        tree = join(*between(weights, dense, len(numbers)))
    node = graph.node
    return Clusters(
        snapshot=snapshot,
        parameters=parameters,
        recall=float(graph.recall),
        labels=labels[node],
        probabilities=np.where(labels >= 0, strength, 0).astype(np.float32)[node],
        near=near[node],
        shares=values[node],
        tree=tree,
        method=method,
        curve=dict(curve or {}),
        reach=_reach(graph),
    )


def _reach(graph: Graph) -> float:
    """Return how far from its nearest 10 a record may lie on average before it is a stranger.

    Three interquartile ranges above the upper quartile: Tukey's outer fence (Tukey 1977).
    """
    distances = graph.cut(_NEAREST).distances.astype(np.float64)
    known = np.isfinite(distances)
    has = known.any(axis=1) if graph.k else np.zeros(len(graph), dtype=bool)
    if not has.any():
        return 1.0
    sums = np.where(known, distances, 0)[has].sum(axis=1)
    low, high = np.quantile(sums / known[has].sum(axis=1), [0.25, 0.75])
    return float(min(max(high + 3 * (high - low), 1e-6), 1.0))
