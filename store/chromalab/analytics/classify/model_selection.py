"""Which method: by a stated rule where labels are few, by cross-validation where they are not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chromalab.analytics.classify.calibration import Calibration, calibrate
from chromalab.analytics.classify.methods import METHODS, ONE_CLASS_EACH, Method
from chromalab.analytics.classify.points import Points
from chromalab.analytics.graph.copies import distinct
from chromalab.cores import one_thread_blas

__all__ = ["ChosenMethod", "choose", "dealt", "held_out_scores", "right"]

_FEW = 2  # labels a class: what is not labeled tells more about a class than they do
_COMPARED = 20  # held-out labels: with fewer a difference says nothing
_MOST = 1_500  # labels that methods are compared on; the chosen one is held out on all
_FOLDS, _FOLDS_OF_MANY = 5, 3
_NOISY, _REPEATS = 200, 3  # up to so many labels the folds are drawn three times
_CELLS = 50_000_000  # records times classes: what uses the graph keeps three such matrices
_READ = 50_000  # records whose words are weighed without being asked to


@dataclass(frozen=True, eq=False)
class ChosenMethod:
    """A method, why it was taken, and what it says of labels that it did not see.

    Attributes:
        method: Its name.
        why: In a sentence.
        tried: A row a method: `method`, `score`, `error` (of the score's difference to the default's), `note`.
        scores: (t, c) float32 held-out scores, NaN where there are none.
        calibration: Of these.
    """

    method: str
    why: str
    tried: list[dict[str, Any]]
    scores: NDArray[np.float32]
    calibration: Calibration


@one_thread_blas()
def choose(
    points: Points,
    rows: NDArray[np.int64],
    given: NDArray[np.bool_],
    *,
    asked: str,
    multilabel: bool,
    among: Mapping[str, Method] = METHODS,
) -> ChosenMethod:
    """Choose a method, unless one was asked for, and hold labels out from it.

    Labels a class are their median. Up to two: few-shot (propagation where a record may have multilabel classes).
    From three: logistic regression (C=10), unless another's cross-validated score is better by more than a
    standard error of the paired difference; of multilabel such, the one that is most surely better.

    Args:
        points: All there is.
        rows: (t,) those with labels.
        given: (t, c) their classes.
        asked: A method, or "auto".
        multilabel: Whether a row may have multilabel classes.
        among: The methods there are.
    """
    rng = np.random.default_rng(points.random_state)
    copies = distinct(points.vectors[rows])[0]
    median = float(np.median(given.sum(axis=0)))
    fold = dealt(given, copies, _folds(len(rows), median), rng)
    evaluated = int((fold >= 0).sum())
    tried: list[dict[str, Any]] = []
    method, why = asked, "asked for"
    left = _left_out(points, given.shape[1], multilabel) if among is METHODS else {}
    if asked == "auto":
        first = "propagation" if multilabel else "few-shot"
        method = first if median <= _FEW and first in among and first not in left else "logistic"
        why = f"{median:g} labels a class (median), too few to compare methods"
        if given.shape[1] < 2:
            method, why = "centroid", "one class only: there is nothing to on_progress apart"
        elif median > _FEW and evaluated >= _COMPARED:
            sample = np.sort(rng.permutation(len(rows))[:_MOST])
            repeats = _REPEATS if len(sample) <= _NOISY else 1
            count = _folds(len(sample), median)
            parts = [dealt(given[sample], copies[sample], count, rng) for _ in range(repeats)]
            method, why, tried = _compare(
                points, rows[sample], given[sample], parts, multilabel, among, left
            )
    scores = np.full(given.shape, np.nan, dtype=np.float32)
    if given.shape[1] > 1:
        scores = held_out_scores(METHODS[method], points, rows, given, fold, multilabel)
    there = ~np.isnan(scores).any(axis=1)
    calibration = calibrate(scores[there], given[there], multilabel=multilabel)
    return ChosenMethod(method, why, tried, scores, calibration)


def right(
    scores: NDArray[np.float32], given: NDArray[np.bool_], *, multilabel: bool
) -> NDArray[np.float64]:
    """Say how right each row's answer is: 0 or 1; with multilabel classes F1 of those above 0."""
    if not multilabel:
        return np.asarray(given[np.arange(len(given)), scores.argmax(axis=1)], dtype=np.float64)
    said = scores > 0
    both = (said & given).sum(axis=1)
    found: NDArray[np.float64] = 2 * both / np.maximum(said.sum(axis=1) + given.sum(axis=1), 1)
    return found


