"""How far out each record lies: scores from the neighbour graph, or from the vectors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chromalab.analytics.cluster.condensed import condense
from chromalab.analytics.cluster.density import core_distances, merges, spanning_tree
from chromalab.analytics.graph.copies import unit as scaled
from chromalab.analytics.graph.graph import Graph

__all__ = [
    "Spread",
    "centroid_distance",
    "global_local",
    "isolation",
    "local_outlier_factor",
    "mean_distance",
    "spread_of",
]

_NEVER_ZERO = 1e-10  # as in scikit-learn's LocalOutlierFactor
_NORMAL = 0.6745  # the median absolute deviation of a normal distribution, in standard deviations
_NORMAL_MEAN = 0.7979  # the mean absolute deviation of one
_ROUNDING = 1e-6  # cosine distances of float32 vectors are no finer
_CLUSTER = 15  # records of a cluster at least, as `cluster` has it
_FEW = 0.25  # of the vectors that a centre has on average
_FITTED_ON = 20_000  # vectors that centres are found among


@dataclass(frozen=True)
class Spread:
    """The middle of scores, and how far they usually are from it.

    Attributes:
        median: Their median.
        deviation: What a standard deviation would be if they were normal; 0.0 if all are equal.
    """

    median: float
    deviation: float


def mean_distance(graph: Graph, k: int, *, copies: bool = False) -> NDArray[np.float32]:
    """Average the cosine distances to the k nearest neighbours, or to as many as there are.

    Source: Angiulli and Pizzuti 2002, "Fast outlier detection in high dimensional spaces".

    Args:
        graph: Of the k nearest, or more.
        k: How many neighbours count.
        copies: Whether k counts records. If not, it counts distinct vectors, and the copies of a
            record are not its neighbours.

    Returns:
        (m,) float32, from 0 to 2, a node; NaN where a node has no neighbours.
    """
    near = graph.cut(k)
    there = near.neighbors >= 0
    distances = np.where(there, np.maximum(near.distances, 0), 0).astype(np.float64)
    if not copies:
        counts = there.sum(axis=1)
        sums = distances.sum(axis=1)
    else:
        many = np.where(there, graph.copies[near.neighbors], 0)
        own = np.minimum(graph.copies - 1, k)[:, None]
        up_to = np.minimum(np.cumsum(np.hstack([own, many]), axis=1), k)
        sums = (np.diff(up_to, axis=1) * distances).sum(axis=1)
        counts = up_to[:, -1]
    mean = np.full(len(graph), np.nan)
    np.divide(sums, counts, out=mean, where=counts > 0)
    return mean.astype(np.float32)


def local_outlier_factor(graph: Graph, k: int) -> NDArray[np.float32]:
    """Compare the density around a node with that around its neighbours; copies count once.

    Source: Breunig, Kriegel, Ng and Sander 2000, "LOF: identifying density-based local outliers".

    Args:
        graph: Of the k nearest, or more.
        k: How many neighbours count.

    Returns:
        (m,) float32, about 1 inside of a group, more outside; NaN where a node has no neighbours.
    """
    near = graph.cut(k)
    there = near.neighbors >= 0
    counts = there.sum(axis=1)
    distances = np.where(there, np.maximum(near.distances, 0), 0).astype(np.float64)
    radius = distances.max(axis=1, initial=0)
    reach = np.where(there, np.maximum(distances, radius[near.neighbors]), 0).sum(axis=1)
    alone = counts == 0
    density = np.where(alone, 0, 1 / (reach / np.maximum(counts, 1) + _NEVER_ZERO))
    around = np.where(there, density[near.neighbors], 0).sum(axis=1) / np.maximum(counts, 1)
    factor = np.full(len(graph), np.nan)
    np.divide(around, density, out=factor, where=~alone)
    return factor.astype(np.float32)


def global_local(graph: Graph, k: int) -> NDArray[np.float32]:
    """Compare how dense it is at a node with the densest place of the cluster it drops out of.

    GLOSH, made of the tree of HDBSCAN on the graph. Source: Campello, Moulavi, Zimek and Sander 2015,
    "Hierarchical density estimates for data clustering, visualization, and outlier detection".

    Args:
        graph: Its copies count.
        k: How many neighbours make a record dense.

    Returns:
        (m,) float32, from 0 to 1; NaN where there is but one node.
    """
    if len(graph) < 2:
        return np.full(len(graph), np.nan, dtype=np.float32)
    core = core_distances(graph, k)
    edges, lengths = spanning_tree(graph, core)
    tree, sizes = merges(edges, lengths, graph.copies)
    condensed = condense(tree, lengths, sizes, core, _CLUSTER)
    densest = np.zeros(len(condensed.parent))
    np.maximum.at(densest, condensed.cluster, condensed.until)
    for at in range(len(densest) - 1, 0, -1):  # children come after their parents
        above = condensed.parent[at]
        densest[above] = max(densest[above], densest[at])
    return (1 - condensed.until / densest[condensed.cluster]).astype(np.float32)


def centroid_distance(
    vectors: NDArray[np.float32], *, random_state: int = 0
) -> NDArray[np.float32]:
    """Measure the cosine distance to the nearest of sqrt(m) centres, found by k-means.

    Centres of few vectors do not count: an outlier may be a centre of its own.

    Args:
        vectors: (m, dimension) float32, distinct.
        random_state: The seed of the centres; and of the 20,000 vectors they are found among, where
            there are more.

    Returns:
        (m,) float32, from 0 to 2; NaN for zero vectors.
    """
    from sklearn.cluster import KMeans

    unit, has_direction = scaled(vectors)
    good = np.flatnonzero(has_direction)
    distance = np.full(len(vectors), np.nan, dtype=np.float32)
    if not len(good):
        return distance
    if len(good) > _FITTED_ON:
        draw = np.random.default_rng(random_state).choice(len(good), _FITTED_ON, replace=False)
        fitted = good[np.sort(draw)]
    else:
        fitted = good
    found = KMeans(round(len(fitted) ** 0.5), n_init=1, random_state=random_state).fit(unit[fitted])
    members = np.bincount(found.labels_)
    centres = found.cluster_centers_[members >= min(members.max(), max(2, _FEW * members.mean()))]
    centres /= np.maximum(np.linalg.norm(centres, axis=1, keepdims=True), 1e-12)
    distance[good] = np.clip(1 - (unit[good] @ centres.T).max(axis=1), 0, 2)
    return distance


def isolation(vectors: NDArray[np.float32], *, random_state: int = 0) -> NDArray[np.float32]:
    """Score by how few random cuts set a vector apart.

    Source: Liu, Ting and Zhou 2008, "Isolation forest".

    Args:
        vectors: (m, dimension) float32, distinct.
        random_state: The seed of the forest.

    Returns:
        (m,) float32, from 0 to 1.
    """
    from sklearn.ensemble import IsolationForest

    if not vectors.size:
        return np.zeros(len(vectors), dtype=np.float32)
    forest = IsolationForest(random_state=random_state).fit(vectors)
    scores: NDArray[np.float32] = (-forest.score_samples(vectors)).astype(np.float32)
    return scores


def spread_of(scores: NDArray[np.float32]) -> Spread:
    """Measure the middle of scores and their usual distance from it, so that outliers do not count.

    The deviation is the median absolute deviation / 0.6745 (Iglewicz and Hoaglin 1993, "How to
    detect and handle outliers"); where that is 0, as more than half the scores are equal, the
    mean absolute deviation / 0.7979.

    Example:
        >>> spread_of(np.array([1, 2, 3, 4, 100], dtype=np.float32)).median
        3.0
    """
    if not len(scores):
        return Spread(0.0, 0.0)
    median = float(np.median(scores))
    away = np.abs(scores.astype(np.float64) - median)
    for deviation in (float(np.median(away)) / _NORMAL, float(away.mean()) / _NORMAL_MEAN):
        if deviation > _ROUNDING:
            return Spread(median, deviation)
    return Spread(median, 0.0)
