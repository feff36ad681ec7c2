"""The quality of a map: how well it preserves the neighborhoods of the vectors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chromalab.analytics.graph import NeighborGraph

__all__ = ["MapQuality", "map_neighbors", "measure_quality", "trustworthiness"]

_NEAREST = 15
_MAX_RANKED = 2000  # nodes whose ranks are computed, so that their mean is accurate to about .002
_BLOCK = 256


@dataclass(frozen=True, eq=False)
class MapQuality:
    """The measures of a map; arrays have one value per node of the graph.

    Attributes:
        trustworthiness: See `trustworthiness`.
        sampled: The number of nodes that it was computed for.
        neighbor_recall: The mean of `neighbor_recalls`.
        neighbor_recalls: (m,) float32, the share of a node's 15 nearest neighbors that are among its 15
            nearest on the map.
        local_trustworthiness: (m,) float32, the share of a node's 15 nearest on the map that are among
            its neighbors in the graph (usually 30).
    """

    trustworthiness: float
    sampled: int
    neighbor_recall: float
    neighbor_recalls: NDArray[np.float32]
    local_trustworthiness: NDArray[np.float32]


def measure_quality(
    graph: NeighborGraph,
    vectors: NDArray[np.float32],
    coordinates: NDArray[np.float32],
    *,
    random_state: int,
) -> MapQuality:
    """Measure a map of the nodes of a graph.

    Args:
        graph: The graph whose neighbors are taken as the true ones.
        vectors: (m, dimension) of the nodes, of unit length.
        coordinates: (m, dims) of the nodes.
        random_state: The seed that samples nodes for the trustworthiness if there are more than 2,000.
    """
    m = len(graph)
    k = min(_NEAREST, m - 1)
    if k < 1:
        ones = np.ones(m, dtype=np.float32)
        return MapQuality(1.0, m, 1.0, ones, ones)
    near = map_neighbors(coordinates, k)
    recalls = _overlap(graph.neighbors[:, :k], near)
    local = _overlap(near, graph.neighbors)
    rows = np.arange(m)
    if m > _MAX_RANKED:
        rows = np.sort(np.random.default_rng(random_state).choice(m, _MAX_RANKED, replace=False))
    k = min(_NEAREST, (m - 1) // 2)  # the measure is not defined for a larger k
    trusted = trustworthiness(vectors, near[rows, :k], rows) if k else 1.0
    return MapQuality(trusted, len(rows), float(recalls.mean()), recalls, local)


def trustworthiness(
    vectors: NDArray[np.float32], near: NDArray[np.int32], rows: NDArray[np.intp]
) -> float:
    """Measure from 0 to 1 how near the map neighbors of the nodes are to them in the original space.

    The value is 1 - 2 / (n k (2m - 3k - 1)) times the sum of how far the true rank of each neighbor is
    beyond k (Venna & Kaski 2001, ICANN), where n is the number of rows and m that of all nodes. Distances
    are cosine distances.

    Args:
        vectors: (m, dimension) of unit length.
        near: (n, k), the neighbors of each of the rows on the map.
        rows: (n,) the nodes to measure.
    """
    n, k = near.shape
    m = len(vectors)
    beyond = 0
    for start in range(0, n, _BLOCK):
        own = rows[start : start + _BLOCK]
        on_map = near[start : start + _BLOCK]
        cosine = vectors[own] @ vectors.T
        cosine[np.arange(len(own)), own] = -np.inf
        of_near = np.take_along_axis(cosine, on_map, axis=1)
        # Only nodes nearer than the most distant map neighbor matter; on a good map these are few.
        for row, wanted in zip(cosine, of_near, strict=True):
            nearer = row[row > wanted.min()]
            ranks = [np.count_nonzero(nearer > one) + 1 for one in wanted]
            beyond += sum(max(rank - k, 0) for rank in ranks)
    return float(1.0 - beyond * 2.0 / (n * k * (2.0 * m - 3.0 * k - 1.0)))


def map_neighbors(coordinates: NDArray[np.float32], k: int) -> NDArray[np.int32]:
    """Find the k nearest other points of every point on a map: (m, k), where k < m."""
    from scipy.spatial import cKDTree

    m = len(coordinates)
    nearest = cKDTree(coordinates).query(coordinates, k=k + 1)[1].reshape(m, k + 1)
    own = nearest == np.arange(m)[:, None]
    # More than k other points may coincide with a point, so that it does not find itself.
    own[~own.any(axis=1), -1] = True
    return np.asarray(nearest[~own].reshape(m, k), dtype=np.int32)


def _overlap(wanted: NDArray[np.int32], found: NDArray[np.int32]) -> NDArray[np.float32]:
    """Return the share of the wanted values (-1 is none) in each row that are found; 1 if none is wanted."""
    hits = np.zeros(len(wanted), dtype=np.int64)
    for start in range(0, len(wanted), _BLOCK):
        rows = slice(start, start + _BLOCK)
        same = wanted[rows, :, None] == found[rows, None, :]
        hits[rows] = (same.any(axis=2) & (wanted[rows] >= 0)).sum(axis=1)
    counts = (wanted >= 0).sum(axis=1)
    return np.where(counts > 0, hits / np.maximum(counts, 1), 1.0).astype(np.float32)
