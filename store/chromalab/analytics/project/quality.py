"""How much of the neighborhoods of the vectors a map keeps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chromalab.analytics.graph.graph import Graph

__all__ = ["MapQuality", "map_neighbors", "measure", "trustworthiness"]

_NEAREST = 15
_SAMPLED = 2000  # nodes whose ranks are counted: their mean is then within about .002
_BLOCK = 256


@dataclass(frozen=True, eq=False)
class MapQuality:
    """What `measure` found; arrays are over the nodes of the graph.

    Attributes:
        trustworthiness: See `trustworthiness`.
        sampled: Over how many nodes.
        recall: The mean of `recalls`.
        recalls: (m,) float32, the share of a node's 15 nearest that are among its 15 on the map.
        trusts: (m,) float32, the share of a node's 15 nearest on the map that are among the
            neighbors in the graph (30 as a rule).
    """

    trustworthiness: float
    sampled: int
    recall: float
    recalls: NDArray[np.float32]
    trusts: NDArray[np.float32]


def measure(
    graph: Graph,
    vectors: NDArray[np.float32],
    coordinates: NDArray[np.float32],
    *,
    random_state: int,
) -> MapQuality:
    """Measure a map of the graph's nodes.

    Args:
        graph: Its neighbors are taken as the true ones.
        vectors: (m, dimension) of the nodes, of length one.
        coordinates: (m, dims) of the nodes.
        random_state: Draws the sample for the trustworthiness where there are more than 2,000.
    """
    m = len(graph)
    k = min(_NEAREST, m - 1)
    if k < 1:
        ones = np.ones(m, dtype=np.float32)
        return MapQuality(1.0, m, 1.0, ones, ones)
    near = map_neighbors(coordinates, k)
    recalls = _share(graph.neighbors[:, :k], near)
    trusts = _share(near, graph.neighbors)
    rows = np.arange(m)
    if m > _SAMPLED:
        rows = np.sort(np.random.default_rng(random_state).choice(m, _SAMPLED, replace=False))
    k = min(_NEAREST, (m - 1) // 2)  # with more of them the measure is not defined
    trust = trustworthiness(vectors, near[rows, :k], rows) if k else 1.0
    return MapQuality(trust, len(rows), float(recalls.mean()), recalls, trusts)


def trustworthiness(
    vectors: NDArray[np.float32], near: NDArray[np.int32], rows: NDArray[np.intp]
) -> float:
    """Tell how near the neighbors on the map are in truth, from 0 to 1.

    1 - 2 / (n k (2m - 3k - 1)) times the sum of how far each neighbor's true rank lies beyond k
    (Venna & Kaski 2001, ICANN), n the rows and m all nodes; distances are cosine.

    Args:
        vectors: (m, dimension) of length one.
        near: (n, k), the neighbors of each of the rows on the map.
        rows: (n,) the nodes asked about.
    """
    n, k = near.shape
    m = len(vectors)
    beyond = 0
    for start in range(0, n, _BLOCK):
        own = rows[start : start + _BLOCK]
        there = near[start : start + _BLOCK]
        likeness = vectors[own] @ vectors.T
        likeness[np.arange(len(own)), own] = -np.inf
        of_near = np.take_along_axis(likeness, there, axis=1)
        # only those nearer than the last of the neighbors matter: few of them, on a good map
        for row, wanted in zip(likeness, of_near, strict=True):
            nearer = row[row > wanted.min()]
            ranks = [np.count_nonzero(nearer > one) + 1 for one in wanted]
            beyond += sum(max(rank - k, 0) for rank in ranks)
    return float(1.0 - beyond * 2.0 / (n * k * (2.0 * m - 3.0 * k - 1.0)))


def map_neighbors(coordinates: NDArray[np.float32], k: int) -> NDArray[np.int32]:
    """Find the (m, k) nearest others of every point on a map; k < m."""
    from scipy.spatial import cKDTree

    m = len(coordinates)
    found = cKDTree(coordinates).query(coordinates, k=k + 1)[1].reshape(m, k + 1)
    own = found == np.arange(m)[:, None]
    own[~own.any(axis=1), -1] = True  # so many at the same place that it does not find itself
    return np.asarray(found[~own].reshape(m, k), dtype=np.int32)


def _share(wanted: NDArray[np.int32], held: NDArray[np.int32]) -> NDArray[np.float32]:
    """Tell for every row the share of what is wanted (-1: nothing) that is held; 1 of nothing."""
    found = np.zeros(len(wanted), dtype=np.int64)
    for start in range(0, len(wanted), _BLOCK):
        rows = slice(start, start + _BLOCK)
        same = wanted[rows, :, None] == held[rows, None, :]
        found[rows] = (same.any(axis=2) & (wanted[rows] >= 0)).sum(axis=1)
    counts = (wanted >= 0).sum(axis=1)
    return np.where(counts > 0, found / np.maximum(counts, 1), 1.0).astype(np.float32)
