"""What a search reads: one collection in one transaction, whose records are numbered.

A search takes several reads (matches of a filter, neighbors by several keys, values to group by), which
must see the same records. `Engine.reading` runs a function on a `Reader`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chromalab.engine.disk import records
from chromalab.engine.filter.matching import Positions
from chromalab.engine.index.scan import ExactScan, distances
from chromalab.engine.inverted import KeywordScores, keyword_scores, sparse_scores
from chromalab.engine.nearest import Search
from chromalab.engine.opened import Opened
from chromalab.engine.record_transform import RecordTransform
from chromalab.engine.values import Filter, QueryPlan, Rows, Vectors
from chromalab.sparse import SparseVector

__all__ = ["Nearest", "Positions", "Reader"]

_DOCUMENT = "#document"


@dataclass(frozen=True)
class Nearest:
    """The records nearest to a query.

    Attributes:
        positions: (n,) int64, nearest first.
        distances: (n,) float64.
        plan: How they were found; None for a scan of chosen records.
    """

    positions: Positions
    distances: NDArray[np.float64]
    plan: QueryPlan | None = None


class Reader:
    """Reads one collection in one transaction; a record is known by its position in insertion order.

    Args:
        collection: The collection, which this is the only way to.
    """

    def __init__(self, collection: Opened) -> None:
        self._collection = collection

    def __len__(self) -> int:
        return len(self._collection.view.slots)

    @property
    def space(self) -> str:
        """The distance: "l2", "cosine" or "ip"."""
        return self._collection.entry.space

    @property
    def version(self) -> int:
        """The version of the collection that is read."""
        return self._collection.entry.model.version

    def matching(self, filter: Filter) -> Positions:
        """Find the records that pass a filter: (m,) int64, ascending."""
        return self._collection.matching(filter)

    def nearest(
        self, queries: Vectors, k: int, filter: Filter, transform: RecordTransform | None = None
    ) -> list[Nearest]:
        """Find the k nearest to each query (q, dimension) of the records that pass a filter, as planned."""
        search = Search(self._collection.mapped(transform), queries, k, filter)
        plan = search.known_plan
        return [Nearest(found, far, plan) for found, far in zip(*search.run(plan), strict=True)]

    def planned(
        self, query: Vectors, k: int, filter: Filter, transform: RecordTransform | None = None
    ) -> QueryPlan:
        """Plan what `nearest` would do."""
        return Search(self._collection.mapped(transform), query, k, filter).plan

    def scanned(
        self, query: Vectors, k: int, among: Positions, transform: RecordTransform | None = None
    ) -> Nearest:
        """Find the k nearest to a query (1, dimension) of chosen records, which are all compared."""
        collection = self._collection.mapped(transform)
        collection.check_dimension(query)
        if not len(among):
            return Nearest(among, np.empty(0))
        scan = ExactScan(collection.vectors, collection.norms, self.space)
        winners, far = scan.search(query, k, collection.view.slots[among])
        return Nearest(among[winners[0]], far[0])

    def sparse(self, key: str, query: SparseVector, k: int, among: Positions | None) -> Nearest:
        """Find the k records whose sparse vectors under a key have the largest products with a query.

        Their distance is 1 minus the product, as in Chroma. Records without a dimension of the query are
        not found.
        """
        indices = np.asarray(query.indices, dtype=np.int64)
        weights = np.asarray(query.values, dtype=np.float64)
        found, products = sparse_scores(self._collection, key, indices, weights, k, among)
        if not len(found):
            self._collection.known_column(key)  # raises an error if no record has the key
        return Nearest(found, 1.0 - products)

    def keywords(self, key: str, query: str, k: int, among: Positions | None) -> KeywordScores:
        """Find the k records whose texts match the words of a query best, by BM25."""
        found = keyword_scores(self._collection, key, query, k, among)
        if not len(found.positions) and key != _DOCUMENT:
            self._collection.known_column(key)
        return found

    def distances(
        self, query: Vectors, positions: Positions, transform: RecordTransform | None = None
    ) -> NDArray[np.float64]:
        """Measure the distances of a query (1, dimension) to chosen records: (n,) float64."""
        collection = self._collection.mapped(transform)
        collection.check_dimension(query)
        rows = collection.vectors[collection.view.slots[positions]]
        return distances(query[0], rows, self.space)

    def vectors(self, positions: Positions, transform: RecordTransform | None = None) -> Vectors:
        """Read embeddings, as stored or mapped by a transform: (n, dimension) float32."""
        collection = self._collection.mapped(transform)
        return collection.vectors[collection.view.slots[positions]]

    def values(self, key: str, positions: Positions) -> list[Any]:
        """Read the values under a metadata key; None for a record without it."""
        column = self._collection.column(key)
        values = [*column.values, None]  # code -1 takes the last entry
        return [values[code] for code in column.codes[positions].tolist()]

    def rows(self, positions: Positions, fields: set[str]) -> Rows:
        """Read parts of records, in the order of their positions."""
        return self._collection.rows(positions, fields)

    def locate(self, ids: Sequence[str]) -> Positions:
        """Find records by id: (n,) int64, -1 for an id that does not exist."""
        view = self._collection.view
        entry = self._collection.entry
        found = records.locate(self._collection.connection, entry.number, ids)
        places = np.array([found[id][0] if id in found else -1 for id in ids], dtype=np.int64)
        positions = np.searchsorted(view.places, places).astype(np.int64)
        return np.where(places < 0, -1, positions)
