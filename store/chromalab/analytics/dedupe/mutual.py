"""Mutual best matches between two sets of records, by vectors and by texts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["mutual_best"]

Rows = NDArray[np.int64]
Scores = NDArray[np.float32]

_CELLS = 4_000_000  # scores held at a time


def mutual_best(
    left: Scores,
    right: Scores,
    left_texts: Sequence[str] | None = None,
    right_texts: Sequence[str] | None = None,
    *,
    tell: Callable[[int, int], None] | None = None,
) -> tuple[Rows, Rows, Scores, Scores]:
    """Find the pairs whose two records are each other's best match; of equally good ones the first.

    Args:
        left: (n, dimension) float32 of length 1, or zero.
        right: (m, dimension), the same.
        left_texts: Normalised texts; None to compare vectors only. An empty one is like no other.
        right_texts: The same.
        tell: Is told how many records are done, and of how many.

    Returns:
        The rows of each pair, two (l,) int64, the left ones ascending; the cosine of their vectors
        and of their texts, (l,) float32, the second NaN where no texts are compared. The score that
        decides is the sum of the two.

    Example:
        >>> one, other = np.float32([[1, 0], [0, 1]]), np.float32([[0, 1], [0.8, 0.6]])
        >>> [part.tolist() for part in mutual_best(one, other)[:2]]
        [[0, 1], [1, 0]]
    """
    if not (len(left) and len(right)):
        none = np.empty(0, dtype=np.int64)
        return none, none, none.astype(np.float32), none.astype(np.float32)
    weights = None
    if left_texts is not None and right_texts is not None:
        weights = _weights(left_texts, right_texts)
    best = np.full(len(left), -np.inf, dtype=np.float32)
    match = np.zeros(len(left), dtype=np.int64)
    best_right = np.full(len(right), -np.inf, dtype=np.float32)
    match_right = np.full(len(right), -1, dtype=np.int64)
    step = max(1, _CELLS // len(right))
    for start in range(0, len(left), step):
        block = slice(start, start + step)
        score = left[block] @ right.T
        if weights is not None:
            score += (weights[0][block] @ weights[1].T).toarray()
        rows = np.arange(len(score))
        match[block] = score.argmax(axis=1)
        best[block] = score[rows, match[block]]
        top = score.argmax(axis=0)
        top_score = score[top, np.arange(len(right))]
        better = top_score > best_right
        best_right[better] = top_score[better]
        match_right[better] = start + top[better]
        if tell is not None:
            tell(min(start + step, len(left)), len(left))
    one = np.flatnonzero(match_right[match] == np.arange(len(left)))
    other = match[one]
    cosine = np.einsum("ij,ij->i", left[one], right[other]).astype(np.float32)
    if weights is None:
        return one, other, cosine, np.full(len(one), np.nan, dtype=np.float32)
    lexical = weights[0][one].multiply(weights[1][other]).sum(axis=1)
    return one, other, cosine, np.asarray(lexical, dtype=np.float32).ravel()


def _weights(left: Sequence[str], right: Sequence[str]) -> tuple[Any, Any]:
    """Weigh the runs of 3 to 5 characters within words by tf-idf: rows of length 1, sparse."""
    from scipy import sparse
    from sklearn.feature_extraction.text import TfidfVectorizer

    model = TfidfVectorizer(
        analyzer="char_wb", ngram_range=(3, 5), sublinear_tf=True, dtype=np.float32, lowercase=False
    )
    weights = sparse.csr_array(model.fit_transform([*left, *right]))
    return weights[: len(left)], weights[len(left) :]
