"""Groups of duplicates: stars, whose every member is linked to the centre itself."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["star_groups"]

Rows = NDArray[np.int64]


def star_groups(
    count: int, left: Rows, right: Rows, score: NDArray[np.float32], rank: Rows
) -> Rows:
    """Give each node a centre that it is linked to.

    In the order of `rank`, a node that is linked to no centre before it is a centre; all others
    belong to the centre before them that they are most like. A chain a-b-c-d, whose ends have
    nothing in common, is therefore not one group, as it is of connected components.

    All centres that do not depend on each other are found at once, in rounds (Luby, "A simple
    parallel algorithm for the maximal independent set problem", 1986); the outcome is that of going
    through the nodes one by one.

    Args:
        count: How many nodes there are.
        left: (p,) int64, a node of each link.
        right: (p,) int64, the other.
        score: (p,) float32, how alike they are.
        rank: (count,) int64, the place of each node in the order; all different.

    Returns:
        (count,) int64, the centre of each node: its own number for a centre, and for a node alone.

    Example:
        >>> left, right = np.array([0, 1, 2]), np.array([1, 2, 3])  # a chain
        >>> star_groups(4, left, right, np.full(3, 0.9, np.float32), np.arange(4)).tolist()
        [0, 0, 2, 2]
    """
    centre = np.arange(count)
    forward = rank[left] < rank[right]
    before, after = np.where(forward, left, right), np.where(forward, right, left)
    open_links = np.arange(len(left))
    member = np.zeros(count, dtype=bool)
    settled = np.zeros(count, dtype=bool)  # a centre for certain, or a member of one
    while len(open_links):
        waits = np.zeros(count, dtype=bool)
        waits[after[open_links]] = True
        first = before[open_links]
        leads = ~waits[first]
        settled[first[leads]] = True
        member[after[open_links][leads]] = True
        settled |= member
        open_links = open_links[~settled[first] & ~settled[after[open_links]]]
    held = np.flatnonzero(~member[before] & member[after])
    # The last written wins: the most alike centre, among equals the first in order.
    held = held[np.lexsort((-rank[before[held]], score[held]))]
    centre[after[held]] = before[held]
    return centre
