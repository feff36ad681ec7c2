"""The records that passed a filter, cached for the next query with the same filter.

Loops over queries with one filter are common. The filter is then evaluated once, and from the second
query on the matching rows are contiguous in memory, where comparing them takes a fraction of the
time of gathering them.

This is in `index` rather than `filter` because it holds the rows and norms that a scan needs.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from chromalab.engine.disk.view import View
from chromalab.engine.index.scan import Norms
from chromalab.engine.values import Filter, Vectors
from chromalab.lazy import cached_property

__all__ = ["Matches", "Positions"]

_MOST_BYTES = 16 << 20  # the size of the rows that are cached contiguously

Positions = NDArray[np.int64]


@dataclass(frozen=True)
class Matches:
    """The records that pass a filter at one version.

    Attributes:
        view: The records of that version.
        filter: The filter.
        positions: (n,) int64, ascending: the records that pass.
        rows: (n, dimension), float32: their vectors, contiguous; None if they are not cached.
        norms: The norms of these rows.
    """

    view: View
    filter: Filter
    positions: Positions
    rows: Vectors | None = None
    norms: Norms | None = None

    def is_of(self, view: View, filter: Filter) -> bool:
        """Whether these are the matches of this filter at this version."""
        return self.view is view and self.filter == filter

    @cached_property
    def passes(self) -> NDArray[np.bool_]:
        """(records + 1,) whether each position passes; the last one is for position -1, no record."""
        passes = np.zeros(len(self.view.slots) + 1, dtype=bool)
        passes[self.positions] = True
        return passes

    def gathered(self, vectors: Vectors, norms: Norms) -> Matches:
        """A copy with contiguous rows, unless they are too many."""
        slots = self.view.slots[self.positions]
        if self.rows is not None or not 0 < len(slots) * vectors[:1].nbytes <= _MOST_BYTES:
            return self
        odd = np.flatnonzero(np.isin(slots, norms.odd)) if len(norms.odd) else norms.odd
        rows = np.take(vectors, slots, axis=0)
        return replace(self, rows=rows, norms=Norms(norms.lengths[slots], odd, norms.largest))
