"""What a filter picked, kept for the next query with the same filter.

Loops over queries behind one filter are common: the filter is then asked once, and from the second
query on its rows lie side by side, where comparing them takes a fraction of gathering them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from chromalab.engine.disk.view import View
from chromalab.engine.index.distances import Norms
from chromalab.engine.interface import Filter, Vectors

__all__ = ["Positions", "Selection"]

_MOST_BYTES = 16 << 20  # of rows that are kept side by side

Positions = NDArray[np.int64]


@dataclass(frozen=True)
class Selection:
    """The records that pass a filter at one moment.

    Attributes:
        view: The records of that moment.
        filter: The filter.
        positions: (n,) ascending, those that pass.
        rows: (n, dimension), float32, their vectors side by side; None where they are not kept.
        norms: Of these rows.
    """

    view: View
    filter: Filter
    positions: Positions
    rows: Vectors | None = None
    norms: Norms | None = None

    def is_of(self, view: View, filter: Filter) -> bool:
        """Whether it answers this filter at this moment."""
        return self.view is view and self.filter == filter

    @cached_property
    def passes(self) -> NDArray[np.bool_]:
        """(records + 1,) whether each position passes; the last one stands for none."""
        passes = np.zeros(len(self.view.slots) + 1, dtype=bool)
        passes[self.positions] = True
        return passes

    def gathered(self, vectors: Vectors, norms: Norms) -> Selection:
        """Put its rows side by side, unless they are too many."""
        slots = self.view.slots[self.positions]
        if self.rows is not None or not 0 < len(slots) * vectors[:1].nbytes <= _MOST_BYTES:
            return self
        odd = np.flatnonzero(np.isin(slots, norms.odd)) if len(norms.odd) else norms.odd
        rows = np.take(vectors, slots, axis=0)
        return replace(self, rows=rows, norms=Norms(norms.lengths[slots], odd, norms.largest))
