"""How much of a record's neighbourhood lies in each cluster: confidence, and noise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

__all__ = ["KEPT", "settle", "shares", "strongest"]

KEPT = 3
"""Clusters kept a record: those with the largest shares."""


def shares(weights: csr_matrix, labels: NDArray[np.int32], own: NDArray[np.float64]) -> csr_matrix:
    """Return what share of its neighbours' weight each node has in each cluster.

    Args:
        weights: (m, m), symmetric.
        labels: (m,) clusters, -1 for noise, whose weight goes to none.
        own: (m,) what a node's copies weigh: they are its nearest neighbours.

    Returns:
        (m, clusters) float64; a row sums up to 1, less where neighbours are noise, 0 without any.
    """
    from scipy.sparse import csr_matrix, diags

    count = len(labels)
    kept = np.flatnonzero(labels >= 0)
    clusters = int(labels.max(initial=-1)) + 1
    member = csr_matrix(
        (np.ones(len(kept)), (kept, labels[kept])), shape=(count, clusters), dtype=np.float64
    )
    total = np.asarray(weights.sum(axis=1)).ravel() + own
    scale = np.divide(1.0, total, out=np.zeros(count), where=total > 0)
    sums = diags(scale) @ (weights @ member + diags(own) @ member)
    return sums.tocsr()


def strongest(share: csr_matrix, kept: int = KEPT) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Return the clusters with the largest shares; equal shares go by number.

    Returns:
        (m, kept) int32 clusters, -1 where there are no more, and (m, kept) float32 shares.
    """
    count = share.shape[0]
    labels = np.full((count, kept), -1, dtype=np.int32)
    values = np.zeros((count, kept), dtype=np.float32)
    rows = np.repeat(np.arange(count), np.diff(share.indptr))
    share.sort_indices()
    order = np.argsort(2.0 * rows - share.data, kind="stable")  # shares are 0 to 1: rows stay apart
    place = np.arange(len(order)) - share.indptr[:-1][rows]  # rows are in order already
    top = place < kept
    labels[rows[top], place[top]] = share.indices[order][top]
    values[rows[top], place[top]] = share.data[order][top]
    return labels, values


def settle(
    weights: csr_matrix,
    labels: NDArray[np.int32],
    copies: NDArray[np.int64],
    own: NDArray[np.float64],
    *,
    smallest: int,
    noise: float,
) -> NDArray[np.int32]:
    """Make a partition's small and doubtful parts either members of a cluster or noise.

    A node of a community with fewer than `smallest` records goes where most of its neighbours'
    weight is. A node with less than a share of `noise` in its cluster is noise.

    Returns:
        (m,) int32, 0 to the number of clusters - 1, or -1.
    """
    size = np.bincount(labels[labels >= 0], copies[labels >= 0])
    large = np.flatnonzero(size >= smallest)
    number = np.full(len(size) + 1, -1, dtype=np.int32)  # the last is that of noise
    number[large] = np.arange(len(large), dtype=np.int32)
    settled = number[labels]
    share = shares(weights, settled, own)
    best, value = strongest(share, 1)
    lost = settled < 0
    settled[lost] = best[lost, 0]
    value = np.where(lost, value[:, 0], _of_label(share, settled))
    settled[value < max(noise, float(np.finfo(np.float32).tiny))] = -1
    return settled


def _of_label(share: csr_matrix, labels: NDArray[np.int32]) -> NDArray[np.float32]:
    """Return each node's share in its own cluster, 0 for noise."""
    rows = np.repeat(np.arange(len(labels)), np.diff(share.indptr))
    same = share.indices == labels[rows]
    return np.bincount(rows[same], share.data[same], minlength=len(labels)).astype(np.float32)
