"""Records taken together before pairs are looked for: those with equal texts, or equal vectors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Units", "units_of"]

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
