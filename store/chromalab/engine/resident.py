"""What one process keeps of a collection between calls: its view, its memory map, what is derived.

Everything here can be thrown away at any time; it is read again from the files.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path

from chromalab.engine.disk import process_forks
from chromalab.engine.disk.catalog import Entry, Row, read_row
from chromalab.engine.disk.turned_rows import TurnedRows
from chromalab.engine.disk.vectors import VectorFile
from chromalab.engine.disk.view import View, view_at
from chromalab.engine.filter.columns import Columns
from chromalab.engine.index.collection_index import CollectionIndex
from chromalab.engine.index.distances import Norms, norms_of
from chromalab.engine.index.selection import Positions, Selection
from chromalab.engine.interface import Filter, Vectors
from chromalab.engine.lens import Lens

__all__ = ["Resident", "Seen"]


_MANY = 10_000  # rows read at once, after which their pages are let go of
_LENSES = 2  # of a collection, that are kept: the live one, and one that is tried or prepared


class Resident:
    """The state of one collection in memory, shared by the threads of a client.

    Args:
        folder: Where the vector files are.

    Attributes:
        columns: Its metadata, by key.
        index: Its neighbour graph.
    """

    def __init__(self, folder: Path) -> None:
        self.columns = Columns()
        self._folder = folder
        self._entry: tuple[Row, Entry] | None = None
        self._view: View | None = None
        self._file: VectorFile | None = None
        self.index = CollectionIndex(folder)
        self._selection: Selection | None = None
        self._norms: tuple[VectorFile, Norms] | None = None
        self._seen: tuple[Seen, ...] = ()
        self.renew()
        process_forks.renew_in_child(self)

    def renew(self) -> None:
        """Make a new lock: after a fork the old one may be held by a thread that is not there."""
        self._choosing = threading.Lock()

    def through(self, lens: Lens) -> Seen:
        """Give the collection as it is seen through a lens; the last few are kept."""
        with self._choosing:
            known = next((seen for seen in self._seen if seen.lens == lens), None)
            found = known or Seen(self._folder, self, lens)
            others = [seen for seen in self._seen if seen is not found]
            self._seen = (found, *others)[:_LENSES]
        return found

    def entry(self, row: Row) -> Entry:
        """Read a row of the catalog, or know it from the last call."""
        known = self._entry
        if known is None or known[0] != row:
            known = self._entry = row, read_row(row)
        return known[1]

    def view(self, connection: sqlite3.Connection, entry: Entry) -> View:
        """Make the view of the transaction's moment."""
        view = view_at(connection, entry, self._view)
        latest = self._view
        if latest is None or latest.moment < view.moment:
            self._view = view
        return view

    def file(self, entry: Entry, dimension: int) -> VectorFile:
        """Open the vector file of the collection's generation."""
        known = self._file
        if known is None or (known.path.name, known.dimension) != (entry.file_name, dimension):
            known = self._file = VectorFile(self._folder / entry.file_name, dimension)
        return known

    def compared(self, entry: Entry, stored: Vectors) -> Vectors:
        """Give what queries are compared with: the committed rows as they are stored."""
        return stored

    def norms(self, entry: Entry, vectors: Vectors) -> Norms:
        """Take the norms of all these rows; those of the last call are known."""
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

    def selection(
        self, view: View, filter: Filter, find: Callable[[Filter], Positions]
    ) -> tuple[Selection, bool]:
        """Find what a filter picks, and say whether the last query had the same filter."""
        known = self._selection
        if known is not None and known.is_of(view, filter):
            return known, True
        known = self._selection = Selection(view, filter, find(filter))
        return known, False

    def keep(self, selection: Selection) -> None:
        """Keep a selection for the next query."""
        self._selection = selection

    def release(self) -> None:
        """Let go of the vectors' pages, after a pass over all of them."""
        if self._file is not None:
            self._file.release()


class Seen(Resident):
    """The same through a lens: rows, norms, selection and index of its own, the rest is shared.

    Its index is kept in memory alone.

    Args:
        folder: Where the vector files are.
        base: The collection as it is stored.
        lens: What its rows are seen through.
    """

    def __init__(self, folder: Path, base: Resident, lens: Lens) -> None:
        super().__init__(folder)
        self.lens = lens
        self.columns = base.columns
        self.index = CollectionIndex(None)
        self._base = base
        self._turned: tuple[str, TurnedRows] | None = None

    def view(self, connection: sqlite3.Connection, entry: Entry) -> View:
        """Take the view that is shared."""
        return self._base.view(connection, entry)

    def file(self, entry: Entry, dimension: int) -> VectorFile:
        """Take the vector file that is shared."""
        return self._base.file(entry, dimension)

    def compared(self, entry: Entry, stored: Vectors) -> Vectors:
        """Turn the committed rows; those of earlier calls are turned already."""
        known = self._turned
        if known is None or known[0] != entry.file_name:
            with self._choosing:
                known = self._turned
                if known is None or known[0] != entry.file_name:
                    rows = TurnedRows(self._folder.parent / "cache", self.lens)
                    known = self._turned = entry.file_name, rows
        return known[1].of(stored)

    def release(self) -> None:
        """Let go of the pages of the turned rows."""
        if self._turned is not None:
            self._turned[1].release()
