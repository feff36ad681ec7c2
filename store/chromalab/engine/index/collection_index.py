"""The index of one collection: when a graph is due, how it is made, saved and found again.

There is none while a scan is quick. Beyond that one graph covers the first rows of the vector file;
those behind it, the tail, are scanned until there are enough of them to be worth a larger graph:
a copy of the one that is there, with the new rows inserted. Only when much of it is dead is it made
from the start. A graph that lacks rows, or holds dead ones, is never wrong: its candidates are
measured and checked against the records.
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
from chromalab.engine.index.distances import Norms
from chromalab.engine.index.graph import NO_HNSWLIB, Graph, Parameters, Stopped, has_hnswlib
from chromalab.engine.index.graph_file import GraphFile, Unusable
from chromalab.engine.index.locality import by_neighbourhood
from chromalab.engine.index.scan import ExactScan
from chromalab.engine.interface import Tell, Vectors
from chromalab.engine.plan import Indexing
from chromalab.errors import notice

__all__ = ["CollectionIndex", "Material", "can_index", "graph_file", "threads_for"]

Slots = NDArray[np.int64]

_ROWS = 10_000  # a collection with fewer has no graph
_NUMBERS = 8_000_000  # nor one with fewer numbers in its vectors: a scan takes about 4 ms
_TAIL_NUMBERS = 1_500_000  # a tail of so many numbers is due: under a millisecond to scan
_TAIL_SHARE = 1 / 32  # and it is at least this share of the graph, as that is copied
_DEAD_SHARE = 0.3  # a graph with more dead rows is made from the start
_TARGET = 0.95
_ENOUGH = 0.99  # a curve of recall ends here
_SAMPLE = 100  # rows whose neighbours are looked up to find the ef that reaches the target
_EFS = (16, 24, 32, 48, 64, 80, 100, 130, 160, 200, 260, 320, 400, 500)


def graph_file(vectors: Path, entry: Entry) -> GraphFile:
    """Name the graph of a vector file; `vectors` is the folder of those."""
    return GraphFile(vectors.parent / "index" / entry.graph_name)


@functools.cache
def can_index() -> bool:
    """Whether there is an hnswlib; says so once where there is none."""
    if not has_hnswlib():
        notice(NO_HNSWLIB)
        return False
    return True


def threads_for(entry: Entry, queries: int = 1) -> int:
    """How many threads share some queries, or the making of an index (queries=0)."""
    if queries == 1:
        return 1
    cores = os.cpu_count() or 1
    given = entry.hnsw.get("num_threads")
    return int(given) if given else (max(1, cores // 2) if not queries else cores)


@dataclass(frozen=True)
class Material:
    """What a graph is made of: a collection at one moment."""

    entry: Entry
    view: View
    vectors: Vectors
    norms: Norms

    @property
    def parameters(self) -> Parameters:
        """The parameters that the configuration asks for."""
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
        folder: Where the vector files are; None for a graph that is not kept on the disk.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._graph: tuple[str, Graph] | None = None
        self._stamp: tuple[int, int, int] | None = None
        self._asked = 0
        self._failure = ""
        self._given_up: tuple[str, int] | None = None
        self.renew()
        process_forks.renew_in_child(self)

    def renew(self) -> None:
        """Make a new lock: after a fork the old one may be held by a thread that is not there."""
        self._making = threading.Lock()

    def graph(self, entry: Entry) -> Graph | None:
        """Return the graph of the collection's vector file, if it is in memory."""
        known = self._graph
        return known[1] if known and known[0] == entry.graph_name else None

    def ef(self, entry: Entry) -> int:
        """How many candidates a walk has to hold: as configured, or more to reach the target."""
        section, graph = entry.hnsw, self.graph(entry)
        target = section.get("target_recall", _TARGET)
        needed = graph.ef_for(target) if graph else 0
        return max(int(section.get("ef_search", 100)), needed)

    def usable(self, entry: Entry) -> Graph | None:
        """Return the graph, unless every neighbour is wanted."""
        exact = entry.hnsw.get("target_recall", _TARGET) == 1
        return None if exact else self.graph(entry)

    def is_due(self, entry: Entry, live: int, *, searching: bool = False) -> bool:
        """Whether a graph should be read or made; the first search of a process does without."""
        if not _is_large(entry, live):
            return False
        if (entry.graph_name, entry.model.version) == self._given_up:
            return False  # it failed a moment ago, and nothing has changed
        graph = self.graph(entry)
        if graph is None:
            self._asked += searching
            return not searching or self._asked > 1
        tail = entry.slots - graph.covered
        numbers = tail * (entry.model.dimension or 0)
        return numbers > _TAIL_NUMBERS and tail > graph.covered * _TAIL_SHARE

    def state(self, entry: Entry, live: int) -> str:
        """Say how the index is."""
        graph = self.graph(entry)
        if entry.hnsw.get("target_recall") == 1:
            return "a target_recall of 1 needs no index, all are compared"
        if graph is not None:
            made = graph.parameters
            return (
                f"HNSW over {len(graph):,} rows, max_neighbors {made.max_neighbors}, "
                f"ef_construction {made.ef_construction}"
            )
        if not _is_large(entry, live):
            return "so few are quickly compared, there is no index"
        if not has_hnswlib():
            return NO_HNSWLIB
        if self._failure:
            return f"the index could not be made ({self._failure}), all are compared"
        file = self._file(entry)
        if file is not None and file.stamp() is not None:
            return "the index is on the disk, it is read in the background"
        return "the index is not there yet, it is made in the background"

    def indexing(self, entry: Entry, view: View) -> Indexing:
        """Say how far the index is."""
        graph, live = self.usable(entry), len(view.slots)
        indexed = live
        if graph is not None:
            indexed -= len(graph.lacks(view))
        elif _is_large(entry, live):
            indexed = 0
        return Indexing(indexed, live, self.state(entry, live))

    def bring_up(
        self,
        material: Material,
        *,
        everything: bool = False,
        stop: Callable[[], bool] = lambda: False,
        tell: Tell = lambda done, total: None,
    ) -> None:
        """Read or make the graph that is due, and save it.

        Args:
            material: The collection.
            everything: Whether a short tail is to be in it, too.
            stop: Asked every few rows.
            tell: Told how many rows are in, of how many.

        Raises:
            Stopped: `stop` said so.
        """
        entry, live = material.entry, len(material.view.slots)
        if not _is_large(entry, live) or not has_hnswlib():
            return
        file = self._file(entry)
        with self._making, self._noting(entry):
            if file is not None:
                self._read(file, material)
            graph = self.graph(entry)
            slots = _missing(material, graph)
            if graph is not None and _dead_share(graph, material) > _DEAD_SHARE:
                graph, slots = None, _missing(material, None)
            elif graph is not None and not everything and not self.is_due(entry, live):
                return
            if not len(slots):
                return
            made = self._made(material, graph, slots, stop, tell)
            self._graph = entry.graph_name, made
            if file is None:
                return
            with suppress(OSError):  # a full disk, say: it is in memory, and made again next time
                file.write(made, material.vectors)
            self._stamp = file.stamp()

    def _file(self, entry: Entry) -> GraphFile | None:
        return None if self._folder is None else graph_file(self._folder, entry)

    @contextmanager
    def _noting(self, entry: Entry) -> Iterator[None]:
        """Keep the reason of a failure, for `state`, and do not try the same again."""
        self._failure, self._given_up = "", None
        try:
            yield
        except Stopped:
            raise
        except Exception as error:
            self._failure = f"{type(error).__name__}: {error}"
            self._given_up = entry.graph_name, entry.model.version
            raise

    def _made(
        self,
        material: Material,
        after: Graph | None,
        slots: Slots,
        stop: Callable[[], bool],
        tell: Tell,
    ) -> Graph:
        """Make the graph; its recall is measured with a few rows that are inserted last."""
        some = min(_SAMPLE, len(slots) // 2)
        held = np.random.default_rng(0).choice(slots, some, replace=False)
        first = by_neighbourhood(material.vectors, slots[~np.isin(slots, held)])
        made = Graph.begin(material.parameters, len(slots), after)
        done = 0

        def count(rows: int) -> None:
            nonlocal done
            done += rows
            tell(done, len(slots))

        for rows in (first, np.sort(held)):
            if rows is not first:
                made.curve = _curve(made, material, held)
            made.insert(
                material.vectors,
                rows,
                threads=threads_for(material.entry, 0),
                stop=stop,
                report=count,
            )
        return made

    def _read(self, file: GraphFile, material: Material) -> None:
        """Read the file, if another process has written one that covers more."""
        stamp = file.stamp()
        if stamp is None or (stamp == self._stamp and self.graph(material.entry)):
            return
        self._stamp = stamp
        try:
            found = file.read(material.parameters, material.vectors)
        except Unusable:
            return  # made anew when it is due: nothing is lost with it
        known = self.graph(material.entry)
        if known is None or known.covered < found.covered:
            self._graph = material.entry.graph_name, found


def _is_large(entry: Entry, live: int) -> bool:
    if entry.hnsw.get("target_recall") == 1:
        return False
    return live >= _ROWS and live * (entry.model.dimension or 0) >= _NUMBERS


def _missing(material: Material, graph: Graph | None) -> Slots:
    """The live rows a graph lacks, in the order of the file; odd ones are always scanned."""
    view = material.view
    slots = np.sort(view.slots if graph is None else view.slots[graph.lacks(view)])
    return slots[~np.isin(slots, material.norms.odd)] if len(material.norms.odd) else slots


def _dead_share(graph: Graph, material: Material) -> float:
    alive = len(material.view.slots) - len(graph.lacks(material.view))
    return 1 - alive / max(len(graph), 1)


def _curve(graph: Graph, material: Material, held: Slots) -> list[tuple[int, float]]:
    """Measure the recall of 10 neighbours, by ef, of rows that are not in the graph yet."""
    slots = material.view.slots
    known = np.sort(np.delete(slots, graph.lacks(material.view)))
    queries = material.vectors[held]
    curve: list[tuple[int, float]] = []
    if not len(held):
        return curve
    scan = ExactScan(material.vectors, material.norms, material.entry.space)
    with process_forks.steady:
        found, _ = scan.search(queries, 10, known)
    for ef in _EFS:
        proposed = graph.search(queries, 10, ef)
        if proposed is None:
            continue
        pairs = zip(found, proposed, strict=True)
        curve.append(
            (ef, float(np.mean([np.isin(known[row], near).mean() for row, near in pairs])))
        )
        if curve[-1][1] >= _ENOUGH:
            break
    return curve
