"""Outlier scores, computed from the neighbor graph or from the vectors."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chromalab.analytics.cluster.hdbscan import (
    condense,
    core_distances,
    single_linkage,
    spanning_tree,
)
from chromalab.analytics.graph.distinct_vectors import unit as scaled
from chromalab.analytics.graph.graph import NeighborGraph

__all__ = [
    "RobustScale",
    "centroid_distance",
    "global_local",
    "isolation",
    "local_outlier_factor",
    "mean_distance",
    "robust_scale",
]

_NEVER_ZERO = 1e-10  # as in scikit-learn's LocalOutlierFactor
_NORMAL = 0.6745  # the median absolute deviation of a normal distribution, in standard deviations
_NORMAL_MEAN = 0.7979  # the mean absolute deviation of one
_ROUNDING = 1e-6  # cosine distances of float32 vectors are no finer
_MIN_CLUSTER_SIZE = 15  # records, as in `cluster`
_MIN_SHARE = 0.25  # a center with a smaller share of the mean number of vectors does not count
_FITTED_ON = 20_000  # vectors that the centers are fitted to


@dataclass(frozen=True)
class RobustScale:
    """The location and the scale of scores, unaffected by outliers.

    Attributes:
        median: The median.
        deviation: An estimate of the standard deviation of normal scores; 0.0 if all are equal.
    """

    median: float
    deviation: float


def mean_distance(graph: NeighborGraph, k: int, *, copies: bool = False) -> NDArray[np.float32]:
    """Average the cosine distances to the k nearest neighbors, or to all if there are fewer.

    Source: Angiulli and Pizzuti 2002, "Fast outlier detection in high dimensional spaces".

    Args:
        graph: The graph of the k nearest neighbors or more.
        k: Number of neighbors that count.
        copies: Whether k counts records. If False, it counts distinct vectors, and records with the
            same vector are not neighbors.

    Returns:
        (m,) float32, 0 to 2; NaN for a node without neighbors.
    """
    near = graph.cut(k)
    there = near.neighbors >= 0
    distances = np.where(there, np.maximum(near.distances, 0), 0).astype(np.float64)
    if not copies:
        counts = there.sum(axis=1)
        sums = distances.sum(axis=1)
    else:
        many = np.where(there, graph.counts[near.neighbors], 0)
        own = np.minimum(graph.counts - 1, k)[:, None]
        up_to = np.minimum(np.cumsum(np.hstack([own, many]), axis=1), k)
        sums = (np.diff(up_to, axis=1) * distances).sum(axis=1)
        counts = up_to[:, -1]
    mean = np.full(len(graph), np.nan)
    np.divide(sums, counts, out=mean, where=counts > 0)
    return mean.astype(np.float32)


def local_outlier_factor(graph: NeighborGraph, k: int) -> NDArray[np.float32]:
    """Compare the density at a node with that at its neighbors; equal vectors count once.

    Source: Breunig, Kriegel, Ng and Sander 2000, "LOF: identifying density-based local outliers".

    Args:
        graph: The graph of the k nearest neighbors or more.
        k: Number of neighbors that count.

    Returns:
        (m,) float32, about 1 inside a group, more outside; NaN for a node without neighbors.
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


def global_local(graph: NeighborGraph, k: int) -> NDArray[np.float32]:
    """Compare the density at a node with the densest point of the cluster that it drops out of.

    This is GLOSH, computed from the HDBSCAN tree of the graph. Source: Campello, Moulavi, Zimek and
    Sander 2015, "Hierarchical density estimates for data clustering, visualization, and outlier
    detection".

    Args:
        graph: The neighbor graph; all records with the same vector count.
        k: How many neighbors make a record dense.

    Returns:
        (m,) float32, 0 to 1; NaN if there is only one node.
    """
    if len(graph) < 2:
        return np.full(len(graph), np.nan, dtype=np.float32)
    core = core_distances(graph, k)
    edges, lengths = spanning_tree(graph, core)
    tree, sizes = single_linkage(edges, lengths, graph.counts)
    condensed = condense(tree, lengths, sizes, core, _MIN_CLUSTER_SIZE)
    densest = np.zeros(len(condensed.parent))
    np.maximum.at(densest, condensed.cluster, condensed.until)
    for at in range(len(densest) - 1, 0, -1):  # children come after their parents
        above = condensed.parent[at]
        densest[above] = max(densest[above], densest[at])
    return (1 - condensed.until / densest[condensed.cluster]).astype(np.float32)


def centroid_distance(
    vectors: NDArray[np.float32], *, random_state: int = 0
) -> NDArray[np.float32]:
    """Measure the cosine distance to the nearest of sqrt(m) centers, found by k-means.

    Centers of few vectors do not count, as an outlier may be a center of its own.

    Args:
        vectors: (m, dimension) float32, distinct.
        random_state: Seed of the centers, and of the sample of 20,000 vectors that they are fitted to
            if there are more.

    Returns:
        (m,) float32, 0 to 2; NaN for zero vectors.
    """
    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning

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
    fit = KMeans(round(len(fitted) ** 0.5), n_init=1, random_state=random_state)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # fewer directions than centers
        found = fit.fit(unit[fitted])
    centers = found.cluster_centers_
    members = np.bincount(found.labels_, minlength=len(centers))
    smallest = min(members.max(), max(2, _MIN_SHARE * members[members > 0].mean()))
    centers = centers[members >= smallest]
    centers /= np.maximum(np.linalg.norm(centers, axis=1, keepdims=True), 1e-12)
    distance[good] = np.clip(1 - (unit[good] @ centers.T).max(axis=1), 0, 2)
    return distance


def isolation(vectors: NDArray[np.float32], *, random_state: int = 0) -> NDArray[np.float32]:
    """Score vectors by how few random splits isolate them.

    Source: Liu, Ting and Zhou 2008, "Isolation forest".

    Args:
        vectors: (m, dimension) float32, distinct.
        random_state: The seed of the forest.

    Returns:
        (m,) float32, 0 to 1.
    """
    from sklearn.ensemble import IsolationForest

    if not vectors.size:
        return np.zeros(len(vectors), dtype=np.float32)
    forest = IsolationForest(random_state=random_state).fit(vectors)
    scores: NDArray[np.float32] = (-forest.score_samples(vectors)).astype(np.float32)
    return scores


def robust_scale(scores: NDArray[np.float32]) -> RobustScale:
    """Estimate the median and the standard deviation of scores without the influence of outliers.

    The deviation is the median absolute deviation / 0.6745 (Iglewicz and Hoaglin 1993, "How to detect
    and handle outliers"). If that is 0, because more than half of the scores are equal, it is the mean
    absolute deviation / 0.7979.

    Example:
        >>> robust_scale(np.array([1, 2, 3, 4, 100], dtype=np.float32)).median
        3.0
    """
    if not len(scores):
        return RobustScale(0.0, 0.0)
    median = float(np.median(scores))
    away = np.abs(scores.astype(np.float64) - median)
    for deviation in (float(np.median(away)) / _NORMAL, float(away.mean()) / _NORMAL_MEAN):
        if deviation > _ROUNDING:
            return RobustScale(median, deviation)
    return RobustScale(median, 0.0)
