"""Cells: vectors near the same centre, and for each vector the cells nearest to it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chromalab.analytics.graph.exact import largest
from chromalab.analytics.graph.threads import each

__all__ = ["Cells", "centres"]

_STEPS = 3  # of Lloyd: more do not raise the recall
_SAMPLE = 16  # vectors a centre that the steps see
_BLOCK = 1024


@dataclass(frozen=True, eq=False)
class Cells:
    """Vectors laid out cell after cell.

    Attributes:
        order: (n,) int64, the row of each place.
        near: (n, probes) int32, the cells nearest to the vector at a place; its own is the first.
        start: (cells + 1,) int64, the places of cell c are start[c] to start[c + 1].
        vectors: (n, dimension) float32 by place.
    """

    order: NDArray[np.int64]
    near: NDArray[np.int32]
    start: NDArray[np.int64]
    vectors: NDArray[np.float32]

    @classmethod
    def of(cls, vectors: NDArray[np.float32], middle: NDArray[np.float32], probes: int) -> Cells:
        """Lay vectors out by their nearest centre, and find the `probes` nearest of each."""
        near = np.empty((len(vectors), probes), dtype=np.int32)

        def one(at: int) -> None:
            near[at : at + _BLOCK] = largest(vectors[at : at + _BLOCK] @ middle.T, probes)[0]

        for _ in each(one, range(0, len(vectors), _BLOCK)):
            pass
        order = np.argsort(near[:, 0], kind="stable")
        sizes = np.bincount(near[:, 0], minlength=len(middle))
        start = np.concatenate([[0], np.cumsum(sizes)])
        return cls(order, near[order], start, vectors[order])

    def probing(self, ranks: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Say which places look into each cell when each looks into its `ranks` nearest.

        Returns:
            (n * ranks,) place * ranks + rank, cell after cell; and (cells + 1,) where each begins.
        """
        cells = self.near[:, :ranks].astype(np.int32).reshape(-1)
        # Two sorts of 16 bits are radix sorts in numpy: linear.
        pairs = np.argsort((cells & 0xFFFF).astype(np.uint16), kind="stable")
        if len(self.start) > 1 << 16:
            pairs = pairs[np.argsort((cells >> 16).astype(np.uint16)[pairs], kind="stable")]
        counts = np.bincount(cells, minlength=len(self.start) - 1)
        return pairs, np.concatenate([[0], np.cumsum(counts)])


def centres(
    vectors: NDArray[np.float32], count: int, random: np.random.Generator
) -> NDArray[np.float32]:
    """Find `count` centres by a few steps of spherical k-means on a sample.

    The algorithm is that of Dhillon & Modha 2001, doi:10.1023/A:1007612920971.
    """
    size = min(len(vectors), _SAMPLE * count)
    sample = vectors[np.sort(random.choice(len(vectors), size, replace=False))]
    middle = sample[np.sort(random.choice(size, count, replace=False))]
    for _ in range(_STEPS):
        cell = np.concatenate(
            [(sample[at : at + _BLOCK] @ middle.T).argmax(axis=1) for at in range(0, size, _BLOCK)]
        )
        order = np.argsort(cell, kind="stable")
        filled, begins = np.unique(cell[order], return_index=True)
        total = np.add.reduceat(sample[order], begins, axis=0)
        length = np.linalg.norm(total, axis=1)
        moved = length > 0
        middle[filled[moved]] = total[moved] / length[moved, None]
    return middle
