"""The embedded engine: collections in one folder, for any number of threads and processes.

A write takes SQLite's lock, appends the vectors, makes them durable, then commits. A read works on
the snapshot of its transaction. Both pass through `Opened`, which is one collection in one
transaction.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

from chromalab.engine import changes
from chromalab.engine.attaching import Attaching
from chromalab.engine.directory import Directory
from chromalab.engine.disk import catalog, pending, records
from chromalab.engine.disk.store import Store
from chromalab.engine.disk.vectors import MissingVectorsError
from chromalab.engine.facts import Counts, Facts, Order
from chromalab.engine.index.building import Builder, Due
from chromalab.engine.index.collection_index import Material, can_index
from chromalab.engine.interface import (
    Batch,
    Filter,
    Moment,
    Replaced,
    Replacement,
    Rows,
    Tell,
    Vectors,
    Written,
)
from chromalab.engine.lens import Lens
from chromalab.engine.moments import moment, replace
from chromalab.engine.nearest import Search, nearest
from chromalab.engine.opened import Opened
from chromalab.engine.plan import Indexing, Plan, Preparation, Recall
from chromalab.engine.recall import recall
from chromalab.engine.resident import Resident
from chromalab.engine.statistics import distinct, facts
from chromalab.engine.upkeep.calls import Upkeep
from chromalab.errors import NotFoundError

__all__ = ["EmbeddedEngine"]

T = TypeVar("T")


class EmbeddedEngine(Directory, Attaching, Upkeep):
    """Implements `Engine` over a folder.

    Args:
        path: The folder; made if it is not there.
        durability: "full", "normal" or "off"; see `Store`.
    """

    def __init__(self, path: Path, *, durability: str = "full") -> None:
        self.store = Store(path, durability)
        try:
            pending.restore(self.store)
        except BaseException:
            self.store.close()
            raise
        self._residents: dict[UUID, Resident] = {}
        self._builder = Builder(self._bring_up)

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
        return self._read(
            id, lambda found: set(records.locate(found.connection, found.entry.number, ids))
        )

    def count(self, id: UUID, filter: Filter | None = None) -> int:
        """Count the records, or those that match."""
        if filter is None:
            return self._read(id, lambda collection: len(collection.view.places))
        return self._read(id, lambda collection: len(collection.matching(filter)))

    def get(
        self,
        id: UUID,
        filter: Filter,
        fields: set[str],
        limit: int | None,
        offset: int,
        order: Order | None = None,
    ) -> Rows:
        """Read records in insertion order, or in another."""
        end = None if limit is None else offset + limit

        def read(found: Opened) -> Rows:
            if order is None:
                positions = found.matching(filter, end)
            else:
                positions = found.ordered(found.matching(filter), order)
            return found.rows(positions[offset:end], fields)

        return self._read(id, read)

    def distinct(self, id: UUID, key: str, filter: Filter) -> Counts:
        """Count the values of a metadata key."""
        return self._read(id, lambda collection: distinct(collection, key, filter))

    def facts(self, id: UUID) -> Facts:
        """Read everything once, and say what is there."""
        return self._read(id, facts)

    def query(
        self,
        id: UUID,
        queries: Vectors,
        k: int,
        filter: Filter,
        fields: set[str],
        lens: Lens | None = None,
    ) -> list[Rows]:
        """Read, for each query, its k nearest records."""
        collection, found = self._read(
            id, lambda found: (found, nearest(found, queries, k, filter, fields, lens))
        )
        self._ask(collection, lens, searching=True)
        return found

    def explain(
        self, id: UUID, queries: Vectors, k: int, filter: Filter, lens: Lens | None = None
    ) -> Plan:
        """Plan a query without running it."""
        return self._read(id, lambda found: Search(found.through(lens), queries, k, filter).plan)

    def recall(
        self, id: UUID, sample: int, k: int, random_state: int, lens: Lens | None = None
    ) -> Recall:
        """Ask for the neighbours of some records, and compare with an exact scan."""
        return self._read(id, lambda found: recall(found.through(lens), sample, k, random_state))

    def indexing(self, id: UUID, lens: Lens | None = None) -> Indexing:
        """Say how far the index is."""

        def read(collection: Opened) -> Indexing:
            seen = collection.through(lens)
            return seen.resident.index.indexing(seen.entry, seen.view)

        return self._read(id, read)

    def build_index(self, id: UUID, tell: Tell, lens: Lens | None = None) -> None:
        """Bring the index up to date now."""
        self._make_index(Due(id, lens), everything=True, tell=tell)

    def prepare(self, id: UUID, lens: Lens, told: Preparation) -> None:
        """Have everything ready in the background that queries through a lens need."""
        self._builder.ask(Due(id, lens), quiet=True, told=told)

    def delete(self, id: UUID, filter: Filter, limit: int | None) -> int:
        """Delete the records that match."""
        with self._writing(id) as collection:
            return changes.delete(collection, filter, limit)

    def moment(self, id: UUID, filter: Filter) -> Moment:
        """Read the records that match, with their vectors, as they are at one moment."""
        return self._read(id, lambda found: moment(found, filter, self.store.path))

    def replace(self, id: UUID, change: Replacement) -> Replaced:
        """Delete, change and insert records in one transaction."""
        durable = self.store.durability != "off"
        with self._writing(id) as collection:
            connection = collection.connection
            return replace(collection, lambda: self._open(connection, id), change, durable=durable)

    def close(self) -> None:
        """Let go of files and connections."""
        self._builder.stop()
        self.store.close()
        self._residents.clear()

    def _write(self, id: UUID, batch: Batch, *, insert: bool, change: bool) -> Written:
        durable = self.store.durability != "off"
        with self._writing(id) as collection:
            written = changes.write(
                collection, batch, insert=insert, change=change, durable=durable
            )
            after = self._open(collection.connection, id)
        self._ask(after)
        return written

    def _ask(
        self, collection: Opened, lens: Lens | None = None, *, searching: bool = False
    ) -> None:
        """Have the index made in the background, if it is due."""
        entry, seen = collection.entry, collection.through(lens)
        # An add reads no view: it may ask for nothing when most rows are dead.
        live = len(collection.view.slots) if searching else entry.slots
        if seen.resident.index.is_due(entry, live, searching=searching) and can_index():
            self._builder.ask(Due(entry.model.id, lens), quiet=searching)

    def _bring_up(self, due: Due, stop: Callable[[], bool], told: Preparation) -> None:
        self._make_index(due, stop=stop, tell=told.tell)

    def _make_index(self, due: Due, **how: Any) -> None:
        def read(collection: Opened) -> tuple[Resident, Material]:
            seen = collection.through(due.lens)
            return seen.resident, Material(seen.entry, seen.view, seen.vectors, seen.norms)

        resident, material = self._read(due.id, read)
        resident.index.bring_up(material, **how)
        resident.release()

    def _read(self, id: UUID, ask: Callable[[Opened], T]) -> T:
        """Ask something of a collection in one read transaction."""
        while True:
            try:
                with self.store.read() as connection:
                    collection = self._open(connection, id)
                    return ask(collection)
            except MissingVectorsError:
                with self.store.read() as connection:  # a later moment: deleted meanwhile?
                    now = self._open(connection, id).entry
                if now.file_name == collection.entry.file_name:
                    raise
                # Compacted between our look at the catalog and at the file: ask again.

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
