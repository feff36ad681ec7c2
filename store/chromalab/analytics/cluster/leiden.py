"""The communities of a graph by the Leiden algorithm, and the choice of their resolution.

A resolution is judged by how well its clusters reappear in other data (Ben-Hur, Elisseeff and Guyon
2002; Lange et al. 2004). Runs with different seeds on the same edges agree at any resolution, so they
show nothing. Partitions of two halves of the edges agree most at the resolution of the true clusters,
and less at finer ones. The finest resolution that is about as stable as the best one is chosen.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

__all__ = ["RESOLUTIONS", "ResolutionChoice", "agreement", "choose_resolution", "halves", "leiden"]

RESOLUTIONS = (1.0, 2.0, 3.0, 5.0, 7.0, 10.0, 15.0, 20.0, 30.0, 50.0, 70.0, 100.0)
"""The resolutions to try, from coarse to fine, until the agreement falls."""

_TOLERANCE = 0.0075  # two splits of the same edges differ by .001-.008 in agreement
_DROP = 0.015  # two agreements in a row this far below the best one end the search
# Nodes in all splits together: smaller graphs are split more often, up to 3 times.
_ENOUGH_NODES = 30_000
_MIN_NODES = 30  # below, half of the edges is too few to tell anything


@dataclass(frozen=True)
class ResolutionChoice:
    """A resolution, and the measurements behind the choice.

    Attributes:
        resolution: The chosen resolution.
        tried: The resolutions that were tried, ascending.
        stability: For each, how well partitions of two halves of the edges agree: the mean AMI.
        n_clusters: For each, the mean number of communities of the halves.
    """

    resolution: float
    tried: tuple[float, ...] = ()
    stability: tuple[float, ...] = ()
    n_clusters: tuple[float, ...] = ()


def leiden(
    weights: csr_matrix,
    resolution: float,
    *,
    inner: NDArray[np.float64] | None = None,
    random_state: int = 0,
    trials: int = 1,
) -> NDArray[np.int32]:
    """Partition a graph by the Leiden algorithm, which maximizes modularity.

    Traag, Waltman and van Eck 2019, https://doi.org/10.1038/s41598-019-41695-z, as implemented in
    graspologic-native (MIT).

    Args:
        weights: (m, m), symmetric.
        resolution: Gamma of the modularity; a higher one makes more and smaller communities.
        inner: (m,) the weight inside of each node, which stands for many records; none by default.
        random_state: The seed.
        trials: Number of runs; the best partition is returned.

    Returns:
        (m,) int32, 0 to the number of communities - 1. A node without edges is its own community.

    Example:
        >>> from scipy.sparse import csr_matrix
        >>> pairs = csr_matrix([[0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 1], [0, 0, 1, 0.0]])
        >>> leiden(pairs, 1.0).tolist()
        [0, 0, 1, 1]
    """
    if inner is not None and inner.any():
        found = leiden(
            _with_inner(weights, inner), resolution, random_state=random_state, trials=trials
        )
        return _renumbered(found[: weights.shape[0]])
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
    return _renumbered(labels)  # so that the order of the dict does not matter


def choose_resolution(
    weights: csr_matrix,
    *,
    inner: NDArray[np.float64] | None = None,
    random_state: int = 0,
    resolutions: tuple[float, ...] = RESOLUTIONS,
    on_progress: Callable[[int, int], Any] | None = None,
) -> ResolutionChoice:
    """Choose the finest resolution whose stability is within .0075 of the best.

    The stability is smoothed first: the next lower and the next higher resolution weigh a quarter each.

    Args:
        weights: (m, m), symmetric.
        inner: (m,) the weight inside of each node, as for `leiden`; both halves of the edges have it.
        random_state: The seed.
        resolutions: The resolutions to try, ascending.
        on_progress: Called with the number of resolutions tried and the largest possible number.

    Example:
        >>> from scipy.sparse import csr_matrix
        >>> choose_resolution(csr_matrix((4, 4))).resolution
        1.0
    """
    count = weights.shape[0]
    if count < _MIN_NODES or weights.nnz == 0:
        return ResolutionChoice(1.0)
    splits = max(1, min(3, round(_ENOUGH_NODES / count)))
    seeds = [random_state + split for split in range(splits)]
    stability: list[float] = []
    sizes: list[float] = []
    with ThreadPoolExecutor(2) as pool:  # Leiden releases the GIL
        parts = [half for seed in seeds for half in halves(weights, seed)]
        for tried, resolution in enumerate(resolutions, start=1):
            find = partial(leiden, resolution=resolution, inner=inner, random_state=random_state)
            found = list(pool.map(find, parts))
            pairs = zip(found[::2], found[1::2], strict=True)
            stability.append(float(np.mean([agreement(one, other) for one, other in pairs])))
            sizes.append(float(np.mean([labels.max() + 1 for labels in found])))
            if on_progress is not None:
                on_progress(tried, len(resolutions))
            if len(stability) > 2 and max(stability[-2:]) < max(stability) - _DROP:
                break
    ends = np.array([stability[0], *stability, stability[-1]])
    smooth = ends[:-2] / 4 + ends[1:-1] / 2 + ends[2:] / 4
    near_best = np.flatnonzero(smooth >= smooth.max() - _TOLERANCE)
    return ResolutionChoice(
        resolutions[int(near_best[-1])],
        resolutions[: len(stability)],
        tuple(stability),
        tuple(sizes),
    )


def _with_inner(weights: csr_matrix, inner: NDArray[np.float64]) -> csr_matrix:
    """Add a node beside each one with an inner weight, with the edge that weighs as much.

    The library leaves out edges from a node to itself. To the modularity this is the same, as a node
    with a single edge is always in the community at its other end.
    """
    from scipy.sparse import bmat, diags

    extra = diags(inner / 2, format="csr")[np.flatnonzero(inner)]
    return bmat([[weights, extra.T], [extra, None]], format="csr")


def _renumbered(labels: NDArray[Any]) -> NDArray[np.int32]:
    """Number communities by their first node."""
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    order = np.empty(len(first), dtype=np.int32)
    order[np.argsort(first)] = np.arange(len(first), dtype=np.int32)
    return order[inverse]


def agreement(one: NDArray[np.int32], other: NDArray[np.int32]) -> float:
    """Return the adjusted mutual information of two partitions: 1 if equal, about 0 by chance.

    Vinh, Epps and Bailey 2010, https://jmlr.org/papers/v11/vinh10a.html, by scikit-learn.
    """
    from sklearn.metrics import adjusted_mutual_info_score

    return float(adjusted_mutual_info_score(one, other))


def halves(weights: csr_matrix, random_state: int) -> tuple[csr_matrix, csr_matrix]:
    """Split the edges of a graph at random into two graphs over the same nodes."""
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
