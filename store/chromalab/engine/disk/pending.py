"""Vectors of small writes, kept in SQLite until the vector file is waited for.

To wait for the disk is what a write of one record costs most of. A small write waits once: its
vectors go into the file without waiting, and into this table with the commit. The next large write
waits for the file, and with it for all rows before it, and empties the table. After a power cut the
rows that the file lacks are written again from the table.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np

from chromalab.engine.disk import catalog
from chromalab.engine.disk.store import Store
from chromalab.engine.disk.vectors import VectorFile
from chromalab.engine.interface import Vectors
from chromalab.errors import InternalError

__all__ = ["append", "forget", "restore"]

_SMALL = 64 << 10  # bytes of a write whose vectors go into the table
_MOST = 1024  # rows of a file in the table


def append(
    connection: sqlite3.Connection, file: VectorFile, rows: Vectors, *, after: int, durable: bool
) -> None:
    """Write rows behind the first `after` ones of a file, so that the commit makes them last.

    Args:
        connection: In a write transaction.
        file: The vector file.
        rows: (n, dimension), float32.
        after: How many rows are committed.
        durable: Whether they have to survive a power cut.
    """
    name = file.path.name
    first = connection.execute(
        "SELECT min(slot) FROM pending_vectors WHERE file = ?", (name,)
    ).fetchone()[0]
    small = rows.nbytes <= _SMALL and after - (after if first is None else first) < _MOST
    if durable and after and small:  # a new file has to be waited for, or its name may be lost
        file.append(rows, after=after, durable=False)
        connection.executemany(
            "INSERT OR REPLACE INTO pending_vectors (file, slot, vector) VALUES (?, ?, ?)",
            (
                (name, after + at, row.tobytes())
                for at, row in enumerate(np.ascontiguousarray(rows, dtype="<f4"))
            ),
        )
        return
    file.append(rows, after=after, durable=durable)
    if first is not None:
        connection.execute("DELETE FROM pending_vectors WHERE file = ?", (name,))


def forget(connection: sqlite3.Connection) -> None:
    """Drop the rows of files that no collection names any more."""
    kept = catalog.file_names(connection)
    for (name,) in connection.execute("SELECT DISTINCT file FROM pending_vectors").fetchall():
        if name not in kept:
            connection.execute("DELETE FROM pending_vectors WHERE file = ?", (name,))


def restore(store: Store) -> None:
    """Write the rows that a power cut kept from the files."""
    with store.read() as connection:
        if not any(_lost(connection, store.vectors)):
            return
    with store.write() as connection:
        for file, rows in _lost(connection, store.vectors):
            file.rewrite(rows)


def _lost(
    connection: sqlite3.Connection, folder: Path
) -> Iterator[tuple[VectorFile, list[tuple[int, bytes]]]]:
    """Go through the files that lack rows of the table: (slot, bytes) each.

    What does not fit the catalog, or is no vector file, is left alone: a store of a stranger may
    hold anything, and `check()` has to be able to say so.
    """
    for name, (dimension, committed) in _files(connection).items():
        rows = connection.execute(
            "SELECT slot, vector FROM pending_vectors WHERE file = ? ORDER BY slot", (name,)
        ).fetchall()
        sound = [
            (slot, vector)
            for slot, vector in rows
            if type(slot) is int
            and 0 <= slot < committed
            and type(vector) is bytes
            and len(vector) == dimension * 4
        ]
        file = VectorFile(folder / name, dimension)
        with suppress(InternalError, OSError):
            if lost := file.lacking(sound):
                yield file, lost


def _files(connection: sqlite3.Connection) -> dict[str, tuple[int, int]]:
    """The files with rows in the table: dimension and committed rows, of all that share one."""
    found = connection.execute("SELECT DISTINCT file FROM pending_vectors").fetchall()
    waiting = {name for (name,) in found}
    files: dict[str, tuple[int, int]] = {}
    for row in catalog.rows(connection) if waiting else ():
        with suppress(InternalError):
            entry = catalog.read_row(row)
            if entry.file_name in waiting and entry.model.dimension:
                _, most = files.get(entry.file_name, (0, 0))
                files[entry.file_name] = entry.model.dimension, max(most, entry.slots)
    return files
