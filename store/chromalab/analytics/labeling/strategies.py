"""Strategies of active learning: the rules by which records are selected for labeling."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from chromalab.analytics.graph import NeighborGraph

__all__ = ["STRATEGIES", "Strategy", "density", "farthest_first", "rule_for", "select"]

Strategy = Literal["auto", "k-center", "margin", "margin + diverse", "entropy", "random"]
STRATEGIES: tuple[Strategy, ...] = get_args(Strategy)
"""The strategies of `label_queue`."""

_SEED = 2  # labels per class seen; until there are that many, "auto" spreads out
_POOL_FACTOR = (
    3  # "margin + diverse" selects from this many times as many of the least certain records
)
_NEAR = 10
_PART = 8192


def rule_for(strategy: str, labels: int, classes: int) -> str:
    """Return the rule that a strategy follows, given the numbers of labels and of classes seen.

    "auto" spreads out over the collection (k-center) until there are two labels for each class seen. Then
    it selects the records about which the model is least certain (margin). Without a model, all
    strategies except random follow k-center.

    Example:
        >>> rule_for("auto", 3, 2), rule_for("auto", 40, 7), rule_for("entropy", 0, 0)
        ('k-center', 'margin', 'k-center')
    """
    if strategy in ("random", "k-center"):
        return strategy
    if classes < 2 or (strategy == "auto" and labels < _SEED * classes):
        return "k-center"
    return "margin" if strategy == "auto" else strategy


def select(
    rule: str,
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
    """Select records by one rule.

    Args:
        rule: A rule of `rule_for`.
        vectors: (n, dimension) of unit length.
        labeled: The labeled rows.
        candidates: The rows to select from.
        count: The number of records to select; fewer if there are not as many.
        density: (n,), larger for a record that has others near it. k-center selects from the denser half
            of the records as long as it has any, because a record far from all others teaches nothing
            about them.
        probabilities: (candidates, c) of a model; k-center and random do not need them.
        multilabel: Whether a record may have more than one class.
        rng: The random generator.

    Returns:
        Indices into `candidates`, the most useful first, and the value that each was selected by: the
        distance to the labeled records, the margin, or the entropy; 0 for random.
    """
    count = min(count, len(candidates))
    if rule == "random":
        return rng.permutation(len(candidates))[:count], np.zeros(count)
    if rule == "k-center":
        dense = np.flatnonzero(density[candidates] >= np.median(density))
        if len(dense) < count:
            dense = np.argsort(-density[candidates], kind="stable")[:count]
        selected, distances = farthest_first(vectors, labeled, candidates[dense], count)
        return dense[selected], distances
    if probabilities is None:
        raise ValueError(rule)
    doubt = _entropy(probabilities) if rule == "entropy" else -_margin(probabilities, multilabel)
    order = np.argsort(-doubt, kind="stable")
    if rule == "margin + diverse":
        pool = np.sort(order[: _POOL_FACTOR * count])
        order = pool[farthest_first(vectors, labeled, candidates[pool], count)[0]]
    order = order[:count]
    return order, np.abs(doubt[order]).astype(np.float64)


def farthest_first(
    vectors: NDArray[np.float32],
    labeled: NDArray[np.int64],
    candidates: NDArray[np.int64],
    count: int,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Select the record farthest from all labeled ones, then the one farthest from these and it, and so on.

    Gonzalez 1985; as active learning: Sener and Savarese 2018. Without any label, the traversal starts
    at the most central record.

    Returns:
        Indices into `candidates`, and the cosine distance of each to the nearest record before it.

    Example:
        >>> rows = np.float32([[1, 0], [0.8, 0.6], [0, 1]])
        >>> farthest_first(rows, np.array([0]), np.array([1, 2]), 1)[0].tolist()
        [1]
    """
    rows = vectors[candidates]
    selected, distances = [], []
    nearest = np.full(len(candidates), -np.inf, dtype=np.float32)
    for start in range(0, len(labeled), _PART):
        known = vectors[labeled[start : start + _PART]]
        for at in range(0, len(rows), _PART):
            part = slice(at, at + _PART)
            nearest[part] = np.maximum(nearest[part], (rows[part] @ known.T).max(axis=1))
    if not len(labeled) and count:
        first = int((rows @ rows.mean(axis=0)).argmax())
        selected, distances, nearest = [first], [0.0], rows @ rows[first]
        nearest[first] = np.inf
    while len(selected) < count:
        best = int(nearest.argmin())
        selected.append(best)
        distances.append(1 - float(nearest[best]))
        nearest = np.maximum(nearest, rows @ rows[best])
        nearest[selected] = np.inf
    return np.array(selected, dtype=np.int64), np.array(distances)


def density(graph: NeighborGraph) -> NDArray[np.float32]:
    """Return (n,) minus the mean distance of the ten nearest neighbors of each record.

    Records with the same vector have the same density; they share a node of the graph.
    """
    near = np.where(np.isfinite(graph.distances), graph.distances, 2)[:, :_NEAR]
    if not near.shape[1]:
        return np.zeros(len(graph.node), dtype=np.float32)
    values: NDArray[np.float32] = -near.mean(axis=1).astype(np.float32)[graph.node]
    return values


def _margin(probabilities: NDArray[np.float32], multilabel: bool) -> NDArray[np.float32]:
    """Return the lead of the most probable class over the next; if multilabel, of yes over no."""
    if multilabel:
        least: NDArray[np.float32] = np.abs(2 * probabilities - 1).min(axis=1)
        return least
    top = np.partition(probabilities, -2, axis=1)[:, -2:]
    margin: NDArray[np.float32] = top[:, 1] - top[:, 0]
    return margin


def _entropy(probabilities: NDArray[np.float32]) -> NDArray[np.float32]:
    clipped = np.clip(probabilities, 1e-12, 1)
    entropy: NDArray[np.float32] = -(clipped * np.log(clipped)).sum(axis=1)
    return entropy
