"""Numbers of clusters: by size, and the same from one run to the next."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["by_size", "matched"]


def by_size(labels: NDArray[np.int32]) -> NDArray[np.int32]:
    """Number clusters by size, the largest 0; equal ones by their first record.

    Example:
        >>> by_size(np.array([7, 3, 3, -1], dtype=np.int32)).tolist()
        [1, 0, 0, -1]
    """
    found, first, inverse, sizes = np.unique(
        labels, return_index=True, return_inverse=True, return_counts=True
    )
    order = np.lexsort((first, -sizes))
    order = order[found[order] >= 0]
    number = np.full(len(found), -1, dtype=np.int32)
    number[order] = np.arange(len(order), dtype=np.int32)
    return number[inverse.ravel()]


def matched(
    labels: NDArray[np.int32],
    ids: Sequence[str],
    earlier: NDArray[np.int32],
    earlier_ids: Sequence[str],
) -> NDArray[np.int32]:
    """Give clusters the numbers of the earlier ones that they share most records with.

    Pairs are chosen so that as many records as possible keep their number (Kuhn 1955, the
    assignment problem). A cluster that shares no record with its pair gets a number that none had.

    Args:
        labels: (n,) int32, -1 for noise.
        ids: Of the n records.
        earlier: The earlier labels.
        earlier_ids: Of their records.

    Example:
        >>> matched(np.array([0, 0, 1], dtype=np.int32), "abc", np.array([4, 2]), "ac").tolist()
        [4, 4, 2]
    """
    from scipy.optimize import linear_sum_assignment
    from scipy.sparse import csr_matrix

    place = {id: row for row, id in enumerate(earlier_ids)}
    pairs = [(row, place[id]) for row, id in enumerate(ids) if id in place]
    rows, before = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    shared = (labels[rows] >= 0) & (earlier[before] >= 0)
    rows, before = rows[shared], before[shared]
    new, old = int(labels.max(initial=-1)) + 1, int(earlier.max(initial=-1)) + 1
    if new == 0:
        return labels
    table = csr_matrix(
        (np.ones(len(rows), dtype=np.int64), (labels[rows], earlier[before])),
        shape=(new, max(old, 1)),
    ).toarray()
    one, other = linear_sum_assignment(table, maximize=True)
    number = np.full(new, -1, dtype=np.int32)
    meets = table[one, other] > 0
    number[one[meets]] = other[meets]
    free = number < 0
    number[free] = old + np.arange(free.sum(), dtype=np.int32)
    return np.where(labels >= 0, number[labels], np.int32(-1)).astype(np.int32)
