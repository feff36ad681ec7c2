"""Clusters made of clusters: joined by their hierarchy, merged or parted by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from chromalab.analytics.cluster.communities import communities
from chromalab.analytics.cluster.labels import by_size
from chromalab.analytics.cluster.levels import cut
from chromalab.analytics.cluster.making import made
from chromalab.analytics.cluster.weights import NEIGHBORS, weights_of
from chromalab.analytics.graph import graph_of
from chromalab.errors import InvalidArgumentError

if TYPE_CHECKING:
    from chromalab.analytics.cluster.clusters import Clusters

__all__ = ["joined", "merged", "parted"]

_FIRST = 0.5  # the resolution that a split starts from
_STEP = 1.5
_STEPS = 16  # to a resolution of 219


def joined(clusters: Clusters, n_clusters: int) -> Clusters:
    """Join clusters along their tree until `n_clusters` are left; the largest is number 0 then."""
    count = clusters.n_clusters
    if n_clusters == count:
        return clusters
    if len(clusters.tree) != count - 1:
        raise InvalidArgumentError(
            f"No hierarchy was made of {count:,} clusters: too many. Cluster anew with fewer."
        )
    first = cut(clusters.tree, n_clusters)
    place = np.searchsorted(clusters.numbers, clusters.labels).clip(max=count - 1)
    rough = np.where(clusters.labels >= 0, first[place], -1).astype(np.int32)
    labels = by_size(rough)
    # From old numbers to new ones; the last is that of noise.
    number = np.full(int(clusters.numbers[-1]) + 2, -1, dtype=np.int32)
    number[clusters.labels] = labels
    near, shares = _summed(number[clusters.near], clusters.shares)
    probabilities = clusters.probabilities
    if clusters.method != "hdbscan":
        summed = np.where(near == labels[:, None], shares, 0).sum(axis=1)
        probabilities = np.where(labels >= 0, np.maximum(summed, probabilities), 0)
    return replace(
        clusters,
        labels=labels,
        probabilities=probabilities.astype(np.float32),
        near=near,
        shares=shares,
        tree=_rest(clusters.tree, first, number[clusters.numbers], n_clusters),
        parameters={**clusters.parameters, "n_clusters": n_clusters},
    )


def merged(clusters: Clusters, labels: list[int]) -> Clusters:
    """Make one cluster of several."""
    new = clusters.labels.copy()
    new[np.isin(new, labels)] = min(labels, default=-1)
    return _changed(clusters, new)


def parted(clusters: Clusters, label: int, resolution: float | None) -> Clusters:
    """Part a cluster by the communities of the graph among its records."""
    random_state = int(clusters.random_state or 0)
    graph = graph_of(clusters.snapshot, NEIGHBORS, random_state=random_state)
    nodes = np.flatnonzero(clusters.labels[graph.first] == label)
    weights = weights_of(graph)[nodes][:, nodes].tocsr()
    fewest = max(2, int(clusters.parameters.get("min_cluster_size") or 2) // 3)
    tried = [resolution] if resolution is not None else [_FIRST * _STEP**at for at in range(_STEPS)]
    for gamma in tried:
        parts = communities(weights, gamma, random_state=random_state)
        sizes = np.bincount(parts, graph.copies[nodes])
        if (sizes >= fewest).sum() > 1:
            break
    else:
        raise InvalidArgumentError(
            f"Cluster {label} does not fall into parts of {fewest} records or more; at "
            f"resolution={tried[-1]:.3g} it has {len(sizes)} of at most {int(sizes.max())}."
        )
    # What is too small stays with the largest part, which keeps the number.
    parts = by_size(np.where(sizes[parts] >= fewest, parts, sizes.argmax()).astype(np.int32))
    new = clusters.labels.copy()
    own = np.full(len(graph), -1, dtype=np.int32)
    own[nodes] = np.where(parts == 0, label, int(clusters.numbers[-1]) + parts)
    inside = new == label
    new[inside] = own[graph.node[inside]]
    return _changed(clusters, new)


def _changed(clusters: Clusters, labels: NDArray[np.int32]) -> Clusters:
    """Make clusters of changed labels, whose numbers stay as they are."""
    graph = graph_of(clusters.snapshot, NEIGHBORS, random_state=int(clusters.random_state or 0))
    return made(
        clusters.snapshot,
        graph,
        weights_of(graph),
        labels[graph.first],
        method=clusters.method,
        parameters={**clusters.parameters, "changed": "by hand"},
        curve={name: list(values) for name, values in clusters.curve.items()},
        keep_numbers=True,
    )


def _summed(
    near: NDArray[np.int32], shares: NDArray[np.float32]
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Add up shares that go to the same cluster now, and put the largest first again."""
    near, shares = near.copy(), shares.copy()
    for later in range(1, near.shape[1]):
        for earlier in range(later):
            same = (near[:, later] == near[:, earlier]) & (near[:, later] >= 0)
            shares[same, earlier] += shares[same, later]
            near[same, later], shares[same, later] = -1, 0
    order = np.argsort(-shares, axis=1, kind="stable")
    return np.take_along_axis(near, order, 1), np.take_along_axis(shares, order, 1)


def _rest(
    tree: NDArray[np.float64], first: NDArray[np.int32], number: NDArray[np.int32], left: int
) -> NDArray[np.float64]:
    """Return the joinings that are left, under the new numbers of what is joined already.

    Args:
        tree: All joinings of k clusters.
        first: (k,) the first leaf of the group that each is in now.
        number: (k,) the new number of each.
        left: How many groups there are.
    """
    count, done = len(first), len(first) - left
    name = np.empty(count + len(tree), dtype=np.int64)
    name[:count] = number
    for at in range(done):
        name[count + at] = name[int(tree[at, 0])]
    name[count + done :] = left + np.arange(len(tree) - done)
    rest = tree[done:].copy()
    rest[:, :2] = name[rest[:, :2].astype(np.int64)]
    return rest
