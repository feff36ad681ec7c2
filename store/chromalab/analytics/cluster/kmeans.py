"""k-means, and the centers of clusters."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray

__all__ = ["centers_of", "kmeans", "nearest_to_center"]

_BLOCK = 8192  # rows


def kmeans(
    vectors: NDArray[np.float32], weights: NDArray[np.float64], n_clusters: int, random_state: int
) -> NDArray[np.int32]:
    """Partition unit vectors around `n_clusters` centers, with scikit-learn's KMeans.

    Args:
        vectors: (m, dimension) float32.
        weights: (m,) float64, the number of records per vector.
        n_clusters: Number of clusters; there are never more than vectors.
        random_state: The seed.

    Returns:
        (m,) int32 labels.
    """
    if not len(vectors):
        return np.zeros(0, dtype=np.int32)
    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning
    from threadpoolctl import threadpool_limits

    fit = KMeans(min(n_clusters, len(vectors)), n_init=1, random_state=random_state)
    # Several threads would add up their partial sums in the order in which they finish, and the result
    # would differ from run to run.
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # fewer directions than clusters
        labels = fit.fit(vectors, sample_weight=weights).labels_
    return np.asarray(labels, dtype=np.int32)


def centers_of(
    vectors: NDArray[np.float32], labels: NDArray[np.int32], numbers: NDArray[np.int32]
) -> NDArray[np.float32]:
    """Return the mean directions of clusters.

    Args:
        vectors: (n, dimension) unit vectors.
        labels: (n,) clusters, -1 for noise.
        numbers: (k,) the labels in use, ascending.

    Returns:
        (k, dimension) float32 unit vectors.
    """
    from scipy.sparse import csr_matrix

    rows = np.flatnonzero(labels >= 0)
    number = np.searchsorted(numbers, labels[rows])
    member = csr_matrix(
        (np.ones(len(rows), dtype=np.float32), (number, rows)), shape=(len(numbers), len(labels))
    )
    sums = np.asarray(member @ vectors, dtype=np.float32).reshape(len(numbers), vectors.shape[1])
    lengths = np.linalg.norm(sums, axis=1, keepdims=True)
    return np.asarray(sums / np.where(lengths > 0, lengths, 1), dtype=np.float32)


def nearest_to_center(
    vectors: NDArray[np.float32],
    labels: NDArray[np.int32],
    numbers: NDArray[np.int32],
    centers: NDArray[np.float32],
) -> NDArray[np.int64]:
    """Return the record of each cluster that is nearest to its center.

    Returns:
        (k,) int64 rows; of equally near ones the first.
    """
    rows = np.flatnonzero(labels >= 0)
    number = np.searchsorted(numbers, labels[rows])
    cosine = np.empty(len(rows), dtype=np.float32)
    for start in range(0, len(rows), _BLOCK):
        part = slice(start, start + _BLOCK)
        cosine[part] = np.einsum("ij,ij->i", vectors[rows[part]], centers[number[part]])
    order = np.lexsort((rows, -cosine, number))
    first = np.searchsorted(number[order], np.arange(len(numbers)))
    return rows[order[first]]
