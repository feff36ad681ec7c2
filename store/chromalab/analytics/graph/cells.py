"""Cells: vectors grouped by their nearest center, and the pairs of near vectors within them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chromalab.analytics.graph.exact import largest
from chromalab.analytics.graph.graph import lists_of_pairs
from chromalab.cores import each

__all__ = ["FIRST_PROBES", "Cells", "centers_of", "pairs_in_cells"]

FIRST_PROBES = 4
"""The number of cells that give the first bound on the k-th similarity of a vector."""

_STEPS = 3  # steps of Lloyd's algorithm: more do not raise the recall
_SAMPLE = 16  # vectors per center that these steps use
_BLOCK = 1024  # rows
_ROUNDING = np.float32(1e-6)  # the same product differs by less than this between blocks
_TASKS = 128  # tasks that the cells are split into
_BATCH = 8  # tasks after which the pairs are counted, and trimmed if there are too many
_MAX_PAIRS = 4  # times k per vector; only exceeded if many vectors are equally near

_Pairs = tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float32]]
"""Owners, neighbors and similarities."""


@dataclass(frozen=True, eq=False)
class Cells:
    """Vectors sorted by cell. A position is the index of a vector in this order.

    Attributes:
        order: (n,) int64, the row at each position.
        near: (n, probes) int32, the nearest cells of the vector at each position, its own first.
        start: (cells + 1,) int64; the positions of cell c are start[c] to start[c + 1].
        vectors: (n, dimension) float32, by position.
    """

    order: NDArray[np.int64]
    near: NDArray[np.int32]
    start: NDArray[np.int64]
    vectors: NDArray[np.float32]

    @classmethod
    def of(cls, vectors: NDArray[np.float32], centers: NDArray[np.float32], probes: int) -> Cells:
        """Sort vectors by their nearest center, and find the `probes` nearest centers of each."""
        near = np.empty((len(vectors), probes), dtype=np.int32)

        def assign(at: int) -> None:
            near[at : at + _BLOCK] = largest(vectors[at : at + _BLOCK] @ centers.T, probes)[0]

        for _ in each(assign, range(0, len(vectors), _BLOCK)):
            pass
        order = np.argsort(near[:, 0], kind="stable")
        sizes = np.bincount(near[:, 0], minlength=len(centers))
        start = np.concatenate([[0], np.cumsum(sizes)])
        return cls(order, near[order], start, vectors[order])

    def queries(self, probes: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return which positions probe each cell if each position probes its nearest cells.

        Args:
            probes: Number of cells that each position probes.

        Returns:
            (n * probes,) int64, position * probes + rank of the cell, sorted by cell; and (cells + 1,)
            int64, where the entries of each cell begin.
        """
        cells = self.near[:, :probes].astype(np.int32).reshape(-1)
        # numpy sorts 16-bit integers by radix sort, in linear time. So sort the low half, then the high.
        pairs = np.argsort((cells & 0xFFFF).astype(np.uint16), kind="stable")
        if len(self.start) > 1 << 16:
            pairs = pairs[np.argsort((cells >> 16).astype(np.uint16)[pairs], kind="stable")]
        counts = np.bincount(cells, minlength=len(self.start) - 1)
        return pairs, np.concatenate([[0], np.cumsum(counts)])


def centers_of(
    vectors: NDArray[np.float32], count: int, random: np.random.Generator
) -> NDArray[np.float32]:
    """Find `count` centers by a few steps of spherical k-means on a sample.

    The algorithm is from Dhillon & Modha 2001, doi:10.1023/A:1007612920971.
    """
    size = min(len(vectors), _SAMPLE * count)
    sample = vectors[np.sort(random.choice(len(vectors), size, replace=False))]
    centers = sample[np.sort(random.choice(size, count, replace=False))]
    for _ in range(_STEPS):
        cell = np.concatenate(
            [(sample[at : at + _BLOCK] @ centers.T).argmax(axis=1) for at in range(0, size, _BLOCK)]
        )
        order = np.argsort(cell, kind="stable")
        filled, begins = np.unique(cell[order], return_index=True)
        total = np.add.reduceat(sample[order], begins, axis=0)
        length = np.linalg.norm(total, axis=1)
        moved = length > 0
        centers[filled[moved]] = total[moved] / length[moved, None]
    return centers


