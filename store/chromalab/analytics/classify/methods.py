"""The classification methods: each learns from some points, and scores others for every class."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from chromalab.analytics.classify.linear import fit_linear
from chromalab.analytics.classify.points import Points
from chromalab.analytics.propagation import spread

__all__ = ["FITS", "METHODS", "SINGLE_LABEL", "Method"]

Vectors = NDArray[np.float32]
Rows = NDArray[np.int64]
Truth = NDArray[np.bool_]
Scores = NDArray[np.float32]

Score = Callable[[Vectors], Scores]
Fit = Callable[[Vectors, Truth, bool], Score]
"""(vectors, (t, c) their classes, whether a row may have several classes) -> a function that scores others."""

Method = Callable[[Points, Rows, Truth, Rows, bool], Scores]
"""(points, rows to learn from, (t, c) their classes, rows to score, several classes per row) -> (q, c).

Scores are the logarithms of unnormalized probabilities (logits, if a row may have several classes),
before calibration.
"""

_NEAREST = 10
_ALPHA = 0.9
_FLOOR = 1e-3  # a share of zero does not mean that a class is impossible
_COSINE_SCALE = 0.05  # the typical difference between the cosines of a text to two classes
_ASSIGNMENT_SCALE = 0.03
_MOVED_WEIGHT = 0.75  # among 0.35 to 1.5, the best mean over three sets with skewed labels
_MOVES = 10
_POOL = 5_000  # points that the centers move toward
_PART = 4096


def _propagation(points: Points, rows: Rows, given: Truth, at: Rows, multilabel: bool) -> Scores:
    """Zhou, Bousquet, Lal, Weston, Schölkopf 2003, over labeled and unlabeled points."""
    graph = points.graph
    votes = np.zeros((len(graph), given.shape[1]), dtype=np.float32)
    np.add.at(votes, graph.node[rows], given)
    shares = spread(graph, votes, _ALPHA) * class_weights(given)
    shares = shares[graph.node[at]]
    shares /= np.maximum(shares.sum(axis=1, keepdims=True), np.float32(1e-12))
    reached = shares.any(axis=1, keepdims=True)
    scores = np.where(reached, np.log(shares + _FLOOR), 0)
    unreached = np.flatnonzero(~reached)
    if len(unreached):  # no labeled point reaches them, so only the nearest center is left to go by
        scores[unreached] = _on_vectors(_centroid)(points, rows, given, at[unreached], multilabel)
    return scores.astype(np.float32)


def _logistic(C: float) -> Fit:
    def fit(known: Vectors, given: Truth, multilabel: bool) -> Score:
        if multilabel:
            return fit_linear(known, given, loss="logistic", C=C).scores
        weights = _row_weights(given)
        return fit_linear(known, given, loss="softmax", C=C, weights=weights).scores

    return fit


def _svm(known: Vectors, given: Truth, multilabel: bool) -> Score:
    weights = None if multilabel else _row_weights(given)
    return fit_linear(known, given, loss="hinge", C=1, weights=weights).scores


def _centroid(known: Vectors, given: Truth, multilabel: bool) -> Score:
    centers = _unit(given.T.astype(np.float32) @ known) / np.float32(_COSINE_SCALE)
    return lambda rows: rows @ centers.T


def _knn(known: Vectors, given: Truth, multilabel: bool) -> Score:
    """Let the ten nearest points vote, each weighted by its cosine and by the size of its class.

    The weight is the square root of the inverse size. With the inverse size itself, a class with one
    label gains more votes than it deserves wherever that label is among the ten.
    """
    truth, k = given.astype(np.float32), min(_NEAREST, len(known))
    weight_of = np.ones(given.shape[1]) if multilabel else np.sqrt(class_weights(given))

    def score(rows: Vectors) -> Scores:
        scores = np.empty((len(rows), given.shape[1]), dtype=np.float32)
        for start in range(0, len(rows), _PART):
            part = slice(start, start + _PART)
            cosines = rows[part] @ known.T
            near = np.argpartition(-cosines, k - 1, axis=1)[:, :k]
            weights = np.maximum(np.take_along_axis(cosines, near, axis=1), _FLOOR)
            votes = np.einsum("qk,qkc->qc", weights, truth[near]) * weight_of
            scores[part] = np.log(votes / votes.sum(axis=1, keepdims=True) + _FLOOR)
        return scores

    return score


def _on_vectors(fit: Fit) -> Method:
    def score(points: Points, rows: Rows, given: Truth, at: Rows, multilabel: bool) -> Scores:
        return fit(points.vectors[rows], given, multilabel)(points.vectors[at])

    return score


def _words(points: Points, rows: Rows, given: Truth, at: Rows, multilabel: bool) -> Scores:
    return _logistic(10)(points.with_words[rows], given, multilabel)(points.with_words[at])


def _self_training(points: Points, rows: Rows, given: Truth, at: Rows, multilabel: bool) -> Scores:
    """Move the class centers toward the unlabeled points around them, half held by their labels.

    This is soft spherical k-means, seeded and constrained by the labels (Basu, Banerjee, Mooney 2002). On
    banking77, TREC and glosses of WordNet it was better than the nearest center at 1, 2 and 5 labels per
    class, by 1 to 8 points.
    """
    rng = np.random.default_rng(points.random_state)
    pool = np.sort(rng.permutation(len(points))[:_POOL])
    pool = pool[~np.isin(pool, rows)]
    known, around, truth = points.vectors[rows], points.vectors[pool], given.astype(np.float32)
    labeled = truth.T @ known
    start = centers = _unit(labeled)
    for _ in range(_MOVES):
        assignment = around @ centers.T / np.float32(_ASSIGNMENT_SCALE)
        assignment = np.exp(assignment - assignment.max(axis=1, keepdims=True))
        assignment /= assignment.sum(axis=1, keepdims=True)
        centers = _unit(_unit(labeled + assignment.T @ around) + start)
    scores: Scores = points.vectors[at] @ centers.T / np.float32(_COSINE_SCALE)
    return scores


def _few_shot(points: Points, rows: Rows, given: Truth, at: Rows, multilabel: bool) -> Scores:
    """Multiply the probabilities of propagation and self-training, which fail in different places."""
    moved = _self_training(points, rows, given, at, multilabel)
    return _propagation(points, rows, given, at, multilabel) + np.float32(_MOVED_WEIGHT) * moved


def class_weights(given: Truth) -> NDArray[np.float32]:
    """Return (c,), the inverse of the number of labels of each class, times the mean number.

    People label what they find, so the shares of the labels say little about those of the records. With
    these weights, every class counts the same, as in scikit-learn's class_weight="balanced".

    Example:
        >>> class_weights(np.array([[1, 0], [1, 0], [1, 0], [0, 1]], dtype=bool)).tolist()
        [0.6666666865348816, 2.0]
    """
    sizes = given.sum(axis=0).astype(np.float32)
    weights: NDArray[np.float32] = sizes.mean() / np.maximum(sizes, 1)
    return weights


def _row_weights(given: Truth) -> NDArray[np.float32]:
    weights = given @ class_weights(given)
    return np.asarray(weights / weights.mean(), dtype=np.float32)


def _unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    unit: NDArray[np.float32] = rows / np.maximum(
        np.linalg.norm(rows, axis=1, keepdims=True), np.float32(1e-12)
    )
    return unit


FITS: dict[str, Fit] = {
    "logistic": _logistic(10),
    "logistic-soft": _logistic(1),
    "centroid": _centroid,
    "knn": _knn,
    "svm": _svm,
}
"""The methods that learn from labeled vectors alone, and can then score any others."""

METHODS: dict[str, Method] = {
    **{name: _on_vectors(fit) for name, fit in FITS.items()},
    "words": _words,
    "few-shot": _few_shot,
    "propagation": _propagation,
    "self-training": _self_training,
}
"""All methods, by the names that `method` takes."""

SINGLE_LABEL = frozenset({"few-shot", "self-training"})
"""The methods that assign every record to exactly one class."""
