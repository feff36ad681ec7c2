"""Linear models of all classes at once: logistic regression and the support vector machine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

__all__ = ["Linear", "fit_linear"]

Loss = Literal["softmax", "logistic", "hinge"]

_MAX_STEPS = 200
_TOLERANCE = 1e-4  # relative; a lower one changed no prediction of held-out rows


@dataclass(frozen=True, eq=False)
class Linear:
    """One weight per dimension and class, and one constant per class.

    Attributes:
        weights: (dimension, c) float32.
        constants: (c,) float32.
    """

    weights: NDArray[np.float32]
    constants: NDArray[np.float32]

    def scores(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """Score (q, dimension) rows: (q, c) float32; a higher score is more likely."""
        found: NDArray[np.float32] = rows @ self.weights + self.constants
        return found


def fit_linear(
    rows: NDArray[np.float32],
    given: NDArray[np.bool_],
    *,
    loss: Loss,
    C: float,
    weights: NDArray[np.float32] | None = None,
) -> Linear:
    """Minimize 0.5 |W|^2 + C * the sum of the losses by L-BFGS; the constants are not penalized.

    The objective is that of scikit-learn's LogisticRegression ("softmax" over all classes, or "logistic",
    one class against the rest) and LinearSVC ("hinge", squared, one against the rest). All classes are one
    matrix product, and the rows are centered, which does not change the solution because the constants are
    free. With 150 classes this is the difference between seconds and minutes. L-BFGS: Liu and Nocedal
    1989.

    Args:
        rows: (t, dimension).
        given: (t, c), whether a row belongs to a class; for "softmax", exactly one class per row.
        loss: The loss.
        C: The inverse of the regularization strength; a larger one trusts the labels more.
        weights: (t,), the weight of each row, with a mean of 1; all are 1 by default.

    Example:
        >>> model = fit_linear(np.eye(2, dtype=np.float32), np.eye(2, dtype=bool), loss="softmax", C=10)
        >>> model.scores(np.eye(2, dtype=np.float32)).argmax(axis=1).tolist()
        [0, 1]
    """
    from scipy.optimize import minimize

    count, dimension = rows.shape
    classes = given.shape[1]
    middle = rows.mean(axis=0)
    centered = rows - middle
    rotation = None
    if count < dimension:  # the weights lie in the span of the rows: fewer unknowns, same solution
        rotation = np.linalg.qr(centered.T)[0].astype(np.float32)
        centered = centered @ rotation
    wide = centered.shape[1]
    truth = given.astype(np.float32)
    weight = np.ones((count, 1), dtype=np.float32) if weights is None else weights[:, None]
    penalty = 1 / (C * count)
    shape = (wide + 1, classes)
    part = {"softmax": _softmax, "logistic": _logistic, "hinge": _hinge}[loss]

    def cost(flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        both = flat.reshape(shape).astype(np.float32)
        value, slope = part(centered @ both[:-1] + both[-1], truth, weight)
        slope /= count
        down = np.empty(shape)
        down[:-1] = centered.T @ slope + penalty * both[:-1]
        down[-1] = slope.sum(axis=0)
        whole = value / count + 0.5 * penalty * float(np.square(flat[: wide * classes]).sum())
        return whole, down.ravel()

    found = minimize(
        cost,
        np.zeros(shape).ravel(),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": _MAX_STEPS, "ftol": _TOLERANCE, "gtol": 1e-6, "maxcor": 10},
    )
    both = found.x.reshape(shape).astype(np.float32)
    weights = both[:-1] if rotation is None else rotation @ both[:-1]
    return Linear(weights, both[-1] - middle @ weights)


def _softmax(
    scores: NDArray[np.float32], truth: NDArray[np.float32], weight: NDArray[np.float32]
) -> tuple[float, NDArray[np.float32]]:
    scores = scores - scores.max(axis=1, keepdims=True)
    shares = np.exp(scores)
    total = shares.sum(axis=1, keepdims=True)
    losses = np.log(total) - (scores * truth).sum(axis=1, keepdims=True)
    return float((weight * losses).sum(dtype=np.float64)), weight * (shares / total - truth)


def _logistic(
    scores: NDArray[np.float32], truth: NDArray[np.float32], weight: NDArray[np.float32]
) -> tuple[float, NDArray[np.float32]]:
    losses = weight * (np.logaddexp(0, scores) - scores * truth)
    shares = 1 / (1 + np.exp(-np.clip(scores, -60, 60)))
    slope = np.asarray(weight * (shares - truth), dtype=np.float32)
    return float(losses.sum(dtype=np.float64)), slope


def _hinge(
    scores: NDArray[np.float32], truth: NDArray[np.float32], weight: NDArray[np.float32]
) -> tuple[float, NDArray[np.float32]]:
    sign = np.float32(2) * truth - np.float32(1)
    short = np.maximum(np.float32(0), np.float32(1) - sign * scores)
    slope: NDArray[np.float32] = np.float32(-2) * weight * sign * short
    return float((weight * np.square(short)).sum(dtype=np.float64)), slope
