"""Place new records on a map, by the records on it that they are nearest to."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from chromalab.analytics.project.affinities import memberships
from chromalab.analytics.project.pca import unit

__all__ = ["place_near"]

_ENTRIES = 16_000_000  # of the block of likenesses that is held at a time
_SAME = 1e-6  # cosine distance below which a vector counts as one that is there


def place_near(
    new: NDArray[np.float32],
    vectors: NDArray[np.float32],
    coordinates: NDArray[np.float32],
    k: int,
) -> NDArray[np.float32]:
    """Place each vector at the weighted mean of its k nearest records on the map.

    The weights are UMAP's (`memberships`). A copy of a record lies where that lies; zero vectors
    and those that are like nothing (cosine of zero or less) lie in the middle of the map.

    Args:
        new: (q, dimension).
        vectors: (n, dimension) of the records on the map.
        coordinates: (n, dims) of them.
        k: How many records count.

    Returns:
        (q, dims) float32.
    """
    n, dims = coordinates.shape
    if not n or not len(new):
        return np.zeros((len(new), dims), dtype=np.float32)
    k = min(k, n)
    there, asked = unit(vectors), unit(new)
    placed = np.empty((len(new), dims), dtype=np.float32)
    block = max(1, _ENTRIES // n)
    for start in range(0, len(new), block):
        far = 1.0 - asked[start : start + block] @ there.T
        near = np.argpartition(far, k - 1, axis=1)[:, :k]
        near = np.take_along_axis(
            near, np.take_along_axis(far, near, 1).argsort(1, kind="stable"), 1
        )
        distances = np.maximum(np.take_along_axis(far, near, axis=1), 0.0)
        weights = memberships(distances)
        weights[distances[:, 0] < _SAME] = np.eye(1, k)
        weights /= weights.sum(axis=1, keepdims=True)
        at = np.einsum("qk,qkd->qd", weights, coordinates[near])
        at[distances[:, 0] >= 1.0] = coordinates.mean(axis=0)
        placed[start : start + block] = at
    return placed
