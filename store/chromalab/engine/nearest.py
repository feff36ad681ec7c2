"""The nearest records to each query: plans the search, runs it, and measures its recall.

Candidates come from the index or from an exact scan; their distances are measured in float64.
"""

from __future__ import annotations

from dataclasses import dataclass
from weakref import ref

import numpy as np
from numpy.typing import NDArray

from chromalab.engine.index.collection_index import threads_for
from chromalab.engine.index.hnsw import HnswGraph
from chromalab.engine.index.matches import Matches
from chromalab.engine.index.planner import Costs, PlannerInput, choose_plan, machine_costs
from chromalab.engine.index.scan import ExactScan, at_columns, measured
from chromalab.engine.opened import Opened
from chromalab.engine.record_transform import RecordTransform
from chromalab.engine.values import Filter, QueryPlan, Recall, Rows, Vectors
from chromalab.lazy import cached_property

__all__ = ["Search", "nearest", "recall"]

_SPARE = 4  # extra candidates measured beyond k, as the index ranks in float32

Positions = NDArray[np.int64]
Found = tuple[list[Positions], list[NDArray[np.float64]]]


def nearest(
    collection: Opened,
    queries: Vectors,
    k: int,
    filter: Filter,
    fields: set[str],
    record_transform: RecordTransform | None = None,
) -> list[Rows]:
    """Find the k nearest among the records that match, for each query."""
    search = Search(collection.mapped(record_transform), queries, k, filter)
    found, distances = search.run(search.known_plan)
    return collection.batches(found, fields, distances)


def recall(collection: Opened, sample: int, k: int, random_state: int) -> Recall:
    """Query the neighbors of sampled records, each excluding itself, and compare with a scan.

    A neighbor counts as found if the query returns a record that is at most as far away, because
    ties may be broken either way.
    """
    records = len(collection.view.slots)
    sample, k = min(sample, records), min(k, records - 1)
    if sample < 1 or k < 1:
        return Recall(1.0, 0, max(k, 0), random_state, "exact scan", None)
    chosen = np.random.default_rng(random_state).choice(records, sample, replace=False)
    queries = collection.vectors[collection.view.slots[chosen]]
    one = Search(collection, queries[:1], k + 1, Filter()).plan
    search = Search(collection, queries, k + 1, Filter())
    if one.method != "index":
        return Recall(1.0, sample, k, random_state, one.method, None)
    hits = []
    for (_, found), (_, true) in zip(
        zip(*search.run(one), strict=True), zip(*search.scanned(), strict=True), strict=True
    ):
        hits.append((np.count_nonzero(found <= true[-1]) - 1) / k)
    return Recall(float(np.mean(hits)), sample, k, random_state, one.method, one.ef)


