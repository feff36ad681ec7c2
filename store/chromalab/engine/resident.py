"""What one process keeps of a collection between calls: its view, its memory map, what is derived.

Everything here can be thrown away at any time; it is read again from the files.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

from chromalab.engine.disk.catalog import Entry, Row, read_row
from chromalab.engine.disk.vectors import VectorFile
from chromalab.engine.disk.view import View, view_at
from chromalab.engine.filter.columns import Columns
from chromalab.engine.index.collection_index import CollectionIndex
from chromalab.engine.index.distances import Norms, norms_of
from chromalab.engine.index.selection import Positions, Selection
from chromalab.engine.interface import Filter, Vectors

__all__ = ["Resident"]


_MANY = 10_000  # rows read at once, after which their pages are let go of


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

    def norms(self, entry: Entry, vectors: Vectors) -> Norms:
        """Take the norms of all committed rows; those of the last call are known."""
        file = self.file(entry, vectors.shape[1])
        known = self._norms
        if known is None or known[0] is not file:
            known = file, norms_of(vectors[:0])
        if len(known[1].lengths) < len(vectors):
            many = len(vectors) - len(known[1].lengths) > _MANY
            known = self._norms = file, norms_of(vectors, known[1])
            if many:
                file.release()
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
