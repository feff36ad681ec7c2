"""A neighbor graph over the rows of a vector file: HNSW, implemented by a library.

Yu. A. Malkov, D. A. Yashunin: Efficient and robust approximate nearest neighbor search using
Hierarchical Navigable Small World graphs, https://arxiv.org/abs/1603.09320.

A graph is built on a private copy and never changes once it is published, as hnswlib cannot insert
and search at the same time. It only proposes candidates. They are measured elsewhere, and those that
were deleted or moved since are dropped there, so a graph need not be kept up to date.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from chromalab.engine.disk.process_forks import steady
from chromalab.engine.disk.view import View
from chromalab.engine.index.library import GraphImage, Index, Memory, Parameters
from chromalab.engine.index.scan import unit
from chromalab.engine.values import Vectors
from chromalab.lazy import cached_property

__all__ = ["Curve", "HnswGraph", "Stopped", "by_neighborhood", "comparable"]

_STEP = 256  # rows inserted at a time; a build can be stopped in between
_ROWS_EACH = 50  # the least number of rows per center
_MOST = 500  # the largest number of centers
_BLOCK = 8192

Slots = NDArray[np.int64]
Curve = Sequence[tuple[int, float]]


class Stopped(Exception):
    """A build was stopped on request."""


class HnswGraph:
    """Proposes rows near a query.

    Args:
        image: Its rows and links.
        covered: It contains all slots below this that were live when it was built.
        curve: Pairs of ef, ascending, and the recall that it reaches.

    Attributes:
        library: The name of the library that holds it.
    """

    def __init__(self, image: GraphImage, covered: int, *, curve: Curve = ()) -> None:
        self.parameters = image.parameters
        self.covered = covered
        self.curve = curve
        self._lacks: tuple[View, Slots] | None = None
        self.library = image.library.name
        self._index: Index = image.library(image)

    def __len__(self) -> int:
        return len(self._index)

    def ef_for(self, target: float) -> int:
        """The least ef that reached a recall, or else the largest that was tried."""
        return next((ef for ef, recall in self.curve if recall >= target), self._largest)

    @property
    def _largest(self) -> int:
        return self.curve[-1][0] if self.curve else 0

    def search(self, queries: Vectors, k: int, ef: int, threads: int = 1) -> Slots | None:
        """Propose k slots for each query.

        Args:
            queries: (q, dimension), float32.
            k: The number of slots per query.
            ef: The number of candidates that the search keeps; raised to k if it is lower.
            threads: The number of threads that share the queries.

        Returns:
            (q, k) slots, nearest first; None if the graph does not reach that many.
        """
        return self._index.search(comparable(self.parameters, queries), k, ef, threads)

    @contextmanager
    def image(self, folder: Path | None) -> Iterator[GraphImage]:
        """Its rows and links, in an unnamed file in a folder."""
        with GraphImage(self.parameters, folder) as image:
            self._index.save(image)
            yield image

    def lacks(self, view: View) -> Slots:
        """The positions of the records that are not in the graph: newer ones, and omitted ones.

        A graph is built from one version. A record that is live at an earlier or later version, or in
        a fork, may be missing from it anywhere.
        """
        known = self._lacks
        if known is None or known[0] is not view:
            held = np.zeros(max(self.covered, view.committed), dtype=bool)
            held[: len(self._members)] = self._members
            known = self._lacks = view, np.flatnonzero(~held[view.slots])
        return known[1]

    @cached_property
    def _members(self) -> NDArray[np.bool_]:
        """Whether each slot is in the graph."""
        slots = self._index.slots()
        members = np.zeros(int(slots.max(initial=-1)) + 1, dtype=bool)
        members[slots] = True
        return members

    @staticmethod
    def begin(parameters: Parameters, vectors: Vectors, slot: int, more: int) -> HnswGraph:
        """Create a graph of one row, with room for more."""
        slots = np.array([slot])
        row = parameters.block(
            np.zeros(1, dtype=np.int64),
            np.empty(0, dtype=np.int64),
            comparable(parameters, vectors[slots]),
            slots,
        )
        no_links = np.empty((0, 4 + 4 * parameters.max_neighbors), dtype=np.uint8)
        memory = Memory([row], np.zeros(1, dtype=np.int32), no_links, entry=0)
        with GraphImage(parameters, None) as image:
            image.write(memory, room=more)
            return HnswGraph(image, 0)

    def reserve(self, more: int) -> None:
        """Make room for more rows, before the graph is published."""
        self._index.reserve(len(self) + more)

    def grown(self, more: int, folder: Path | None) -> HnswGraph:
        """Copy the graph, through a file in a folder, with room for more rows."""
        with self.image(folder) as image:
            image.make_room(more)
            return HnswGraph(image, self.covered)

    def insert(
        self,
        vectors: Vectors,
        slots: Slots,
        *,
        threads: int = 1,
        stop: Callable[[], bool] = lambda: False,
        report: Callable[[int], None] = lambda rows: None,
        release: Callable[[], None] = lambda: None,
    ) -> None:
        """Insert rows, before the graph is published.

        With one thread, the same rows in the same order give the same graph.

        Args:
            vectors: (covered, dimension), float32: all committed rows.
            slots: The rows to insert.
            threads: The number of threads that insert.
            stop: Called every few rows; returns whether to stop.
            report: Receives the number of rows inserted since the last call.
            release: Releases the pages of the vectors; called every few rows.

        Raises:
            Stopped: `stop` returned True; the graph has some of the rows.
        """
        self._lacks = None
        self.__dict__.pop("_members", None)
        for start in range(0, len(slots), _STEP):
            if stop():
                raise Stopped
            chosen = slots[start : start + _STEP]
            rows = comparable(self.parameters, vectors[chosen])
            release()
            self._index.add(rows, chosen, threads)
            report(len(chosen))
        self.covered = len(vectors)


def comparable(parameters: Parameters, vectors: Vectors) -> Vectors:
    """The vectors (n, dimension) as the libraries compare them, contiguous."""
    return unit(vectors) if parameters.space == "cosine" else np.ascontiguousarray(vectors)


def by_neighborhood(
    vectors: Vectors,
    slots: Slots,
    random_state: int = 0,
    release: Callable[[], None] = lambda: None,
) -> Slots:
    """Sort rows so that neighbors are close to each other, for faster insertion.

    Rows inserted in this order find their neighborhood in the processor's cache: a graph is built
    with a fifth less work than in file order, and a third less than in random order. The rows are
    grouped by the nearest of some random rows, the centers, which are chained from each to the
    nearest one left.

    Args:
        vectors: (rows, dimension), float32; slots are row numbers.
        slots: (n,) the rows to sort.
        random_state: The seed that chooses the centers.
        release: Releases the pages of the vectors; called every few rows.

    Returns:
        The slots in another order, which is the same for the same seed.
    """
    count = min(_MOST, len(slots) // _ROWS_EACH)
    if count < 2:
        return slots
    chosen = np.random.default_rng(random_state).choice(slots, count, replace=False)
    centers = unit(vectors[np.sort(chosen)])
    ranks = np.empty(count, dtype=np.int64)
    ranks[_chain(centers)] = np.arange(count)
    nearest = []
    for start in range(0, len(slots), _BLOCK):
        rows = unit(vectors[slots[start : start + _BLOCK]])
        release()
        with steady:
            nearest.append(ranks[np.argmax(rows @ centers.T, axis=1)])
    return slots[np.argsort(np.concatenate(nearest), kind="stable")]


def _chain(centers: Vectors) -> Slots:
    """Walk from center to center, always to the nearest one not visited yet."""
    with steady:
        similarity = centers @ centers.T
    order = np.zeros(len(centers), dtype=np.int64)
    for step in range(1, len(centers)):
        similarity[:, order[step - 1]] = -np.inf
        order[step] = np.argmax(similarity[order[step - 1]])
    return order
