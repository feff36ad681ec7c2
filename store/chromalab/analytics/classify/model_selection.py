"""Model selection: a fixed rule when labels are few, cross-validation when there are enough."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chromalab.analytics.classify.calibration import Calibration, calibrate
from chromalab.analytics.classify.methods import METHODS, SINGLE_LABEL, Method
from chromalab.analytics.classify.points import Points
from chromalab.analytics.graph.distinct_vectors import distinct
from chromalab.cores import one_thread_blas

__all__ = [
    "ChosenMethod",
    "balanced_weights",
    "choose_method",
    "correctness",
    "default_method",
    "held_out_scores",
    "stratified_folds",
]

_FEW = (
    10  # labels of a class; up to here the unlabeled records say more about it than its labels do
)
_MIN_EACH = 2  # labels of a class; up to here there is nothing to hold out
_SMALLEST = 0.1  # the share of classes that may be smaller than what counts as the smallest class
_MIN_COMPARED = 20  # held-out labels; with fewer, a difference between methods means nothing
_MAX_COMPARED = 1_500  # labels that methods are compared on; the chosen method is held out on all
_FOLDS, _FOLDS_OF_MANY = 5, 3
_NOISY, _REPEATS = 200, 3  # with at most 200 labels, the folds are drawn three times
_MAX_CELLS = 50_000_000  # records times classes: methods on the graph need three such matrices
_MAX_TEXTS = 50_000  # records whose words are weighted without an explicit request


@dataclass(frozen=True, eq=False)
class ChosenMethod:
    """A method, why it was chosen, and its scores of labels that it did not see.

    Attributes:
        method: The name of the method.
        why: The reason, as a phrase.
        tried: One row per method that was compared: `method`, `score` (balanced accuracy), `error` (the
            standard error of its difference from the score of the default method), `note`.
        scores: (t, c) float32 held-out scores, NaN where there are none.
        calibration: The calibration that was fitted on them.
    """

    method: str
    why: str
    tried: list[dict[str, Any]]
    scores: NDArray[np.float32]
    calibration: Calibration


@one_thread_blas()
def choose_method(
    points: Points,
    rows: NDArray[np.int64],
    given: NDArray[np.bool_],
    *,
    requested: str,
    multilabel: bool,
    among: Mapping[str, Method] = METHODS,
) -> ChosenMethod:
    """Choose a method unless one is requested, and compute its held-out scores.

    Everything goes by the smallest class (the 10th percentile, so that one rare class of many does not
    decide). The default is few-shot while it has at most ten labels, and logistic regression (C=10)
    above. From three labels on, all methods are compared by cross-validated balanced accuracy, in which
    each class counts the same. Another method is chosen if it is better than the default by more than a
    standard error of the paired difference; among several, the one whose advantage is most certain. If a
    record may have more than one class, the median class decides, the default is propagation up to two
    labels and logistic above, and methods are compared by F1.

    Args:
        points: The records and examples.
        rows: (t,) the labeled points.
        given: (t, c) their classes.
        requested: A method, or "auto".
        multilabel: Whether a row may have more than one class.
        among: The methods to choose from.
    """
    rng = np.random.default_rng(points.random_state)
    distinct_vectors = distinct(points.vectors[rows])[0]
    median = float(np.median(given.sum(axis=0)))
    smallest = _smallest(given, multilabel)
    fold = stratified_folds(given, distinct_vectors, _fold_count(len(rows), median), rng)
    evaluated = int((fold >= 0).sum())
    tried: list[dict[str, Any]] = []
    method, why = requested, "requested"
    excluded = _excluded(points, given.shape[1], multilabel) if among is METHODS else {}
    if requested == "auto":
        method = default_method(given, multilabel)
        if method not in among or method in excluded:
            method = "logistic"
        measured = "median" if multilabel else "smallest"
        why = f"{smallest:g} labels per class ({measured}), too few to compare methods"
        if given.shape[1] < 2:
            method, why = "centroid", "there is only one class"
        elif smallest > _MIN_EACH and evaluated >= _MIN_COMPARED:
            sample = np.sort(rng.permutation(len(rows))[:_MAX_COMPARED])
            repeats = _REPEATS if len(sample) <= _NOISY else 1
            count = _fold_count(len(sample), median)
            parts = [
                stratified_folds(given[sample], distinct_vectors[sample], count, rng)
                for _ in range(repeats)
            ]
            method, why, tried = _compare(
                points, rows[sample], given[sample], parts, multilabel, among, excluded, method
            )
    scores = np.full(given.shape, np.nan, dtype=np.float32)
    if given.shape[1] > 1:
        scores = held_out_scores(METHODS[method], points, rows, given, fold, multilabel)
    known = ~np.isnan(scores).any(axis=1)
    calibration = calibrate(scores[known], given[known], multilabel=multilabel)
    return ChosenMethod(method, why, tried, scores, calibration)


def default_method(given: NDArray[np.bool_], multilabel: bool) -> str:
    """Return the method for labels that are too few to compare methods.

    Example:
        >>> default_method(np.eye(3, dtype=bool), multilabel=False)
        'few-shot'
    """
    smallest = _smallest(given, multilabel)
    if multilabel:
        return "propagation" if smallest <= _MIN_EACH else "logistic"
    return "few-shot" if smallest <= _FEW else "logistic"


def _smallest(given: NDArray[np.bool_], multilabel: bool) -> float:
    """Return the number of labels of the smallest class, or of the median one if rows have several."""
    sizes = given.sum(axis=0)
    if not len(sizes):
        return 0.0
    low = np.median(sizes) if multilabel else np.quantile(sizes, _SMALLEST, method="lower")
    return float(low)


def balanced_weights(given: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return (t,) weights of rows with one class each: every class has the same sum, all sum to 1.

    Example:
        >>> balanced_weights(np.array([[1, 0], [1, 0], [0, 1]], dtype=bool)).tolist()
        [0.25, 0.25, 0.5]
    """
    sizes = given.sum(axis=0)
    weights: NDArray[np.float64] = 1 / (sizes[given.argmax(axis=1)] * max((sizes > 0).sum(), 1))
    return weights


