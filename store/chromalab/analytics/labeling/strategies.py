"""What to label next: the rules by which records are taken."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from chromalab.analytics.graph import Graph

__all__ = ["STRATEGIES", "density", "farthest", "rule_for", "take"]

STRATEGIES = ("auto", "k-center", "margin", "margin + diverse", "entropy", "random")

_SEED = 2  # labels for each class seen, until which auto spreads out
_WIDER = 3  # times as many of the least sure, of which the farthest apart are taken
_NEAR = 10
_PART = 8192


def rule_for(strategy: str, labels: int, classes: int) -> str:
    """Say which rule a strategy follows with so many labels of so many classes.

    "auto" spreads out over the collection (k-center) until there are two labels for each class seen, then
    asks about what the model is least sure of (margin). Without a model, all but random are k-center.

    Example:
        >>> rule_for("auto", 3, 2), rule_for("auto", 40, 7), rule_for("entropy", 0, 0)
        ('k-center', 'margin', 'k-center')
    """
    if strategy in ("random", "k-center"):
        return strategy
    if classes < 2 or (strategy == "auto" and labels < _SEED * classes):
        return "k-center"
    return "margin" if strategy == "auto" else strategy


def take(
    stage: str,
    vectors: NDArray[np.float32],
    labeled: NDArray[np.int64],
    candidates: NDArray[np.int64],
    count: int,
    *,
    density: NDArray[np.float32],
    probabilities: NDArray[np.float32] | None,
    multilabel: bool,
    rng: np.random.Generator,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Take records by one rule.

    Args:
        stage: Of `rule_for`.
        vectors: (n, dimension) of unit length.
        labeled: Rows with labels.
        candidates: Rows to take from.
        count: How many; fewer where there are no more.
        density: (n,), larger where other records are near. k-center takes of the denser half of the records, as
            long as there are any: what is far from all others teaches nothing about them.
        probabilities: (candidates, c) of a model; not asked for k-center and random.
        multilabel: Whether a record may have multilabel classes.
        rng: Draws.

    Returns:
        Places in `candidates`, the most useful first, and the number each was taken for: the distance to what
        is labeled, the margin, the entropy; 0 for random.
    """
    count = min(count, len(candidates))
    if stage == "random":
        return rng.permutation(len(candidates))[:count], np.zeros(count)
    if stage == "k-center":
        dense = np.flatnonzero(density[candidates] >= np.median(density))
        if len(dense) < count:
            dense = np.argsort(-density[candidates], kind="stable")[:count]
        places, far = farthest_first(vectors, labeled, candidates[dense], count)
        return dense[places], far
    if probabilities is None:
        raise ValueError(stage)
    doubt = _entropy(probabilities) if stage == "entropy" else -_margin(probabilities, multilabel)
    order = np.argsort(-doubt, kind="stable")
    if stage == "margin + diverse":
        wide = np.sort(order[: _WIDER * count])
        order = wide[farthest_first(vectors, labeled, candidates[wide], count)[0]]
    order = order[:count]
    return order, np.abs(doubt[order]).astype(np.float64)


def farthest_first(
    vectors: NDArray[np.float32],
    labeled: NDArray[np.int64],
    candidates: NDArray[np.int64],
    count: int,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Take the record farthest from all labeled ones, then from these and it, and so on.

    Gonzalez 1985; as active learning: Sener and Savarese 2018. Without any label it starts with the most
    central one.

    Returns:
        Places in `candidates`, and the cosine distance of each to the nearest taken before.

    Example:
        >>> rows = np.float32([[1, 0], [0.8, 0.6], [0, 1]])
        >>> farthest_first(rows, np.array([0]), np.array([1, 2]), 1)[0].tolist()
        [1]
    """
    rows = vectors[candidates]
    taken, far = [], []
    nearest = np.full(len(candidates), -np.inf, dtype=np.float32)
    for start in range(0, len(labeled), _PART):
        known = vectors[labeled[start : start + _PART]]
        for at in range(0, len(rows), _PART):
            part = slice(at, at + _PART)
            nearest[part] = np.maximum(nearest[part], (rows[part] @ known.T).max(axis=1))
    if not len(labeled) and count:
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


def density(graph: Graph) -> NDArray[np.float32]:
    """Say how near the ten nearest of each record are: (n,), minus their mean distance; copies are nearest."""
    near = np.where(np.isfinite(graph.distances), graph.distances, 2)[:, :_NEAR]
    if not near.shape[1]:
        return np.zeros(len(graph.node), dtype=np.float32)
    found: NDArray[np.float32] = -near.mean(axis=1).astype(np.float32)[graph.node]
    return found


def _margin(probabilities: NDArray[np.float32], multilabel: bool) -> NDArray[np.float32]:
    """How much likelier the likeliest class is than the next; of yes and no where there may be multilabel."""
    if multilabel:
        found: NDArray[np.float32] = np.abs(2 * probabilities - 1).min(axis=1)
        return found
    top = np.partition(probabilities, -2, axis=1)[:, -2:]
    margin: NDArray[np.float32] = top[:, 1] - top[:, 0]
    return margin


def _entropy(probabilities: NDArray[np.float32]) -> NDArray[np.float32]:
    sure = np.clip(probabilities, 1e-12, 1)
    found: NDArray[np.float32] = -(sure * np.log(sure)).sum(axis=1)
    return found
