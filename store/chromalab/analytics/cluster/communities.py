"""Communities of a graph: groups that hold together more than their degrees let expect."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

__all__ = ["communities", "halves"]


def communities(
    weights: csr_matrix, resolution: float, *, random_state: int = 0, trials: int = 1
) -> NDArray[np.int32]:
    """Part a graph by the Leiden algorithm, which maximises modularity.

    Traag, Waltman and van Eck 2019, https://doi.org/10.1038/s41598-019-41695-z, as implemented in
    graspologic-native (MIT).

    Args:
        weights: (m, m), symmetric.
        resolution: More makes more and smaller communities (the gamma of modularity).
        random_state: The seed.
        trials: How often it runs; the best partition counts.

    Returns:
        (m,) int32, 0 to the number of communities - 1. A node without edges is one of its own.

    Example:
        >>> from scipy.sparse import csr_matrix
        >>> pairs = csr_matrix([[0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 1], [0, 0, 1, 0.0]])
        >>> communities(pairs, 1.0).tolist()
        [0, 0, 1, 1]
    """
    count = weights.shape[0]
    if weights.nnz == 0:
        return np.arange(count, dtype=np.int32)
    from graspologic_native import leiden_csr

    _, found = leiden_csr(
        weights.indptr.astype(np.int64),
        weights.indices.astype(np.int32),
        weights.data.astype(np.float64),
        count,
        resolution=resolution,
        seed=random_state,
        trials=trials,
    )
    labels = np.full(count, -1, dtype=np.int64)
    nodes = np.fromiter(found.keys(), dtype=np.int64, count=len(found))
    labels[nodes] = np.fromiter(found.values(), dtype=np.int64, count=len(found))
    alone = labels < 0
    labels[alone] = labels.max() + 1 + np.arange(alone.sum())
    # Numbered by first node: what does not depend on the order of a dict.
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    order = np.empty(len(first), dtype=np.int32)
    order[np.argsort(first)] = np.arange(len(first), dtype=np.int32)
    return order[inverse]


def halves(weights: csr_matrix, random_state: int) -> tuple[csr_matrix, csr_matrix]:
    """Deal the edges of a graph out to two graphs over the same nodes, by chance."""
    from scipy.sparse import csr_matrix, triu

    upper = triu(weights, 1).tocoo()
    drawn = np.random.default_rng(random_state).random(upper.nnz) < 0.5
    parts = []
    for part in (drawn, ~drawn):
        one_way = csr_matrix(
            (upper.data[part], (upper.row[part], upper.col[part])), shape=weights.shape
        )
        parts.append((one_way + one_way.T).tocsr())
    return parts[0], parts[1]
