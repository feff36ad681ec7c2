"""What one process keeps of a collection between calls: its view, its memory map, what is derived.

Everything here can be thrown away at any time; it is read again from the files.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from chromalab.engine.catalog import Entry, Row, read_row
from chromalab.engine.vectors import VectorFile
from chromalab.engine.view import View, view_at

__all__ = ["Resident"]


class Resident:
    """The state of one collection in memory, shared by the threads of a client.

    Args:
        folder: Where the vector files are.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._entry: tuple[Row, Entry] | None = None
        self._view: View | None = None
        self._file: VectorFile | None = None

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
        path = self._folder / entry.file_name
        known = self._file
        if known is None or (known.path, known.dimension) != (path, dimension):
            known = self._file = VectorFile(path, dimension)
        return known
