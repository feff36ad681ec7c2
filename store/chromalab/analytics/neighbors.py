"""`neighbors`: the nearest neighbors of every record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from chromalab.analytics.analysis import analysis
from chromalab.analytics.graph import NeighborGraph, graph_of
from chromalab.analytics.result import Result
from chromalab.results.picture import histogram_range, picture
from chromalab.results.tables import data_frame, one_line
from chromalab.snapshot import Snapshot
from chromalab.types import Where

if TYPE_CHECKING:
    import pandas
    import scipy.sparse

__all__ = ["Neighbors", "neighbors"]

_EXAMPLES = 5


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Neighbors(Result):
    """The nearest neighbors of every record, by cosine distance.

    Attributes:
        snapshot: The records.
        parameters: `k`, `random_state`.
        recall: The share of the true neighbors that were found; 1.0 if the search was exact.
        indices: (n, k) int32, rows of the snapshot, nearest first; -1 after the last neighbor.
        distances: (n, k) float32, 1 - cosine; inf after the last neighbor.
        exact: Whether all pairs were compared.

    Example:
        >>> import numpy as np
        >>> near = neighbors(np.array([[1, 0], [1, 0.1], [0, 1]]), k=1)
        >>> near.indices.tolist()
        [[1], [0], [1]]
        >>> near.of("0")
        [('1', 0.0049...)]
    """

    _columns: ClassVar = ("id", "document", "nearest", "distance")

    indices: NDArray[np.int32]
    distances: NDArray[np.float32]
    exact: bool

    @property
    def k(self) -> int:
        """The number of neighbors per record."""
        return int(self.indices.shape[1])

    def of(self, id: str) -> list[tuple[str, float]]:
        """Return the neighbors of a record: (id, distance), nearest first.

        Raises:
            InvalidArgumentError: There is no such record. The message suggests similar ids.
        """
        row = self.snapshot.row_of(id)
        return [(self.snapshot.ids[at], far) for at, far in self._pairs(row)]

    def knn_graph(self) -> scipy.sparse.csr_matrix:
        """Return the distances as a sparse (n, n) matrix, the form scikit-learn and cleanlab take."""
        from scipy.sparse import csr_matrix

        there = self.indices >= 0
        starts = np.concatenate([[0], np.cumsum(there.sum(axis=1))])
        shape = (len(self.indices), len(self.indices))
        return csr_matrix((self.distances[there], self.indices[there], starts), shape=shape)

    def df(self) -> pandas.DataFrame:
        """Return a pandas DataFrame: one row per pair, with id, rank, neighbor and distance."""
        ids = self.snapshot.ids
        rows = (
            (ids[row], rank, ids[at], far)
            for row in range(len(ids))
            for rank, (at, far) in enumerate(self._pairs(row), start=1)
        )
        return data_frame(list(rows), ["id", "rank", "neighbor", "distance"])

    def check(self) -> None:
        """Raise ValueError if the fields are inconsistent."""
        n = len(self.snapshot)
        if self.indices.shape != self.distances.shape or len(self.indices) != n:
            raise ValueError("shapes")
        if self.indices.size and not -1 <= self.indices.min() <= self.indices.max() < n:
            raise ValueError("rows")

    def columns(self, field: str) -> dict[str, list[Any]]:
        """Return what `into` writes: the ids of the neighbors, as a list."""
        ids = self.snapshot.ids
        lists = ([ids[at] for at, _ in self._pairs(row)] for row in range(len(ids)))
        return {field: [found or None for found in lists]}

    def _rows(self) -> list[list[Any]]:
        snapshot, rows = self.snapshot, []
        for row in range(min(_EXAMPLES, len(snapshot))):
            pairs = self._pairs(row)
            at, far = pairs[0] if pairs else (-1, np.nan)
            nearest = (snapshot.document(at) or snapshot.ids[at]) if pairs else "none"
            text = one_line(snapshot.document(row) or "")
            rows.append([one_line(snapshot.ids[row], 24), text, one_line(nearest), far])
        return rows

    def _summary(self) -> str:
        return ""

    def _made(self) -> str:
        how = "exact" if self.exact else f"approximate, recall about {self.recall:.3f}"
        return f"{super()._made()}; {how}"

    def _chart(self) -> str:
        if not len(self.snapshot):
            return ""
        return picture(self._draw, alt="Histogram of the distance to the nearest neighbor")

    def _draw(self, axes: Any) -> None:
        nearest = self.distances[:, 0] if self.k else self.distances.ravel()
        nearest = nearest[np.isfinite(nearest)]
        axes.hist(nearest, bins=60, range=histogram_range(nearest))
        axes.set_xlabel("cosine distance to the nearest neighbor")
        axes.set_ylabel("records")

    def _pairs(self, row: int) -> list[tuple[int, float]]:
        pairs = zip(self.indices[row].tolist(), self.distances[row].tolist(), strict=True)
        return [(at, far) for at, far in pairs if at >= 0]


@analysis(Neighbors, is_cached=False)  # the neighbor graph that it is read from is cached
def neighbors(
    data: Any,
    k: int = 15,
    *,
    where: Where | None = None,
    into: str | None = None,
    random_state: int = 0,
    progress: bool = True,
) -> Neighbors:
    """Find the nearest neighbors of every record, by cosine distance.

    The neighbor graph is computed once per version of a collection, cached, and extended when records
    are added. All other analyses start from the same graph.

    Args:
        data: A collection, a snapshot, or (n, dimension) numbers.
        k: Number of neighbors per record, 1 to 200.
        where: Analyze only the records that match this filter.
        into: Write the ids of the neighbors to this metadata field, as a list.
        random_state: Seed, used if there are too many records to compare all pairs.
        progress: Show a progress bar after one second.

    Raises:
        InvalidArgumentError: An argument is invalid.

    Example:
        >>> import chromalab
        >>> points = chromalab.EphemeralClient().create_collection("points", embedding_function=None)
        >>> points.add(ids=["a", "b", "c"], embeddings=[[1, 0], [1, 0.1], [0, 1]])
        >>> points.neighbors(k=1).of("c")
        [('b', 0.9004...)]
    """
    snapshot: Snapshot = data
    graph = graph_of(snapshot, k, random_state=random_state, progress=progress)
    indices, distances = _records(graph, int(k))
    return Neighbors(
        snapshot=snapshot,
        parameters={"k": int(k), "random_state": random_state},
        recall=graph.recall,
        indices=indices,
        distances=distances,
        exact=graph.exact,
    )


def _records(graph: NeighborGraph, k: int) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Expand nodes to records: records with the same vector come first, at distance 0."""
    n, m = len(graph.node), len(graph)
    order = np.argsort(graph.node, kind="stable").astype(np.int32)  # records, by node
    starts = np.cumsum(graph.counts) - graph.counts
    nodes = np.column_stack([np.arange(m, dtype=np.int32), graph.neighbors])
    far = np.column_stack([np.zeros(m, dtype=np.float32), graph.distances])
    counts = np.where(nodes >= 0, graph.counts[nodes], 0)
    ends = np.minimum(np.cumsum(counts, axis=1), k + 1)
    counts = np.diff(ends, axis=1, prepend=0).ravel()
    first = np.repeat(np.cumsum(counts) - counts, counts)
    within = np.arange(len(first)) - first
    rows = np.repeat(np.arange(m), counts.reshape(nodes.shape).sum(axis=1))
    at = np.arange(len(rows)) - np.repeat(*_run_starts(rows)) if len(rows) else rows
    indices = np.full((m, k + 1), -1, dtype=np.int32)
    distances = np.full((m, k + 1), np.inf, dtype=np.float32)
    indices[rows, at] = order[np.repeat(starts[nodes.ravel()], counts) + within]
    distances[rows, at] = np.repeat(far.ravel(), counts)
    itself = indices[graph.node] == np.arange(n)[:, np.newaxis]
    itself[~itself.any(axis=1), -1] = True  # more equal records than k: the last one is dropped
    return (
        indices[graph.node][~itself].reshape(n, k),
        distances[graph.node][~itself].reshape(n, k),
    )


def _run_starts(values: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the start and the length of each run of equal values."""
    starts = np.flatnonzero(np.diff(values, prepend=-1))
    return starts, np.diff(np.append(starts, len(values)))
