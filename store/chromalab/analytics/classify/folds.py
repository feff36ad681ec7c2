"""Which labels are held out together, and what a method says of those it did not see."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from chromalab.analytics.classify.methods import Method
from chromalab.analytics.classify.points import Points

__all__ = ["dealt", "held_out"]


def dealt(
    given: NDArray[np.bool_], copies: NDArray[np.int32], folds: int, rng: np.random.Generator
) -> NDArray[np.int32]:
    """Deal labelled rows out to folds, each class evenly, copies together.

    Args:
        given: (t, c), the classes of each row.
        copies: (t,), equal for rows with equal vectors: one of them would tell the other.
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
    # A row with several classes goes by its rarest one.
    main = np.where(given[first], sizes, sizes.max(initial=0) + 1).argmin(axis=1)
    order = rng.permutation(len(first))
    order = order[np.argsort(main[order], kind="stable")]
    fold = np.empty(len(first), dtype=np.int32)
    fold[order] = np.arange(len(first)) % folds
    fold[np.bincount(main, minlength=given.shape[1])[main] < 2] = -1
    found: NDArray[np.int32] = fold[group]
    return found


def held_out(
    method: Method,
    points: Points,
    rows: NDArray[np.int64],
    given: NDArray[np.bool_],
    fold: NDArray[np.int32],
    several: bool,
) -> NDArray[np.float32]:
    """Score each row by what was learned from the other folds: (t, c); NaN for those of fold -1."""
    scores = np.full(given.shape, np.nan, dtype=np.float32)
    for number in range(int(fold.max(initial=-1)) + 1):
        out = fold == number
        if out.any() and not out.all():
            scores[out] = method(points, rows[~out], given[~out], rows[out], several)
    return scores
