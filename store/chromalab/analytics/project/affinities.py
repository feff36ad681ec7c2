"""Edge weights of the neighbor graph as UMAP and t-SNE define them, without compiled code."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import scipy.sparse

__all__ = ["conditional_probabilities", "fuzzy_graph", "joint_probabilities", "memberships"]

_MAX_STEPS = 64  # steps of bisection, as in umap and openTSNE
_TOLERANCE = 1e-5  # as in umap and openTSNE
_MIN_SCALE = 1e-3  # as a share of the mean distance: umap's MIN_K_DIST_SCALE


def memberships(distances: NDArray[np.float32]) -> NDArray[np.float32]:
    """Compute UMAP's weights of each node's neighbors: 1 for the nearest, falling with the distance.

    The scale of a node makes its weights, including its own of 1, sum to log2 of their number (McInnes,
    Healy & Melville 2018, arXiv:1802.03426, algorithm 3).

    Args:
        distances: (m, k) of the neighbors, without the node itself; inf after the last neighbor.

    Returns:
        (m, k) weights, 0 where there is no neighbor.
    """
    exists = np.isfinite(distances)
    far = np.where(exists, distances, 0.0).astype(np.float64)
    positive = np.where(exists & (distances > 0), distances, np.inf)
    nearest = positive.min(axis=1, initial=np.inf)
    nearest[~np.isfinite(nearest)] = 0.0
    beyond = np.maximum(far - nearest[:, None], 0.0)
    # Umap counts the node itself among its k neighbors, hence k + 1 here.
    target = np.full(len(far), np.log2(distances.shape[1] + 1))

    def total(rows: NDArray[np.intp], scale: NDArray[np.float64]) -> NDArray[np.float64]:
        weights = np.exp(-beyond[rows] / scale[:, None])
        return np.asarray((weights * exists[rows]).sum(axis=1) - target[rows])

    scale = _bisect(total, len(far))
    counts = exists.sum(axis=1) + 1
    mean = np.where(nearest > 0, far.sum(axis=1) / counts, far.sum() / max(counts.sum(), 1))
    scale = np.maximum(scale, np.maximum(_MIN_SCALE * mean, np.finfo(np.float64).tiny))
    return np.asarray(np.exp(-beyond / scale[:, None]) * exists, dtype=np.float32)


def fuzzy_graph(
    neighbors: NDArray[np.int32], distances: NDArray[np.float32]
) -> scipy.sparse.csr_matrix:
    """Make UMAP's weighted graph: the probability that an edge exists in either direction (a + b - ab).

    Args:
        neighbors: (m, k) nodes, without the node itself; -1 after the last neighbor.
        distances: (m, k); inf after the last neighbor.

    Returns:
        (m, m) symmetric float32.
    """
    one_way = _matrix(neighbors, memberships(distances))
    other_way = one_way.T.tocsr()
    return (one_way + other_way - one_way.multiply(other_way)).tocsr()


def conditional_probabilities(
    distances: NDArray[np.float32], perplexity: float
) -> NDArray[np.float64]:
    """Compute t-SNE's weights of each node's neighbors: a Gaussian whose width gives the perplexity.

    Its distance is the Euclidean distance of unit vectors, whose square is twice the cosine distance. The
    perplexity of a node is at most a third of the number of its neighbors, because the nearest 3 *
    perplexity neighbors carry nearly all of the weight (van der Maaten 2014, JMLR 15).

    Args:
        distances: (m, k) cosine distances; inf after the last neighbor.
        perplexity: Roughly the number of neighbors that count.

    Returns:
        (m, k); rows sum to one, or to zero if there are no neighbors.
    """
    exists = np.isfinite(distances)
    square = np.where(exists, 2.0 * np.maximum(distances, 0.0), 0.0).astype(np.float64)
    least = np.where(exists, square, np.inf).min(axis=1, initial=np.inf)
    square = np.where(exists, square - np.where(np.isfinite(least), least, 0.0)[:, None], 0.0)
    target = np.log(np.clip(exists.sum(axis=1) / 3, 1.0, perplexity))

    def weights(rows: NDArray[np.intp], width: NDArray[np.float64]) -> NDArray[np.float64]:
        kernel = np.exp(-square[rows] / width[:, None]) * exists[rows]
        total = np.maximum(kernel.sum(axis=1, keepdims=True), np.finfo(np.float64).tiny)
        return np.asarray(kernel / total)

    def excess(rows: NDArray[np.intp], width: NDArray[np.float64]) -> NDArray[np.float64]:
        shares = weights(rows, width)
        entropy = -(shares * np.log(np.where(shares > 0, shares, 1.0))).sum(axis=1)
        return np.asarray(entropy - target[rows])

    width = _bisect(excess, len(square))
    return weights(np.arange(len(square)), width)


def joint_probabilities(
    neighbors: NDArray[np.int32], distances: NDArray[np.float32], perplexity: float
) -> scipy.sparse.csr_matrix:
    """Return t-SNE's (m, m) symmetric probabilities, which sum to one."""
    one_way = _matrix(neighbors, conditional_probabilities(distances, perplexity))
    both = (one_way + one_way.T).tocsr()
    return both / max(float(both.sum()), np.finfo(np.float64).tiny)


def _matrix(neighbors: NDArray[np.int32], weights: NDArray[np.floating]) -> scipy.sparse.csr_matrix:
    from scipy.sparse import csr_matrix

    rows = np.repeat(np.arange(len(neighbors), dtype=np.int32), neighbors.shape[1])
    exists = (neighbors.ravel() >= 0) & (weights.ravel() > 0)
    data = (weights.ravel()[exists], (rows[exists], neighbors.ravel()[exists]))
    return csr_matrix(data, shape=(len(neighbors), len(neighbors)))


def _bisect(
    excess: Callable[[NDArray[np.intp], NDArray[np.float64]], NDArray[np.float64]], m: int
) -> NDArray[np.float64]:
    """Find the zero of an increasing function for each row: double from 1, then bisect."""
    low, high, at = np.zeros(m), np.full(m, np.inf), np.ones(m)
    open_rows = np.arange(m)
    for _ in range(_MAX_STEPS):
        over = excess(open_rows, at[open_rows])
        missed = np.abs(over) >= _TOLERANCE
        open_rows, over = open_rows[missed], over[missed]
        if not len(open_rows):
            break
        middle = at[open_rows]
        high[open_rows] = np.where(over > 0, middle, high[open_rows])
        low[open_rows] = np.where(over > 0, low[open_rows], middle)
        known = np.isfinite(high[open_rows])
        halves = (low[open_rows] + np.where(known, high[open_rows], 0.0)) / 2
        at[open_rows] = np.where(known, halves, middle * 2)
    return at
