"""The condensed tree of HDBSCAN: which clusters there are at some density, and which to take.

The same as `hdbscan` makes in compiled loops (BSD, https://github.com/scikit-learn-contrib/hdbscan),
as operations on whole arrays: a fifth of the time at 100,000 nodes, and nodes may weigh more than 1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Condensed", "condense", "select"]


@dataclass(frozen=True, eq=False)
class Condensed:
    """Clusters from sparse to dense. Number 0 is all records; a parent comes before its children.

    Densities are 1 / distance.

    Attributes:
        cluster: (m,) int64, the densest cluster that each node is in.
        until: (m,) float64, the density at which the node drops out of it.
        parent: (clusters,) int64, -1 for the first.
        birth: (clusters,) float64, the density at which each splits off.
        stability: (clusters,) float64, records times the density through which they stay.
    """

    cluster: NDArray[np.int64]
    until: NDArray[np.float64]
    parent: NDArray[np.int64]
    birth: NDArray[np.float64]
    stability: NDArray[np.float64]


def condense(
    tree: NDArray[np.int64],
    lengths: NDArray[np.float64],
    sizes: NDArray[np.int64],
    core: NDArray[np.float64],
    min_cluster_size: int,
) -> Condensed:
    """Keep of a tree of joinings only those that join two clusters.

    Args:
        tree: (m - 1, 2) what joins, shortest first; a node, or m + a row.
        lengths: (m - 1,) at what distance.
        sizes: (2m - 1,) records in each.
        core: (m,) core distances: there the copies of a node join.
        min_cluster_size: The fewest records of a cluster.
    """
    count = len(core)
    total = 2 * count - 1
    above = np.full(total, total - 1)
    above[tree.ravel()] = np.repeat(np.arange(count, total), 2)
    density = 1 / np.concatenate([core, lengths])
    large = sizes >= min_cluster_size
    large[-1] = True  # all records, even if they are too few
    # A cluster starts where two large parts meet: at each of the two.
    splits = large[tree].all(axis=1)
    start = np.zeros(total, dtype=bool)
    start[tree[splits].ravel()] = True
    start[-1] = True
    # From a node up to the first large part of the tree, and from there to where its cluster starts.
    held = _climb(above, large)[:count]
    of = _climb(above, start)
    starts = np.flatnonzero(start)[::-1]  # what joins last comes first
    number = np.empty(total, dtype=np.int64)
    number[starts] = np.arange(len(starts))
    parent = np.concatenate([[-1], number[of[above[starts[1:]]]]])
    birth = np.concatenate([[0.0], density[above[starts[1:]]]])
    cluster, until = number[of[held]], density[held]
    stay = np.bincount(cluster, (until - birth[cluster]) * sizes[:count], len(starts))
    within = np.bincount(
        parent[1:], (birth[1:] - birth[parent[1:]]) * sizes[starts[1:]], len(starts)
    )
    return Condensed(cluster, until, parent, birth, np.asarray(stay + within, dtype=np.float64))


def _climb(above: NDArray[np.int64], stops: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the first stop at or above each, by doubling the step."""
    to = np.where(stops, np.arange(len(above)), above)
    while not stops[to].all():
        to = to[to]
    return to


def select(condensed: Condensed, *, leaf: bool) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Choose clusters, and say which nodes are in them.

    Args:
        condensed: The clusters there are.
        leaf: Take those without children; else those that are more stable than all within them
            (excess of mass). All records together are never a cluster.

    Returns:
        (m,) int32 labels, -1 for noise, and (m,) float32, the density at which a node drops out
        over that of the last to do so.
    """
    parent = condensed.parent.tolist()
    stability = condensed.stability.tolist()
    clusters = len(parent)
    taken = [False] * clusters
    within = [0.0] * clusters
    has_children = [False] * clusters
    for at in range(clusters - 1, 0, -1):
        if leaf:
            taken[at] = not has_children[at]
        else:
            taken[at] = not within[at] > stability[at]
        within[parent[at]] += stability[at] if taken[at] else within[at]
        has_children[parent[at]] = True
    label = [-1] * clusters
    found = 0
    for at in range(1, clusters):
        if label[parent[at]] >= 0:
            label[at] = label[parent[at]]  # inside of one that is taken
        elif taken[at]:
            label[at], found = found, found + 1
    labels = np.array(label, dtype=np.int32)[condensed.cluster]
    # As hdbscan does, the densest of a cluster is looked for among what leaves it itself.
    last = np.zeros(clusters)
    np.maximum.at(last, condensed.cluster, condensed.until)
    np.maximum.at(last, condensed.parent[1:], condensed.birth[1:])
    top = np.zeros(max(found, 1))
    for at in range(1, clusters):
        if label[at] >= 0 and label[parent[at]] != label[at]:
            top[label[at]] = last[at]
    strength = np.minimum(condensed.until / np.maximum(top[labels], 1e-12), 1)
    return labels, np.where(labels >= 0, strength, 0).astype(np.float32)
