"""The index of one collection: when a graph is due, and how it is built, saved and loaded.

There is none while a scan is fast enough. Beyond that, one graph covers the first rows of the vector
file. The rows after it, the tail, are scanned until there are enough of them to justify a larger
graph, which is a copy of the current one with the new rows inserted. It is rebuilt from scratch only
when many of its rows are dead. A graph that lacks rows or contains dead ones never makes an answer
wrong, as its candidates are measured and checked against the records.
"""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from chromalab.engine.disk import process_forks
from chromalab.engine.disk.catalog import Entry
from chromalab.engine.disk.view import View
from chromalab.engine.index.graph_file import GraphFile, Unusable
from chromalab.engine.index.hnsw import HnswGraph, Stopped, by_neighborhood
from chromalab.engine.index.library import NO_LIBRARY, Parameters, library
from chromalab.engine.index.scan import ExactScan, Norms
from chromalab.engine.values import Indexing, Progress, Vectors
from chromalab.errors import notice

__all__ = ["CollectionIndex", "IndexInput", "can_index", "graph_file", "threads_for"]

Slots = NDArray[np.int64]

_ROWS = 10_000  # a collection with fewer records has no graph
_NUMBERS = 2_500_000  # nor does one with fewer numbers in its vectors: a scan takes about 1 ms
_TAIL_NUMBERS = 1_500_000  # a tail with more numbers is due; it takes under 1 ms to scan
_TAIL_SHARE = 1 / 32  # it must also be at least this share of the graph, which is copied
_DEAD_SHARE = 0.3  # a graph with more dead rows is rebuilt from scratch
_TARGET = 0.95
_ENOUGH = 0.99  # the curve of recall ends here
_SAMPLE = 100  # rows, at least, whose neighbors are queried to find the ef that reaches the target
_SAMPLE_SHARE = 1 / 200  # the share of the inserted rows that is sampled
_MOST_SAMPLED = 500  # rows, at most
_CONFIDENCE = 1.645  # standard errors below the mean: one-sided, 95%
_STRETCH = 1 << 16  # rows scanned at a time to find the true neighbors of the sample
_EFS = (16, 24, 32, 48, 64, 80, 100, 130, 160, 200, 260, 320, 400, 500, 640, 800, 1000)


def graph_file(vectors: Path, entry: Entry) -> GraphFile:
    """The graph file of a collection; `vectors` is the folder of the vector files."""
    return GraphFile(vectors.parent / "index" / entry.graph_name)


@functools.cache
def can_index() -> bool:
    """Whether a library is installed; prints a notice, once, if none is."""
    if library() is None:
        notice(NO_LIBRARY)
        return False
    return True


