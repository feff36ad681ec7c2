"""Words that stand everywhere alike, as "the" and "of" do in any language."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from chromalab.snapshot import Snapshot

__all__ = ["JUDGED", "cells_of", "spread_evenly"]

JUDGED = 300
"""So many words, the most frequent, may be found to stand everywhere."""

_EVENLY = 0.25  # of the divergence of telling words
_TELLING = 0.9  # the decile that is theirs
_NOTHING = 0.05  # of the largest possible divergence
_CELLS = 64
_ENOUGH = 1000  # records, from which on cells tell stop words from the words of a large subject


def spread_evenly(spread: NDArray[np.float64], total: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Find the words whose spread over groups is nearly that of all words.

    The spread of a word diverges (Kullback-Leibler) from that of all words by little if it stands
    everywhere; less what it would by chance, (groups - 1) / 2 times. Found are those with less than
    0.25 of what the telling words have, which is the ninth decile; if that is next to nothing, the
    groups know nothing of the words, and none is found. Nor are words rarer than groups.

    Divergence finds the stop words of a collection without a list (Lo, He and Ounis 2005,
    "Automatically building a stopword list for an information retrieval system"); 0.25 parts function
    words from others in banking77 and in the glosses of WordNet.

    Args:
        spread: (words, groups), how often each word stands in each group.
        total: (groups,) how many words each group has.

    Returns:
        (words,) bool.
    """
    told = total > 0  # groups with no words tell nothing
    if told.sum() < 2:
        return np.zeros(len(spread), dtype=bool)
    spread, groups = spread[:, told], int(told.sum())
    times = spread.sum(axis=1)
    judged: NDArray[np.bool_] = times >= groups
    if not judged.any():
        return judged
    share = spread / np.maximum(times, 1)[:, None]
    ratio = share / (total[told] / total.sum())
    divergence = (share * np.log(np.where(ratio > 0, ratio, 1))).sum(axis=1)
    divergence -= (groups - 1) / (2 * np.maximum(times, 1))
    telling = float(np.quantile(divergence[judged], _TELLING))
    if telling < _NOTHING * np.log(groups):
        return np.zeros(len(spread), dtype=bool)
    even: NDArray[np.bool_] = judged & (divergence < _EVENLY * telling)
    return even


def cells_of(snapshot: Snapshot) -> NDArray[np.int64] | None:
    """Put each record to the nearest in direction of 64 of them, spread evenly over their order.

    Cells stand in for topics as long as there are none: what stands everywhere in them does so in
    any clustering.

    Returns:
        (n,) int64; None where there are too few records to tell.
    """
    n = len(snapshot)
    if n < _ENOUGH:
        return None
    seeds = snapshot.vectors[np.arange(_CELLS) * n // _CELLS].astype(np.float32)
    norms = np.linalg.norm(seeds, axis=1, keepdims=True)
    seeds /= np.maximum(norms, np.finfo(np.float32).tiny)
    cells: NDArray[np.int64] = np.argmax(snapshot.vectors @ seeds.T, axis=1)
    return cells
