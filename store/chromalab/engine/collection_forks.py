"""Forks: copies of a collection that share its vector file until they write their own vectors.

The file is append-only, and a fork never reads past the rows that were committed when it was created,
so the original may continue writing. Forks of a process are a different subject, in
`disk/process_forks.py`.
"""

from __future__ import annotations

import sqlite3
from dataclasses import replace

from chromalab.engine.disk import attachments, catalog
from chromalab.engine.disk.catalog import Entry
from chromalab.engine.disk.vectors import VectorFile
from chromalab.engine.opened import Opened

__all__ = ["count", "fork", "own_vectors"]


def fork(connection: sqlite3.Connection, source: Entry, name: str) -> Entry:
    """Create a copy of a collection: records, configuration, metadata and attachments.

    The time grows with the number of records; no vector is copied.
    """
    model = source.model
    made = catalog.create(
        connection, model.tenant, model.database, name, model.metadata, model.configuration
    )
    connection.execute(
        "UPDATE collections SET dimension = ?, slots = ?, shared = ?, written_at = ? WHERE number = ?",
        (
            model.dimension,
            source.slots,
            source.file_name if source.slots else None,
            catalog.now() if source.slots else None,
            made.number,
        ),
    )
    # In insertion order, which the places of the copies will preserve.
    connection.execute(
        "INSERT INTO records"
        " (collection, id, slot, document, metadata, uri, checksum, vector_checksum)"
        " SELECT ?, id, slot, document, metadata, uri, checksum, vector_checksum"
        " FROM records WHERE collection = ? ORDER BY place",
        (made.number, source.number),
    )
    attachments.copy(connection, source.number, made.number)
    return catalog.find_id(connection, made.model.id)


def count(connection: sqlite3.Connection, entry: Entry) -> int:
    """Count the collections that read the vector file of this one without owning it."""
    sql = "SELECT count(*) FROM collections WHERE shared = ?"
    return int(connection.execute(sql, (entry.file_name,)).fetchone()[0])


def own_vectors(collection: Opened, *, durable: bool) -> Entry:
    """Give a fork its own vector file, to which its next rows are appended."""
    entry = collection.entry
    if entry.shared is None:
        return entry
    own = replace(entry, shared=None)
    dimension = entry.model.dimension or 0
    shared: VectorFile = collection.resident.file(entry, dimension)
    shared.copy_to(shared.path.with_name(own.file_name), entry.slots, durable=durable)
    collection.connection.execute(
        "UPDATE collections SET shared = NULL WHERE number = ?", (entry.number,)
    )
    return own
