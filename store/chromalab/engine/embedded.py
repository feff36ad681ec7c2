"""The embedded engine: collections in one folder, for any number of threads and processes.

A write takes SQLite's lock, appends the vectors, makes them durable, then commits. A read works on
the snapshot of its transaction. Both pass through `_Open`, which is one collection in one
transaction.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from chromalab.engine import catalog, records
from chromalab.engine.catalog import Entry
from chromalab.engine.index import ExactScan, Index
from chromalab.engine.interface import Batch, CollectionModel, Filter, Rows, Vectors, Written
from chromalab.engine.store import Store
from chromalab.engine.vectors import MissingVectorsError, VectorFile
from chromalab.engine.view import View, view_at
from chromalab.errors import InvalidDimensionException, NotFoundError

__all__ = ["EmbeddedEngine"]

_CHUNK = 2000  # records filtered at a time


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
        self._views: dict[UUID, View] = {}
        self._files: dict[UUID, VectorFile] = {}

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
                if _FILE_NAME.fullmatch(file.name) and file.name not in kept and file.is_file()
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
            _check_dimension(collection.entry, queries)
            return collection.nearest(queries, k, filter, fields)

    def delete(self, id: UUID, filter: Filter, limit: int | None) -> int:
        """Delete the records that match."""
        with self._writing(id) as collection:
            chosen = collection.matching(filter, limit)[:limit]
            if len(chosen):
                entry, places = collection.entry, collection.view.places[chosen].tolist()
                version = entry.model.version + 1
                records.remove(collection.connection, entry.number, version, places)
                catalog.wrote(
                    collection.connection, entry.number, entry.model.dimension, entry.slots
                )
            return len(chosen)

    def close(self) -> None:
        """Let go of files and connections."""
        self.store.close()
        self._views.clear()
        self._files.clear()

    def _write(self, id: UUID, batch: Batch, *, insert: bool, change: bool) -> Written:
        with self._writing(id) as collection:
            connection, entry = collection.connection, collection.entry
            if batch.vectors is not None:
                _check_dimension(entry, batch.vectors)
            known = records.locate(connection, entry.number, batch.ids)
            new = [row for row, i in enumerate(batch.ids) if i not in known] if insert else []
            old = [row for row, i in enumerate(batch.ids) if i in known] if change else []
            if not new and not old:
                return Written()
            slots = entry.slots
            dimension = entry.model.dimension
            if batch.vectors is not None:
                moved = new + old
                dimension = batch.vectors.shape[1]
                file = self._file(entry, dimension)
                durable = self.store.durability != "off"  # a commit names only rows that are there
                file.append(batch.vectors[moved], after=entry.slots, durable=durable)
                slots += len(moved)
            records.insert(connection, entry.number, batch, new, entry.slots)
            if old:
                chosen = {row: known[batch.ids[row]] for row in old}
                if batch.vectors is not None:
                    version = entry.model.version + 1
                    connection.executemany(
                        "INSERT INTO dead_slots (collection, version, slot) VALUES (?, ?, ?)",
                        ((entry.number, version, slot) for _, slot in chosen.values()),
                    )
                    first = entry.slots + len(new)
                    chosen = {
                        row: (place, first + offset)
                        for offset, (row, (place, _)) in enumerate(chosen.items())
                    }
                records.rewrite(connection, batch, chosen)
            catalog.wrote(connection, entry.number, dimension, slots)
            return Written(added=len(new), changed=len(old))

    @contextmanager
    def _reading(self, id: UUID) -> Iterator[_Open]:
        try:
            with self.store.read() as connection:
                yield self._open(connection, id)
        except MissingVectorsError:
            with self.store.read() as connection:  # a later moment: deleted meanwhile?
                self._open(connection, id)
            raise

    @contextmanager
    def _writing(self, id: UUID) -> Iterator[_Open]:
        with self.store.write() as connection:
            yield self._open(connection, id)

    def _open(self, connection: sqlite3.Connection, id: UUID) -> _Open:
        try:
            entry = catalog.find_id(connection, id)
        except NotFoundError:
            self._forget(id)
            raise
        return _Open(self, connection, entry)

    def _view(self, connection: sqlite3.Connection, entry: Entry) -> View:
        id = entry.model.id
        view = view_at(connection, entry, self._views.get(id))
        latest = self._views.get(id)
        if latest is None or latest.version < view.version:
            self._views[id] = view
        return view

    def _file(self, entry: Entry, dimension: int) -> VectorFile:
        path = self.store.vectors / entry.file_name
        known = self._files.get(entry.model.id)
        if known is None or (known.path, known.dimension) != (path, dimension):
            known = self._files[entry.model.id] = VectorFile(path, dimension)
        return known

    def _forget(self, id: UUID) -> None:
        """Let go of the view and the memory map of a collection that is no more."""
        self._views.pop(id, None)
        self._files.pop(id, None)


_FILE_NAME = re.compile(r"[0-9a-f-]{36}-\d+\.f32")


@dataclass(frozen=True)
class _Open:
    """One collection in one transaction."""

    engine: EmbeddedEngine
    connection: sqlite3.Connection
    entry: Entry

    @cached_property
    def view(self) -> View:
        """Its records; read when they are asked for, as an `add` does not need them."""
        return self.engine._view(self.connection, self.entry)

    def matching(self, filter: Filter, enough: int | None = None) -> NDArray[np.int64]:
        """Find the positions in the view that match; may stop at `enough` of them."""
        positions = np.arange(len(self.view.places))
        if filter.ids is not None:
            found = records.locate(self.connection, self.entry.number, filter.ids)
            places = np.array([place for place, _ in found.values()], dtype=np.int64)
            positions = np.flatnonzero(np.isin(self.view.places, places))
        clauses = [c for c in (filter.where, filter.where_document) if c is not None]
        if not clauses:
            return positions
        kept: list[int] = []
        for start in range(0, len(positions), _CHUNK):
            chunk = positions[start : start + _CHUNK]
            texts = records.fetch(
                self.connection, self.view.places[chunk], ("metadata", "document")
            )
            for position, (metadata, document) in zip(chunk, texts.values(), strict=True):
                held = records.load(metadata) or {}
                if all(clause.matches(held, document) for clause in clauses):
                    kept.append(position)
            if enough is not None and len(kept) >= enough:
                break
        return np.array(kept, dtype=np.int64)

    def nearest(self, queries: Vectors, k: int, filter: Filter, fields: set[str]) -> list[Rows]:
        """Find the k nearest among the records that match, for each query."""
        positions = self.matching(filter)
        if not len(positions):
            return [self.rows(positions, fields, distances=[]) for _ in queries]
        index: Index = ExactScan(self._vectors(), _space(self.entry))
        winners, distances = index.search(queries, k, self.view.slots[positions])
        return [
            self.rows(positions[row], fields, distances=measured.tolist())
            for row, measured in zip(winners, distances, strict=True)
        ]

    def rows(
        self,
        positions: NDArray[np.int64],
        fields: set[str],
        *,
        distances: list[float] | None = None,
    ) -> Rows:
        """Read the records at some positions, in that order."""
        names = {"documents": "document", "metadatas": "metadata", "uris": "uri"}
        columns = ["id", *(column for name, column in names.items() if name in fields)]
        places = self.view.places[positions].tolist()
        found = records.fetch(self.connection, places, columns)
        read = {column: [found[place][at] for place in places] for at, column in enumerate(columns)}
        metadatas = read.get("metadata")
        return Rows(
            ids=read["id"],
            vectors=self._vectors()[self.view.slots[positions]] if "embeddings" in fields else None,
            documents=read.get("document"),
            metadatas=None if metadatas is None else [records.load(text) for text in metadatas],
            uris=read.get("uri"),
            distances=distances if "distances" in fields else None,
        )

    def _vectors(self) -> Vectors:
        file = self.engine._file(self.entry, self.entry.model.dimension or 0)
        return file.rows(self.view.committed)


def _space(entry: Entry) -> str:
    configuration = entry.model.configuration
    return str((configuration["hnsw"] or configuration["spann"])["space"])


def _check_dimension(entry: Entry, vectors: Vectors) -> None:
    expected, found = entry.model.dimension, vectors.shape[1]
    if expected is not None and expected != found:
        raise InvalidDimensionException(
            f"Collection {entry.model.name!r} holds embeddings of {expected} dimensions, found {found}. "
            "Use the model the collection was made with, or make a new collection."
        )
