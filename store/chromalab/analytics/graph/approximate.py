"""Approximate nearest neighbors: only vectors in nearby cells are compared.

This works like an inverted file (Jégou, Douze & Schmid 2011, doi:10.1109/TPAMI.2010.57), with two
differences. Every vector is a query, so a pair that is seen from one side serves both. And the number
of cells that each vector probes is computed beforehand, from a sample of rows whose true neighbors are
known. The recall of the graph is estimated on the same sample.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chromalab.analytics.graph.cells import FIRST_PROBES, Cells, centers_of, pairs_in_cells
from chromalab.analytics.graph.exact import exact_neighbors
from chromalab.cores import one_thread_blas

__all__ = ["RECALL_AT", "RecallSample", "approximate_neighbors"]

RECALL_AT = 15
"""The number of neighbors that recall is measured at; the analyses use as many."""

_ROUNDING = np.float32(1e-6)  # the same product differs by less than this between blocks
_SAMPLE = 500  # rows with 15 neighbors each: the standard error is about 0.005
_TARGET = 0.965  # recall@15 on the sample; on other rows it is lower by up to 0.005
_CELLS = 4.5  # times the square root of n: at 100,000, 3.2 to 5.2 cost the same within the noise
# The largest share of the cells to probe. Above it all pairs are compared. For random vectors of 256
# dimensions, cells take 2.7 s of CPU at 15,000 vectors and exact search 1.5 s; at 30,000 they take 9.4
# and 6.7 s. The fewer vectors there are, the more the work besides the pairs weighs. That part of the
# rule, _OVERHEAD, is a guess that fits those runs.
_MAX_PROBES = 0.6
_OVERHEAD = 6000


@dataclass(frozen=True, eq=False)
class RecallSample:
    """A sample of rows with their true neighbors.

    Attributes:
        rows: (r,) int64, ascending.
        neighbors: (r, at) int32, their true nearest neighbors.
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
        size: int = _SAMPLE,
    ) -> RecallSample:
        """Sample rows of (n, dimension) unit vectors, and find their true neighbors."""
        n = len(vectors)
        rows = np.sort(random.choice(n, min(size, n), replace=False)).astype(np.int64)
        return cls(rows, *exact_neighbors(vectors, min(at, max(n - 1, 0)), rows=rows))

    def recall(self, distances: NDArray[np.float32]) -> float:
        """Return the recall of a graph: the share of true neighbors among as many nearest.

        A neighbor counts if it is as near as the farthest true one, as in ann-benchmarks (Aumüller,
        Bernhardsson & Faithfull 2020, doi:10.1016/j.is.2019.02.006): if many are equally near, it is
        arbitrary which of them the graph contains.

        Args:
            distances: (n, k) float32, the distances of the graph.

        Example:
            >>> sample = RecallSample.of(np.eye(3, dtype=np.float32), np.random.default_rng(0))
            >>> sample.recall(np.array([[1, 1], [1, np.inf], [1, 1]], dtype=np.float32))
            0.8333333333333334
        """
        at = self.distances.shape[1]
        if not self.distances.size:
            return 1.0
        return float((distances[self.rows, :at] <= self.distances[:, -1:] + _ROUNDING).mean())


def approximate_neighbors(
    vectors: NDArray[np.float32],
    k: int,
    sample: RecallSample,
    *,
    random: np.random.Generator,
    on_progress: Callable[[int, int], Any] | None = None,
) -> tuple[NDArray[np.int32], NDArray[np.float32]] | None:
    """Find nearly all of the k nearest neighbors of each vector.

    Args:
        vectors: (n, dimension) float32 of unit length.
        k: Number of neighbors; much smaller than n.
        sample: Rows with their true neighbors, which determine how many cells to probe.
        random: Draws the first centers.
        on_progress: Called with the number of finished steps and their total.

    Returns:
        (n, k) int32 rows by increasing distance, and (n, k) float32 cosine distances. None if the
        vectors do not gather in cells, so that comparing all pairs is as cheap.
    """
    n = len(vectors)
    count = max(FIRST_PROBES, int(min(_CELLS * n**0.5, n / (2 * k))))
    with one_thread_blas():
        centers = centers_of(vectors, count, random)
        probes = max(FIRST_PROBES, _probes(vectors, centers, sample))
        if probes / count > _MAX_PROBES - _OVERHEAD / n:
            return None
        cells = Cells.of(vectors, centers, probes)
        positions, similarity = pairs_in_cells(cells, k, on_progress)
    neighbors = np.empty_like(positions)
    distances = np.empty_like(similarity)
    neighbors[cells.order] = np.where(positions >= 0, cells.order[positions], -1)
    distances[cells.order] = np.maximum(1 - similarity, 0)
    return neighbors, distances


def _probes(
    vectors: NDArray[np.float32], centers: NDArray[np.float32], sample: RecallSample
) -> int:
    """Compute how many cells each vector must probe to reach the target recall.

    A pair is found if either of its vectors probes the other's cell.
    """
    at = sample.neighbors.shape[1]
    mine = vectors[sample.rows] @ centers.T
    theirs = vectors[sample.neighbors.reshape(-1)] @ centers.T
    owner = np.repeat(np.arange(len(mine)), at)
    pair = np.arange(len(theirs))
    bound = mine[owner, theirs.argmax(axis=1)]
    rank_of_theirs = np.concatenate(
        [
            (mine[row] > bound[row * at : row * at + at, None]).sum(axis=1)
            for row in range(len(mine))
        ]
    )
    bound = theirs[pair, mine.argmax(axis=1)[owner]]
    rank_of_mine = (theirs > bound[:, None]).sum(axis=1)
    rank = np.minimum(rank_of_theirs, rank_of_mine)
    return int(np.quantile(rank, _TARGET, method="higher")) + 1
