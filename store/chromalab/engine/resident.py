"""The in-memory state of a collection between calls: its view, its memory map and derived data.

All of it can be discarded at any time, as it is read again from the files.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from weakref import ref

from chromalab.engine.disk import process_forks
from chromalab.engine.disk.catalog import Entry, Row, read_row
from chromalab.engine.disk.mapped_rows import MappedRows
from chromalab.engine.disk.vectors import VectorFile
from chromalab.engine.disk.view import View, view_at
from chromalab.engine.filter.columns import Columns
from chromalab.engine.index.collection_index import CollectionIndex
from chromalab.engine.index.hnsw import HnswGraph
from chromalab.engine.index.matches import Matches, Positions
from chromalab.engine.index.scan import Norms, norms_of
from chromalab.engine.inverted.inverted_indexes import InvertedIndexes
from chromalab.engine.record_transform import RecordTransform
from chromalab.engine.values import Filter, QueryPlan, Vectors

__all__ = ["MappedView", "Resident"]


_MANY = 10_000  # rows read at once, after which their pages are released
_TRANSFORMS = 2  # held per collection: the active one, and one being tried or prepared

Alike = tuple[ref[View], ref[HnswGraph] | None, int, int]
"""What a plan depends on: the records, the graph, the number of queries and that of neighbors."""


class Resident:
    """The state of one collection in memory, shared by the threads of a client.

    Args:
        folder: The folder of the vector files.

    Attributes:
        columns: The metadata, as one column per key.
        inverted: The terms of texts and of sparse vectors, as one inverted index per key.
        index: The neighbor graph.
    """

    def __init__(self, folder: Path) -> None:
        self.columns = Columns()
        self.inverted = InvertedIndexes(folder)
        self._folder = folder
        self._entry: tuple[Row, Entry] | None = None
        self._view: View | None = None
        self._file: tuple[str, VectorFile] | None = None
        self._plan: tuple[Alike, QueryPlan] | None = None
        self.index = CollectionIndex(folder)
        self._matches: Matches | None = None
        self._norms: tuple[VectorFile, Norms] | None = None
        self._mapped: tuple[MappedView, ...] = ()
        self.renew()
        process_forks.renew_in_child(self)

    def renew(self) -> None:
        """Create a new lock; after a fork, a thread missing in the child may hold the old one."""
        self._choosing = threading.Lock()

    def mapped(self, record_transform: RecordTransform) -> MappedView:
        """The collection mapped by a record transform; the most recent ones are cached."""
        with self._choosing:
            known = next((m for m in self._mapped if m.record_transform == record_transform), None)
            found = known or MappedView(self._folder, self, record_transform)
            others = [mapped for mapped in self._mapped if mapped is not found]
            self._mapped = (found, *others)[:_TRANSFORMS]
        return found

    def entry(self, row: Row) -> Entry:
        """Parse a row of the catalog, unless it equals that of the last call."""
        known = self._entry
        if known is None or known[0] != row:
            known = self._entry = row, read_row(row)
        return known[1]

    def view(self, connection: sqlite3.Connection, entry: Entry) -> View:
        """Make the view of the transaction's version."""
        view = view_at(connection, entry, self._view)
        latest = self._view
        if latest is None or latest.revision < view.revision:
            self._view = view
        return view

    def is_later(self, entry: Entry) -> bool:
        """Whether another thread has read a later version, whose view is of no use to a reader of this."""
        view, now = self._view, (entry.generation, entry.model.version)
        return view is not None and (view.generation, view.version) > now

    def file(self, entry: Entry, dimension: int) -> VectorFile:
        """Open the vector file of the collection's generation."""
        known, name = self._file, entry.file_name
        if known is None or known[0] != name or known[1].dimension != dimension:
            known = self._file = name, VectorFile(self._folder / name, dimension)
        return known[1]

    def compared(self, entry: Entry, stored: Vectors) -> Vectors:
        """The rows that queries are compared with: the committed rows as stored."""
        return stored

    def norms(self, entry: Entry, vectors: Vectors) -> Norms:
        """The norms of all these rows; those of the last call are reused."""
        file = self.file(entry, vectors.shape[1])
        known = self._norms
        if known is None or known[0] is not file:
            known = file, norms_of(vectors[:0])
        if len(known[1].lengths) < len(vectors):
            many = len(vectors) - len(known[1].lengths) > _MANY
            known = self._norms = file, norms_of(vectors, known[1])
            if many:
                self.release()
        return known[1]

    def matches(
        self, view: View, filter: Filter, find: Callable[[Filter], Positions]
    ) -> tuple[Matches, bool]:
        """The records that pass a filter, and whether the last query had the same filter."""
        known = self._matches
        if known is not None and known.is_of(view, filter):
            return known, True
        known = self._matches = Matches(view, filter, find(filter))
        return known, False

    def plan(self, alike: Alike, make: Callable[[], QueryPlan]) -> QueryPlan:
        """The plan of a query without a filter; that of the last one if both are alike."""
        known = self._plan
        if known is None or known[0] != alike:
            known = self._plan = alike, make()
        return known[1]

    def cache(self, matches: Matches) -> None:
        """Cache the matches for the next query."""
        self._matches = matches

    def release(self) -> None:
        """Release the pages of the vectors, after a pass over all of them."""
        if self._file is not None:
            self._file[1].release()


class MappedView(Resident):
    """A collection mapped by a record transform.

    It has its own rows, norms, matches and index, and shares the rest. Its index is not stored on
    the disk.

    Args:
        folder: The folder of the vector files.
        base: The collection as stored.
        record_transform: What maps its rows.
    """

    def __init__(self, folder: Path, base: Resident, record_transform: RecordTransform) -> None:
        super().__init__(folder)
        self.record_transform = record_transform
        self.columns, self.inverted = base.columns, base.inverted
        self.index = CollectionIndex(None, base.index.paused)
        self._base = base
        self._rows: tuple[str, MappedRows] | None = None

    def view(self, connection: sqlite3.Connection, entry: Entry) -> View:
        """The view, which is shared."""
        return self._base.view(connection, entry)

    def file(self, entry: Entry, dimension: int) -> VectorFile:
        """The vector file, which is shared."""
        return self._base.file(entry, dimension)

    def compared(self, entry: Entry, stored: Vectors) -> Vectors:
        """The committed rows, mapped; those of earlier calls are reused."""
        known = self._rows
        if known is None or known[0] != entry.file_name:
            with self._choosing:
                known = self._rows
                if known is None or known[0] != entry.file_name:
                    rows = MappedRows(self._folder.parent / "cache", self.record_transform)
                    known = self._rows = entry.file_name, rows
        return known[1].of(stored)

    def release(self) -> None:
        """Release the pages of the mapped rows."""
        if self._rows is not None:
            self._rows[1].release()
