"""Lists of neighbours made of pairs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["best", "in_order"]


def best(
    for_whom: NDArray[np.int32],
    who: NDArray[np.int32],
    similarity: NDArray[np.float32],
    n: int,
    k: int,
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Make lists of the k most similar of each out of pairs, none of which comes twice.

    Returns:
        (n, k) int32 and (n, k) float32, most similar first; -1 and -inf where there are no more.

    Example:
        >>> whom, who = np.array([0, 0], dtype=np.int32), np.array([1, 2], dtype=np.int32)
        >>> best(whom, who, np.array([0.5, 0.75], dtype=np.float32), 1, 1)
        (array([[2]], dtype=int32), array([[0.75]], dtype=float32))
    """
    # One sort of whole numbers: the owner above, the similarity below. A float's bits, read as a
    # whole number, are in its order; those of a negative one in the opposite order.
    bits = similarity.view(np.int32)
    key = for_whom.astype(np.int64)
    key <<= 32
    key |= np.where(bits >= 0, 0x7FFFFFFF - bits, bits).view(np.uint32)
    order = np.argsort(key)
    del key  # these are the largest arrays of all: 60 MB each for 100,000 vectors
    owner = for_whom[order]
    counts = np.bincount(for_whom, minlength=n)
    place = np.arange(len(order), dtype=np.int32)
    place -= (np.cumsum(counts) - counts).astype(np.int32)[owner]
    kept = place < k
    owner, place, order = owner[kept], place[kept], order[kept]
    lists = np.full((n, k), -1, dtype=np.int32)
    values = np.full((n, k), -np.inf, dtype=np.float32)
    lists[owner, place] = who[order]
    values[owner, place] = similarity[order]
    return lists, values


def in_order(neighbors: NDArray[np.int32], distances: NDArray[np.float32]) -> None:
    """Put neighbours of equal distance in the order of their numbers, in place."""
    tied = np.flatnonzero((distances[:, 1:] == distances[:, :-1]).any(axis=1))
    order = np.lexsort((neighbors[tied], distances[tied]), axis=1)
    neighbors[tied] = np.take_along_axis(neighbors[tied], order, 1)
