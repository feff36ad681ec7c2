"""Calibrated probabilities, fitted on held-out labels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Calibration", "calibrate", "expected_calibration_error"]

_MIN_LABELS = 30  # held out


@dataclass(frozen=True)
class Calibration:
    """How scores become probabilities.

    Attributes:
        slope: The factor of the scores: 1 / temperature.
        offset: The constant added to each score; 0 if a record has only one class.
        labels: The number of held-out labels it was fitted on; 0 if it is not calibrated.
    """

    slope: float = 1.0
    offset: float = 0.0
    labels: int = 0

    def probabilities(self, scores: NDArray[np.float32], multilabel: bool) -> NDArray[np.float32]:
        """Turn (q, c) scores into probabilities; rows sum to 1 unless they may have several classes."""
        scaled = np.float32(self.slope) * scores + np.float32(self.offset)
        if multilabel:
            return np.asarray(1 / (1 + np.exp(-np.clip(scaled, -60, 60))), dtype=np.float32)
        exponentials = np.exp(scaled - scaled.max(axis=1, keepdims=True))
        softmax: NDArray[np.float32] = exponentials / exponentials.sum(axis=1, keepdims=True)
        return softmax

    def __str__(self) -> str:
        if not self.labels:
            return "not calibrated: too few labels to hold some out"
        how = f"temperature {1 / self.slope:.2g}"
        if self.offset:
            how = f"slope {self.slope:.2g}, offset {self.offset:.2g}"
        return f"calibrated on {self.labels:,} held-out labels ({how})"


def calibrate(
    scores: NDArray[np.float32], given: NDArray[np.bool_], *, multilabel: bool
) -> Calibration:
    """Find the temperature at which held-out labels are most likely.

    Guo, Pleiss, Sun, Weinberger: On Calibration of Modern Neural Networks, 2017. If a row may have more
    than one class, one slope and one offset are fitted for all classes (Platt 1999).

    Args:
        scores: (q, c), of held-out rows.
        given: (q, c), their classes.
        multilabel: Whether a row may have more than one class.

    Example:
        >>> scores = np.tile(np.array([[8, 0], [8, 0], [8, 0], [8, 0]], dtype=np.float32), (10, 1))
        >>> given = np.tile(np.array([[1, 0], [1, 0], [1, 0], [0, 1]], dtype=bool), (10, 1))
        >>> fitted = calibrate(scores, given, multilabel=False)
        >>> round(float(fitted.probabilities(scores, False)[0, 0]), 1)
        0.7
    """
    from scipy.optimize import minimize, minimize_scalar

    if len(scores) < _MIN_LABELS or given.shape[1] < 2:
        return Calibration()

    # The targets are never quite 0 or 1, as in Platt 1999. Perfectly separated labels would otherwise ask
    # for an infinite slope.
    doubt = 1 / (len(scores) + 2)
    truth = given * (1 - doubt) + doubt / (2 if multilabel else given.shape[1])

    def loss(slope: float, offset: float) -> float:
        scaled = slope * scores.astype(np.float64) + offset
        if multilabel:
            return float((np.logaddexp(0, scaled) - scaled * truth).mean())
        top = scaled.max(axis=1, keepdims=True)
        total = np.log(np.exp(scaled - top).sum(axis=1)) + top[:, 0]
        return float((total - (scaled * truth).sum(axis=1)).mean())

    if multilabel:
        both = minimize(lambda x: loss(np.exp(x[0]), x[1]), [0.0, 0.0], method="Nelder-Mead").x
        return Calibration(float(np.exp(both[0])), float(both[1]), len(scores))
    best = minimize_scalar(lambda x: loss(np.exp(x), 0), bounds=(-4, 4), method="bounded").x
    return Calibration(float(np.exp(best)), 0.0, len(scores))


def expected_calibration_error(
    probabilities: NDArray[np.float32], correct: NDArray[np.bool_], bins: int = 15
) -> float:
    """Return the mean difference between probabilities and the share that is correct; 0 is perfect.

    Naeini, Cooper, Hauskrecht 2015, with bins of equal width.

    Example:
        >>> expected_calibration_error(np.float32([0.5, 0.5]), np.array([True, False]))
        0.0
    """
    bin_of = np.minimum((probabilities * bins).astype(np.int64), bins - 1)
    total = max(len(bin_of), 1)
    parts = [
        abs(float(probabilities[bin_of == bin].sum()) - float(correct[bin_of == bin].sum()))
        for bin in range(bins)
    ]
    return sum(parts) / total
