"""The learning curve: accuracy by the number of labels, and what more labels would add."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chromalab.analytics.classify.linear import fit_linear
from chromalab.analytics.classify.model_selection import correctness
from chromalab.cores import one_thread_blas

__all__ = ["LearningCurve", "learning_curve"]

_MIN_LABELS = 60
_MAX_LABELS = 1_500
_REPEATS = 4
_SHARES = (1 / 8, 1 / 4, 1 / 2, 1)
_HELD_OUT = 4  # one label in four is held out
_POWERS = np.array([0.1, 0.2, 0.35, 0.5, 0.75, 1.0, 1.5])
_FLAT = 0.005  # a gain in accuracy that is not worth more labels


@dataclass(frozen=True, eq=False)
class LearningCurve:
    """Accuracy on held-out labels, by the number of labels learned from.

    Attributes:
        sizes: (s,) int64, the numbers of labels.
        scores: (s,) float64, the mean accuracy; F1 if records may have more than one label.
        gain: The accuracy that `more` labels are expected to add, between 0 and 1; NaN if there are too
            few labels to estimate it.
        error: The standard error of the gain.
        more: The number of labels to add.
    """

    sizes: NDArray[np.int64]
    scores: NDArray[np.float64]
    gain: float
    error: float
    more: int

    @property
    def is_flat(self) -> bool:
        """Whether more labels are expected to add less than half a point, within a standard error."""
        return bool(self.gain + self.error < _FLAT)

    def __str__(self) -> str:
        if not len(self.sizes):
            return (
                f"too few labels to estimate what more would add: at least {_MIN_LABELS} of two classes "
                "are needed"
            )
        estimate = (
            f"accuracy {self.scores[-1]:.1%} with {self.sizes[-1]:,} labels; {self.more:,} more labels are "
            f"expected to add {100 * self.gain:.1f} points (± {100 * self.error:.1f})"
        )
        return f"{estimate}: you can stop labeling" if self.is_flat else estimate


@one_thread_blas()
def learning_curve(
    vectors: NDArray[np.float32],
    given: NDArray[np.bool_],
    more: int,
    *,
    multilabel: bool,
    rng: np.random.Generator,
) -> LearningCurve:
    """Learn from parts of the labels, test on others, and fit accuracy = a - b * labels^-p.

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
            model = fit_linear(
                vectors[rows],
                given[rows][:, seen],
                loss="logistic" if multilabel else "softmax",
                C=10,
            )
            predicted = np.full((len(out), given.shape[1]), -np.inf, dtype=np.float32)
            predicted[:, seen] = model.scores(vectors[out])
            scores[repeat, at] = correctness(predicted, given[out], multilabel=multilabel).mean()
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