def correctness(
    scores: NDArray[np.float32], given: NDArray[np.bool_], *, multilabel: bool
) -> NDArray[np.float64]:
    """Return how correct each row is: 0 or 1; with more than one class, the F1 of scores above 0."""
    if not multilabel:
        return np.asarray(given[np.arange(len(given)), scores.argmax(axis=1)], dtype=np.float64)
    predicted = scores > 0
    both = (predicted & given).sum(axis=1)
    total = predicted.sum(axis=1) + given.sum(axis=1)
    f1: NDArray[np.float64] = 2 * both / np.maximum(total, 1)
    return f1


def stratified_folds(
    given: NDArray[np.bool_], distinct: NDArray[np.int32], folds: int, rng: np.random.Generator
) -> NDArray[np.int32]:
    """Deal labeled rows out to folds, each class evenly, and rows with equal vectors to the same fold.

    Args:
        given: (t, c), the classes of each row.
        distinct: (t,), equal for rows with equal vectors, since one of them would reveal the other.
        folds: The number of folds.
        rng: The random generator.

    Returns:
        (t,) int32, the fold of each row; -1 if its class has no other row, so nothing could be learned
        about it.

    Example:
        >>> rows = np.repeat(np.eye(2, dtype=bool), [4, 1], axis=0)
        >>> sorted(stratified_folds(rows, np.arange(5), 2, np.random.default_rng(0)).tolist())
        [-1, 0, 0, 1, 1]
    """
    first, group = np.unique(distinct, return_index=True, return_inverse=True)[1:]
    sizes = given[first].sum(axis=0)
    # A row with more than one class is dealt out by the rarest of them.
    main = np.where(given[first], sizes, sizes.max(initial=0) + 1).argmin(axis=1)
    order = rng.permutation(len(first))
    order = order[np.argsort(main[order], kind="stable")]
    fold = np.empty(len(first), dtype=np.int32)
    fold[order] = np.arange(len(first)) % folds
    fold[np.bincount(main, minlength=given.shape[1])[main] < 2] = -1
    of_rows: NDArray[np.int32] = fold[group]
    return of_rows


