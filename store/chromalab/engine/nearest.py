"""The nearest records to each query: planned, proposed by the index or scanned, measured."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from chromalab.engine.index.collection_index import threads_for
from chromalab.engine.index.costs import Costs, machine_costs
from chromalab.engine.index.graph import Graph
from chromalab.engine.index.planner import Question, choose
from chromalab.engine.index.scan import ExactScan, measured, together
from chromalab.engine.index.selection import Selection
from chromalab.engine.interface import Filter, Rows, Vectors
from chromalab.engine.lens import Lens
from chromalab.engine.opened import Opened
from chromalab.engine.plan import Plan

__all__ = ["Search", "nearest"]

_NONE = np.empty(0, dtype=np.int64)
_SPARE = 4  # candidates measured beyond k, as the index ranks in float32

Positions = NDArray[np.int64]
Found = tuple[list[Positions], list[NDArray[np.float64]]]


def nearest(
    collection: Opened,
    queries: Vectors,
    k: int,
    filter: Filter,
    fields: set[str],
    lens: Lens | None = None,
) -> list[Rows]:
    """Find the k nearest among the records that match, for each query."""
    search = Search(collection.through(lens), queries, k, filter)
    found, distances = search.run(search.plan)
    rows = collection.batches(found, fields)
    if "distances" not in fields:
        return rows
    return [replace(row, distances=d.tolist()) for row, d in zip(rows, distances, strict=True)]


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
    def selection(self) -> Selection | None:
        """What passes the filter; None where there is no filter."""
        if self.filter == Filter():
            return None
        collection = self.collection
        found, again = collection.resident.selection(
            collection.view, self.filter, collection.matching
        )
        if again and found.rows is None and len(found.positions):
            found = found.gathered(collection.vectors, collection.norms)
            collection.resident.keep(found)
            if collection.resident.index.graph(collection.entry):
                collection.resident.release()  # the pages that were gathered from
        return found

    @property
    def matches(self) -> int:
        """How many records pass the filter."""
        found = self.selection
        return len(self.collection.view.slots if found is None else found.positions)

    @cached_property
    def plan(self) -> Plan:
        """How to answer."""
        entry, view = self.collection.entry, self.collection.view
        index, graph = self.collection.resident.index, self._graph
        records = len(view.slots)
        return choose(
            Question(
                queries=len(self.queries),
                k=self.k,
                dimension=entry.model.dimension or 0,
                records=records,
                matches=self.matches,
                filtered=self.selection is not None,
                gathered=self.selection is not None and self.selection.rows is not None,
                covered=len(graph) if graph else 0,
                max_neighbors=graph.parameters.max_neighbors if graph else 0,
                tail=len(self._tail) if graph else 0,
                ef=index.ef(entry),
                index=index.state(entry, records),
            ),
            machine_costs() if graph else Costs(),
        )

    def run(self, plan: Plan) -> Found:
        """Find positions and distances for each query, as planned."""
        if plan.method == "index" and plan.fetched and plan.ef:
            found = self._by_index(plan.fetched, plan.ef)
            if found is not None:
                return found
        return self.scanned()

    def scanned(self) -> Found:
        """Find them by comparing all that match."""
        return self._by_scan(self.queries)

    @cached_property
    def _graph(self) -> Graph | None:
        """The graph of this search: another may be published while it runs."""
        return self.collection.resident.index.usable(self.collection.entry)

    @property
    def _tail(self) -> Positions:
        """The positions that the graph lacks."""
        assert self._graph is not None
        return self._graph.lacks(self.collection.view)

    def _by_scan(self, queries: Vectors) -> Found:
        """Compare all that match."""
        chosen, space = self.selection, self.collection.entry.space
        if chosen is None:
            return self._compared(queries, None)
        if chosen.rows is None or chosen.norms is None:
            return self._compared(queries, chosen.positions)
        scan = ExactScan(chosen.rows, chosen.norms, space)
        winners, far = scan.search(queries, self.k, np.arange(len(chosen.rows)))
        return list(chosen.positions[winners]), list(far)

    def _compared(self, queries: Vectors, positions: Positions | None) -> Found:
        """Compare the records at some positions, or all of them."""
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
        """Ask the graph; None where it does not reach so many rows."""
        graph, view = self._graph, self.collection.view
        assert graph is not None
        slots = graph.search(
            self.queries, fetched, ef, threads_for(self.collection.entry, len(self.queries))
        )
        if slots is None:
            return None
        newer = slots >= view.committed  # of a later moment than this transaction's
        proposed = np.where(newer, -1, view.positions[np.where(newer, 0, slots)])
        tail, chosen = self._tail, self.selection
        if chosen is not None:
            proposed = np.where(chosen.passes[proposed], proposed, -1)
            tail = tail[chosen.passes[tail]]
        enough = min(self.k, self.matches)
        behind = self._compared(self.queries, tail) if len(tail) else None
        found, far = [], []
        for row, query in enumerate(self.queries):
            candidates = proposed[row][proposed[row] >= 0][: self.k + _SPARE]
            if behind is not None:
                candidates = np.concatenate([candidates, behind[0][row]])
            if len(candidates) < enough:  # too few near ones pass the filter
                (all_of,), (their,) = self._by_scan(query[np.newaxis])
            else:
                candidates = together(candidates, _NONE)
                best, their = measured(
                    query,
                    self.collection.vectors,
                    view.slots[candidates],
                    self.collection.entry.space,
                    self.k,
                )
                all_of = candidates[best]
            found.append(all_of)
            far.append(their)
        return found, far
