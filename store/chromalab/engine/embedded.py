"""The embedded engine: collections in one folder, for any number of threads and processes.

A write takes SQLite's lock, appends the vectors, makes them durable, then commits. A read works on
the snapshot of its transaction. Both pass through `Opened`, which is one collection in one
transaction.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import UUID

from chromalab.engine import catalog, changes, records
from chromalab.engine.interface import Batch, CollectionModel, Filter, Rows, Vectors, Written
from chromalab.engine.nearest import nearest
from chromalab.engine.opened import Opened
from chromalab.engine.resident import Resident
from chromalab.engine.store import Store
from chromalab.engine.vectors import MissingVectorsError
from chromalab.errors import NotFoundError

__all__ = ["EmbeddedEngine"]


class EmbeddedEngine:
    """Implements `Engine` over a folder.

    Args:
        path: The folder; made if it is not there.
        durability: "full", "normal" or "off"; see `Store`.
        tenant: Whose collections.
        database: In which database of the tenant.
    """

    def __init__(
        self,
        path: Path,
        *,
        durability: str = "full",
        tenant: str = "default_tenant",
        database: str = "default_database",
    ) -> None:
        self.store = Store(path, durability)
        self._scope = (tenant, database)
        self._residents: dict[UUID, Resident] = {}

    def create_collection(
        self, name: str, metadata: dict[str, Any] | None, configuration: dict[str, Any]
    ) -> CollectionModel:
        """Make a collection; see `Engine`."""
        with self.store.write() as connection:
            return catalog.create(connection, *self._scope, name, metadata, configuration).model

    def get_collection(self, name: str | None = None, id: UUID | None = None) -> CollectionModel:
        """Find a collection by name or id; see `Engine`."""
        with self.store.read() as connection:
            if id is not None:
                return catalog.find_id(connection, id).model
            return catalog.find(connection, *self._scope, str(name)).model

    def list_collections(self, limit: int | None, offset: int | None) -> list[CollectionModel]:
        """List collections in the order they were made."""
        with self.store.read() as connection:
            return [e.model for e in catalog.entries(connection, *self._scope, limit, offset)]

    def count_collections(self) -> int:
        """Count the collections."""
        with self.store.read() as connection:
            return catalog.count(connection, *self._scope)

    def modify_collection(
        self,
        id: UUID,
        name: str | None,
        metadata: dict[str, Any] | None,
        configuration: Mapping[str, Any] | None,
    ) -> CollectionModel:
        """Change what is not None; see `Engine`."""
        with self.store.write() as connection:
            return catalog.modify(connection, id, name, metadata, configuration).model

    def delete_collection(self, name: str) -> None:
        """Delete a collection, then its file; what a crash left behind goes with the next one."""
        with self.store.write() as connection:
            entry = catalog.find(connection, *self._scope, name)
            catalog.delete(connection, entry)
            kept = catalog.file_names(connection)
            # Listed under the lock: nobody else can be making a file that the catalog lacks.
            orphans = [
                file
                for file in self.store.vectors.iterdir()
                if catalog.FILE_NAME.fullmatch(file.name)
                and file.name not in kept
                and file.is_file()
            ]
        self._forget(entry.model.id)
        for file in orphans:  # after the commit: until then the collection is there
            with suppress(PermissionError):  # Windows, while it is mapped: goes with the next
                file.unlink(missing_ok=True)

    def add(self, id: UUID, batch: Batch) -> Written:
        """Insert the ids that are new, leave the others alone."""
        return self._write(id, batch, insert=True, change=False)

    def upsert(self, id: UUID, batch: Batch) -> Written:
        """Insert the ids that are new, change the others."""
        return self._write(id, batch, insert=True, change=True)

    def update(self, id: UUID, batch: Batch) -> Written:
        """Change the ids that are there, ignore the others."""
        return self._write(id, batch, insert=False, change=True)

    def existing(self, id: UUID, ids: Sequence[str]) -> set[str]:
        """Say which of the ids are there."""
        with self._reading(id) as collection:
            return set(records.locate(collection.connection, collection.entry.number, ids))

    def count(self, id: UUID) -> int:
        """Count the records."""
        with self._reading(id) as collection:
            return len(collection.view.places)

    def get(
        self, id: UUID, filter: Filter, fields: set[str], limit: int | None, offset: int
    ) -> Rows:
        """Read records in insertion order."""
        with self._reading(id) as collection:
            end = None if limit is None else offset + limit
            return collection.rows(collection.matching(filter, end)[offset:end], fields)

    def query(
        self, id: UUID, queries: Vectors, k: int, filter: Filter, fields: set[str]
    ) -> list[Rows]:
        """Read, for each query, its k nearest records."""
        with self._reading(id) as collection:
            return nearest(collection, queries, k, filter, fields)

    def delete(self, id: UUID, filter: Filter, limit: int | None) -> int:
        """Delete the records that match."""
        with self._writing(id) as collection:
            return changes.delete(collection, filter, limit)

    def close(self) -> None:
        """Let go of files and connections."""
        self.store.close()
        self._residents.clear()

    def _write(self, id: UUID, batch: Batch, *, insert: bool, change: bool) -> Written:
        durable = self.store.durability != "off"
        with self._writing(id) as collection:
            return changes.write(collection, batch, insert=insert, change=change, durable=durable)

    @contextmanager
    def _reading(self, id: UUID) -> Iterator[Opened]:
        try:
            with self.store.read() as connection:
                yield self._open(connection, id)
        except MissingVectorsError:
            with self.store.read() as connection:  # a later moment: deleted meanwhile?
                self._open(connection, id)
            raise

    @contextmanager
    def _writing(self, id: UUID) -> Iterator[Opened]:
        with self.store.write() as connection:
            yield self._open(connection, id)

    def _open(self, connection: sqlite3.Connection, id: UUID) -> Opened:
        try:
            row = catalog.row(connection, id)
        except NotFoundError:
            self._forget(id)
            raise
        resident = self._residents.get(id)
        if resident is None:
            resident = self._residents.setdefault(id, Resident(self.store.vectors))
        return Opened(connection, resident.entry(row), resident)

    def _forget(self, id: UUID) -> None:
        """Let go of what is in memory of a collection that is no more."""
        self._residents.pop(id, None)
