"""How accuracy grows with labels: measured on those that are there, and what more of them would add."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chromalab.analytics.classify.linear import fit_linear
from chromalab.analytics.classify.model_selection import right
from chromalab.cores import one_thread_blas

__all__ = ["LearningCurve", "learning_curve"]

_LEAST = 60  # labels
_MOST = 1_500
_REPEATS = 4
_SHARES = (1 / 8, 1 / 4, 1 / 2, 1)
_HELD_OUT = 4  # one in so many
_POWERS = np.array([0.1, 0.2, 0.35, 0.5, 0.75, 1.0, 1.5])
_STOP = 0.005  # of accuracy


@dataclass(frozen=True, eq=False)
class LearningCurve:
    """Accuracy by the number of labels, on held-out labels.

    Attributes:
        sizes: (s,) int64, labels learned from.
        scores: (s,) float64, mean accuracy; F1 where records may have multilabel labels.
        gain: What `more` labels are expected to add, between 0 and 1; NaN where there are too few to on_progress.
        error: Standard error of the gain.
        more: How many.
    """

    sizes: NDArray[np.int64]
    scores: NDArray[np.float64]
    gain: float
    error: float
    more: int

    @property
    def is_flat(self) -> bool:
        """Whether more labels are expected to add less than half a point, within a standard error."""
        return bool(self.gain + self.error < _STOP)

    def __str__(self) -> str:
        if not len(self.sizes):
            return f"fewer than {_LEAST} labels of two classes: too few to on_progress what more would add"
        told = (
            f"{self.scores[-1]:.1%} right with {self.sizes[-1]:,} labels; {self.more:,} more labels are "
            f"expected to add {100 * self.gain:.1f} points (± {100 * self.error:.1f})"
        )
        return f"{told}: you can stop" if self.is_flat else told


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

    The power law of learning curves: Hestness et al. 2017, Viering and Loog 2023. Its three numbers are found
    by least squares, p on a grid; the error is that of the repeats, each fitted by itself.

    Args:
        vectors: (t, dimension) of unit length.
        given: (t, c), their classes.
        more: Labels to be added.
        multilabel: Whether a record may have multilabel classes.
        rng: Draws.
    """
    count = len(vectors)
    if count < _LEAST or (given.sum(axis=0) > 1).sum() < 2:
        return LearningCurve(np.empty(0, dtype=np.int64), np.empty(0), float("nan"), float("nan"), more)
    used = min(count, _MOST)
    sizes = np.unique([max(4, round(used * (1 - 1 / _HELD_OUT) * share)) for share in _SHARES])
    scores = np.zeros((_REPEATS, len(sizes)))
    for repeat in range(_REPEATS):
        order = rng.permutation(count)[:used]
        out, rest = order[: used // _HELD_OUT], order[used // _HELD_OUT :]
        for place, size in enumerate(sizes.tolist()):
            rows = rest[:size]
            seen = given[rows].any(axis=0)
            model = fit_linear(
                vectors[rows],
                given[rows][:, seen],
                loss="logistic" if multilabel else "softmax",
                C=10,
            )
            said = np.full((len(out), given.shape[1]), -np.inf, dtype=np.float32)
            said[:, seen] = model.scores(vectors[out])
            scores[repeat, place] = right(said, given[out], multilabel=multilabel).mean()
    gains = np.array([_gain(sizes, line, count, more) for line in scores])
    error = float(gains.std(ddof=1) / np.sqrt(_REPEATS))
    return LearningCurve(
        sizes, scores.mean(axis=0), _gain(sizes, scores.mean(axis=0), count, more), error, more
    )


def _gain(sizes: NDArray[np.int64], scores: NDArray[np.float64], now: int, more: int) -> float:
    best, found = np.inf, 0.0
    for power in _POWERS.tolist():
        away = sizes.astype(np.float64) ** -power
        slope = np.cov(away, scores, bias=True)[0, 1] / max(away.var(), 1e-15)
        fall = min(slope, 0.0)  # more labels never harm
        top = scores.mean() - fall * away.mean()
        if top > 1:
            continue
        wrong = float(np.square(top + fall * away - scores).sum())
        if wrong < best:
            best, found = wrong, -fall * (now**-power - (now + more) ** -power)
    return found
