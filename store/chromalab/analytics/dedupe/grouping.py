"""From candidate pairs to groups with a keeper, at given thresholds."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from chromalab.analytics.dedupe.groups import star_groups
from chromalab.analytics.dedupe.keepers import Keep, chosen, rank_of
from chromalab.snapshot import Snapshot

__all__ = ["EXACT", "NEAR", "SEMANTIC", "groups_of", "members", "reasons_of", "scores_of"]

EXACT, NEAR, SEMANTIC = 1, 2, 4
"""The bits of a pair's reasons."""

Rows = NDArray[np.int64]
Scores = NDArray[np.float32]
Reasons = NDArray[np.uint8]


def reasons_of(
    equal: NDArray[np.bool_],
    cosine: Scores,
    jaccard: Scores,
    methods: Collection[str],
    threshold: float,
    lexical: float,
) -> Reasons:
    """Say of each pair why it is one of duplicates: (p,) uint8, 0 for those that are not."""
    reasons = np.zeros(len(equal), dtype=np.uint8)
    if "exact" in methods:
        reasons[equal] |= EXACT
    if "near" in methods:
        reasons[jaccard >= np.float32(lexical)] |= NEAR  # a NaN is never enough
    if "semantic" in methods:
        reasons[cosine >= np.float32(threshold)] |= SEMANTIC
    return reasons


def scores_of(reasons: Reasons, cosine: Scores, jaccard: Scores) -> Scores:
    """Return how alike the pairs are, (p,) float32: the highest score that is a reason."""
    best = np.where(reasons & SEMANTIC, cosine, 0)
    best = np.maximum(best, np.where(reasons & NEAR, jaccard, 0))
    return np.where(reasons & EXACT, np.float32(1), best).astype(np.float32)


def groups_of(
    snapshot: Snapshot,
    first: Rows,
    left: Rows,
    right: Rows,
    score: Scores,
    keep: Keep,
) -> tuple[Rows, Rows]:
    """Group records by the pairs that hold.

    With a rule by name the centre of a group is its keeper, so each record is linked to the one
    that stays for it. Centres with the most links first gather crowds of merely alike records: F1
    of the pairs in groups .88 against .90, on 10,000 glosses with 2,500 copies. Where a callable
    chooses, the centre is the record with most links.

    Args:
        snapshot: The records.
        first: (n,) int64, the first copy of each record.
        left: (p,) int64, of the pairs that hold.
        right: The same.
        score: (p,) float32, how alike they are.
        keep: The rule.

    Returns:
        (n,) int64, the group of each record, -1 for those that are alone; the largest is 0.
        (g,) int64, the row that each group keeps.
    """
    count = len(snapshot)
    # Pairs between copies need no look; pairs with others are those of the first copy.
    between = first[left] != first[right]
    if isinstance(keep, str):
        rank = rank_of(snapshot, keep)
    else:
        ends = np.concatenate([left[between], right[between]])
        degree = np.bincount(ends, minlength=count)
        rank = np.empty(count, dtype=np.int64)
        rank[np.argsort(-degree, kind="stable")] = np.arange(count)
    best = np.full(count, count, dtype=np.int64)
    np.minimum.at(best, first, rank)  # copies go by the best of them

    held = np.zeros(count, dtype=bool)
    held[right[~between]] = True  # a copy whose pair does not hold is left alone
    base = np.where(held, first, np.arange(count))
    centre = star_groups(count, left[between], right[between], score[between], best)
    centre = centre[base]

    sizes = np.bincount(centre, minlength=count)
    found = np.flatnonzero(sizes > 1)
    found = found[np.argsort(-sizes[found], kind="stable")]
    number = np.full(count, -1, dtype=np.int64)
    number[found] = np.arange(len(found))
    group = number[centre]
    if not isinstance(keep, str):
        keepers = [chosen(snapshot, rows, keep) for rows in members(group, len(found))]
        return group, np.array(keepers, dtype=np.int64)
    by_rank = np.argsort(rank)
    by_rank = by_rank[group[by_rank] >= 0]
    _, place = np.unique(group[by_rank], return_index=True)
    return group, by_rank[place].astype(np.int64)


def members(group: Rows, count: int) -> list[list[int]]:
    """Return the rows of each group, in insertion order."""
    if not count:
        return []
    order = np.argsort(group, kind="stable")
    order = order[group[order] >= 0]
    ends = np.cumsum(np.bincount(group[order], minlength=count))
    return [rows.tolist() for rows in np.split(order, ends[:-1])]