def held_out_scores(
    method: Method,
    points: Points,
    rows: NDArray[np.int64],
    given: NDArray[np.bool_],
    fold: NDArray[np.int32],
    multilabel: bool,
) -> NDArray[np.float32]:
    """Score each row by a model of the other folds: (t, c), NaN for the rows of fold -1."""
    scores = np.full(given.shape, np.nan, dtype=np.float32)
    for number in range(int(fold.max(initial=-1)) + 1):
        out = fold == number
        if out.any() and not out.all():
            scores[out] = method(points, rows[~out], given[~out], rows[out], multilabel)
    return scores


def _compare(
    points: Points,
    rows: NDArray[np.int64],
    given: NDArray[np.bool_],
    folds: list[NDArray[np.int32]],
    multilabel: bool,
    among: Mapping[str, Method],
    excluded: dict[str, str],
    default: str,
) -> tuple[str, str, list[dict[str, Any]]]:
    known = folds[0] >= 0
    hits_of: dict[str, NDArray[np.float64]] = {}
    for name, method in among.items():
        if name in excluded:
            continue
        hits = np.zeros(int(known.sum()))
        for fold in folds:
            scores = held_out_scores(method, points, rows, given, fold, multilabel)[known]
            if multilabel:
                fitted = calibrate(scores, given[known], multilabel=True)
                scores = scores * np.float32(fitted.slope) + np.float32(fitted.offset)
            hits += correctness(scores, given[known], multilabel=multilabel) / len(folds)
        hits_of[name] = hits
    count = int(known.sum())
    weights = np.full(count, 1 / count) if multilabel else balanced_weights(given[known])
    base, best, largest = hits_of[default], default, 0.0
    tried: list[dict[str, Any]] = []
    for name, hits in hits_of.items():
        difference = hits - base
        mean = float(weights @ difference)
        # The variance is that of all rows, because a class with two labels has none of its own to go by.
        error = float(difference.std(ddof=1) * np.sqrt(np.square(weights).sum()))
        tried.append({"method": name, "score": float(weights @ hits), "error": error, "note": ""})
        if mean - error > largest:
            best, largest = name, mean - error
    tried.sort(key=lambda row: -row["score"])
    tried += [
        {"method": name, "score": None, "error": None, "note": why}
        for name, why in excluded.items()
    ]
    measure = "F1" if multilabel else "balanced accuracy"
    compared = f"compared by {measure} on {count:,} held-out labels"
    why = (
        f"{compared}: no other method was better by a standard error"
        if best == default
        else f"{compared}: better than {default} by {100 * weights @ (hits_of[best] - base):.1f} points"
    )
    return best, why, tried


def _excluded(points: Points, classes: int, multilabel: bool) -> dict[str, str]:
    """Return the methods that are not compared, each with the reason."""
    one_class = "it gives a record only one class"
    excluded = dict.fromkeys(sorted(SINGLE_LABEL), one_class) if multilabel else {}
    if len(points) * classes > _MAX_CELLS:
        many = f"{len(points):,} records times {classes:,} classes are too many"
        excluded |= {"few-shot": many, "propagation": many}
    if not points.has_texts:
        excluded["words"] = "most records have no document"
    elif len(points) > _MAX_TEXTS:
        excluded["words"] = f"more than {_MAX_TEXTS:,} records; use method='words' to request it"
    return excluded


def _fold_count(count: int, median: float) -> int:
    """Return the median number of labels per class, so that each fold has one of each; at least two."""
    most = _FOLDS if count <= _MAX_COMPARED // 3 else _FOLDS_OF_MANY
    return max(2, min(most, int(median)))
