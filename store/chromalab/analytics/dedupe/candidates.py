"""Candidate pairs: all pairs that may be duplicates, found once; a threshold only selects among them."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chromalab.analytics.dedupe.minhash import jaccard, near_pairs
from chromalab.analytics.dedupe.texts import equal_texts, normalized
from chromalab.analytics.dedupe.thresholds import JACCARD_FLOOR
from chromalab.analytics.dedupe.wording import SAME, compare
from chromalab.analytics.graph import NeighborGraph
from chromalab.analytics.graph.distinct_vectors import unit
from chromalab.snapshot import Snapshot

__all__ = ["Candidates", "DistinctRecords", "distinct_records", "find_candidates", "semantic_pairs"]

Rows = NDArray[np.int64]
Scores = NDArray[np.float32]

_BLOCK = 65_536  # pairs whose vectors are multiplied at a time
_MAX_TEXT_PAIRS = 8  # per edge; see `semantic_pairs`


@dataclass(frozen=True, eq=False)
class DistinctRecords:
    """Records that are certainly equal, taken as one: s equal records make s - 1 pairs, not s squared.

    Attributes:
        distinct: (n,) int64, the number of the distinct record that each record is.
        representative: (u,) int64, the first record of each distinct record.
    """

    distinct: Rows
    representative: Rows

    def __len__(self) -> int:
        return len(self.representative)

    def repeats(self) -> tuple[Rows, Rows]:
        """Return each record that is not a representative, with its representative before it.

        Returns:
            Two (c,) int64: the representatives, and the records that repeat them.
        """
        first = self.representative[self.distinct]
        others = np.flatnonzero(first != np.arange(len(self.distinct)))
        return first[others], others


def distinct_records(equal: Rows, node: Rows, *, zero: NDArray[np.bool_]) -> DistinctRecords:
    """Group records that are certainly equal.

    Records with equal texts are equal, and so are records without text whose vectors are equal. Every
    other record is distinct.

    Args:
        equal: (n,) int64, the same number for equal texts; -1 for a record without text.
        node: (n,) int64, the same number for equal vectors; -1 if vectors are not compared.
        zero: (n,) bool, whether the vector is zero, in which case it says nothing about its record.

    Example:
        >>> equal, node = np.array([0, 0, -1, -1]), np.array([0, 1, 2, 2])
        >>> distinct_records(equal, node, zero=np.zeros(4, bool)).distinct.tolist()
        [0, 0, 1, 1]
    """
    count = len(equal)
    alone = 2 * count + np.arange(count)
    key = np.where(zero | (node < 0), alone, count + node)
    key = np.where(equal >= 0, equal, key)
    _, first, distinct = np.unique(key, return_index=True, return_inverse=True)
    order = np.argsort(first)  # number them in the order of their first records
    number = np.empty_like(order)
    number[order] = np.arange(len(order))
    return DistinctRecords(number[distinct], first[order])


def semantic_pairs(
    graph: NeighborGraph, records: DistinctRecords, floor: float, zero: NDArray[np.bool_]
) -> tuple[Rows, Rows, Scores]:
    """Find the pairs of distinct records whose vectors have a cosine of at least `floor`.

    One vector may belong to more than one text: a model that averages over words gives the same vector
    to "tea or coffee" and "coffee or tea". Each text is paired with the first text of its vector, and
    with the texts of near vectors. If an edge of the graph would make more than 8 pairs of texts, only
    the first texts of its two vectors are paired, since the number of pairs would explode; the other
    texts are linked through the first one.

    Args:
        graph: The neighbor graph of the records.
        records: The distinct records.
        floor: The lowest cosine.
        zero: (n,) bool, whether a record's vector is zero.

    Returns:
        The distinct records of each pair, two (p,) int64 with left < right, and its cosine, (p,)
        float32.
    """
    near = np.flatnonzero((graph.distances <= 1 - floor).ravel())
    one = near // max(graph.k, 1)
    other = graph.neighbors.ravel()[near].astype(np.int64)
    cosine = 1 - graph.distances.ravel()[near]
    real = other >= 0
    one, other, cosine = one[real], other[real], cosine[real]

    # The distinct records at each node of the graph: node after node, in order within a node.
    members = np.sort(graph.node.astype(np.int64) * len(records) + records.distinct)
    members = members[np.diff(members, prepend=-1) != 0]
    node, record = members // max(len(records), 1), members % max(len(records), 1)
    sizes = np.bincount(node, minlength=len(graph))
    starts = np.cumsum(sizes) - sizes

    many = sizes[one] * sizes[other] > _MAX_TEXT_PAIRS
    wide = np.where(many, 1, sizes[other])
    times = np.where(many, 1, sizes[one]) * wide
    edge = np.repeat(np.arange(len(one)), times)
    turn = np.arange(len(edge)) - np.repeat(np.cumsum(times) - times, times)
    left = record[starts[one[edge]] + turn // wide[edge]]
    right = record[starts[other[edge]] + turn % wide[edge]]
    cosine = cosine[edge]

    has_direction = ~zero[graph.representative] if len(graph) else np.zeros(0, dtype=bool)
    same = np.flatnonzero((starts[node] != np.arange(len(node))) & has_direction[node])
    left = np.concatenate([left, record[starts[node[same]]]])
    right = np.concatenate([right, record[same]])
    cosine = np.concatenate([cosine, np.ones(len(same), dtype=np.float32)])
    return _strongest(left, right, cosine.astype(np.float32), len(records))


def _strongest(left: Rows, right: Rows, cosine: Scores, count: int) -> tuple[Rows, Rows, Scores]:
    """Return each undirected pair once, with its highest cosine."""
    pairs = np.minimum(left, right) * count + np.maximum(left, right)
    chosen = np.flatnonzero(left != right)
    chosen = chosen[np.lexsort((-cosine[chosen], pairs[chosen]))]
    pairs = pairs[chosen]
    chosen = chosen[np.diff(pairs, prepend=-1) != 0]
    return np.minimum(left, right)[chosen], np.maximum(left, right)[chosen], cosine[chosen]


@dataclass(frozen=True, eq=False)
class Candidates:
    """Candidate pairs of records, sorted, with left < right and each pair once.

    Records with equal texts, or with equal vectors and no text, are paired only with the first of
    them, and only the first is paired with other records.

    Attributes:
        first_occurrence: (n,) int64, the first record that equals each record; the record itself if
            none before it does.
        left: (p,) int64.
        right: (p,) int64.
        equal: (p,) bool, whether the texts are equal.
        cosine: (p,) float32, NaN where vectors are not compared.
        jaccard: (p,) float32, NaN where texts are not compared.
        wording: (p,) uint8, what differs between the texts; see `wording.compare`.
    """

    first_occurrence: Rows
    left: Rows
    right: Rows
    equal: NDArray[np.bool_]
    cosine: Scores
    jaccard: Scores
    wording: NDArray[np.uint8]


def find_candidates(
    snapshot: Snapshot,
    graph: NeighborGraph | None,
    methods: Collection[str],
    *,
    floor: float,
    random_state: int = 0,
    on_progress: Callable[[int, int], None] | None = None,
) -> Candidates:
    """Find the candidate pairs of a snapshot.

    Args:
        snapshot: The records.
        graph: Their neighbor graph; None if vectors are not compared.
        methods: Some of "exact", "near" and "semantic".
        floor: The lowest cosine.
        random_state: The seed of MinHash.
        on_progress: Called with the number of texts done and the total.
    """
    count = len(snapshot)
    by_text = bool({"exact", "near"} & set(methods))
    texts: list[str] = []
    equal = np.full(count, -1)
    if by_text:
        texts = [normalized(snapshot.document(row)) for row in range(count)]
        equal = equal_texts(texts)
    zero = np.zeros(count, dtype=bool) if graph is None else _zero(snapshot, graph)
    node = np.full(count, -1) if graph is None else graph.node.astype(np.int64)
    records = distinct_records(equal, node, zero=zero)
    first = records.representative
    own = [texts[row] for row in first] if by_text else []

    none = np.empty(0, dtype=np.int64)
    left, right, cosine = none, none, none.astype(np.float32)
    if graph is not None:
        left, right, cosine = semantic_pairs(graph, records, floor, zero)
    if "near" in methods:
        left, right, cosine = _with_near(own, left, right, cosine, random_state, on_progress)
    similarity = np.full(len(left), np.nan, dtype=np.float32)
    if by_text:
        has_text = equal[first] >= 0
        both = np.flatnonzero(has_text[left] & has_text[right])
        similarity[both] = jaccard(own, left[both], right[both])
    chosen = (cosine >= floor) | (similarity >= JACCARD_FLOOR)
    if graph is not None:
        rest = np.flatnonzero(np.isnan(cosine) & chosen)
        cosine[rest] = _cosine(snapshot, first[left[rest]], first[right[rest]])

    left, right = left[chosen], right[chosen]
    cosine, similarity = cosine[chosen], similarity[chosen]
    wording = np.full(len(left), SAME, dtype=np.uint8)
    both = np.flatnonzero(~np.isnan(similarity))
    wording[both] = compare(own, left[both], right[both], cosine[both], similarity[both])

    repeated, repeat = records.repeats()
    same_text = equal[repeat] >= 0
    of_repeats = np.full(len(repeat), np.nan, dtype=np.float32)
    if graph is not None:
        same_vector = (node[repeated] == node[repeat]) & ~zero[repeat]
        of_repeats[same_vector] = 1
        of_repeats[~same_vector] = _cosine(snapshot, repeated[~same_vector], repeat[~same_vector])
    left = np.concatenate([first[left], repeated])
    right = np.concatenate([first[right], repeat])
    order = np.lexsort((right, left))
    jaccard_of_repeats = np.where(same_text, np.float32(1), np.float32(np.nan))
    return Candidates(
        first[records.distinct],
        left[order],
        right[order],
        np.concatenate([np.zeros(len(wording), dtype=bool), same_text])[order],
        np.concatenate([cosine, of_repeats])[order],
        np.concatenate([similarity, jaccard_of_repeats])[order],
        np.concatenate([wording, np.full(len(repeat), SAME, dtype=np.uint8)])[order],
    )


def _with_near(
    texts: list[str],
    left: Rows,
    right: Rows,
    cosine: Scores,
    random_state: int,
    on_progress: Callable[[int, int], None] | None,
) -> tuple[Rows, Rows, Scores]:
    """Add the pairs with near texts; their cosine is NaN if the graph has no such edge."""
    has_text = np.flatnonzero([bool(text) for text in texts])
    one, other = near_pairs(
        [texts[record] for record in has_text], random_state=random_state, on_progress=on_progress
    )
    size = max(len(texts), 1)
    known = left * size + right
    more = np.setdiff1d(has_text[one] * size + has_text[other], known, assume_unique=True)
    left, right = np.concatenate([left, more // size]), np.concatenate([right, more % size])
    return left, right, np.concatenate([cosine, np.full(len(more), np.nan, dtype=np.float32)])


def _zero(snapshot: Snapshot, graph: NeighborGraph) -> NDArray[np.bool_]:
    """Find the records whose vector is zero. They share one node, which has no neighbors."""
    zero = np.zeros(len(graph), dtype=bool)
    shared = np.flatnonzero(graph.counts > 1)
    zero[shared] = ~snapshot.vectors[graph.representative[shared]].any(axis=1)
    return np.asarray(zero[graph.node], dtype=bool)


def _cosine(snapshot: Snapshot, left: Rows, right: Rows) -> Scores:
    """Return the cosine of pairs of records; 0 where a vector is zero."""
    cosine = np.zeros(len(left), dtype=np.float32)
    for start in range(0, len(left), _BLOCK):
        block = slice(start, start + _BLOCK)
        one, other = unit(snapshot.vectors[left[block]])[0], unit(snapshot.vectors[right[block]])[0]
        cosine[block] = np.einsum("ij,ij->i", one, other)
    return np.minimum(cosine, np.float32(1))
