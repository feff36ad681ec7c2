"""The levels of a clustering: which two clusters merge first as the view gets coarser."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["coarser", "cut", "merges"]


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


def cut(tree: NDArray[np.float64], n_clusters: int) -> NDArray[np.int32]:
    """Cut the tree into `n_clusters` groups, and return the first leaf of the group of each leaf.

    Example:
        >>> cut(np.array([[1, 2, 3.0], [0, 3, 1.0]]), 2).tolist()
        [0, 1, 1]
    """
    count = len(tree) + 1
    first = list(range(count + len(tree)))  # the first leaf of each part
    done = tree[: max(0, count - max(1, n_clusters)), :2].astype(np.int64).tolist()
    for at, (left, right) in enumerate(done):
        first[count + at] = min(first[left], first[right])
    for at in range(len(done) - 1, -1, -1):  # back down, from each merge to its parts
        left, right = done[at]
        first[left] = first[right] = first[count + at]
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
