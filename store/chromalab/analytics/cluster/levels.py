"""A hierarchy over clusters: which two join first when the view gets coarser."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["coarser", "cut", "join"]


def join(sums: NDArray[np.float64], degrees: NDArray[np.float64]) -> NDArray[np.float64]:
    """Join clusters by the resolution at which modularity would hold them together.

    That is the weight between two over what their degrees let expect, W * 2m / (K * K'). It is an
    average linkage, so a later joining is never at a higher resolution: Bonald et al. 2018,
    "Hierarchical graph clustering using node pair sampling", https://arxiv.org/abs/1806.01664,
    with its chain of nearest neighbours.

    Args:
        sums: (k, k) weights between clusters, symmetric.
        degrees: (k,) sums of all weights at the nodes of each.

    Returns:
        (k - 1, 3): the two that join and the resolution, in order; k, k + 1, ... name what joined.
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
    lowest = np.full(count, np.inf)  # of what is in each: rounding must not turn the order round
    joined: list[tuple[float, int, int]] = []
    chain: list[int] = []
    while len(joined) < count - 1:
        if not chain:
            chain = [int(np.flatnonzero(alive)[0])]
        top = chain[-1]
        best = int(near[top].argmax())
        if len(chain) > 1 and near[top, chain[-2]] >= near[top, best]:
            best = chain[-2]
            chain = chain[:-2]
            keep, gone = min(top, best), max(top, best)
            lowest[keep] = min(near[keep, gone], lowest[keep], lowest[gone])
            joined.append((float(lowest[keep]), keep, gone))
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
    return _in_order(joined, count)


def _in_order(joined: list[tuple[float, int, int]], count: int) -> NDArray[np.float64]:
    """Sort joinings, highest resolution first, and name what each makes."""
    order = sorted(range(len(joined)), key=lambda at: -joined[at][0])
    name = list(range(count))
    made = np.empty((count - 1, 3))
    for at, of in enumerate(order):
        resolution, keep, gone = joined[of]
        made[at] = name[keep], name[gone], resolution
        name[keep] = count + at
    return made


def cut(tree: NDArray[np.float64], n_clusters: int) -> NDArray[np.int32]:
    """Return for each of the k leaves the first leaf of the group it is in, of `n_clusters` groups.

    Example:
        >>> cut(np.array([[1, 2, 3.0], [0, 3, 1.0]]), 2).tolist()
        [0, 1, 1]
    """
    count = len(tree) + 1
    first = list(range(count + len(tree)))  # the first leaf in each
    joined = tree[: max(0, count - max(1, n_clusters)), :2].astype(np.int64).tolist()
    for at, (left, right) in enumerate(joined):
        first[count + at] = min(first[left], first[right])
    for at in range(len(joined) - 1, -1, -1):  # down again, from what is joined to its parts
        left, right = joined[at]
        first[left] = first[right] = first[count + at]
    return np.array(first[:count], dtype=np.int32)


def coarser(n_clusters: int) -> tuple[int, ...]:
    """Return how many clusters each level has: half as many each time, down to 2.

    Example:
        >>> coarser(77)
        (77, 38, 19, 9, 4, 2)
    """
    counts = [n_clusters]
    while counts[-1] // 2 >= 2:
        counts.append(counts[-1] // 2)
    return tuple(counts)
