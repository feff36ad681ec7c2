"""Thresholds, chosen from the similarities of the candidate pairs or from judged pairs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "FLOOR",
    "JACCARD_FLOOR",
    "compared_with_defaults",
    "suggest_thresholds",
    "thresholds_from_judgments",
]

Rows = NDArray[np.int64]
Scores = NDArray[np.float32]

FLOOR = 0.8
"""The lowest cosine of a candidate pair, which leaves room to lower the threshold later."""

JACCARD_FLOOR = 0.5
"""The lowest Jaccard of a candidate pair."""

# These are used when there are too few pairs to choose from. They had the best F1 on package summaries
# with planted duplicates: docs/analytics.md.
_COSINE, _JACCARD = 0.95, 0.7
_MIN_PAIRS = 50

_COSINES = np.round(np.arange(_COSINE, 0.971, 0.005), 3)
_JACCARDS = np.round(np.arange(_JACCARD, 0.721, 0.01), 2)

# For every two chance matches that can be identified, there is one that cannot. Of the factors tried on
# nine sets of glosses, questions and products with planted duplicates, 1.5 had the best F1, or was within
# .01 of it.
_CHANCE_FACTOR = 1.5


def suggest_thresholds(
    left: Rows, right: Rows, cosine: Scores, jaccard: Scores, *, certain: int = 0
) -> tuple[float, float]:
    """Suggest the cosine and the Jaccard threshold with the highest expected F1.

    A record seldom has more than one duplicate. Pairs that are not each other's best match are therefore
    chance matches, and they show how many chance matches to expect above each threshold. The other pairs
    are duplicates, from which F1 follows. Jaccard is chosen first, and then the cosine by what it adds.

    Args:
        left: (p,) int64, the candidate pairs, with a Jaccard of at least .5 or a cosine of at least .8.
        right: (p,) int64.
        cosine: (p,) float32, NaN where it is unknown.
        jaccard: (p,) float32, NaN where it is unknown.
        certain: The number of pairs that are certainly duplicates.

    Returns:
        The cosine, from .95 to .97, and the Jaccard, from .7 to .72. If records have many duplicates,
        these are mistaken for chance matches, and the bounds keep that harmless. With fewer than 50
        pairs to choose from, the defaults .95 and .7.

    Example:
        >>> none = np.empty(0, np.int64)
        >>> suggest_thresholds(none, none, none.astype(np.float32), none.astype(np.float32))
        (0.95, 0.7)
    """
    chance = ~_is_mutual(left, right, jaccard)
    found, real = _counts(jaccard, jaccard[chance], _JACCARDS)
    lexical, index = _best(found, real, _JACCARDS, _JACCARD, certain, certain)

    found_before, real_before = found[index] + certain, real[index] + certain
    chance = ~_is_mutual(left, right, cosine)
    added = ~(jaccard >= lexical)
    found, real = _counts(cosine[added], cosine[added & chance], _COSINES)
    semantic, _ = _best(found, real, _COSINES, _COSINE, found_before, real_before)
    return semantic, lexical


def thresholds_from_judgments(
    cosine: Scores, jaccard: Scores, judged: Rows, answers: NDArray[np.bool_]
) -> tuple[float, float]:
    """Suggest the cosine and the Jaccard threshold with the highest expected F1, given judged pairs.

    A logistic regression on both scores estimates the probability that each pair is a duplicate. Two
    artificial judgments, that the best possible pair is a duplicate and the worst is not, keep it
    well-behaved when all judgments are the same.

    Args:
        cosine: (p,) float32, of all candidate pairs, NaN where it is unknown.
        jaccard: (p,) float32, NaN where it is unknown.
        judged: (j,) int64, the indices of the judged pairs.
        answers: (j,) bool, whether each of them is a duplicate.
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


def compared_with_defaults(cosine: float | None, jaccard: float | None) -> str:
    """Say which of the thresholds are stricter or looser than the defaults; "" if none is.

    Args:
        cosine: The cosine threshold; None if it is not used.
        jaccard: The Jaccard threshold, or None.

    Example:
        >>> compared_with_defaults(0.97, 0.7)
        'the cosine threshold 0.97 is stricter than the default 0.95'
    """
    return "; ".join(
        f"the {name} threshold {value:g} is {'stricter' if value > default else 'looser'} than the "
        f"default {default:g}"
        for name, value, default in (("cosine", cosine, _COSINE), ("Jaccard", jaccard, _JACCARD))
        if value not in (None, default)
    )


def _is_mutual(left: Rows, right: Rows, score: Scores) -> NDArray[np.bool_]:
    """Return for each pair whether neither of its records has a pair with a higher score."""
    score = np.where(np.isnan(score), np.float32(-1), score)
    best = np.full(int(max(left.max(initial=-1), right.max(initial=-1))) + 1, -1, dtype=np.float32)
    np.maximum.at(best, left, score)
    np.maximum.at(best, right, score)
    return np.asarray((score >= best[left]) & (score >= best[right]), dtype=bool)


def _counts(
    scores: Scores, chance: Scores, grid: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Count the pairs above each threshold, and estimate how many of them are duplicates."""
    found = np.array([(scores >= threshold).sum() for threshold in grid], dtype=float)
    by_chance = np.array([(chance >= threshold).sum() for threshold in grid], dtype=float)
    return found, np.maximum(found - _CHANCE_FACTOR * by_chance, 0)


def _best(
    found: NDArray[np.float64],
    real: NDArray[np.float64],
    grid: NDArray[np.float64],
    default: float,
    found_before: float,
    real_before: float,
) -> tuple[float, int]:
    """Choose the threshold with the highest F1 of these pairs together with those accepted before."""
    if found.max() < _MIN_PAIRS:
        return default, int(np.argmin(np.abs(grid - default)))
    right = real + real_before
    index = int(np.argmax(2 * right / (found + found_before + right.max())))
    return float(grid[index]), index
