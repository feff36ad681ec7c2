"""The methods: each learns from some points, and scores others for every class."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from chromalab.analytics.classify.linear import fit_linear
from chromalab.analytics.classify.points import Points
from chromalab.analytics.propagation import spread

__all__ = ["FITS", "METHODS", "ONE_CLASS_EACH", "Method"]

Vectors = NDArray[np.float32]
Rows = NDArray[np.int64]
Truth = NDArray[np.bool_]
Scores = NDArray[np.float32]

Score = Callable[[Vectors], Scores]
Fit = Callable[[Vectors, Truth, bool], Score]
"""(vectors, (t, c) their classes, multilabel classes a row) -> what scores others."""

Method = Callable[[Points, Rows, Truth, Rows, bool], Scores]
"""(points, rows to learn from, (t, c) their classes, rows to score, multilabel classes a row) -> (q, c).

Scores are logarithms of what a probability is proportional to (logits, where a row may have multilabel
classes), before calibration.
"""

_NEAREST = 10
_ALPHA = 0.9
_FLOOR = 1e-3  # a share of nothing is not impossible
_SPREAD = 0.05  # the cosines of a text to two classes differ by about so much
_SHARP = 0.03
_HALF = 0.5  # at 1 label a class 1 is better by 2 points on TREC, 0.25 by 1 on banking77
_MOVES = 10
_POOL = 5_000  # points that centers move by
_PART = 4096


def _propagation(points: Points, rows: Rows, given: Truth, at: Rows, multilabel: bool) -> Scores:
    """Zhou, Bousquet, Lal, Weston, Schölkopf 2003, over labeled and unlabeled points."""
    graph = points.graph
    votes = np.zeros((len(graph), given.shape[1]), dtype=np.float32)
    np.add.at(votes, graph.node[rows], given)
    shares = spread(graph, votes, _ALPHA)[graph.node[at]]
    reached = shares.any(axis=1, keepdims=True)
    found = np.where(reached, np.log(shares + _FLOOR), 0)
    lost = np.flatnonzero(~reached)
    if len(lost):  # by nothing that has a label: the nearest center is all there is to go by
        found[lost] = _alone(_centroid)(points, rows, given, at[lost], multilabel)
    return found.astype(np.float32)


def _logistic(C: float) -> Fit:
    def fit(known: Vectors, given: Truth, multilabel: bool) -> Score:
        return fit_linear(known, given, loss="logistic" if multilabel else "softmax", C=C).scores

    return fit


def _svm(known: Vectors, given: Truth, multilabel: bool) -> Score:
    return fit_linear(known, given, loss="hinge", C=1).scores


def _centroid(known: Vectors, given: Truth, multilabel: bool) -> Score:
    centers = _unit(given.T.astype(np.float32) @ known) / np.float32(_SPREAD)
    return lambda rows: rows @ centers.T


def _knn(known: Vectors, given: Truth, multilabel: bool) -> Score:
    """The ten nearest, each by its cosine."""
    truth, k = given.astype(np.float32), min(_NEAREST, len(known))

    def score(rows: Vectors) -> Scores:
        found = np.empty((len(rows), given.shape[1]), dtype=np.float32)
        for start in range(0, len(rows), _PART):
            part = slice(start, start + _PART)
            cosines = rows[part] @ known.T
            near = np.argpartition(-cosines, k - 1, axis=1)[:, :k]
            weights = np.maximum(np.take_along_axis(cosines, near, axis=1), _FLOOR)
            votes = np.einsum("qk,qkc->qc", weights, truth[near])
            found[part] = np.log(votes / weights.sum(axis=1, keepdims=True) + _FLOOR)
        return found

    return score


def _alone(fit: Fit) -> Method:
    def score(points: Points, rows: Rows, given: Truth, at: Rows, multilabel: bool) -> Scores:
        return fit(points.vectors[rows], given, multilabel)(points.vectors[at])

    return score


def _words(points: Points, rows: Rows, given: Truth, at: Rows, multilabel: bool) -> Scores:
    return _logistic(10)(points.with_words[rows], given, multilabel)(points.with_words[at])


def _self_training(points: Points, rows: Rows, given: Truth, at: Rows, multilabel: bool) -> Scores:
    """Centers that move to the unlabeled points around them, half held by their labels.

    Soft spherical k-means, seeded and held by the labels (Basu, Banerjee, Mooney 2002). On banking77, TREC and
    glosses of WordNet it was better than the nearest center at 1, 2 and 5 labels a class, by 1 to 8 points.
    """
    rng = np.random.default_rng(points.random_state)
    pool = np.sort(rng.permutation(len(points))[:_POOL])
    pool = pool[~np.isin(pool, rows)]
    known, around, truth = points.vectors[rows], points.vectors[pool], given.astype(np.float32)
    labeled = truth.T @ known
    start = centers = _unit(labeled)
    for _ in range(_MOVES):
        drawn = around @ centers.T / np.float32(_SHARP)
        drawn = np.exp(drawn - drawn.max(axis=1, keepdims=True))
        drawn /= drawn.sum(axis=1, keepdims=True)
        centers = _unit(_unit(labeled + drawn.T @ around) + start)
    found: Scores = points.vectors[at] @ centers.T / np.float32(_SPREAD)
    return found


def _few_shot(points: Points, rows: Rows, given: Truth, at: Rows, multilabel: bool) -> Scores:
    """Propagation and self-training, multiplied: each fails where the other does not."""
    moved = _self_training(points, rows, given, at, multilabel)
    return _propagation(points, rows, given, at, multilabel) + np.float32(_HALF) * moved


def _unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    found: NDArray[np.float32] = rows / np.maximum(
        np.linalg.norm(rows, axis=1, keepdims=True), np.float32(1e-12)
    )
    return found


FITS: dict[str, Fit] = {
    "logistic": _logistic(10),
    "logistic-soft": _logistic(1),
    "centroid": _centroid,
    "knn": _knn,
    "svm": _svm,
}
"""Those that learn from labeled vectors alone, and then score any others."""

METHODS: dict[str, Method] = {
    **{name: _alone(fit) for name, fit in FITS.items()},
    "words": _words,
    "few-shot": _few_shot,
    "propagation": _propagation,
    "self-training": _self_training,
}
"""By the names that `method` takes."""

ONE_CLASS_EACH = frozenset({"few-shot", "self-training"})
"""Those that give every record to one class."""
