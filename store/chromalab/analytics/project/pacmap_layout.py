"""PaCMAP's layout from the neighbour graph: pacmap's own step, one iteration at a time."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from chromalab.analytics.project.packages import optional

__all__ = ["pacmap_epochs", "pacmap_start"]

_MID_NEAR, _FURTHER = 0.5, 2.0  # pairs a neighbour: pacmap's MN_ratio and FP_ratio
_MID_NEAR_WEIGHT = 1000.0  # pacmap's w_MN_init
_FEWEST = 12  # nodes: pacmap draws pairs of distinct ones, and would search forever below


def pacmap_start(coordinates: NDArray[np.float32]) -> NDArray[np.float32]:
    """Scale (m, dims) coordinates as pacmap does what it is given to start from."""
    spread = coordinates.std(axis=0)
    centred = coordinates - coordinates.mean(axis=0)
    return np.asarray(centred / np.where(spread > 0, spread, 1.0) * 1e-4, dtype=np.float32)


def pacmap_epochs(
    vectors: NDArray[np.float32],
    neighbors: NDArray[np.int32],
    distances: NDArray[np.float32],
    start: NDArray[np.float32],
    *,
    near: int,
    epochs: int,
    random_state: int,
    refines: bool = False,
) -> Iterator[NDArray[np.float32]]:
    """Improve coordinates by pulls of near and mid-near pairs and pushes of further ones.

    Wang, Huang, Rudin & Shaposhnik 2021, JMLR 22 (201).

    Args:
        vectors: (m, d), by which mid-near pairs are told: the first principal components will do.
        neighbors: (m, k) nodes; -1 where there are no more.
        distances: (m, k).
        start: (m, dims), as `pacmap_start` scales them; it is not changed.
        near: How many neighbours pull; fewer where there are not so many nodes.
        epochs: How many iterations; the three phases share them as 100, 100 and 250.
        random_state: Draws the pairs.
        refines: Whether the start is a finished map: then only the last phase is run.

    Yields:
        The coordinates after each iteration: one array, which goes on changing.
    """
    at = np.array(start, dtype=np.float32, order="C")
    m = len(at)
    if m < _FEWEST:
        return
    pacmap = optional("pacmap.pacmap")
    near = max(1, min(near, neighbors.shape[1], int((m - 1) / (1 + _MID_NEAR + _FURTHER))))
    pairs = _near_pairs(neighbors, distances, near)
    vectors = np.ascontiguousarray(vectors, dtype=np.float32)
    seed = np.int32(random_state % (2**31 - m * near))  # it counts on from here
    mid = pacmap.sample_MN_pair_deterministic(vectors, max(1, round(near * _MID_NEAR)), seed, 0)
    further = pacmap.sample_FP_pair_deterministic(
        vectors, pairs, near, max(1, round(near * _FURTHER)), seed
    )
    early = 0 if refines else epochs * 100 // 450
    phases = (early, early, epochs)
    mean, variance = np.zeros_like(at), np.zeros_like(at)
    for epoch in range(epochs):
        of_mid, of_near, of_further = pacmap.find_weight(_MID_NEAR_WEIGHT, epoch, num_iters=phases)
        gradient = pacmap.pacmap_grad(at, pairs, mid, further, of_near, of_mid, of_further)
        pacmap.update_embedding_adam(at, gradient, mean, variance, 0.9, 0.999, 1.0, epoch)
        yield at


def _near_pairs(
    neighbors: NDArray[np.int32], distances: NDArray[np.float32], near: int
) -> NDArray[np.int32]:
    """Choose each node's `near` nearest by the scaled distance of the paper, d^2 / (s_i s_j)."""
    held = neighbors >= 0
    # the paper's distance is Euclidean: its square is twice the cosine distance of unit vectors
    square = np.where(held, 2.0 * np.maximum(distances, 0.0), np.inf)
    middle = np.where(held, np.sqrt(np.where(held, square, 0.0)), np.nan)[:, 3:6]
    counts = (~np.isnan(middle)).sum(axis=1)
    scale = np.maximum(np.nansum(middle, axis=1) / np.maximum(counts, 1), 1e-10)
    scaled = square / scale[:, None] / scale[np.maximum(neighbors, 0)]
    order = np.argsort(scaled, axis=1, kind="stable")[:, :near]
    chosen = np.take_along_axis(neighbors, order, axis=1)
    nearest = np.where(chosen[:, :1] >= 0, chosen[:, :1], (np.arange(len(chosen)) == 0)[:, None])
    chosen = np.where(chosen >= 0, chosen, nearest)  # who has fewer: its nearest, again
    heads = np.repeat(np.arange(len(chosen), dtype=np.int32), near)
    return np.stack([heads, chosen.ravel().astype(np.int32)], axis=1)