def threads_for(entry: Entry, queries: int = 1) -> int:
    """The number of threads for a batch of queries, or for building an index (queries=0)."""
    if queries == 1:
        return 1
    cores = os.cpu_count() or 1
    given = entry.hnsw.get("num_threads")
    return int(given) if given else (max(1, cores // 2) if not queries else cores)


@dataclass(frozen=True)
class IndexInput:
    """The input to building a graph: one version of a collection.

    Attributes:
        release: Releases the pages of the vectors that were read.
    """

    entry: Entry
    view: View
    vectors: Vectors
    norms: Norms
    release: Callable[[], None] = lambda: None

    @property
    def parameters(self) -> Parameters:
        """The parameters given by the configuration."""
        section = self.entry.hnsw
        return Parameters(
            self.entry.space,
            self.entry.model.dimension or 0,
            section.get("max_neighbors", 16),
            section.get("ef_construction", 100),
        )


class CollectionIndex:
    """The graph of one collection in memory.

    Args:
        folder: The folder of the vector files; None for a graph that is not stored on the disk.
        paused: Shared with another index, so that both are paused together.

    Attributes:
        paused: Set while nothing is to be built in the background. A graph that was begun is kept,
            and is continued from where it is.
    """

    def __init__(self, folder: Path | None, paused: threading.Event | None = None) -> None:
        self.paused = paused or threading.Event()
        self._awaited = threading.Event()
        self._folder = folder
        self._graph: tuple[str, HnswGraph] | None = None
        self._begun: tuple[str, HnswGraph] | None = None
        self._stamp: tuple[int, int, int] | None = None
        self._asked = 0
        self._failure = ""
        self._given_up: tuple[str, int] | None = None
        self.renew()
        process_forks.renew_in_child(self)

    def renew(self) -> None:
        """Create a new lock; after a fork, a thread missing in the child may hold the old one."""
        self._making = threading.Lock()

    def graph(self, entry: Entry) -> HnswGraph | None:
        """The graph of the collection's vector file; None if it is not in memory."""
        known = self._graph
        return known[1] if known and known[0] == entry.graph_name else None

    def ef(self, entry: Entry) -> int:
        """How many candidates a walk keeps: as configured, or more to reach the target recall."""
        section, graph = entry.hnsw, self.graph(entry)
        target = section.get("target_recall", _TARGET)
        needed = graph.ef_for(target) if graph else 0
        return max(int(section.get("ef_search", 100)), needed)

    def usable(self, entry: Entry) -> HnswGraph | None:
        """The graph; None if the target recall of 1 requires an exact scan."""
        exact = entry.hnsw.get("target_recall", _TARGET) == 1
        return None if exact else self.graph(entry)

    def is_due(self, entry: Entry, live: int, *, searching: bool = False) -> bool:
        """Whether a graph should be loaded or built; the first search of a process never waits."""
        if not _is_large(entry, live):
            return False
        if (entry.graph_name, entry.model.version) == self._given_up:
            return False  # it failed for this version already
        graph = self.graph(entry)
        if self.paused.is_set():  # a file is loaded nevertheless
            return graph is None and self._on_disk(entry) not in (None, self._stamp)
        if graph is None:
            self._asked += searching
            return not searching or self._asked > 1
        tail = entry.slots - graph.covered
        numbers = tail * (entry.model.dimension or 0)
        return numbers > _TAIL_NUMBERS and tail > graph.covered * _TAIL_SHARE

    def state(self, entry: Entry, live: int) -> str:
        """The state of the index, in words."""
        graph = self.graph(entry)
        if entry.hnsw.get("target_recall") == 1:
            return "a target_recall of 1 uses no index; all records are compared"
        if graph is not None:
            made = graph.parameters
            return (
                f"HNSW by {graph.library} over {len(graph):,} rows, max_neighbors {made.max_neighbors}, "
                f"ef_construction {made.ef_construction}{'; paused' if self.paused.is_set() else ''}"
            )
        if not _is_large(entry, live):
            return "no index, as a scan of so few records is fast"
        if library() is None:
            return NO_LIBRARY
        if self._failure:
            return f"the index could not be built ({self._failure}); all records are compared"
        if self._on_disk(entry) is not None:
            return "the index is on the disk and is loaded in the background"
        if self.paused.is_set():
            begun = self._unfinished(entry)
            rows = f" at {len(begun):,} rows" if begun else ""
            return f"the index does not exist yet, and is paused{rows}; resume_index() continues it"
        return "the index does not exist yet and is built in the background"

    def indexing(self, entry: Entry, view: View) -> Indexing:
        """The progress of the index."""
        graph, live = self.usable(entry), len(view.slots)
        indexed = live
        if graph is not None:
            indexed -= len(graph.lacks(view))
        elif _is_large(entry, live):
            indexed = 0
        return Indexing(indexed, live, self.state(entry, live))

    def bring_up(
        self,
        given: IndexInput,
        *,
        everything: bool = False,
        stop: Callable[[], bool] = lambda: False,
        progress: Progress = lambda done, total: None,
    ) -> None:
        """Load or build the graph that is due, and save it; while paused, load it only.

        Args:
            given: The collection.
            everything: Whether to index a short tail as well, even if paused, as a caller waits. A
                build in the background, which has a lower priority, is taken over.
            stop: Called every few rows; returns whether to stop.
            progress: Receives the rows inserted and the total.

        Raises:
            Stopped: `stop` returned True.
        """
        entry, live = given.entry, len(given.view.slots)
        if not _is_large(entry, live) or library() is None:
            return
        file = self._file(entry)
        if everything:
            self._awaited.set()
        with self._making, self._recording(entry):
            if everything:
                self._awaited.clear()
            if file is not None:
                self._read(file, given)
            if self.paused.is_set() and not everything:
                return
            graph = self.graph(entry)
            if graph is not None and _dead_share(graph, given) > _DEAD_SHARE:
                graph = None
            elif graph is not None and not everything and not self.is_due(entry, live):
                return
            if not len(_missing(given, graph)):
                self._begun = None
                return
            made = self._unfinished(entry) or self._started(given, graph)

            def stopped() -> bool:
                put_off = self.paused.is_set() or self._awaited.is_set()
                return stop() or (put_off and not everything)

            self._begun = None
            try:
                _fill(made, given, stopped, progress)
            except Stopped:
                if stop():
                    raise
                self._begun = entry.graph_name, made
                return
            self._graph = entry.graph_name, made
            if file is None:
                return
            with suppress(OSError):  # on a full disk it stays in memory, and is rebuilt next time
                file.write(made, given.vectors)
            self._stamp = file.stamp()

    def _file(self, entry: Entry) -> GraphFile | None:
        return None if self._folder is None else graph_file(self._folder, entry)

    @contextmanager
    def _recording(self, entry: Entry) -> Iterator[None]:
        """Record the reason of a failure, for `state`, and do not try this version again."""
        self._failure, self._given_up = "", None
        try:
            yield
        except Stopped:
            raise
        except Exception as error:
            self._failure = f"{type(error).__name__}: {error}"
            self._given_up = entry.graph_name, entry.model.version
            raise

    def _unfinished(self, entry: Entry) -> HnswGraph | None:
        """The graph that was begun when building was paused."""
        known = self._begun
        return known[1] if known and known[0] == entry.graph_name else None

    def _started(self, given: IndexInput, graph: HnswGraph | None) -> HnswGraph:
        """A graph with room for the missing rows: a copy of the given one, or of a single row."""
        slots = _missing(given, graph)
        if graph is None:
            return HnswGraph.begin(given.parameters, given.vectors, slots[0], len(slots))
        file = self._file(given.entry)
        return graph.grown(len(slots), file.scratch if file else None)

    def _on_disk(self, entry: Entry) -> tuple[int, int, int] | None:
        """The stamp of the graph's file."""
        file = self._file(entry)
        return None if file is None else file.stamp()

    def _read(self, file: GraphFile, given: IndexInput) -> None:
        """Load the file if another process has written one that covers more rows."""
        stamp = file.stamp()
        if stamp is None or (stamp == self._stamp and self.graph(given.entry)):
            return
        self._stamp = stamp
        try:
            found = file.read(given.parameters, given.vectors, given.release)
        except Unusable:
            return  # nothing is lost, as it is rebuilt when due
        known = self.graph(given.entry)
        if known is None or known.covered < found.covered:
            self._graph = given.entry.graph_name, found


def _is_large(entry: Entry, live: int) -> bool:
    if entry.hnsw.get("target_recall") == 1:
        return False
    return live >= _ROWS and live * (entry.model.dimension or 0) >= _NUMBERS


def _missing(given: IndexInput, graph: HnswGraph | None) -> Slots:
    """The live rows that a graph lacks, in file order; odd rows are always scanned."""
    view = given.view
    slots = np.sort(view.slots if graph is None else view.slots[graph.lacks(view)])
    return slots[~np.isin(slots, given.norms.odd)] if len(given.norms.odd) else slots


def _dead_share(graph: HnswGraph, given: IndexInput) -> float:
    alive = len(given.view.slots) - len(graph.lacks(given.view))
    return 1 - alive / max(len(graph), 1)


def _fill(
    graph: HnswGraph, given: IndexInput, stop: Callable[[], bool], progress: Progress
) -> None:
    """Insert the missing rows; the recall is measured with a sample of them, inserted last."""
    slots = _missing(given, graph)
    graph.reserve(len(slots))
    some = int(np.clip(len(slots) * _SAMPLE_SHARE, _SAMPLE, _MOST_SAMPLED))
    held = np.random.default_rng(0).choice(slots, min(some, len(slots) // 2), replace=False)
    first = by_neighborhood(given.vectors, slots[~np.isin(slots, held)], release=given.release)
    done = 0

    def count(rows: int) -> None:
        nonlocal done
        done += rows
        progress(done, len(slots))

    for rows in (first, np.sort(held)):
        if rows is not first and len(held):
            graph.curve = _curve(graph, given, held, stop)
        graph.insert(
            given.vectors,
            rows,
            threads=threads_for(given.entry, 0),
            stop=stop,
            report=count,
            release=given.release,
        )


def _curve(
    graph: HnswGraph, given: IndexInput, held: Slots, stop: Callable[[], bool]
) -> list[tuple[int, float]]:
    """Measure recall@10 by ef, with rows that are not in the graph yet as queries.

    The recall is the one that is exceeded with a confidence of 95%, as the least ef whose mean over a
    sample reaches the target would miss it half of the time.
    """
    slots = given.view.slots
    queries = given.vectors[held]
    true = _nearest(queries, given, np.sort(np.delete(slots, graph.lacks(given.view))), stop)
    curve: list[tuple[int, float]] = []
    for ef in _EFS:
        if stop():
            raise Stopped
        proposed = graph.search(queries, 10, ef)
        if proposed is None:
            continue
        shares = [np.isin(*pair).mean() for pair in zip(true, proposed, strict=True)]
        error = np.std(shares) / len(shares) ** 0.5
        curve.append((ef, max(0.0, float(np.mean(shares) - _CONFIDENCE * error))))
        if np.mean(shares) >= _ENOUGH:
            break
    return curve


def _nearest(queries: Vectors, given: IndexInput, slots: Slots, stop: Callable[[], bool]) -> Slots:
    """Find the 10 nearest of the slots for each query, (q, 10), by an exact scan in short steps."""
    scan = ExactScan(given.vectors, given.norms, given.entry.space)
    near, far = [], []
    for start in range(0, len(slots), _STRETCH):
        if stop():
            raise Stopped
        some = slots[start : start + _STRETCH]
        with process_forks.steady:
            winners, distances = scan.search(queries, 10, some)
        given.release()
        near.append(some[winners])
        far.append(distances)
    order = np.argsort(np.hstack(far), axis=1, kind="stable")[:, :10]
    return np.take_along_axis(np.hstack(near), order, axis=1)
