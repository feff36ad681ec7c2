"""Edits of a clustering: clusters merged along their hierarchy, and one cluster split."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from chromalab.analytics.cluster.assembly import Assembly, numbered
from chromalab.analytics.cluster.leiden import leiden
from chromalab.analytics.cluster.levels import cut, cut_evenly, groups_of
from chromalab.analytics.cluster.membership import NEIGHBORS, edge_weights
from chromalab.analytics.graph import graph_of
from chromalab.errors import InvalidArgumentError
from chromalab.snapshot import Snapshot

__all__ = ["merged_to", "split"]

_FIRST_RESOLUTION = 0.5  # the first of the resolutions that a split tries
_STEP = 1.5
_STEPS = 16  # up to a resolution of 219


def merged_to(
    parts: Assembly, n_clusters: int, *, adds_shares: bool, evenly: bool = False
) -> Assembly:
    """Merge clusters along their tree until `n_clusters` are left, and number them by size.

    Args:
        parts: The clusters.
        n_clusters: Number of clusters, 1 to their number.
        adds_shares: Whether the probability of a record is its share of neighbors in its cluster, so
            that it grows when clusters merge.
        evenly: Whether the sizes count, too; see `cut_evenly`.

    Raises:
        InvalidArgumentError: The clusters have no hierarchy.
    """
    numbers = np.unique(parts.labels[parts.labels >= 0])
    count = len(numbers)
    if n_clusters == count:
        return parts
    if len(parts.tree) != count - 1:
        raise InvalidArgumentError(
            f"{count:,} clusters are too many for a hierarchy. Cluster again with a lower resolution."
        )
    if evenly:
        sizes = np.bincount(parts.labels[parts.labels >= 0])[numbers]
        done = cut_evenly(parts.tree, sizes, n_clusters)
    else:
        done = cut(parts.tree, n_clusters)
    first = groups_of(parts.tree, done)
    place = np.searchsorted(numbers, parts.labels).clip(max=count - 1)
    merged = np.where(parts.labels >= 0, first[place], -1).astype(np.int32)
    labels = numbered(merged)
    # From old numbers to new ones; the last entry is for noise.
    number = np.full(int(numbers[-1]) + 2, -1, dtype=np.int32)
    number[parts.labels] = labels
    near, shares = _summed(number[parts.near], parts.shares)
    probabilities = parts.probabilities
    if adds_shares:
        own = np.where(near == labels[:, None], shares, 0).sum(axis=1)
        probabilities = np.where(labels >= 0, np.maximum(own, probabilities), 0)
    return replace(
        parts,
        labels=labels,
        probabilities=probabilities.astype(np.float32),
        near=near,
        shares=shares,
        tree=_remaining(parts.tree, done, number[numbers]),
    )


def split(
    snapshot: Snapshot,
    labels: NDArray[np.int32],
    label: int,
    resolution: float | None,
    *,
    smallest: int,
    random_state: int,
) -> NDArray[np.int32]:
    """Split a cluster into the communities of the graph among its records.

    Args:
        snapshot: The records.
        labels: (n,) int32.
        label: The cluster to split.
        resolution: The resolution; by default, the lowest one that splits it.
        smallest: The smallest number of records in a part. Smaller parts stay with the largest one.
        random_state: The seed.

    Returns:
        (n,) int32 labels; the largest part keeps its number.

    Raises:
        InvalidArgumentError: The cluster does not split.
    """
    graph = graph_of(snapshot, NEIGHBORS, random_state=random_state)
    nodes = np.flatnonzero(labels[graph.representative] == label)
    weights = edge_weights(graph)[nodes][:, nodes].tocsr()
    tried = [_FIRST_RESOLUTION * _STEP**at for at in range(_STEPS)]
    for gamma in tried if resolution is None else [resolution]:
        parts = leiden(weights, gamma, random_state=random_state)
        sizes = np.bincount(parts, graph.counts[nodes])
        if (sizes >= smallest).sum() > 1:
            break
    else:
        raise InvalidArgumentError(
            f"Cluster {label} does not split into parts of at least {smallest} records; at "
            f"resolution={gamma:.3g} it has {len(sizes)} parts of at most {int(sizes.max())}."
        )
    parts = numbered(np.where(sizes[parts] >= smallest, parts, sizes.argmax()).astype(np.int32))
    new = labels.copy()
    own = np.full(len(graph), -1, dtype=np.int32)
    own[nodes] = np.where(parts == 0, label, int(labels.max()) + parts)
    inside = new == label
    new[inside] = own[graph.node[inside]]
    return new


def _summed(
    near: NDArray[np.int32], shares: NDArray[np.float32]
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Add up shares of what is now the same cluster, and sort them in descending order again."""
    near, shares = near.copy(), shares.copy()
    for later in range(1, near.shape[1]):
        for earlier in range(later):
            same = (near[:, later] == near[:, earlier]) & (near[:, later] >= 0)
            shares[same, earlier] += shares[same, later]
            near[same, later], shares[same, later] = -1, 0
    order = np.argsort(-shares, axis=1, kind="stable")
    return np.take_along_axis(near, order, 1), np.take_along_axis(shares, order, 1)


def _remaining(
    tree: NDArray[np.float64], done: NDArray[np.bool_], number: NDArray[np.int32]
) -> NDArray[np.float64]:
    """Return the remaining merges, with the new numbers of the clusters that are merged already.

    Args:
        tree: (k - 1, 3), all merges of k clusters.
        done: (k - 1,) bool, the merges that are made.
        number: (k,) the new number of each cluster.
    """
    count, rest = len(number), tree[~done].copy()
    name = np.empty(count + len(tree), dtype=np.int64)
    name[:count] = number
    for at in np.flatnonzero(done).tolist():
        name[count + at] = name[int(tree[at, 0])]
    name[count + np.flatnonzero(~done)] = len(rest) + 1 + np.arange(len(rest))
    rest[:, :2] = name[rest[:, :2].astype(np.int64)]
    return rest
