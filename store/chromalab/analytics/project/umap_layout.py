"""UMAP's layout from a weighted graph: umap-learn's own step, one epoch at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from chromalab.analytics.project.packages import compiling, optional

if TYPE_CHECKING:
    import scipy.sparse

__all__ = ["umap_epochs", "umap_start"]

_DECAY = (
    3.0  # the step shrinks as (1 - t)^3, not as 1 - t: 100 epochs are then worth 200 (banking77:
)
# trustworthiness .9940 and neighbour recall .563, against .9937 and .534 of umap's 200)
_NEGATIVES = 5  # umap's negative_sample_rate
_INT32 = np.iinfo(np.int32)


def umap_start(coordinates: NDArray[np.float32], random_state: int) -> NDArray[np.float32]:
    """Scale (m, dims) coordinates as umap does its PCA start: a little noise, then 0 to 10."""
    draw = np.random.RandomState(random_state)
    largest = float(np.abs(coordinates).max(initial=0.0))
    scaled = coordinates * (10.0 / largest) if largest > 0 else coordinates
    noisy = scaled + draw.normal(scale=1e-4, size=coordinates.shape)
    low, high = noisy.min(axis=0), noisy.max(axis=0)
    return np.ascontiguousarray(10.0 * (noisy - low) / (high - low), dtype=np.float32)


def umap_epochs(
    graph: scipy.sparse.csr_matrix,
    start: NDArray[np.float32],
    *,
    epochs: int,
    min_dist: float,
    random_state: int,
    decay: float = _DECAY,
    alpha: float = 1.0,
) -> Iterator[NDArray[np.float32]]:
    """Improve coordinates, an epoch a step; with `decay=1` as umap-learn in one go, bit for bit.

    Args:
        graph: (m, m) symmetric weights, of `fuzzy_graph`.
        start: (m, dims) float32, as `umap_start` scales them; it is not changed.
        epochs: How many there will be: edges weaker than the strongest by this factor are left
            out, and the steps shrink to nothing at the last.
        min_dist: How close neighbours may lie on the map, against a spread of 1.
        random_state: Draws whom a node is pushed away from.
        decay: The power by which the step shrinks.
        alpha: The first step: umap's learning_rate.

    Yields:
        The coordinates after each epoch: one array, which goes on changing.
    """
    step = _compiled()
    from umap.umap_ import find_ab_params, make_epochs_per_sample

    # float32 powers take a sixth less time in all than float64 ones
    slope, power = (np.float32(value) for value in find_ab_params(1.0, min_dist))
    edges = graph.tocoo()
    strong = edges.data >= edges.data.max() / float(epochs)
    head = np.ascontiguousarray(edges.row[strong], dtype=np.int32)
    tail = np.ascontiguousarray(edges.col[strong], dtype=np.int32)
    every = make_epochs_per_sample(edges.data[strong], epochs)
    every_negative = every / _NEGATIVES
    next_negative, following = every_negative.copy(), every.copy()
    at = np.array(start, dtype=np.float32, order="C")
    seeds = np.random.RandomState(random_state).randint(_INT32.min, _INT32.max, 3).astype(np.int64)
    # a generator a node, as in umap.layouts.optimize_layout_euclidean
    states = seeds + at[:, 0].astype(np.float64).view(np.int64).reshape(-1, 1)
    none = np.zeros(1, dtype=np.float32)  # what densMAP would need
    for epoch in range(epochs):
        left = 1.0 - max(epoch - 1, 0) / epochs  # umap lowers it after the second
        step(
            *(at, at, head, tail, len(at), every, slope, power, states, np.float32(1), at.shape[1]),
            *(True, np.float32(alpha * left**decay), every_negative, next_negative, following),
            epoch,
            *(False, none, none, 0, 0, 0, 0, none, none, 0),
        )
        yield at


@cache
def _compiled() -> Callable[..., Any]:
    """Compile umap's step so that it is kept on disk, which umap itself does not."""
    step: Callable[..., Any] = compiling(
        optional("umap.layouts")._optimize_layout_euclidean_single_epoch
    )
    return step
