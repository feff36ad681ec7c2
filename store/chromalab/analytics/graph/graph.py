"""`NeighborGraph`: the nearest neighbors of every distinct vector, and how such lists are made."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

__all__ = ["NeighborGraph", "lists_of_pairs", "order_ties"]


@dataclass(frozen=True, eq=False)
class NeighborGraph:
    """The nearest neighbors of m distinct vectors, which represent n records.

    Records with equal vectors share one node; otherwise the copies of one vector would fill each
    other's neighbor lists. A node is not among its own neighbors.

    Attributes:
        neighbors: (m, k) int32, nodes by increasing distance; -1 after the last neighbor.
        distances: (m, k) float32, cosine distances (1 - cosine, 0 to 2); inf after the last neighbor.
        node: (n,) int32, the node of each record.
        representative: (m,) int64, the first record of each node, ascending.
        recall: Estimated share of the true neighbors that the graph contains; 1.0 if it is exact.
        exact: Whether all pairs were compared.
        random_state: The seed.
    """

    neighbors: NDArray[np.int32]
    distances: NDArray[np.float32]
    node: NDArray[np.int32]
    representative: NDArray[np.int64]
    recall: float
    exact: bool
    random_state: int

    def __len__(self) -> int:
        return len(self.neighbors)

    @property
    def k(self) -> int:
        """The largest number of neighbors per node."""
        return int(self.neighbors.shape[1])

    @cached_property
    def counts(self) -> NDArray[np.int64]:
        """(m,) the number of records per node."""
        return np.bincount(self.node, minlength=len(self))

    def cut(self, k: int) -> NeighborGraph:
        """Return the graph of the k nearest neighbors; it has no more than this graph has."""
        if k >= self.k:
            return self
        return replace(self, neighbors=self.neighbors[:, :k], distances=self.distances[:, :k])


def lists_of_pairs(
    owner: NDArray[np.int32],
    neighbor: NDArray[np.int32],
    similarity: NDArray[np.float32],
    n: int,
    k: int,
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Collect pairs into lists of the k most similar neighbors per owner.

    Args:
        owner: (pairs,) int32, 0 to n - 1.
        neighbor: (pairs,) int32. A pair must not occur twice.
        similarity: (pairs,) float32.
        n: Number of lists.
        k: Length of the lists.

    Returns:
        (n, k) int32 neighbors and (n, k) float32 similarities, most similar first; -1 and -inf after
        the last neighbor.

    Example:
        >>> owner, neighbor = np.array([0, 0], dtype=np.int32), np.array([1, 2], dtype=np.int32)
        >>> lists_of_pairs(owner, neighbor, np.array([0.5, 0.75], dtype=np.float32), 1, 1)
        (array([[2]], dtype=int32), array([[0.75]], dtype=float32))
    """
    # One sort of integers does it all: the owner is in the high bits, the similarity in the low ones.
    # Read as integers, the bits of positive floats sort as the floats do, and those of negative floats
    # in reverse.
    bits = similarity.view(np.int32)
    key = owner.astype(np.int64)
    key <<= 32
    key |= np.where(bits >= 0, 0x7FFFFFFF - bits, bits).view(np.uint32)
    order = np.argsort(key)
    del key  # the largest arrays of the analysis: 60 MB each for 100,000 vectors
    owners = owner[order]
    counts = np.bincount(owner, minlength=n)
    rank = np.arange(len(order), dtype=np.int32)
    rank -= (np.cumsum(counts) - counts).astype(np.int32)[owners]
    top = rank < k
    owners, rank, order = owners[top], rank[top], order[top]
    lists = np.full((n, k), -1, dtype=np.int32)
    values = np.full((n, k), -np.inf, dtype=np.float32)
    lists[owners, rank] = neighbor[order]
    values[owners, rank] = similarity[order]
    return lists, values


def order_ties(neighbors: NDArray[np.int32], distances: NDArray[np.float32]) -> None:
    """Sort neighbors at equal distance by number, in place."""
    tied = np.flatnonzero((distances[:, 1:] == distances[:, :-1]).any(axis=1))
    order = np.lexsort((neighbors[tied], distances[tied]), axis=1)
    neighbors[tied] = np.take_along_axis(neighbors[tied], order, 1)
