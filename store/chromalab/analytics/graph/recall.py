"""How many of the true neighbours were found, on rows whose true neighbours are known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chromalab.analytics.graph.exact import exact_neighbors

__all__ = ["RECALL_AT", "Held"]

RECALL_AT = 15  # as many as the analyses use
_ROUNDING = np.float32(1e-6)  # the same product differs by less from block to block
_ROWS = 500  # of 15 neighbours each: the standard error is about 0.005


@dataclass(frozen=True, eq=False)
class Held:
    """Some rows, with their true neighbours.

    Attributes:
        rows: (r,) int64, ascending.
        neighbors: (r, at) int32, their true nearest.
        distances: (r, at) float32.
    """

    rows: NDArray[np.int64]
    neighbors: NDArray[np.int32]
    distances: NDArray[np.float32]

    @classmethod
    def of(
        cls,
        vectors: NDArray[np.float32],
        random: np.random.Generator,
        *,
        at: int = RECALL_AT,
        size: int = _ROWS,
    ) -> Held:
        """Draw rows of (n, dimension) unit vectors, and find their true neighbours."""
        n = len(vectors)
        rows = np.sort(random.choice(n, min(size, n), replace=False)).astype(np.int64)
        return cls(rows, *exact_neighbors(vectors, min(at, max(n - 1, 0)), rows=rows))

    def recall(self, distances: NDArray[np.float32]) -> float:
        """Return the share of true neighbours that a graph has among as many nearest.

        A neighbour as near as the farthest true one counts as one, as in ann-benchmarks (Aumüller,
        Bernhardsson & Faithfull 2020, doi:10.1016/j.is.2019.02.006): which of them is stored is
        chance where many are equally near.

        Args:
            distances: (n, k) float32, of the graph.

        Example:
            >>> held = Held.of(np.eye(3, dtype=np.float32), np.random.default_rng(0))
            >>> held.recall(np.array([[1, 1], [1, np.inf], [1, 1]], dtype=np.float32))
            0.8333333333333334
        """
        at = self.distances.shape[1]
        if not self.distances.size:
            return 1.0
        return float((distances[self.rows, :at] <= self.distances[:, -1:] + _ROUNDING).mean())
