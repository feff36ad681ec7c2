"""t-SNE's layout from the neighbour graph, by openTSNE, some iterations at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from chromalab.analytics.project.packages import optional

if TYPE_CHECKING:
    import scipy.sparse

__all__ = ["tsne_epochs", "tsne_start"]

_EXAGGERATION = 12.0  # early on, for a third of the iterations: openTSNE's defaults
_MOMENTUM = 0.8
_SLICE = 10  # iterations a step


def tsne_start(coordinates: NDArray[np.float32], random_state: int) -> NDArray[np.float64]:
    """Scale (m, dims) coordinates to a standard deviation of 1e-4 along the first axis.

    So wide is openTSNE's PCA start (Kobak & Berens 2019, doi:10.1038/s41467-019-13056-x); the
    noise of a hundredth of it keeps equal points apart.
    """
    spread = float(coordinates[:, 0].std())
    scaled = coordinates.astype(np.float64) * (1e-4 / spread if spread > 0 else 1.0)
    return scaled + np.random.RandomState(random_state).normal(scale=1e-6, size=scaled.shape)


def tsne_epochs(
    joint: scipy.sparse.csr_matrix,
    start: NDArray[np.floating[Any]],
    *,
    epochs: int,
    refines: bool = False,
) -> Iterator[NDArray[np.float32]]:
    """Improve coordinates; the first third of the iterations with exaggerated attraction.

    Args:
        joint: (m, m) probabilities, of `joint_probabilities`.
        start: (m, dims), as `tsne_start` scales them.
        epochs: How many iterations.
        refines: Whether the start is a finished map: then no attraction is exaggerated.

    Yields:
        The coordinates after each iteration.
    """
    tsne = optional("openTSNE")
    method = "fft" if len(start) >= 10_000 and start.shape[1] <= 2 else "bh"
    at = tsne.TSNEEmbedding(
        start,
        tsne.affinity.PrecomputedAffinities(joint, normalize=False),
        negative_gradient_method=method,
        n_jobs=1,  # sums in another order are other maps
        max_step_norm=5,
    )
    early = 0 if refines else epochs // 3
    done = 0
    while done < epochs:
        exaggeration = _EXAGGERATION if done < early else 1.0
        until = min(done + _SLICE, early if done < early else epochs)
        at.optimize(
            until - done,
            inplace=True,
            exaggeration=exaggeration,
            learning_rate=len(start) / exaggeration,  # Belkina et al. 2019
            momentum=_MOMENTUM,
        )
        for _ in range(until - done):
            yield np.asarray(at)
        done = until
