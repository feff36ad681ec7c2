"""Where to cut: thresholds read from the pairs themselves, or from pairs that a person judged."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["FLOOR", "JACCARD_FLOOR", "from_judged", "suggested"]

Rows = NDArray[np.int64]
Scores = NDArray[np.float32]

FLOOR = 0.8
"""The least cosine of pairs that are kept, so that the threshold can be moved later."""

JACCARD_FLOOR = 0.5
"""The same for Jaccard."""

# Where there are too few pairs to read anything from; measured on planted copies of package
# summaries, where they had the best F1: docs/analytics.md.
_COSINE, _JACCARD = 0.95, 0.7
_FEWEST = 50

_COSINES = np.round(np.arange(0.90, 0.971, 0.005), 3)
_JACCARDS = np.round(np.arange(0.55, 0.721, 0.01), 2)

# For two matches that are seen to be chance, one more is not. Of the factors tried on nine sets of
# glosses, questions and products with planted copies 1.5 had the best F1, or within .01 of it.
_CHANCE = 1.5


def suggested(
    left: Rows, right: Rows, cosine: Scores, jaccard: Scores, *, copies: int = 0
) -> tuple[float, float]:
    """Suggest the two thresholds with the highest F1 to be expected.

    A record seldom has more than one duplicate. So pairs that are not each other's best match are
    there by chance, and they show how many chance matches to expect above each threshold. The rest
    are duplicates, and F1 follows. Jaccard goes first; the cosine is then judged by what it adds.

    Args:
        left: (p,) int64, the candidate pairs, of Jaccard at least .5 or cosine at least .8.
        right: The same.
        cosine: (p,) float32, NaN where it is not known.
        jaccard: The same.
        copies: How many pairs are duplicates for certain.

    Returns:
        The cosine, from .9 to .97, and Jaccard, from .55 to .72: where records have many
        duplicates, these are taken for chance, and the bounds keep that harmless. With fewer than
        50 pairs to judge by .95, and .7.

    Example:
        >>> none = np.empty(0, np.int64)
        >>> suggested(none, none, none.astype(np.float32), none.astype(np.float32))
        (0.95, 0.7)
    """
    chance = ~_mutual(left, right, jaccard)
    found, real = _counts(jaccard, jaccard[chance], _JACCARDS)
    lexical, place = _best(found, real, _JACCARDS, _JACCARD, copies, copies)

    found_before, real_before = found[place] + copies, real[place] + copies
    chance = ~_mutual(left, right, cosine)
    added = ~(jaccard >= lexical)
    found, real = _counts(cosine[added], cosine[added & chance], _COSINES)
    semantic, _ = _best(found, real, _COSINES, _COSINE, found_before, real_before)
    return semantic, lexical


def from_judged(
    cosine: Scores, jaccard: Scores, judged: Rows, answers: NDArray[np.bool_]
) -> tuple[float, float]:
    """Suggest the two thresholds with the highest F1 to be expected after what a person said.

    A logistic regression on both scores says of each pair how likely it is a duplicate. Two
    made-up answers (the best pair is one, the worst is none) keep it sane when all say the same.

    Args:
        cosine: (p,) float32, of all candidate pairs, NaN where it is not known.
        jaccard: The same.
        judged: (j,) int64, which pairs were judged.
        answers: (j,) bool, whether each is a duplicate.
    """
    from sklearn.linear_model import LogisticRegression

    features = np.stack(
        [
            (np.nan_to_num(cosine, nan=FLOOR) - _COSINE) / 0.05,
            (np.nan_to_num(jaccard, nan=JACCARD_FLOOR) - _JACCARD) / 0.1,
        ],
        axis=1,
    )
    ends = np.array([[(1 - _COSINE) / 0.05, (1 - _JACCARD) / 0.1], [-3, -2]])
    model = LogisticRegression()
    model.fit(np.vstack([features[judged], ends]), [*answers.tolist(), True, False])
    likely = model.predict_proba(features)[:, 1] if len(features) else np.empty(0)
    likely[judged] = answers

    best = (-1.0, _COSINE, _JACCARD)
    for lexical in np.round(np.arange(JACCARD_FLOOR, 1.001, 0.02), 2):
        by_text = jaccard >= lexical
        for semantic in np.round(np.arange(FLOOR, 1.001, 0.01), 2):
            taken = by_text | (cosine >= semantic)
            f1 = 2 * likely[taken].sum() / max(taken.sum() + likely.sum(), 1)
            best = max(best, (float(f1), float(semantic), float(lexical)))
    return best[1], best[2]


def _mutual(left: Rows, right: Rows, score: Scores) -> NDArray[np.bool_]:
    """Say of each pair whether no pair of either record has a higher score."""
    score = np.where(np.isnan(score), np.float32(-1), score)
    best = np.full(int(max(left.max(initial=-1), right.max(initial=-1))) + 1, -1, dtype=np.float32)
    np.maximum.at(best, left, score)
    np.maximum.at(best, right, score)
    return np.asarray((score >= best[left]) & (score >= best[right]), dtype=bool)


def _counts(
    scores: Scores, chance: Scores, grid: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Count the pairs from each threshold up, and how many of them are duplicates."""
    found = np.array([(scores >= cut).sum() for cut in grid], dtype=float)
    strange = np.array([(chance >= cut).sum() for cut in grid], dtype=float)
    return found, np.maximum(found - _CHANCE * strange, 0)


def _best(
    found: NDArray[np.float64],
    real: NDArray[np.float64],
    grid: NDArray[np.float64],
    default: float,
    found_before: float,
    real_before: float,
) -> tuple[float, int]:
    """Choose the threshold with the highest F1 of these pairs and of those taken before."""
    if found.max() < _FEWEST:
        return default, int(np.argmin(np.abs(grid - default)))
    right = real + real_before
    place = int(np.argmax(2 * right / (found + found_before + right.max())))
    return float(grid[place]), place
