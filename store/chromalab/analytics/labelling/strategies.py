"""What to label next: the rules by which records are taken."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from chromalab.analytics.graph import NeighborGraph

__all__ = ["STRATEGIES", "density_of", "farthest", "stage_of", "take"]

STRATEGIES = ("auto", "k-centre", "margin", "margin + diverse", "entropy", "random")

_SEED = 2  # labels for each class seen, until which auto spreads out
_WIDER = 3  # times as many of the least sure, of which the farthest apart are taken
_NEAR = 10
_PART = 8192


def stage_of(strategy: str, labels: int, classes: int) -> str:
    """Say which rule a strategy follows with so many labels of so many classes.

    "auto" spreads out over the collection (k-centre) until there are two labels for each class seen, then
    asks about what the model is least sure of (margin). Without a model, all but random are k-centre.

    Example:
        >>> stage_of("auto", 3, 2), stage_of("auto", 40, 7), stage_of("entropy", 0, 0)
        ('k-centre', 'margin', 'k-centre')
    """
    if strategy in ("random", "k-centre"):
        return strategy
    if classes < 2 or (strategy == "auto" and labels < _SEED * classes):
        return "k-centre"
    return "margin" if strategy == "auto" else strategy


def take(
    stage: str,
    vectors: NDArray[np.float32],
    labelled: NDArray[np.int64],
    candidates: NDArray[np.int64],
    count: int,
    *,
    density: NDArray[np.float32],
    probabilities: NDArray[np.float32] | None,
    several: bool,
    rng: np.random.Generator,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Take records by one rule.

    Args:
        stage: Of `stage_of`.
        vectors: (n, dimension) of unit length.
        labelled: Rows with labels.
        candidates: Rows to take from.
        count: How many; fewer where there are no more.
        density: (n,), larger where other records are near. k-centre takes of the denser half of the records, as
            long as there are any: what is far from all others teaches nothing about them.
        probabilities: (candidates, c) of a model; not asked for k-centre and random.
        several: Whether a record may have several classes.
        rng: Draws.

    Returns:
        Places in `candidates`, the most useful first, and the number each was taken for: the distance to what
        is labelled, the margin, the entropy; 0 for random.
    """
    count = min(count, len(candidates))
    if stage == "random":
        return rng.permutation(len(candidates))[:count], np.zeros(count)
    if stage == "k-centre":
        dense = np.flatnonzero(density[candidates] >= np.median(density))
        if len(dense) < count:
            dense = np.argsort(-density[candidates], kind="stable")[:count]
        places, far = farthest(vectors, labelled, candidates[dense], count)
        return dense[places], far
    if probabilities is None:
        raise ValueError(stage)
    doubt = _entropy(probabilities) if stage == "entropy" else -_margin(probabilities, several)
    order = np.argsort(-doubt, kind="stable")
    if stage == "margin + diverse":
        wide = np.sort(order[: _WIDER * count])
        order = wide[farthest(vectors, labelled, candidates[wide], count)[0]]
    order = order[:count]
    return order, np.abs(doubt[order]).astype(np.float64)


def farthest(
    vectors: NDArray[np.float32],
    labelled: NDArray[np.int64],
    candidates: NDArray[np.int64],
    count: int,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Take the record farthest from all labelled ones, then from these and it, and so on.

    Gonzalez 1985; as active learning: Sener and Savarese 2018. Without any label it starts with the most
    central one.

    Returns:
        Places in `candidates`, and the cosine distance of each to the nearest taken before.

    Example:
        >>> rows = np.float32([[1, 0], [0.8, 0.6], [0, 1]])
        >>> farthest(rows, np.array([0]), np.array([1, 2]), 1)[0].tolist()
        [1]
    """
    rows = vectors[candidates]
    taken, far = [], []
    nearest = np.full(len(candidates), -np.inf, dtype=np.float32)
    for start in range(0, len(labelled), _PART):
        known = vectors[labelled[start : start + _PART]]
        for at in range(0, len(rows), _PART):
            part = slice(at, at + _PART)
            nearest[part] = np.maximum(nearest[part], (rows[part] @ known.T).max(axis=1))
    if not len(labelled) and count:
        first = int((rows @ rows.mean(axis=0)).argmax())
        taken, far, nearest = [first], [0.0], rows @ rows[first]
        nearest[first] = np.inf
    while len(taken) < count:
        best = int(nearest.argmin())
        taken.append(best)
        far.append(1 - float(nearest[best]))
        nearest = np.maximum(nearest, rows @ rows[best])
        nearest[taken] = np.inf
    return np.array(taken, dtype=np.int64), np.array(far)


def density_of(graph: NeighborGraph) -> NDArray[np.float32]:
    """Say how near the ten nearest of each record are: (n,), minus their mean distance; copies are nearest."""
    near = np.where(np.isfinite(graph.distances), graph.distances, 2)[:, :_NEAR]
    if not near.shape[1]:
        return np.zeros(len(graph.node), dtype=np.float32)
    found: NDArray[np.float32] = -near.mean(axis=1).astype(np.float32)[graph.node]
    return found


def _margin(probabilities: NDArray[np.float32], several: bool) -> NDArray[np.float32]:
    """How much likelier the likeliest class is than the next; of yes and no where there may be several."""
    if several:
        found: NDArray[np.float32] = np.abs(2 * probabilities - 1).min(axis=1)
        return found
    top = np.partition(probabilities, -2, axis=1)[:, -2:]
    margin: NDArray[np.float32] = top[:, 1] - top[:, 0]
    return margin


def _entropy(probabilities: NDArray[np.float32]) -> NDArray[np.float32]:
    sure = np.clip(probabilities, 1e-12, 1)
    found: NDArray[np.float32] = -(sure * np.log(sure)).sum(axis=1)
    return found
