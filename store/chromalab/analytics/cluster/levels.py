"""The levels of a clustering: which two clusters merge first as the view gets coarser."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["coarser", "cut", "cut_evenly", "groups_of", "merges"]


def merges(sums: NDArray[np.float64], degrees: NDArray[np.float64]) -> NDArray[np.float64]:
    """Merge clusters in the order of the resolutions at which modularity would hold them together.

    That resolution is the weight between two clusters over its expected value from their degrees,
    W * 2m / (K * K'). The linkage is an average, so a later merge is never at a higher resolution:
    Bonald et al. 2018, "Hierarchical graph clustering using node pair sampling",
    https://arxiv.org/abs/1806.01664, with its nearest-neighbor chain.

    Args:
        sums: (k, k) weights between clusters, symmetric.
        degrees: (k,) sums of all weights at the nodes of each cluster.

    Returns:
        (k - 1, 3): the two clusters of each merge and its resolution, highest first. The merges
        themselves are numbered k, k + 1, ...
    """
    count = len(degrees)
    if count < 2:
        return np.zeros((0, 3))
    total = max(float(degrees.sum()), np.finfo(float).tiny)
    degrees = np.maximum(degrees, np.finfo(np.float32).tiny)
    near = sums * total / degrees[:, None] / degrees[None, :]
    np.fill_diagonal(near, -1)
    degrees = degrees.copy()
    alive = np.ones(count, dtype=bool)
    # The lowest resolution within each cluster: rounding errors must not reverse the order of merges.
    lowest = np.full(count, np.inf)
    found: list[tuple[float, int, int]] = []
    chain: list[int] = []
    while len(found) < count - 1:
        if not chain:
            chain = [int(np.flatnonzero(alive)[0])]
        top = chain[-1]
        best = int(near[top].argmax())
        if len(chain) > 1 and near[top, chain[-2]] >= near[top, best]:
            best = chain[-2]
            chain = chain[:-2]
            keep, gone = min(top, best), max(top, best)
            lowest[keep] = min(near[keep, gone], lowest[keep], lowest[gone])
            found.append((float(lowest[keep]), keep, gone))
            both = degrees[keep] + degrees[gone]
            mean = (near[keep] * degrees[keep] + near[gone] * degrees[gone]) / both
            mean[~alive] = -1
            mean[[keep, gone]] = -1
            near[keep], near[:, keep] = mean, mean
            near[gone], near[:, gone] = -1, -1
            alive[gone] = False
            degrees[keep] = both
        else:
            chain.append(best)
    return _in_order(found, count)


def _in_order(found: list[tuple[float, int, int]], count: int) -> NDArray[np.float64]:
    """Sort merges by resolution, highest first, and number them."""
    order = sorted(range(len(found)), key=lambda at: -found[at][0])
    name = list(range(count))
    tree = np.empty((count - 1, 3))
    for at, merge in enumerate(order):
        resolution, keep, gone = found[merge]
        tree[at] = name[keep], name[gone], resolution
        name[keep] = count + at
    return tree


def cut(tree: NDArray[np.float64], n_clusters: int) -> NDArray[np.bool_]:
    """Return the merges that leave `n_clusters` groups, those of the highest resolution: (k - 1,) bool.

    Example:
        >>> cut(np.array([[1, 2, 3.0], [0, 3, 1.0]]), 2).tolist()
        [True, False]
    """
    done: NDArray[np.bool_] = np.arange(len(tree)) < len(tree) + 1 - max(1, n_clusters)
    return done


def cut_evenly(
    tree: NDArray[np.float64], sizes: NDArray[np.int64], n_groups: int
) -> NDArray[np.bool_]:
    """Return the merges that leave `n_groups` groups of the highest modularity: (k - 1,) bool.

    A merge at resolution r of two parts with shares p and q of the records adds 2pq(r - 1) to the
    modularity (Newman 2006, https://doi.org/10.1073/pnas.0601602103, with records for degrees). So of two
    merges with equal r below 1, the smaller one is made. `cut` follows r alone, and often leaves one very
    large group and many small ones. The best of all cuts is found by dynamic programming over the tree.

    Args:
        tree: (k - 1, 3), the merges of k clusters.
        sizes: (k,) the number of records in each cluster.
        n_groups: Number of groups, 1 to k.

    Example:
        >>> tree = np.array([[0, 1, 0.9], [2, 3, 0.8], [4, 5, 0.1]])
        >>> cut_evenly(tree, np.array([40, 40, 10, 10]), 3).tolist(), cut(tree, 3).tolist()
        ([False, True, False], [True, False, False])
    """
    count = len(sizes)
    share = np.r_[sizes / max(1, sizes.sum()), np.zeros(len(tree))]
    whole = np.zeros(count + len(tree))  # the modularity gained inside of a part that is one group
    best: list[NDArray[np.float64]] = [np.zeros(1)] * count  # for 1, 2, ... groups in a part
    left_groups: list[NDArray[np.int64]] = []
    for at, (one, other, resolution) in enumerate(tree):
        left, right = int(one), int(other)
        new = count + at
        share[new] = share[left] + share[right]
        whole[new] = whole[left] + whole[right] + 2 * share[left] * share[right] * (resolution - 1)
        most = min(n_groups, len(best[left]) + len(best[right]))
        values = np.full(most, -np.inf)
        chosen = np.zeros(most, dtype=np.int64)
        for groups, value in enumerate(best[left][: most - 1], start=1):
            ends = min(most, groups + len(best[right]))
            sums = value + best[right][: ends - groups]
            better = sums > values[groups:ends]
            values[groups:ends][better] = sums[better]
            chosen[groups:ends][better] = groups
        values[0] = whole[new]
        best.append(values)
        left_groups.append(chosen)
    done = np.zeros(len(tree), dtype=bool)
    wanted = {count + len(tree) - 1: n_groups}
    for at in range(len(tree) - 1, -1, -1):
        left, right = int(tree[at, 0]), int(tree[at, 1])
        groups = wanted.get(count + at, 1)
        if groups == 1:
            done[at] = True
        else:
            wanted[left] = int(left_groups[at][groups - 1])
            wanted[right] = groups - wanted[left]
    return done


def groups_of(tree: NDArray[np.float64], done: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Return the first cluster of the group of each cluster after some of the merges: (k,) int32.

    Args:
        tree: (k - 1, 3), the merges.
        done: (k - 1,) bool, the merges that are made. With a merge, all merges of its parts are.

    Example:
        >>> groups_of(np.array([[1, 2, 3.0], [0, 3, 1.0]]), np.array([True, False])).tolist()
        [0, 1, 1]
    """
    count = len(tree) + 1
    first = list(range(count + len(tree)))
    parts = [(count + at, int(tree[at, 0]), int(tree[at, 1])) for at in np.flatnonzero(done)]
    for new, left, right in parts:
        first[new] = min(first[left], first[right])
    for new, left, right in reversed(parts):  # back down, from each merge to its parts
        first[left] = first[right] = first[new]
    return np.array(first[:count], dtype=np.int32)


def coarser(n_clusters: int) -> tuple[int, ...]:
    """Return the number of clusters at each level: half as many each time, down to 2.

    Example:
        >>> coarser(77)
        (77, 38, 19, 9, 4, 2)
    """
    counts = [n_clusters]
    while counts[-1] // 2 >= 2:
        counts.append(counts[-1] // 2)
    return tuple(counts)
