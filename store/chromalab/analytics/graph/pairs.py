"""The pairs of near vectors among those that look into each other's cells."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chromalab.analytics.graph.cells import Cells
from chromalab.analytics.graph.exact import largest
from chromalab.analytics.graph.lists import best
from chromalab.analytics.graph.threads import each

__all__ = ["FIRST", "near_pairs"]

FIRST = 4  # cells that give the first bound on a vector's k-th similarity
_ROUNDING = np.float32(1e-6)  # the same product differs by less from block to block
_TASKS = 128  # into which the cells are split
_BATCH = 8  # tasks between two looks at how much was found
_MANY = 4  # times k pairs a vector: there are more only where very many are equally near

_Triplets = tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float32]]


def near_pairs(
    cells: Cells, k: int, tell: Callable[[int, int], Any] | None = None
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Find the k most similar of each place, of the pairs of which one looks into the other's cell.

    Returns:
        (n, k) int32 places, most similar first, and (n, k) float32 cosines; -1 and -inf where there
        are no more.
    """
    n = len(cells.order)
    ranks = cells.near.shape[1]
    asking, begins = cells.probing(ranks)
    floor = _bounds(cells, k)
    runs = _runs(cells, begins)
    found: list[_Triplets] = []
    count = 0
    for start in range(0, len(runs), _BATCH):
        fixed = floor  # for all tasks of a batch: the outcome may not depend on which is first

        def one(run: range, fixed: NDArray[np.float32] = fixed) -> _Triplets:
            return _in_run(cells, run, asking, begins, fixed, k)

        for answer in each(one, runs[start : start + _BATCH]):
            found.append(answer)
            count += len(answer[0])
            if count > _MANY * k * n:
                lists, similarity = best(*_joined(found), n, k)
                owner, rank = np.nonzero(lists >= 0)
                found = [(owner.astype(np.int32), lists[owner, rank], similarity[owner, rank])]
                count = len(owner)
                # What is only as near as the last of a full list is of no more use.
                floor = np.maximum(floor, np.nextafter(similarity[:, -1], np.float32(np.inf)))
        if tell is not None:
            tell(min(start + _BATCH, len(runs)), len(runs))
    joined = _joined(found)
    found.clear()
    return best(*joined, n, k)


def _runs(cells: Cells, begins: NDArray[np.int64]) -> list[range]:
    """Split the cells into runs of about as many pairs each."""
    pairs = np.cumsum(np.diff(begins) * np.diff(cells.start))
    ends = np.searchsorted(pairs, np.linspace(0, pairs[-1], _TASKS + 1)[1:])
    edges = np.unique(np.concatenate([[0], ends, [len(pairs)]]))
    return [range(a, b) for a, b in pairwise(edges.tolist())]


def _bounds(cells: Cells, k: int) -> NDArray[np.float32]:
    """Find for each place the k-th largest similarity in its nearest cells."""
    n = len(cells.order)
    asking, begins = cells.probing(FIRST)
    seen = np.full((n, FIRST, k), -np.inf, dtype=np.float32)

    def one(run: range) -> None:
        for cell in run:
            first, end = cells.start[cell : cell + 2]
            place, rank = np.divmod(asking[begins[cell] : begins[cell + 1]], FIRST)
            width = min(k, end - first)
            if not width or not len(place):
                continue
            similarity = cells.vectors[place] @ cells.vectors[first:end].T
            own = np.flatnonzero((place >= first) & (place < end))
            similarity[own, place[own] - first] = -np.inf
            similarity.partition(end - first - width, axis=1)
            seen[place, rank, :width] = similarity[:, end - first - width :]

    for _ in each(one, _runs(cells, begins)):
        pass
    flat = seen.reshape(n, -1)
    flat.partition((FIRST - 1) * k, axis=1)
    return flat[:, (FIRST - 1) * k] - _ROUNDING


def _in_run(
    cells: Cells,
    run: range,
    asking: NDArray[np.int64],
    begins: NDArray[np.int64],
    floor: NDArray[np.float32],
    k: int,
) -> _Triplets:
    """Find what is near in some cells: for whom, who, similarity."""
    found: list[_Triplets] = []
    for cell in run:
        first, end = cells.start[cell : cell + 2]
        place = asking[begins[cell] : begins[cell + 1]] // cells.near.shape[1]
        if first == end or not len(place):
            continue
        similarity = cells.vectors[place] @ cells.vectors[first:end].T
        own = np.flatnonzero((place >= first) & (place < end))
        similarity[own, place[own] - first] = -np.inf
        row, column = _above(similarity, floor[place], k)
        found.append(_triplets(place[row], column + first, similarity[row, column]))
        # The other way round, for those in the cell that do not look into the cell of who asks.
        looks = np.zeros((end - first, len(cells.start) - 1), dtype=np.bool_)
        np.put_along_axis(looks, cells.near[first:end], True, axis=1)
        row, column = _above(similarity, floor[first:end], k, of_columns=True)
        new = ~looks[column, cells.near[place[row], 0]]
        row, column = row[new], column[new]
        found.append(_triplets(column + first, place[row], similarity[row, column]))
    return _joined(found)


def _above(
    similarity: NDArray[np.float32],
    floor: NDArray[np.float32],
    k: int,
    *,
    of_columns: bool = False,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Find where similarities reach the floor of their row, or column: about k of each at most."""
    flat = np.flatnonzero(similarity >= (floor[None, :] if of_columns else floor[:, None]))
    if len(flat) > 2 * k * len(floor):  # very many are equally near, or there is no floor yet
        values = np.ascontiguousarray(similarity.T) if of_columns else similarity
        kept = min(k, values.shape[1])
        columns, near = largest(values, kept)
        row, rank = np.nonzero((near >= floor[:, None]) & (near > -np.inf))
        column = columns[row, rank].astype(np.int64)
        return (column, row) if of_columns else (row, column)
    row, column = np.divmod(flat, similarity.shape[1])
    other = similarity[row, column] > -np.inf
    return row[other], column[other]


def _triplets(
    for_whom: NDArray[np.int64], who: NDArray[np.int64], similarity: NDArray[np.float32]
) -> _Triplets:
    return for_whom.astype(np.int32), who.astype(np.int32), similarity


def _joined(found: list[_Triplets]) -> _Triplets:
    if not found:
        return _triplets(*(np.empty(0, dtype=np.int64),) * 2, np.empty(0, dtype=np.float32))
    for_whom, who, similarity = (np.concatenate(column) for column in zip(*found, strict=True))
    return for_whom, who, similarity
