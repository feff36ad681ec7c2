"""Labels that are likely wrong: those that held-out models disagree with, and are sure about."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["suspected"]


def suspected(
    heldout: NDArray[np.float32], given: NDArray[np.bool_], *, several: bool
) -> NDArray[np.int64]:
    """Find them by confident learning, the surest first.

    A row counts as of class j where p(j) reaches the mean p(j) of the rows labelled j; it is suspected
    where the likeliest such class is not its own. Northcutt, Jiang, Chuang: Confident Learning, JAIR 2021.
    With several classes a row, every class is such a question of yes or no.

    Args:
        heldout: (t, c) probabilities by models that did not see the row; NaN where there are none.
        given: (t, c), the labels.
        several: Whether a row may have several.

    Returns:
        Row numbers, by the difference between the likeliest class and the given one.

    Example:
        >>> sure = np.float32([[.9, .1], [.8, .2], [.1, .9], [.2, .8], [.05, .95]])
        >>> given = np.eye(2, dtype=bool)[[0, 0, 1, 1, 0]]
        >>> suspected(sure, given, several=False).tolist()
        [4]
    """
    there = np.isfinite(heldout.sum(axis=1))
    if not there.any() or (given.shape[1] < 2 and not several):
        return np.empty(0, dtype=np.int64)
    sure = np.where(there[:, None], heldout, 0)
    yes = _mean(sure, given & there[:, None])
    if several:
        no = _mean(1 - sure, ~given & there[:, None])
        wrong = np.where(given, 1 - sure >= no, sure >= yes) & np.where(
            given, sure < 0.5, sure > 0.5
        )
        worst = np.where(wrong, np.abs(sure - given), 0).max(axis=1)
        rows = np.flatnonzero(wrong.any(axis=1) & there)
        return rows[np.argsort(-worst[rows], kind="stable")]
    confident = np.where(sure >= yes, sure, -1)
    best = confident.argmax(axis=1)
    own = given.argmax(axis=1)
    line = np.arange(len(sure))
    wrong = there & (confident[line, best] >= 0) & (best != own) & (sure.argmax(axis=1) != own)
    away = sure[line, best] - sure[line, own]
    rows = np.flatnonzero(wrong)
    return rows[np.argsort(-away[rows], kind="stable")]


def _mean(sure: NDArray[np.float32], rows: NDArray[np.bool_]) -> NDArray[np.float32]:
    """The mean of each column over some rows; never reached where there are none."""
    count = rows.sum(axis=0)
    total = (sure * rows).sum(axis=0)
    return np.where(count > 0, total / np.maximum(count, 1), np.inf).astype(np.float32)