def _compare(
    points: Points,
    rows: NDArray[np.int64],
    given: NDArray[np.bool_],
    folds: list[NDArray[np.int32]],
    multilabel: bool,
    among: Mapping[str, Method],
    left: dict[str, str],
) -> tuple[str, str, list[dict[str, Any]]]:
    there = folds[0] >= 0
    found: dict[str, NDArray[np.float64]] = {}
    for name, method in among.items():
        if name in left:
            continue
        hits = np.zeros(int(there.sum()))
        for fold in folds:
            scores = held_out_scores(method, points, rows, given, fold, multilabel)[there]
            if multilabel:
                fitted = calibrate(scores, given[there], multilabel=True)
                scores = scores * np.float32(fitted.slope) + np.float32(fitted.offset)
            hits += right(scores, given[there], multilabel=multilabel) / len(folds)
        found[name] = hits
    base, best, most = found["logistic"], "logistic", 0.0
    tried: list[dict[str, Any]] = []
    for name, hits in found.items():
        away = hits - base
        error = float(away.std(ddof=1) / np.sqrt(len(away)))
        tried.append({"method": name, "score": float(hits.mean()), "error": error, "note": ""})
        if away.mean() - error > most:
            best, most = name, float(away.mean()) - error
    tried.sort(key=lambda row: -row["score"])
    tried += [{"method": n, "score": None, "error": None, "note": why} for n, why in left.items()]
    compared = f"compared on {int(there.sum()):,} held-out labels"
    why = (
        f"{compared}: none was better than it by a standard error"
        if best == "logistic"
        else f"{compared}: better than logistic by {100 * (found[best] - base).mean():.1f} points"
    )
    return best, why, tried


def _left_out(points: Points, classes: int, multilabel: bool) -> dict[str, str]:
    left = dict.fromkeys(sorted(ONE_CLASS_EACH), "it gives a record one class") if multilabel else {}
    if len(points) * classes > _CELLS:
        many = f"{len(points):,} records times {classes:,} classes are too many"
        left |= {"few-shot": many, "propagation": many}
    if not points.has_texts:
        left["words"] = "most records have no document"
    elif len(points) > _READ:
        left["words"] = f"more than {_READ:,} records; ask for it by method"
    return left


def _folds(count: int, median: float) -> int:
    """As many as there are labels of a class, so that each holds one of each, but two at least."""
    most = _FOLDS if count <= _MOST // 3 else _FOLDS_OF_MANY
    return max(2, min(most, int(median)))


def dealt(
    given: NDArray[np.bool_], copies: NDArray[np.int32], folds: int, rng: np.random.Generator
) -> NDArray[np.int32]:
    """Deal labeled rows out to folds, each class evenly, copies together.

    Args:
        given: (t, c), the classes of each row.
        copies: (t,), equal for rows with equal vectors: one of them would on_progress the other.
        folds: How many.
        rng: Draws.

    Returns:
        (t,) int32; -1 for rows whose class has no other row: nothing could be learned of it.

    Example:
        >>> rows = np.repeat(np.eye(2, dtype=bool), [4, 1], axis=0)
        >>> sorted(dealt(rows, np.arange(5), 2, np.random.default_rng(0)).tolist())
        [-1, 0, 0, 1, 1]
    """
    first, group = np.unique(copies, return_index=True, return_inverse=True)[1:]
    sizes = given[first].sum(axis=0)
    # A row with multilabel classes goes by its rarest one.
    main = np.where(given[first], sizes, sizes.max(initial=0) + 1).argmin(axis=1)
    order = rng.permutation(len(first))
    order = order[np.argsort(main[order], kind="stable")]
    fold = np.empty(len(first), dtype=np.int32)
    fold[order] = np.arange(len(first)) % folds
    fold[np.bincount(main, minlength=given.shape[1])[main] < 2] = -1
    found: NDArray[np.int32] = fold[group]
    return found


def held_out_scores(
    method: Method,
    points: Points,
    rows: NDArray[np.int64],
    given: NDArray[np.bool_],
    fold: NDArray[np.int32],
    multilabel: bool,
) -> NDArray[np.float32]:
    """Score each row by what was learned from the other folds: (t, c); NaN for those of fold -1."""
    scores = np.full(given.shape, np.nan, dtype=np.float32)
    for number in range(int(fold.max(initial=-1)) + 1):
        out = fold == number
        if out.any() and not out.all():
            scores[out] = method(points, rows[~out], given[~out], rows[out], multilabel)
    return scores
