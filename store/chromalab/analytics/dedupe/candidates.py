"""Records taken together before pairs are looked for: those with equal texts, or equal vectors."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chromalab.analytics.dedupe.minhash import jaccard, near_pairs
from chromalab.analytics.dedupe.texts import equal_texts, normalised
from chromalab.analytics.dedupe.thresholds import JACCARD_FLOOR
from chromalab.analytics.graph import Graph
from chromalab.analytics.graph.copies import unit
from chromalab.snapshot import Snapshot

__all__ = ["Candidates", "Units", "candidates_of", "semantic_pairs", "units_of"]

Rows = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Units:
    """Records that are surely the same, as one; so that s copies are s - 1 pairs, not s squared.

    Attributes:
        unit: (n,) int64, the unit of each record.
        first: (u,) int64, the first record of each unit.
    """

    unit: Rows
    first: Rows

    def __len__(self) -> int:
        return len(self.first)

    def copies(self) -> tuple[Rows, Rows]:
        """Return the first record of a unit and another of it, (c,) int64 each: all the others."""
        others = np.flatnonzero(self.first[self.unit] != np.arange(len(self.unit)))
        return self.first[self.unit[others]], others


def units_of(equal: Rows, node: Rows, *, zero: NDArray[np.bool_]) -> Units:
    """Take records together.

    Args:
        equal: (n,) int64, the same number for equal texts, -1 for a record without text.
        node: (n,) int64, the same number for equal vectors; -1 where vectors are not compared.
        zero: (n,) bool, whether a vector is zero: it says nothing about its record.

    Returns:
        Units: of equal texts; of equal vectors for records without text; of one record otherwise.

    Example:
        >>> equal, node = np.array([0, 0, -1, -1]), np.array([0, 1, 2, 2])
        >>> units_of(equal, node, zero=np.zeros(4, bool)).unit.tolist()
        [0, 0, 1, 1]
    """
    count = len(equal)
    alone = 2 * count + np.arange(count)
    key = np.where(zero | (node < 0), alone, count + node)
    key = np.where(equal >= 0, equal, key)
    _, first, unit = np.unique(key, return_index=True, return_inverse=True)
    order = np.argsort(first)  # units in the order of their first records
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    return Units(place[unit], first[order])


_SPREAD = 8  # texts of one vector that are each paired with the texts of near vectors


def semantic_pairs(
    graph: Graph, units: Units, floor: float, zero: NDArray[np.bool_]
) -> tuple[Rows, Rows, NDArray[np.float32]]:
    """Find the pairs of units whose vectors have a cosine of at least `floor`.

    A vector may stand for several texts ("tea or coffee" and "coffee or tea" for a model that takes
    the mean over words). Each text is paired with the first of its vector, and with those of near
    vectors; of a vector with more than 8 texts only the first is paired with those of near ones, as
    the pairs would be without end, and the others hang on it.

    Args:
        graph: The neighbour graph of the records.
        units: The records taken together.
        floor: The least cosine.
        zero: (n,) bool, whether a record's vector is zero.

    Returns:
        The units of each pair, (p,) int64, left < right, and its cosine, (p,) float32.
    """
    near = np.flatnonzero((graph.distances <= 1 - floor).ravel())
    one = near // max(graph.k, 1)
    other = graph.neighbors.ravel()[near].astype(np.int64)
    cosine = 1 - graph.distances.ravel()[near]
    kept = other >= 0
    one, other, cosine = one[kept], other[kept], cosine[kept]

    # Which units stand at each node: node after node, the units of each in order.
    places = np.sort(graph.node.astype(np.int64) * len(units) + units.unit)
    places = places[np.diff(places, prepend=-1) != 0]
    node, unit = places // max(len(units), 1), places % max(len(units), 1)
    sizes = np.bincount(node, minlength=len(graph))
    starts = np.cumsum(sizes) - sizes

    many = sizes[one] * sizes[other] > _SPREAD
    wide = np.where(many, 1, sizes[other])
    times = np.where(many, 1, sizes[one]) * wide
    edge = np.repeat(np.arange(len(one)), times)
    turn = np.arange(len(edge)) - np.repeat(np.cumsum(times) - times, times)
    left = unit[starts[one[edge]] + turn // wide[edge]]
    right = unit[starts[other[edge]] + turn % wide[edge]]
    cosine = cosine[edge]

    sure = ~zero[graph.first] if len(graph) else np.zeros(0, dtype=bool)
    same = np.flatnonzero((starts[node] != np.arange(len(node))) & sure[node])
    left = np.concatenate([left, unit[starts[node[same]]]])
    right = np.concatenate([right, unit[same]])
    cosine = np.concatenate([cosine, np.ones(len(same), dtype=np.float32)])
    return _strongest(left, right, cosine.astype(np.float32), len(units))


def _strongest(
    left: Rows, right: Rows, cosine: NDArray[np.float32], count: int
) -> tuple[Rows, Rows, NDArray[np.float32]]:
    """Keep each pair once, with its highest cosine; both directions are one pair."""
    pairs = np.minimum(left, right) * count + np.maximum(left, right)
    kept = np.flatnonzero(left != right)
    kept = kept[np.lexsort((-cosine[kept], pairs[kept]))]
    pairs = pairs[kept]
    kept = kept[np.diff(pairs, prepend=-1) != 0]
    return np.minimum(left, right)[kept], np.maximum(left, right)[kept], cosine[kept]


Scores = NDArray[np.float32]

_BLOCK = 65_536  # pairs whose vectors are multiplied at a time


@dataclass(frozen=True, eq=False)
class Candidates:
    """Pairs of records, left < right, sorted; each pair once.

    Copies (records with equal texts, or with equal vectors and no text) are paired with the first
    of them only, and only the first is paired with others.

    Attributes:
        first: (n,) int64, the first copy of each record; itself where there is none before it.
        left: (p,) int64.
        right: (p,) int64.
        equal: (p,) bool, whether the texts are equal.
        cosine: (p,) float32, NaN where vectors are not compared.
        jaccard: (p,) float32, NaN where texts are not compared.
    """

    first: Rows
    left: Rows
    right: Rows
    equal: NDArray[np.bool_]
    cosine: Scores
    jaccard: Scores


def candidates_of(
    snapshot: Snapshot,
    graph: Graph | None,
    methods: Collection[str],
    *,
    floor: float,
    random_state: int = 0,
    tell: Callable[[int, int], None] | None = None,
) -> Candidates:
    """Find the pairs.

    Args:
        snapshot: The records.
        graph: Their neighbour graph; None where vectors are not compared.
        methods: Of "exact", "near" and "semantic".
        floor: The least cosine.
        random_state: The seed of MinHash.
        tell: Is told how many texts are done, and of how many.
    """
    count = len(snapshot)
    by_text = bool({"exact", "near"} & set(methods))
    texts: list[str] = []
    equal = np.full(count, -1)
    if by_text:
        texts = [normalised(snapshot.document(row)) for row in range(count)]
        equal = equal_texts(texts)
    zero = np.zeros(count, dtype=bool) if graph is None else _zero(snapshot, graph)
    node = np.full(count, -1) if graph is None else graph.node.astype(np.int64)
    units = units_of(equal, node, zero=zero)
    own = [texts[row] for row in units.first] if by_text else []

    none = np.empty(0, dtype=np.int64)
    left, right, cosine = none, none, none.astype(np.float32)
    if graph is not None:
        left, right, cosine = semantic_pairs(graph, units, floor, zero)
    if "near" in methods:
        left, right, cosine = _with_near(units, own, left, right, cosine, random_state, tell)
    alike = np.full(len(left), np.nan, dtype=np.float32)
    if by_text:
        worded = equal[units.first] >= 0
        both = np.flatnonzero(worded[left] & worded[right])
        alike[both] = jaccard(own, left[both], right[both])
    kept = (cosine >= floor) | (alike >= JACCARD_FLOOR)
    if graph is not None:
        rest = np.flatnonzero(np.isnan(cosine) & kept)
        cosine[rest] = _cosine(snapshot, units.first[left[rest]], units.first[right[rest]])

    copied, copy = units.copies()
    same = equal[copy] >= 0
    sure = np.ones(len(copy), dtype=np.float32)
    of_copies = np.full(len(copy), np.nan, dtype=np.float32)
    if graph is not None:
        one = (node[copied] == node[copy]) & ~zero[copy]
        of_copies[one] = 1
        of_copies[~one] = _cosine(snapshot, copied[~one], copy[~one])
    left = np.concatenate([units.first[left[kept]], copied])
    right = np.concatenate([units.first[right[kept]], copy])
    order = np.lexsort((right, left))
    return Candidates(
        units.first[units.unit],
        left[order],
        right[order],
        np.concatenate([np.zeros(int(kept.sum()), dtype=bool), same])[order],
        np.concatenate([cosine[kept], of_copies])[order],
        np.concatenate([alike[kept], np.where(same, sure, np.float32(np.nan))])[order],
    )


def _with_near(
    units: Units,
    texts: list[str],
    left: Rows,
    right: Rows,
    cosine: Scores,
    random_state: int,
    tell: Callable[[int, int], None] | None,
) -> tuple[Rows, Rows, Scores]:
    """Add the pairs with near texts; their cosine is NaN where the graph has no such edge."""
    written = np.flatnonzero([bool(text) for text in texts])
    one, other = near_pairs([texts[unit] for unit in written], random_state=random_state, tell=tell)
    known = left * len(units) + right
    more = np.setdiff1d(written[one] * len(units) + written[other], known, assume_unique=True)
    size = max(len(units), 1)
    left, right = np.concatenate([left, more // size]), np.concatenate([right, more % size])
    return left, right, np.concatenate([cosine, np.full(len(more), np.nan, dtype=np.float32)])


def _zero(snapshot: Snapshot, graph: Graph) -> NDArray[np.bool_]:
    """Find the records with a zero vector: they share a node, and are near to nothing."""
    zero = np.zeros(len(graph), dtype=bool)
    shared = np.flatnonzero(graph.copies > 1)
    zero[shared] = ~snapshot.vectors[graph.first[shared]].any(axis=1)
    return np.asarray(zero[graph.node], dtype=bool)


def _cosine(snapshot: Snapshot, left: Rows, right: Rows) -> Scores:
    """Return the cosine of pairs of records; 0 where a vector is zero."""
    found = np.zeros(len(left), dtype=np.float32)
    for start in range(0, len(left), _BLOCK):
        block = slice(start, start + _BLOCK)
        one, other = unit(snapshot.vectors[left[block]])[0], unit(snapshot.vectors[right[block]])[0]
        found[block] = np.einsum("ij,ij->i", one, other)
    return np.minimum(found, np.float32(1))
