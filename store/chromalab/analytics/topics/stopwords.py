"""Stop words, found by counting: words that are as frequent everywhere, in any language."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from chromalab.snapshot import Snapshot

__all__ = ["CANDIDATES", "cells_of", "evenly_spread"]

CANDIDATES = 300
"""The most frequent words, which may be found to be stop words; no others are."""

_MAX_SHARE = 0.25  # as a share of the divergence of specific words
_SPECIFIC = 0.9  # the decile whose divergence is that of specific words
_MIN_DIVERGENCE = 0.05  # as a share of the largest possible divergence
_CELLS = 64
# With fewer records, cells do not separate stop words from the words of a large subject.
_MIN_RECORDS = 1000


def evenly_spread(spread: NDArray[np.float64], total: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Find the words whose distribution over groups is nearly that of all words.

    The measure is the Kullback-Leibler divergence of the two distributions, minus its expected value
    by chance, (groups - 1) / 2 times. A stop word has less than 0.25 of the divergence of specific
    words, which is the ninth decile. If that decile is close to zero, the groups are not related to the
    words, and none is found. Words rarer than the number of groups are never found.

    Divergence finds the stop words of a collection without a list (Lo, He and Ounis 2005,
    "Automatically building a stopword list for an information retrieval system"). The factor 0.25
    separates function words from other words in banking77 and in the glosses of WordNet.

    Args:
        spread: (words, groups) float64, the frequency of each word in each group.
        total: (groups,) int64, the number of words in each group.

    Returns:
        (words,) bool.
    """
    has_words = total > 0
    if has_words.sum() < 2:
        return np.zeros(len(spread), dtype=bool)
    spread, groups = spread[:, has_words], int(has_words.sum())
    times = spread.sum(axis=1)
    judged: NDArray[np.bool_] = times >= groups
    if not judged.any():
        return judged
    share = spread / np.maximum(times, 1)[:, None]
    ratio = share / (total[has_words] / total.sum())
    divergence = (share * np.log(np.where(ratio > 0, ratio, 1))).sum(axis=1)
    divergence -= (groups - 1) / (2 * np.maximum(times, 1))
    specific = float(np.quantile(divergence[judged], _SPECIFIC))
    if specific < _MIN_DIVERGENCE * np.log(groups):
        return np.zeros(len(spread), dtype=bool)
    even: NDArray[np.bool_] = judged & (divergence < _MAX_SHARE * specific)
    return even


def cells_of(snapshot: Snapshot) -> NDArray[np.int64] | None:
    """Assign each record to the nearest in direction of 64 records, evenly spaced in the collection.

    The cells take the place of topics before there are any: a word that is evenly spread over them is
    evenly spread over the clusters of any clustering.

    Returns:
        (n,) int64; None if there are too few records.
    """
    n = len(snapshot)
    if n < _MIN_RECORDS:
        return None
    seeds = snapshot.vectors[np.arange(_CELLS) * n // _CELLS].astype(np.float32)
    norms = np.linalg.norm(seeds, axis=1, keepdims=True)
    seeds /= np.maximum(norms, np.finfo(np.float32).tiny)
    cells: NDArray[np.int64] = np.argmax(snapshot.vectors @ seeds.T, axis=1)
    return cells