def pairs_in_cells(
    cells: Cells, k: int, on_progress: Callable[[int, int], Any] | None = None
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Find the k most similar vectors of each, among pairs of which one probes the other's cell.

    Args:
        cells: The vectors.
        k: Number of neighbors.
        on_progress: Called with the number of finished tasks and their total.

    Returns:
        (n, k) int32 positions, most similar first, and (n, k) float32 cosines; -1 and -inf after the
        last neighbor.
    """
    n = len(cells.order)
    probes = cells.near.shape[1]
    queries, begins = cells.queries(probes)
    floor = _bounds(cells, k)
    runs = _runs(cells, begins)
    found: list[_Pairs] = []
    count = 0
    for start in range(0, len(runs), _BATCH):
        # All tasks of a batch use the same floor, so that the result does not depend on which of them
        # finishes first.
        fixed = floor

        def search(run: range, fixed: NDArray[np.float32] = fixed) -> _Pairs:
            return _search(cells, run, queries, begins, fixed, k)

        for pairs in each(search, runs[start : start + _BATCH]):
            found.append(pairs)
            count += len(pairs[0])
            if count > _MAX_PAIRS * k * n:
                lists, similarity = lists_of_pairs(*_concatenated(found), n, k)
                owner, rank = np.nonzero(lists >= 0)
                found = [(owner.astype(np.int32), lists[owner, rank], similarity[owner, rank])]
                count = len(owner)
                # A vector that is only as near as the last one in a full list cannot enter it anymore.
                floor = np.maximum(floor, np.nextafter(similarity[:, -1], np.float32(np.inf)))
        if on_progress is not None:
            on_progress(min(start + _BATCH, len(runs)), len(runs))
    pairs = _concatenated(found)
    found.clear()
    return lists_of_pairs(*pairs, n, k)


def _runs(cells: Cells, begins: NDArray[np.int64]) -> list[range]:
    """Split the cells into runs with about the same number of pairs."""
    pairs = np.cumsum(np.diff(begins) * np.diff(cells.start))
    ends = np.searchsorted(pairs, np.linspace(0, pairs[-1], _TASKS + 1)[1:])
    edges = np.unique(np.concatenate([[0], ends, [len(pairs)]]))
    return [range(a, b) for a, b in pairwise(edges.tolist())]


def _bounds(cells: Cells, k: int) -> NDArray[np.float32]:
    """Find the k-th largest similarity of each position in its nearest cells."""
    n = len(cells.order)
    queries, begins = cells.queries(FIRST_PROBES)
    seen = np.full((n, FIRST_PROBES, k), -np.inf, dtype=np.float32)

    def compare(run: range) -> None:
        for cell in run:
            first, end = cells.start[cell : cell + 2]
            position, rank = np.divmod(queries[begins[cell] : begins[cell + 1]], FIRST_PROBES)
            width = min(k, end - first)
            if not width or not len(position):
                continue
            similarity = cells.vectors[position] @ cells.vectors[first:end].T
            own = np.flatnonzero((position >= first) & (position < end))
            similarity[own, position[own] - first] = -np.inf
            similarity.partition(end - first - width, axis=1)
            seen[position, rank, :width] = similarity[:, end - first - width :]

    for _ in each(compare, _runs(cells, begins)):
        pass
    flat = seen.reshape(n, -1)
    flat.partition((FIRST_PROBES - 1) * k, axis=1)
    return flat[:, (FIRST_PROBES - 1) * k] - _ROUNDING


def _search(
    cells: Cells,
    run: range,
    queries: NDArray[np.int64],
    begins: NDArray[np.int64],
    floor: NDArray[np.float32],
    k: int,
) -> _Pairs:
    """Find the pairs in some cells whose similarity reaches the floor of their owner."""
    found: list[_Pairs] = []
    for cell in run:
        first, end = cells.start[cell : cell + 2]
        position = queries[begins[cell] : begins[cell + 1]] // cells.near.shape[1]
        if first == end or not len(position):
            continue
        similarity = cells.vectors[position] @ cells.vectors[first:end].T
        own = np.flatnonzero((position >= first) & (position < end))
        similarity[own, position[own] - first] = -np.inf
        row, column = _above(similarity, floor[position], k)
        found.append(_pairs(position[row], column + first, similarity[row, column]))
        # The same pairs in the other direction, for vectors of this cell that do not probe the cell of
        # the query.
        probes = np.zeros((end - first, len(cells.start) - 1), dtype=np.bool_)
        np.put_along_axis(probes, cells.near[first:end], True, axis=1)
        row, column = _above(similarity, floor[first:end], k, of_columns=True)
        new = ~probes[column, cells.near[position[row], 0]]
        row, column = row[new], column[new]
        found.append(_pairs(column + first, position[row], similarity[row, column]))
    return _concatenated(found)


def _above(
    similarity: NDArray[np.float32],
    floor: NDArray[np.float32],
    k: int,
    *,
    of_columns: bool = False,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Find where similarities reach the floor of their row, or column; about k times each at most."""
    flat = np.flatnonzero(similarity >= (floor[None, :] if of_columns else floor[:, None]))
    if len(flat) > 2 * k * len(floor):  # many are equally near, or there is no floor yet
        values = np.ascontiguousarray(similarity.T) if of_columns else similarity
        columns, near = largest(values, min(k, values.shape[1]))
        row, rank = np.nonzero((near >= floor[:, None]) & (near > -np.inf))
        column = columns[row, rank].astype(np.int64)
        return (column, row) if of_columns else (row, column)
    row, column = np.divmod(flat, similarity.shape[1])
    other = similarity[row, column] > -np.inf
    return row[other], column[other]


def _pairs(
    owner: NDArray[np.int64], neighbor: NDArray[np.int64], similarity: NDArray[np.float32]
) -> _Pairs:
    return owner.astype(np.int32), neighbor.astype(np.int32), similarity


def _concatenated(found: list[_Pairs]) -> _Pairs:
    if not found:
        return _pairs(*(np.empty(0, dtype=np.int64),) * 2, np.empty(0, dtype=np.float32))
    owner, neighbor, similarity = (np.concatenate(column) for column in zip(*found, strict=True))
    return owner, neighbor, similarity
