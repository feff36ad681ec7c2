"""A neighbour graph over the rows of a vector file: HNSW, by hnswlib.

Yu. A. Malkov, D. A. Yashunin: Efficient and robust approximate nearest neighbor search using
Hierarchical Navigable Small World graphs, https://arxiv.org/abs/1603.09320.

A graph is built on a private copy and never changes once it is published, as hnswlib cannot insert
and search at once. It only proposes candidates, which are measured elsewhere; so what was deleted
or moved since is dropped there, and nothing here has to be kept up to date.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chromalab.engine.disk import process_forks
from chromalab.engine.disk.view import View
from chromalab.engine.index.distances import unit
from chromalab.engine.interface import Vectors
from chromalab.errors import MissingDependencyError

__all__ = ["NO_HNSWLIB", "Graph", "Parameters", "Stopped", "has_hnswlib"]

_STEP = 256  # rows inserted at a time; in between, a build can be told to stop
_SEED = 100

NO_HNSWLIB = (
    "There is no hnswlib for this Python, so every query compares all records. "
    "For an index: pip install hnswlib (it needs a C++ compiler)."
)

Slots = NDArray[np.int64]
Curve = Sequence[tuple[int, float]]


class Stopped(Exception):
    """A build was told to stop."""


@dataclass(frozen=True)
class Parameters:
    """What a graph was made with.

    Attributes:
        space: "l2", "cosine" or "ip".
        dimension: Numbers a row.
        max_neighbors: HNSW's M.
        ef_construction: Candidates looked at for an insertion.
    """

    space: str
    dimension: int
    max_neighbors: int
    ef_construction: int


class Graph:
    """Proposes rows near a query.

    Args:
        parameters: What it was made with.
        covered: It holds all slots below this that were alive when it was made.
        index: hnswlib's index; labels are slots.
        curve: Pairs of ef, ascending, and the recall that was measured with it.
    """

    def __init__(self, parameters: Parameters, covered: int, index: Any, curve: Curve = ()) -> None:
        self.parameters = parameters
        self.covered = covered
        self.curve = curve
        self._index = index
        self._lacks: tuple[View, Slots] | None = None
        self.renew()
        process_forks.renew_in_child(self)

    def renew(self) -> None:
        """Make a new lock: after a fork the old one may be held by a thread that is not there."""
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return int(self._index.element_count)

    def ef_for(self, target: float) -> int:
        """Return the least ef that reached a recall, or the largest that was tried."""
        return next((ef for ef, recall in self.curve if recall >= target), self._largest)

    @property
    def _largest(self) -> int:
        return self.curve[-1][0] if self.curve else 0

    def search(self, queries: Vectors, k: int, ef: int, threads: int = 1) -> Slots | None:
        """Propose k slots for each query.

        Args:
            queries: (q, dimension), float32.
            k: How many.
            ef: How many candidates the search holds; k at least is.
            threads: How many threads share the queries.

        Returns:
            (q, k) slots, nearest first; None where the graph does not reach so many.
        """
        if self.parameters.space == "cosine":
            queries = unit(queries)
        with self._lock:  # ef is a setting of the index
            self._index.set_ef(max(ef, k))
            try:
                labels, _ = self._index.knn_query(queries, k=k, num_threads=threads)
            except RuntimeError:
                return None
        return np.asarray(labels.astype(np.int64))

    def state(self) -> dict[str, Any]:
        """Return hnswlib's own description: numbers, and arrays of links and vectors."""
        (state,) = self._index.__getstate__()
        return dict(state)

    def lacks(self, view: View) -> Slots:
        """The positions of the records that are not in it: newer ones, and those it never held.

        A graph is made of one moment; a record that lives at another, earlier or later, or in a fork,
        may be missing from it anywhere.
        """
        known = self._lacks
        if known is None or known[0] is not view:
            held = np.zeros(max(self.covered, view.committed), dtype=bool)
            held[: len(self._members)] = self._members
            known = self._lacks = view, np.flatnonzero(~held[view.slots])
        return known[1]

    @cached_property
    def _members(self) -> NDArray[np.bool_]:
        """Whether each slot is in it."""
        slots = np.asarray(self._index.get_ids_list(), dtype=np.int64)
        members = np.zeros(int(slots.max(initial=-1)) + 1, dtype=bool)
        members[slots] = True
        return members

    @staticmethod
    def begin(parameters: Parameters, more: int, after: Graph | None = None) -> Graph:
        """Make a graph with room for more rows: empty, or a copy of one that is there.

        Raises:
            MissingDependencyError: there is no hnswlib.
        """
        if after is None:
            return Graph(parameters, 0, empty_index(parameters, more))
        state = {**after.state(), "max_elements": len(after) + more}
        return Graph(parameters, after.covered, _hnswlib().Index(state))

    def insert(
        self,
        vectors: Vectors,
        slots: Slots,
        *,
        threads: int = 1,
        stop: Callable[[], bool] = lambda: False,
        report: Callable[[int], None] = lambda rows: None,
    ) -> None:
        """Insert rows, as long as nobody else has the graph.

        With one thread the same rows in the same order give the same graph.

        Args:
            vectors: (covered, dimension), float32: all committed rows.
            slots: The rows to insert.
            threads: How many threads insert.
            stop: Asked every few rows.
            report: Told how many rows went in since the last time.

        Raises:
            Stopped: `stop` said so; the graph is of no use.
        """
        self._lacks = None
        self.__dict__.pop("_members", None)
        for start in range(0, len(slots), _STEP):
            if stop():
                raise Stopped
            chosen = slots[start : start + _STEP]
            rows = vectors[chosen]
            if self.parameters.space == "cosine":
                rows = unit(rows)
            self._index.add_items(rows, chosen, num_threads=threads)
            report(len(chosen))
        self.covered = len(vectors)


def empty_index(parameters: Parameters, size: int) -> Any:
    """Make hnswlib's index without rows, for `size` of them."""
    space = "l2" if parameters.space == "l2" else "ip"  # cosine: of unit vectors
    index = _hnswlib().Index(space, parameters.dimension)
    index.init_index(
        max(size, 1),
        M=parameters.max_neighbors,
        ef_construction=parameters.ef_construction,
        random_seed=_SEED,
    )
    return index


def from_state(parameters: Parameters, covered: int, state: dict[str, Any], curve: Curve) -> Graph:
    """Make a graph of `Graph.state()`."""
    return Graph(parameters, covered, _hnswlib().Index(state), curve)


def has_hnswlib() -> bool:
    """Whether graphs can be made here."""
    try:
        _hnswlib()
    except MissingDependencyError:
        return False
    return True


def _hnswlib() -> Any:
    try:
        import hnswlib
    except ImportError as error:
        raise MissingDependencyError(NO_HNSWLIB) from error
    return hnswlib
