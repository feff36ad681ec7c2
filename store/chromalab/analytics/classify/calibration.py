"""Scores to probabilities, as often right as they say: fitted on what was held out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Calibration", "calibrate", "expected_calibration_error"]

_LEAST = 30  # held-out labels


@dataclass(frozen=True)
class Calibration:
    """How scores become probabilities.

    Attributes:
        slope: What scores are multiplied with: 1 / temperature.
        offset: Added to each; 0 where a record has one class.
        labels: How many held-out labels it was fitted on; 0 for none, which is uncalibrated.
    """

    slope: float = 1.0
    offset: float = 0.0
    labels: int = 0

    def probabilities(self, scores: NDArray[np.float32], multilabel: bool) -> NDArray[np.float32]:
        """Turn (q, c) scores into probabilities, which sum to 1 unless a row has multilabel classes."""
        scaled = np.float32(self.slope) * scores + np.float32(self.offset)
        if multilabel:
            return np.asarray(1 / (1 + np.exp(-np.clip(scaled, -60, 60))), dtype=np.float32)
        shares = np.exp(scaled - scaled.max(axis=1, keepdims=True))
        found: NDArray[np.float32] = shares / shares.sum(axis=1, keepdims=True)
        return found

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
    """Find the one temperature that held-out labels are likeliest at.

    Guo, Pleiss, Sun, Weinberger: On Calibration of Modern Neural Networks, 2017. Where a row may have
    multilabel classes, a slope and an offset for all of them (Platt 1999).

    Args:
        scores: (q, c), of rows that were held out.
        given: (q, c), their classes.
        multilabel: Whether a row may have multilabel classes.

    Example:
        >>> scores = np.tile(np.array([[8, 0], [8, 0], [8, 0], [8, 0]], dtype=np.float32), (10, 1))
        >>> given = np.tile(np.array([[1, 0], [1, 0], [1, 0], [0, 1]], dtype=bool), (10, 1))
        >>> fitted = calibrate(scores, given, multilabel=False)
        >>> round(float(fitted.probabilities(scores, False)[0, 0]), 1)
        0.7
    """
    from scipy.optimize import minimize, minimize_scalar

    if len(scores) < _LEAST or given.shape[1] < 2:
        return Calibration()

    # Never quite certain, as in Platt 1999: labels that are all told apart would ask for an endless slope.
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
    found = minimize_scalar(lambda x: loss(np.exp(x), 0), bounds=(-4, 4), method="bounded").x
    return Calibration(float(np.exp(found)), 0.0, len(scores))


def expected_calibration_error(
    probabilities: NDArray[np.float32], correct: NDArray[np.bool_], bins: int = 15
) -> float:
    """Say how far probabilities are from how often they are right, on average; 0 is perfect.

    Naeini, Cooper, Hauskrecht 2015, with bins of equal width.

    Example:
        >>> expected_calibration_error(np.float32([0.5, 0.5]), np.array([True, False]))
        0.0
    """
    place = np.minimum((probabilities * bins).astype(np.int64), bins - 1)
    total = max(len(place), 1)
    parts = [
        abs(float(probabilities[place == bin].sum()) - float(correct[place == bin].sum()))
        for bin in range(bins)
    ]
    return sum(parts) / total
