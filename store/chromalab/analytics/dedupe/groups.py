"""Groups of duplicates: stars around a center, each with the record that represents it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from chromalab.analytics.dedupe.thresholds import JACCARD_FLOOR
from chromalab.analytics.dedupe.wording import COMMON, LONG, OTHER, SAME, VALUE
from chromalab.arguments.values import is_integer
from chromalab.errors import InvalidArgumentError, short
from chromalab.snapshot import Snapshot

__all__ = [
    "EXACT",
    "KEEP",
    "NEAR",
    "SEMANTIC",
    "Keep",
    "groups_of",
    "members",
    "reason_names",
    "reasons_of",
    "scores_of",
    "star_groups",
]

Rule = Literal["oldest", "longest", "most_metadata"]
KEEP: tuple[Rule, ...] = get_args(Rule)
"""The named rules that choose the representative of a group."""

Keep = Rule | Callable[[list[dict[str, Any]]], int]
"""A named rule, or a function that takes the records of a group and returns the index of one of them."""

EXACT, NEAR, SEMANTIC = 1, 2, 4
"""The bits of a pair's reasons."""

# The cosine that a near pair needs: with the same words none, with added words, with other words, and with
# another value more than there is. Chosen on altered glosses, and on questions with different labels.
_AGREEING = np.array([-1, 0.7, 0.85, 2], dtype=np.float32)
_AGREEING_LONG = np.array([-1, 0.6, 0.82, 2], dtype=np.float32)

# The Jaccard that a pair of a pattern needs, if the vectors agree that its common words make no difference.
_COMMON_SHARE = np.float32(0.9)

Rows = NDArray[np.int64]
Scores = NDArray[np.float32]
Reasons = NDArray[np.uint8]


def reason_names(reasons: int) -> str:
    """Spell out the bits of a pair's reasons.

    Example:
        >>> reason_names(5)
        'exact + semantic'
    """
    names = {EXACT: "exact", NEAR: "near", SEMANTIC: "semantic"}
    return " + ".join(name for bit, name in names.items() if reasons & bit)


def reasons_of(
    equal: NDArray[np.bool_],
    cosine: Scores,
    jaccard: Scores,
    wording: Reasons,
    methods: Collection[str],
    threshold: float,
    lexical: float,
) -> Reasons:
    """Return why each pair counts as a duplicate: (p,) uint8, 0 if it does not.

    Texts that differ in a value are not duplicates, however similar they are. If only the form of words
    differs, the square of the Jaccard threshold suffices, because every typo costs three substrings. If
    one text has more words, or both have others, the vectors must agree, with a lower cosine than one
    that suffices on its own; then half of the way to the square suffices for long texts. If only common
    words differ in texts that follow a pattern, both methods must find the pair.

    Args:
        equal: (p,) bool.
        cosine: (p,) float32, NaN where it is unknown.
        jaccard: (p,) float32, NaN where it is unknown.
        wording: (p,) uint8, what differs between the texts.
        methods: Some of "exact", "near" and "semantic".
        threshold: The lowest cosine.
        lexical: The lowest Jaccard.
    """
    kind, long, common = wording & (LONG - 1), wording & LONG > 0, wording & COMMON > 0
    square = max(lexical * lexical, JACCARD_FLOOR)
    needed = np.where(long, np.float32((lexical + square) / 2), np.float32(lexical))
    needed[kind == SAME] = square
    needed[common] = _COMMON_SHARE * lexical
    agreeing = np.where(long, _AGREEING_LONG[kind], _AGREEING[kind])
    near = (jaccard >= needed) & ((kind == SAME) | (cosine >= agreeing))  # never true of NaN
    # With other words, half of the way from the threshold to 1 remains as the distance.
    needed = np.where(kind == OTHER, np.float32((1 + threshold) / 2), np.float32(threshold))
    close = (cosine >= needed) & (kind != VALUE)
    agreed = ~common | (near & (close | np.isnan(cosine)))
    reasons = np.zeros(len(equal), dtype=np.uint8)
    for name, bit, holds in (
        ("exact", EXACT, equal),
        ("near", NEAR, near & agreed),
        ("semantic", SEMANTIC, close & agreed),
    ):
        if name in methods:
            reasons[holds] |= bit
    return reasons


def scores_of(reasons: Reasons, cosine: Scores, jaccard: Scores) -> Scores:
    """Return the similarity of each pair, (p,) float32: the highest score that is one of its reasons."""
    best = np.where(reasons & SEMANTIC, cosine, 0)
    best = np.maximum(best, np.where(reasons & NEAR, jaccard, 0))
    return np.where(reasons & EXACT, np.float32(1), best).astype(np.float32)


