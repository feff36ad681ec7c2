"""All pairs that may be duplicates, found once: every threshold is a cut through them."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chromalab.analytics.dedupe.edges import semantic_pairs
from chromalab.analytics.dedupe.minhash import jaccard, near_pairs
from chromalab.analytics.dedupe.texts import equal_texts, normalised
from chromalab.analytics.dedupe.thresholds import JACCARD_FLOOR
from chromalab.analytics.dedupe.units import Units, units_of
from chromalab.analytics.graph import NeighborGraph
from chromalab.analytics.graph.distinct_vectors import unit
from chromalab.snapshot import Snapshot

__all__ = ["Candidates", "candidates_of"]

Rows = NDArray[np.int64]
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
    graph: NeighborGraph | None,
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


def _zero(snapshot: Snapshot, graph: NeighborGraph) -> NDArray[np.bool_]:
    """Find the records with a zero vector: they share a node, and are near to nothing."""
    zero = np.zeros(len(graph), dtype=bool)
    shared = np.flatnonzero(graph.counts > 1)
    zero[shared] = ~snapshot.vectors[graph.representative[shared]].any(axis=1)
    return np.asarray(zero[graph.node], dtype=bool)


def _cosine(snapshot: Snapshot, left: Rows, right: Rows) -> Scores:
    """Return the cosine of pairs of records; 0 where a vector is zero."""
    found = np.zeros(len(left), dtype=np.float32)
    for start in range(0, len(left), _BLOCK):
        block = slice(start, start + _BLOCK)
        one, other = unit(snapshot.vectors[left[block]])[0], unit(snapshot.vectors[right[block]])[0]
        found[block] = np.einsum("ij,ij->i", one, other)
    return np.minimum(found, np.float32(1))
