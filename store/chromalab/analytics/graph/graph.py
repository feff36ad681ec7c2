"""`Graph`: for every distinct vector its nearest others. All analyses start from it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

__all__ = ["Graph"]


@dataclass(frozen=True, eq=False)
class Graph:
    """The nearest neighbours of m distinct vectors, which stand for n records.

    Records with equal vectors are one node, as copies of one vector push all others out of each
    other's lists. A node's own copies are not among its neighbours.

    Attributes:
        neighbors: (m, k) int32, nodes by increasing distance; -1 where there are no more.
        distances: (m, k) float32, cosine distances (1 - cosine, 0 to 2); inf where there are no more.
        node: (n,) int32, the node of each record.
        first: (m,) int64, the first record of each node, ascending.
        recall: Share of the true neighbours that is in it, estimated; 1.0 where it is exact.
        exact: Whether all pairs were compared.
        random_state: The seed of what was drawn.
    """

    neighbors: NDArray[np.int32]
    distances: NDArray[np.float32]
    node: NDArray[np.int32]
    first: NDArray[np.int64]
    recall: float
    exact: bool
    random_state: int

    def __len__(self) -> int:
        return len(self.neighbors)

    @property
    def k(self) -> int:
        """How many neighbours a node may have."""
        return int(self.neighbors.shape[1])

    @cached_property
    def copies(self) -> NDArray[np.int64]:
        """(m,) how many records each node stands for."""
        return np.bincount(self.node, minlength=len(self))

    def cut(self, k: int) -> Graph:
        """Return the graph of the k nearest; k as stored, or fewer."""
        if k >= self.k:
            return self
        return replace(self, neighbors=self.neighbors[:, :k], distances=self.distances[:, :k])
