"""An order of rows in which those near each other come near each other.

Rows inserted in this order find their neighbourhood in the processor's cache: a graph is made with
a fifth less work than in the order of a file, a third less than in a random one.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from chromalab.engine.disk.process_forks import steady
from chromalab.engine.index.distances import unit
from chromalab.engine.interface import Vectors

__all__ = ["by_neighbourhood"]

_ROWS_EACH = 50  # rows for each centre, at least
_MOST = 500  # centres
_BLOCK = 8192

Slots = NDArray[np.int64]


def by_neighbourhood(vectors: Vectors, slots: Slots, random_state: int = 0) -> Slots:
    """Sort slots by the nearest of some random rows, those in a chain from each to the next nearest.

    Args:
        vectors: (rows, dimension), float32; slots are row numbers.
        slots: (n,) which rows.
        random_state: The seed that chooses the centres.

    Returns:
        The slots in another order; the same for the same seed.
    """
    count = min(_MOST, len(slots) // _ROWS_EACH)
    if count < 2:
        return slots
    chosen = np.random.default_rng(random_state).choice(slots, count, replace=False)
    centres = unit(vectors[np.sort(chosen)])
    ranks = np.empty(count, dtype=np.int64)
    ranks[_chain(centres)] = np.arange(count)
    nearest = []
    for start in range(0, len(slots), _BLOCK):
        rows = unit(vectors[slots[start : start + _BLOCK]])
        with steady:
            nearest.append(ranks[np.argmax(rows @ centres.T, axis=1)])
    return slots[np.argsort(np.concatenate(nearest), kind="stable")]


def _chain(centres: Vectors) -> Slots:
    """Walk from centre to centre, always to the nearest one not seen yet."""
    with steady:
        likeness = centres @ centres.T
    order = np.zeros(len(centres), dtype=np.int64)
    for step in range(1, len(centres)):
        likeness[:, order[step - 1]] = -np.inf
        order[step] = np.argmax(likeness[order[step - 1]])
    return order
