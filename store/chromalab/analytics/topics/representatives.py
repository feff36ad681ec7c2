"""The documents that stand for a topic."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

__all__ = ["representatives"]

_LOOKED_AT = 32  # members of a topic; a centre of so many is as good as that of all
_PER_DOCUMENT = 4  # members looked at for each document wanted: some say the same
_AT_ONCE = 256  # topics
_SAME = 0.98  # cosine from which on two are the same for a reader


def representatives(
    vectors: NDArray[np.float32],
    topic: NDArray[np.int32],
    n_topics: int,
    probabilities: NDArray[np.float32],
    text: Callable[[int], str],
    *,
    n_documents: int = 3,
) -> list[list[int]]:
    """Choose the documents nearest to the centre of each topic, no two that say the same.

    Looked at is the half of the members that belong to it most surely, at most 32 of them, spread
    evenly over their order.

    Args:
        vectors: (n, dimension) float32.
        topic: (n,) int32, the topic of each record from 0; -1 for none.
        n_topics: How many topics there are.
        probabilities: (n,) float32, how surely each belongs to its topic.
        text: Gives the document of a record.
        n_documents: How many to choose for each topic.

    Returns:
        For each topic the rows of the records, the nearest first.
    """
    small = np.min_scalar_type(n_topics + 1)
    order = np.argsort((topic + 1).astype(small), kind="stable")
    ends = np.cumsum(np.bincount(topic + 1, minlength=n_topics + 1)).tolist()
    members = [_surest(order[start:end], probabilities) for start, end in itertools.pairwise(ends)]
    chosen: list[list[int]] = []
    for at in range(0, n_topics, _AT_ONCE):
        some = members[at : at + _AT_ONCE]
        nearest, alike = _nearest(vectors, some, _PER_DOCUMENT * n_documents)
        for rows, same in zip(nearest.tolist(), alike, strict=True):
            chosen.append(_unlike(rows, same, text, n_documents))
    return chosen


def _surest(members: NDArray[np.int64], probabilities: NDArray[np.float32]) -> NDArray[np.int64]:
    """Take at most 32 of the surer half, spread evenly."""
    if len(members) > 1:
        sure, half = probabilities[members], len(members) // 2
        members = members[sure >= np.partition(sure, half)[half]]
    if len(members) > _LOOKED_AT:
        members = members[np.arange(_LOOKED_AT) * len(members) // _LOOKED_AT]
    return members


def _nearest(
    vectors: NDArray[np.float32], members: list[NDArray[np.int64]], most: int
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Sort members by their nearness to the centre of their topic, all topics together.

    Returns:
        (topics, most) int64 rows, -1 where there are no more; (topics, most, most) bool, which of
        them have nearly the same direction.
    """
    widest = max(map(len, members))
    rows = np.full((len(members), widest), -1, dtype=np.int64)
    for number, own in enumerate(members):
        rows[number, : len(own)] = own
    there = rows >= 0
    unit = np.zeros((*rows.shape, vectors.shape[1]), dtype=np.float32)
    unit[there] = vectors[rows[there]]
    squared = np.einsum("tmd,tmd->tm", unit, unit)
    unit /= np.sqrt(np.maximum(squared, np.finfo(np.float32).tiny))[:, :, None]
    near = np.matmul(unit, unit.sum(axis=1)[:, :, None])[:, :, 0]
    order = np.argsort(np.where(there, -near, np.inf), axis=1, kind="stable")[:, :most]
    unit = np.take_along_axis(unit, order[:, :, None], axis=1)
    alike = np.matmul(unit, unit.transpose(0, 2, 1)) >= _SAME
    return np.take_along_axis(rows, order, axis=1), alike


def _unlike(
    rows: list[int], alike: NDArray[np.bool_], text: Callable[[int], str], n_documents: int
) -> list[int]:
    """Take the first rows whose documents neither are empty nor say what an earlier one says."""
    kept: list[int] = []
    seen: set[str] = {""}
    for place, row in enumerate(rows):
        if len(kept) == n_documents or row < 0:
            break
        words = " ".join(text(row).casefold().split())
        if words not in seen and not any(alike[place, other] for other in kept):
            kept.append(place)
            seen.add(words)
    return [rows[place] for place in kept]
