"""The learning curve: balanced accuracy by the number of labels, and what more labels would add."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chromalab.analytics.classify.methods import FITS
from chromalab.analytics.classify.model_selection import balanced_weights, correctness
from chromalab.cores import one_thread_blas

__all__ = ["LearningCurve", "learning_curve"]

_MIN_LABELS = 60
_MAX_LABELS = 1_500
_REPEATS = 4
_SHARES = (1 / 8, 1 / 4, 1 / 2, 1)
_HELD_OUT = 4  # one label in four is held out
_POWERS = np.array([0.1, 0.2, 0.35, 0.5, 0.75, 1.0, 1.5])
_FLAT = 0.005  # a gain in balanced accuracy that is not worth more labels
_UNCHECKED = 0.1  # the share of classes that may be rare or not recognized when labeling stops


@dataclass(frozen=True, eq=False)
class LearningCurve:
    """Balanced accuracy on held-out labels, by the number of labels learned from.

    Attributes:
        sizes: (s,) int64, the numbers of labels.
        scores: (s,) float64, the mean balanced accuracy of logistic regression; F1 if records may have
            more than one label.
        gain: The score that `more` labels are expected to add, between 0 and 1; NaN if there are too
            few labels to estimate it.
        error: The standard error of the gain.
        more: The number of labels to add.
        accuracy: The balanced accuracy that `classify` reports on the same labels: by the method that it
            chooses, on the labels that it holds out.
        method: That method.
        classes: The number of classes, including those without a label yet.
        unchecked: The number of them that have too few labels, or that the method does not recognize
            (`checked_classes`).
    """

    sizes: NDArray[np.int64]
    scores: NDArray[np.float64]
    gain: float
    error: float
    more: int
    accuracy: float = float("nan")
    method: str = ""
    classes: int = 0
    unchecked: int = 0

    @property
    def is_flat(self) -> bool:
        """Whether more labels are expected to add less than half a point, within a standard error."""
        return bool(self.gain + self.error < _FLAT)

    @property
    def is_enough(self) -> bool:
        """Whether the curve is flat, and nine classes of ten have enough labels and are recognized."""
        return self.is_flat and self.unchecked <= _UNCHECKED * self.classes

    def __str__(self) -> str:
        if not len(self.sizes):
            return (
                f"too few labels to estimate what more would add: at least {_MIN_LABELS} of two classes "
                "are needed"
            )
        what = f"{self.more:,} more are expected to add {100 * self.gain:.1f} points (± {100 * self.error:.1f})"
        if self.method:
            what = (
                f"balanced accuracy {self.accuracy:.1%} on held-out labels ({self.method}); {what}"
            )
        if self.is_enough:
            return f"{what}: you can stop labeling"
        if self.is_flat:
            few = f"{self.unchecked:,} of {self.classes:,} labels have too few examples or are not recognized"
            return f"{what}, but {few}: go on with these"
        return what


@one_thread_blas()
def learning_curve(
    vectors: NDArray[np.float32],
    given: NDArray[np.bool_],
    more: int,
    *,
    multilabel: bool,
    rng: np.random.Generator,
) -> LearningCurve:
    """Learn from parts of the labels, test on others, and fit score = a - b * labels^-p.

    Learning curves follow a power law: Hestness et al. 2017, Viering and Loog 2023. Its three parameters
    are fitted by least squares, p on a grid. The error is the standard error over the repeats, each of
    which is fitted separately.

    Args:
        vectors: (t, dimension) of unit length.
        given: (t, c), their classes.
        more: The number of labels to add.
        multilabel: Whether a record may have more than one class.
        rng: The random generator.
    """
    count = len(vectors)
    if count < _MIN_LABELS or (given.sum(axis=0) > 1).sum() < 2:
        nan = float("nan")
        return LearningCurve(np.empty(0, dtype=np.int64), np.empty(0), nan, nan, more)
    used = min(count, _MAX_LABELS)
    sizes = np.unique([max(4, round(used * (1 - 1 / _HELD_OUT) * share)) for share in _SHARES])
    scores = np.zeros((_REPEATS, len(sizes)))
    for repeat in range(_REPEATS):
        order = rng.permutation(count)[:used]
        out, rest = order[: used // _HELD_OUT], order[used // _HELD_OUT :]
        for at, size in enumerate(sizes.tolist()):
            rows = rest[:size]
            seen = given[rows].any(axis=0)
            score = FITS["logistic"](vectors[rows], given[rows][:, seen], multilabel)
            predicted = np.full((len(out), given.shape[1]), -np.inf, dtype=np.float32)
            predicted[:, seen] = score(vectors[out])
            correct = correctness(predicted, given[out], multilabel=multilabel)
            weights = None if multilabel else balanced_weights(given[out])
            scores[repeat, at] = np.average(correct, weights=weights)
    gains = np.array([_gain(sizes, line, count, more) for line in scores])
    mean = scores.mean(axis=0)
    error = float(gains.std(ddof=1) / np.sqrt(_REPEATS))
    return LearningCurve(sizes, mean, _gain(sizes, mean, count, more), error, more)


def _gain(sizes: NDArray[np.int64], scores: NDArray[np.float64], now: int, more: int) -> float:
    best, gain = np.inf, 0.0
    for power in _POWERS.tolist():
        basis = sizes.astype(np.float64) ** -power
        slope = np.cov(basis, scores, bias=True)[0, 1] / max(basis.var(), 1e-15)
        fall = min(slope, 0.0)  # more labels do no harm
        limit = scores.mean() - fall * basis.mean()
        if limit > 1:
            continue
        loss = float(np.square(limit + fall * basis - scores).sum())
        if loss < best:
            best, gain = loss, -fall * (now**-power - (now + more) ** -power)
    return gain