@dataclass(frozen=True)
class Search:
    """One call of `query`, on one collection in one transaction."""

    collection: Opened
    queries: Vectors
    k: int
    filter: Filter

    def __post_init__(self) -> None:
        self.collection.check_dimension(self.queries)

    @cached_property
    def matches(self) -> Matches | None:
        """The records that pass the filter; None if there is no filter."""
        if self.filter == Filter():
            return None
        collection = self.collection
        found, again = collection.resident.matches(
            collection.view, self.filter, collection.matching
        )
        if again and found.rows is None and len(found.positions):
            found = found.gathered(collection.vectors, collection.norms)
            collection.resident.cache(found)
            if collection.resident.index.graph(collection.entry):
                collection.resident.release()  # the pages that were gathered from
        return found

    @property
    def count(self) -> int:
        """The number of records that pass the filter."""
        found = self.matches
        return len(self.collection.view.slots if found is None else found.positions)

    @property
    def known_plan(self) -> QueryPlan:
        """The plan; without a filter, that of the last query if it was like this one."""
        if self.matches is not None:
            return self.plan
        graph = None if self._graph is None else ref(self._graph)
        alike = ref(self.collection.view), graph, len(self.queries), self.k
        return self.collection.resident.plan(alike, lambda: self.plan)

    @cached_property
    def plan(self) -> QueryPlan:
        """How the query will be answered."""
        entry, view = self.collection.entry, self.collection.view
        index, graph = self.collection.resident.index, self._graph
        records = len(view.slots)
        return choose_plan(
            PlannerInput(
                queries=len(self.queries),
                k=self.k,
                dimension=entry.model.dimension or 0,
                records=records,
                matches=self.count,
                filtered=self.matches is not None,
                gathered=self.matches is not None and self.matches.rows is not None,
                covered=len(graph) if graph else 0,
                max_neighbors=graph.parameters.max_neighbors if graph else 0,
                tail=len(self._tail) if graph else 0,
                ef=index.ef(entry),
                index=index.state(entry, records),
            ),
            machine_costs() if graph else Costs(),
        )

    def run(self, plan: QueryPlan) -> Found:
        """Find positions and distances for each query, as planned."""
        if plan.method == "index" and plan.fetched and plan.ef:
            found = self._by_index(plan.fetched, plan.ef)
            if found is not None:
                return found
        return self.scanned()

    def scanned(self) -> Found:
        """Find them by an exact scan of all that match."""
        return self._by_scan(self.queries)

    @cached_property
    def _graph(self) -> HnswGraph | None:
        """The graph of this search, fixed because another may be published while it runs."""
        return self.collection.resident.index.usable(self.collection.entry)

    @property
    def _tail(self) -> Positions:
        """The positions of the records that the graph lacks."""
        assert self._graph is not None
        return self._graph.lacks(self.collection.view)

    def _by_scan(self, queries: Vectors) -> Found:
        """Compare the queries with all records that match."""
        chosen, space = self.matches, self.collection.entry.space
        if chosen is None:
            return self._compared(queries, None)
        if chosen.rows is None or chosen.norms is None:
            return self._compared(queries, chosen.positions)
        scan = ExactScan(chosen.rows, chosen.norms, space)
        winners, far = scan.search(queries, self.k, np.arange(len(chosen.rows)))
        return list(chosen.positions[winners]), list(far)

    def _compared(self, queries: Vectors, positions: Positions | None) -> Found:
        """Compare the queries with the records at the given positions, or with all."""
        collection, slots = self.collection, self.collection.view.slots
        if positions is not None:
            slots = slots[positions]
        if not len(slots):
            nothing = np.empty(0, dtype=np.int64)
            return [nothing] * len(queries), [nothing.astype(np.float64)] * len(queries)
        scan = ExactScan(collection.vectors, collection.norms, collection.entry.space)
        winners, far = scan.search(queries, self.k, slots)
        return list(winners if positions is None else positions[winners]), list(far)

    def _by_index(self, fetched: int, ef: int) -> Found | None:
        """Search the graph; None if it does not reach enough rows."""
        graph, view = self._graph, self.collection.view
        assert graph is not None
        slots = graph.search(
            self.queries, fetched, ef, threads_for(self.collection.entry, len(self.queries))
        )
        if slots is None:
            return None
        proposed = view.positions.take(slots, mode="clip")  # -1 for what was added since
        tail, chosen = self._tail, self.matches
        if chosen is not None:
            proposed = np.where(chosen.passes[proposed], proposed, -1)
            tail = tail[chosen.passes[tail]]
        lacking = proposed < 0
        incomplete = lacking.any()
        if incomplete:
            proposed = at_columns(proposed, lacking.argsort(axis=1, kind="stable"))
        candidates = proposed[:, : self.k + _SPARE]
        enough = min(self.k, self.count)
        if len(tail):
            candidates = np.hstack([candidates, np.stack(self._compared(self.queries, tail)[0])])
        winners, distances = measured(
            self.queries,
            candidates,
            enough,
            self.collection.vectors,
            view.slots,
            self.collection.entry.space,
        )
        found, far = list(winners), list(distances)
        # Where too few of the near records pass the filter, all that do are compared.
        if incomplete or candidates.shape[1] < enough:
            few = np.count_nonzero(candidates >= 0, axis=1) < enough
            for row in np.flatnonzero(few):
                (found[row],), (far[row],) = self._by_scan(self.queries[row : row + 1])
        return found, far