def groups_of(
    snapshot: Snapshot,
    first_occurrence: Rows,
    left: Rows,
    right: Rows,
    score: Scores,
    keep: Keep,
) -> tuple[Rows, Rows]:
    """Group records by the pairs that count as duplicates.

    With a named rule, the center of a group is its representative, so each record is linked directly to
    the record that stays for it. Taking the records with the most links as centers instead would gather
    crowds of merely similar records: the F1 of the pairs within groups is .88 rather than .90, on 10,000
    glosses with 2,500 altered duplicates. With a callable, the center is the record with the most links.

    Args:
        snapshot: The records.
        first_occurrence: (n,) int64, the first record that equals each record.
        left: (p,) int64, rows of the pairs.
        right: (p,) int64, rows of the pairs.
        score: (p,) float32, the similarity of each pair.
        keep: The rule that chooses the representative.

    Returns:
        (n,) int64, the group of each record, -1 for a record without duplicates; 0 is the largest
        group. (g,) int64, the row of the representative of each group.
    """
    count = len(snapshot)
    # Pairs of equal records are settled. A pair with another record is one of the first occurrence.
    between = first_occurrence[left] != first_occurrence[right]
    if isinstance(keep, str):
        rank = _ranking(snapshot, keep)
    else:
        ends = np.concatenate([left[between], right[between]])
        degree = np.bincount(ends, minlength=count)
        rank = np.empty(count, dtype=np.int64)
        rank[np.argsort(-degree, kind="stable")] = np.arange(count)
    best = np.full(count, count, dtype=np.int64)
    np.minimum.at(best, first_occurrence, rank)  # equal records rank by the best of them

    counted = np.zeros(count, dtype=bool)
    counted[right[~between]] = True  # an equal record whose pair does not count stays on its own
    base = np.where(counted, first_occurrence, np.arange(count))
    center = star_groups(count, left[between], right[between], score[between], best)
    center = center[base]

    sizes = np.bincount(center, minlength=count)
    centers = np.flatnonzero(sizes > 1)
    centers = centers[np.argsort(-sizes[centers], kind="stable")]
    number = np.full(count, -1, dtype=np.int64)
    number[centers] = np.arange(len(centers))
    group = number[center]
    if not isinstance(keep, str):
        chosen = [_choose(snapshot, rows, keep) for rows in members(group, len(centers))]
        return group, np.array(chosen, dtype=np.int64)
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


def star_groups(count: int, left: Rows, right: Rows, score: Scores, rank: Rows) -> Rows:
    """Assign each node to a center that it is linked to.

    Nodes are visited in the order of `rank`. A node that is not linked to an earlier center becomes a
    center; every other node joins the most similar of the earlier centers that it is linked to. A chain
    a-b-c-d whose ends have nothing in common therefore does not become one group, as it would with
    connected components.

    All centers that do not depend on each other are found at once, in rounds (Luby, "A simple parallel
    algorithm for the maximal independent set problem", 1986). The result is the same as that of visiting
    the nodes one by one.

    Args:
        count: The number of nodes.
        left: (p,) int64, one node of each link.
        right: (p,) int64, the other node.
        score: (p,) float32, the similarity of the two.
        rank: (count,) int64, the position of each node in the order; all different.

    Returns:
        (count,) int64, the center of each node. A center, and a node without links, is its own center.

    Example:
        >>> left, right = np.array([0, 1, 2]), np.array([1, 2, 3])  # a chain
        >>> star_groups(4, left, right, np.full(3, 0.9, np.float32), np.arange(4)).tolist()
        [0, 0, 2, 2]
    """
    center = np.arange(count)
    forward = rank[left] < rank[right]
    before, after = np.where(forward, left, right), np.where(forward, right, left)
    open_links = np.arange(len(left))
    member = np.zeros(count, dtype=bool)
    settled = np.zeros(count, dtype=bool)  # certainly a center, or a member of one
    while len(open_links):
        waits = np.zeros(count, dtype=bool)
        waits[after[open_links]] = True
        first = before[open_links]
        leads = ~waits[first]
        settled[first[leads]] = True
        member[after[open_links][leads]] = True
        settled |= member
        open_links = open_links[~settled[first] & ~settled[after[open_links]]]
    used = np.flatnonzero(~member[before] & member[after])
    # The assignment below keeps the last value: the most similar center, and the first in order of ties.
    used = used[np.lexsort((-rank[before[used]], score[used]))]
    center[after[used]] = before[used]
    return center


def _ranking(snapshot: Snapshot, rule: Rule) -> Rows:
    """Return the position of each record in a rule's order of preference, (n,) int64; ties go by age."""
    count = len(snapshot)
    if rule == "longest":
        value = np.array([len(snapshot.document(row)) for row in range(count)], dtype=np.int64)
    elif rule == "most_metadata":
        metadatas = snapshot.metadatas if snapshot.metadatas is not None else [None] * count
        value = np.array([len(metadata or ()) for metadata in metadatas], dtype=np.int64)
    else:
        value = np.zeros(count, dtype=np.int64)
    rank = np.empty(count, dtype=np.int64)
    rank[np.argsort(-value, kind="stable")] = np.arange(count)
    return rank


def _choose(snapshot: Snapshot, rows: Sequence[int], keep: Callable[..., Any]) -> int:
    """Let a callable choose one of the rows.

    Raises:
        InvalidArgumentError: Its return value is not an index of the list that it was given.
    """
    answer = keep([_record(snapshot, row) for row in rows])
    if not is_integer(answer) or not 0 <= answer < len(rows):
        raise InvalidArgumentError(
            f"keep must return the index of the record to keep, an integer from 0 to {len(rows) - 1} "
            f"for this group of {len(rows)} records; got {short(answer)}."
        )
    return int(rows[int(answer)])


def _record(snapshot: Snapshot, row: int) -> dict[str, Any]:
    """Return what a callable sees of a record: id, document, metadata."""
    metadata = snapshot.metadatas[row] if snapshot.metadatas is not None else None
    return {
        "id": snapshot.ids[row],
        "document": snapshot.documents[row] if snapshot.documents is not None else None,
        "metadata": dict(metadata or {}),
    }
