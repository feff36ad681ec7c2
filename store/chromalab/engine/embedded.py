"""The embedded engine: collections in one folder, for any number of threads and processes.

A write takes SQLite's lock, appends the vectors, makes them durable, then commits; batches that wait for
each other are committed together. A read works on
the snapshot of its transaction. Both pass through `Opened`, which is one collection in one
transaction.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

from chromalab.engine import collection_forks, statistics, writes
from chromalab.engine.disk import attachments, catalog, history, records, tenants, vectors
from chromalab.engine.disk.connection import Connection
from chromalab.engine.disk.group_commit import GroupCommit
from chromalab.engine.disk.history import Recorder
from chromalab.engine.disk.leftovers import sweeping
from chromalab.engine.disk.store import Store
from chromalab.engine.disk.vectors import MissingVectorsError, VectorFile
from chromalab.engine.index.builder import Builder, IndexJob
from chromalab.engine.index.collection_index import IndexInput, can_index, graph_file
from chromalab.engine.interface import Engine
from chromalab.engine.nearest import Search, nearest, recall
from chromalab.engine.opened import Opened
from chromalab.engine.reader import Reader
from chromalab.engine.record_transform import RecordTransform
from chromalab.engine.resident import Resident
from chromalab.engine.undo import undo
from chromalab.engine.upkeep.check import check
from chromalab.engine.upkeep.compact import compact
from chromalab.engine.upkeep.generations import Access
from chromalab.engine.upkeep.reembed import reembed
from chromalab.engine.values import (
    Attachment,
    Batch,
    CheckResult,
    CollectionModel,
    Counts,
    DatabaseModel,
    Filter,
    Indexing,
    Operation,
    Order,
    OutdatedQueryError,
    Preparation,
    Profile,
    Progress,
    QueryBasis,
    QueryPlan,
    Recall,
    Replacement,
    ReplaceResult,
    RewriteResult,
    Rows,
    Scope,
    SnapshotData,
    Undone,
    Vectors,
    WriteResult,
)
from chromalab.errors import NotFoundError

__all__ = ["EmbeddedEngine"]

T = TypeVar("T")

_WORTH_SHRINKING = 1 << 20  # free bytes in SQLite's file after something was deleted

_keys = itertools.count()  # unlike id(), never reused after an engine is garbage-collected


class EmbeddedEngine:
    """Implements `Engine` over a folder; `Engine` documents each call.

    Args:
        path: The folder; created if it does not exist.
        durability: "full", "normal" or "off"; see `Store`.

    Attributes:
        key: Identifies the engine within the process.
        store: The folder.
    """

    def __init__(self, path: Path, *, durability: str = "full") -> None:
        self.store = Store(path, durability)
        try:
            vectors.restore(self.store)
        except BaseException:
            self.store.close()
            raise
        self.key = next(_keys)
        self._batches = GroupCommit(self.store)
        self._residents: dict[UUID, Resident] = {}
        self._builder = Builder(self._bring_up)

    # Records: the catalog

    def create_collection(
        self,
        scope: Scope,
        name: str,
        metadata: dict[str, Any] | None,
        configuration: dict[str, Any],
    ) -> CollectionModel:
        """Create a collection."""
        with self.store.write() as connection:
            tenants.check(connection, scope)  # another process may have deleted the database
            return catalog.create(connection, *scope, name, metadata, configuration).model

    def get_collection(self, scope: Scope, name: str) -> CollectionModel:
        """Find a collection by name."""
        with self.store.read() as connection:
            return catalog.find(connection, *scope, name).model

    def get_collection_by_id(self, id: UUID, scope: Scope | None = None) -> CollectionModel:
        """Find a collection by id, in any scope by default."""
        with self.store.read() as connection:
            model = catalog.find_id(connection, id).model
        if scope is not None and (model.tenant, model.database) != scope:
            raise NotFoundError(
                f"Collection with the id {id} does not exist in database {scope.database!r} of tenant "
                f"{scope.tenant!r}. Switch to another one with set_tenant or set_database."
            )
        return model

    def list_collections(
        self, scope: Scope, limit: int | None, offset: int | None
    ) -> list[CollectionModel]:
        """List collections in the order in which they were created."""
        with self.store.read() as connection:
            return [e.model for e in catalog.entries(connection, *scope, limit, offset)]

    def count_collections(self, scope: Scope) -> int:
        """Count the collections."""
        with self.store.read() as connection:
            return catalog.count(connection, *scope)

    def modify_collection(
        self,
        id: UUID,
        name: str | None,
        metadata: dict[str, Any] | None,
        configuration: Mapping[str, Any] | None,
    ) -> CollectionModel:
        """Change every part that is not None."""
        with self.store.write() as connection:
            return catalog.modify(connection, id, name, metadata, configuration).model

    def delete_collection(self, scope: Scope, name: str) -> None:
        """Delete a collection, then its file, unless a fork reads it."""
        with sweeping(self.store) as connection:
            entry = catalog.find(connection, *scope, name)
            catalog.delete(connection, entry)
            self._forget(entry.model.id)
        self.store.shrink(least=_WORTH_SHRINKING)

    def fork_collection(self, id: UUID, name: str) -> CollectionModel:
        """Copy a collection; the copy shares the vectors until it writes its own."""
        with self.store.write() as connection:
            source = catalog.find_id(connection, id)
            made = collection_forks.fork(connection, source, name)
        most = (source.slots, source.hnsw.get("max_neighbors", 16))
        graph_file(self.store.vectors, source).copy_to(graph_file(self.store.vectors, made), *most)
        return made.model

    def count_forks(self, id: UUID) -> int:
        """Count the forks that share the vector file of a collection."""
        with self.store.read() as connection:
            return collection_forks.count(connection, catalog.find_id(connection, id))

    def check_scope(self, scope: Scope) -> None:
        """Raise NotFoundError if the tenant or the database does not exist."""
        with self.store.read() as connection:
            tenants.check(connection, scope)

    def create_tenant(self, name: str) -> None:
        """Create a tenant."""
        with self.store.write() as connection:
            tenants.create_tenant(connection, name)

    def check_tenant(self, name: str) -> None:
        """Raise NotFoundError if the tenant does not exist."""
        with self.store.read() as connection:
            tenants.check_tenant(connection, name)

    def create_database(self, scope: Scope) -> None:
        """Create a database in a tenant."""
        with self.store.write() as connection:
            tenants.create_database(connection, scope)

    def get_database(self, scope: Scope) -> DatabaseModel:
        """Find a database."""
        with self.store.read() as connection:
            tenants.check_tenant(connection, scope.tenant)
            return tenants.database(connection, scope)

    def list_databases(
        self, tenant: str, limit: int | None, offset: int | None
    ) -> list[DatabaseModel]:
        """List the databases of a tenant in the order in which they were created."""
        with self.store.read() as connection:
            tenants.check_tenant(connection, tenant)
            return tenants.databases(connection, tenant, limit, offset)

    def delete_database(self, scope: Scope) -> None:
        """Delete a database with its collections, then their files."""
        with sweeping(self.store) as connection:
            tenants.check_tenant(connection, scope.tenant)
            tenants.delete_database(connection, scope)
            gone = catalog.entries(connection, *scope)
            for entry in gone:
                catalog.delete(connection, entry)
                self._forget(entry.model.id)
        self.store.shrink(least=_WORTH_SHRINKING)

    def reset(self) -> None:
        """Delete everything, which leaves a new store."""
        with sweeping(self.store) as connection:
            gone = catalog.ids(connection)
            tenants.clear(connection)
            for id in gone:
                self._forget(id)
        self.store.shrink(least=_WORTH_SHRINKING)

    # Records: reads, writes and queries

    def add(self, id: UUID, batch: Batch) -> WriteResult:
        """Insert the new ids and ignore the existing ones."""
        return self._write(id, batch, insert=True, change=False)

    def upsert(self, id: UUID, batch: Batch) -> WriteResult:
        """Insert the new ids and change the existing ones."""
        return self._write(id, batch, insert=True, change=True)

    def update(self, id: UUID, batch: Batch) -> WriteResult:
        """Change the existing ids and ignore the new ones."""
        return self._write(id, batch, insert=False, change=True)

    def delete(self, id: UUID, filter: Filter, limit: int | None, operation: str = "delete") -> int:
        """Delete the records that match; returns how many were deleted."""
        with self._writing(id) as collection:
            entry = collection.entry
            recorder = Recorder(collection.connection, entry.number, operation)
            deleted = writes.delete(collection, recorder, filter, limit)
            recorder.end(entry.model.version + 1)
            return deleted

    def existing(self, id: UUID, ids: Sequence[str]) -> set[str]:
        """Return those of the ids that exist."""
        return self._read(
            id, lambda found: set(records.locate(found.connection, found.entry.number, ids))
        )

    def count(self, id: UUID, filter: Filter | None = None) -> int:
        """Count all records, or those that match."""
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
        """Read records in insertion order, or in the order given."""
        end = None if limit is None else offset + limit

        def read(found: Opened) -> Rows:
            if order is None:
                positions = found.matching(filter, end)
            else:
                positions = found.ordered(found.matching(filter), order)
            return found.rows(positions[offset:end], fields)

        return self._read(id, read)

    def query(
        self,
        id: UUID,
        queries: Vectors,
        k: int,
        filter: Filter,
        fields: set[str],
        record_transform: RecordTransform | None = None,
        basis: QueryBasis | None = None,
    ) -> list[Rows]:
        """Read the k nearest records for each query."""

        def read(collection: Opened) -> tuple[Opened, list[Rows]]:
            if basis is not None:
                _confirm(collection, basis)
            return collection, nearest(collection, queries, k, filter, fields, record_transform)

        collection, found = self._read(id, read)
        self._request_index(collection, record_transform, searching=True)
        return found

    def reading(self, id: UUID, ask: Callable[[Reader], T], basis: QueryBasis | None = None) -> T:
        """Run a function on the records as of one transaction."""

        def read(collection: Opened) -> tuple[Opened, T]:
            if basis is not None:
                _confirm(collection, basis)
            return collection, ask(Reader(collection))

        collection, found = self._read(id, read)
        self._request_index(collection, searching=True)
        return found

    # Attachments

    def attachments(self, id: UUID, kind: str) -> list[Attachment]:
        """Read the attachments of one kind, in the order in which they were attached."""
        with self.store.read() as connection:
            return attachments.read(connection, id, kind)

    def attachments_since(
        self, id: UUID, kind: str, number: int
    ) -> tuple[list[int], list[Attachment]]:
        """Read the numbers of all attachments of one kind, and the attachments after a number."""
        with self.store.read() as connection:
            return attachments.read_since(connection, id, kind, number)

    def attachment(self, id: UUID, kind: str, name: str) -> Attachment | None:
        """Read one attachment by name; None if it does not exist."""
        with self.store.read() as connection:
            return attachments.read_one(connection, id, kind, name)

    def attach(
        self, id: UUID, *, add: Sequence[Attachment] = (), remove: Sequence[int] = ()
    ) -> list[int]:
        """Remove attachments by number, then add others, in one transaction."""
        rows = [attachments.as_stored(attachment) for attachment in add]
        with self.store.write() as connection:
            number = catalog.find_id(connection, id).number
            attachments.remove(connection, number, remove)
            return [attachments.insert(connection, number, row) for row in rows]

    # Upkeep

    def indexing(self, id: UUID, record_transform: RecordTransform | None = None) -> Indexing:
        """Report the progress of the index."""

        def read(collection: Opened) -> Indexing:
            mapped = collection.mapped(record_transform)
            return mapped.resident.index.indexing(mapped.entry, mapped.view)

        return self._read(id, read)

    def build_index(
        self, id: UUID, progress: Progress, record_transform: RecordTransform | None = None
    ) -> None:
        """Bring the index up to date now."""
        self._make_index(IndexJob(id, record_transform), everything=True, progress=progress)

    def pause_index(self, id: UUID) -> None:
        """Stop building the index in the background; what is built so far is kept."""
        self._read(id, lambda found: found.resident.index.paused.set())

    def resume_index(self, id: UUID) -> None:
        """Continue building the index in the background."""

        def read(collection: Opened) -> Opened:
            collection.resident.index.paused.clear()
            return collection

        self._request_index(self._read(id, read))

    def prepare(
        self, id: UUID, record_transform: RecordTransform, preparation: Preparation
    ) -> None:
        """Prepare in the background everything that queries through a record transform need."""
        self._builder.request(IndexJob(id, record_transform), quiet=True, preparation=preparation)

    def explain(
        self,
        id: UUID,
        queries: Vectors,
        k: int,
        filter: Filter,
        record_transform: RecordTransform | None = None,
    ) -> QueryPlan:
        """Plan a query without running it."""
        return self._read(
            id, lambda found: Search(found.mapped(record_transform), queries, k, filter).plan
        )

    def recall(
        self,
        id: UUID,
        sample: int,
        k: int,
        random_state: int,
        record_transform: RecordTransform | None = None,
    ) -> Recall:
        """Query the neighbors of sampled records and compare them with an exact scan."""
        return self._read(
            id, lambda found: recall(found.mapped(record_transform), sample, k, random_state)
        )

    def snapshot(self, id: UUID, filter: Filter) -> SnapshotData:
        """Read the records that match, with their vectors, as of one transaction."""
        return self._read(id, lambda found: found.snapshot(filter, self.store.path))

    def replace(self, id: UUID, change: Replacement) -> ReplaceResult:
        """Delete and change records in one transaction."""
        with self._writing(id) as collection:
            connection = collection.connection
            return writes.replace(
                collection, lambda: self._open(connection, id), change, durable=self._durable
            )

    def history(self, id: UUID) -> list[Operation]:
        """List the operations that can be undone, in the order in which they were done."""
        return self._read(
            id, lambda found: history.operations(found.connection, found.entry.number)
        )

    def undo(self, id: UUID, number: int | None = None) -> Undone:
        """Undo an operation, record by record."""
        with self._writing(id) as collection:
            return undo(collection, number, durable=self._durable)

    def distinct(self, id: UUID, key: str, filter: Filter) -> Counts:
        """Count the values of a metadata key."""
        return self._read(id, lambda collection: statistics.distinct(collection, key, filter))

    def profile(self, id: UUID) -> Profile:
        """Summarize the contents of a collection, which reads all of it once."""
        return self._read(id, statistics.profile)

    def compact(self, id: UUID, progress: Progress) -> RewriteResult:
        """Reclaim the space of dead vectors, and free pages of SQLite's file."""
        self.store.check_writable()
        done = compact(self._access(), id, progress)
        self.store.shrink()
        return done

    def reembed(
        self,
        id: UUID,
        embed: Callable[[list[str]], Vectors],
        embedding_function: dict[str, Any] | None,
        batch_size: int,
        progress: Progress,
    ) -> RewriteResult:
        """Re-embed all documents and store the new embedding function."""
        self.store.check_writable()
        return reembed(self._access(), id, embed, embedding_function, batch_size, progress)

    def check(self, progress: Progress) -> CheckResult:
        """Verify every file against the catalog."""
        return check(self.store, progress)

    def close(self) -> None:
        """Release files and connections."""
        self._builder.stop()
        self.closing()()

    def closing(self) -> Callable[[], None]:
        """A function that releases files and connections, and does not keep the engine alive."""
        store, residents = self.store, self._residents

        def close() -> None:
            residents.clear()  # with their maps: Windows does not delete what is mapped
            store.close()

        return close

    # What the calls share

    @property
    def _durable(self) -> bool:
        return self.store.durability != "off"

    def _read(self, id: UUID, ask: Callable[[Opened], T]) -> T:
        """Run a function on a collection in one read transaction."""
        attempts = 3  # to read the latest version, to which the state in memory belongs
        while True:
            try:
                with self.store.read() as connection:
                    collection = self._open(connection, id, only_reads=True)
                    if attempts and collection.resident.is_later(collection.entry):
                        attempts -= 1
                        continue
                    return ask(collection)
            except MissingVectorsError:
                # A second transaction tells whether the collection was deleted in the meantime.
                with self.store.read() as connection:
                    now = self._open(connection, id).entry
                if now.file_name == collection.entry.file_name:
                    raise
                # It was compacted after the catalog was read and before the file was opened, so the
                # call is repeated.

    @contextmanager
    def _writing(self, id: UUID) -> Iterator[Opened]:
        with self.store.write() as connection:
            yield self._open(connection, id)

    def _write(self, id: UUID, batch: Batch, *, insert: bool, change: bool) -> WriteResult:
        def write(connection: Connection) -> tuple[Opened, WriteResult]:
            collection = self._open(connection, id)
            number = collection.entry.number
            recorder = Recorder(connection, number, batch.operation, number=batch.continues)
            written = writes.write(
                collection, batch, recorder, insert=insert, change=change, durable=self._durable
            )
            after = self._open(connection, id)
            recorded = recorder.end(after.entry.model.version)
            return after, replace(written, operation=recorded)

        after, written = self._batches.write(write, len(batch.ids))
        self._request_index(after)
        return written

    def _access(self) -> Access:
        return Access(self.store.vectors, self._durable, self._read, self._rewriting)

    @contextmanager
    def _rewriting(self, id: UUID) -> Iterator[Opened]:
        with sweeping(self.store) as connection:
            yield self._open(connection, id)

    def _request_index(
        self,
        collection: Opened,
        record_transform: RecordTransform | None = None,
        *,
        searching: bool = False,
    ) -> None:
        """Have the index built in the background if it is due."""
        entry, mapped = collection.entry, collection.mapped(record_transform)
        # An add reads no view, so with many dead rows this may request a job that does nothing.
        live = len(collection.view.slots) if searching else entry.slots
        if mapped.resident.index.is_due(entry, live, searching=searching) and can_index():
            self._builder.request(IndexJob(entry.model.id, record_transform), quiet=searching)

    def _bring_up(self, job: IndexJob, stop: Callable[[], bool], preparation: Preparation) -> None:
        self._make_index(job, stop=stop, progress=preparation.progress)

    def _make_index(self, job: IndexJob, **how: Any) -> None:
        def read(collection: Opened) -> tuple[Resident, IndexInput]:
            mapped = collection.mapped(job.record_transform)
            entry, vectors, release = mapped.entry, mapped.vectors, mapped.resident.release
            norms = mapped.norms
            if job.record_transform is None:  # a map of its own, whose pages no query reads
                file = VectorFile(self.store.vectors / entry.file_name, vectors.shape[1])
                vectors, release = file.rows(len(vectors)), file.release
            return mapped.resident, IndexInput(entry, mapped.view, vectors, norms, release)

        resident, given = self._read(job.id, read)
        resident.release()
        resident.index.bring_up(given, **how)
        resident.release()

    def _open(self, connection: Connection, id: UUID, *, only_reads: bool = False) -> Opened:
        """Open a collection in a transaction."""
        try:
            row = (
                _once(connection, id, lambda: catalog.row(connection, id))
                if only_reads
                else catalog.row(connection, id)
            )
        except NotFoundError:
            self._forget(id)
            raise
        resident = self._residents.get(id)
        if resident is None:
            resident = self._residents.setdefault(id, Resident(self.store.vectors))
        return Opened(connection, resident.entry(row), resident)

    def _forget(self, id: UUID) -> None:
        """Drop the in-memory state of a collection; Windows deletes no file that it has mapped."""
        self._residents.pop(id, None)


_IMPLEMENTS: type[Engine] = EmbeddedEngine  # has mypy compare the two


def _once(connection: Connection, key: Hashable, read: Callable[[], T]) -> T:
    """Read something in a read transaction, unless it is known of the same snapshot."""
    if key not in connection.known:
        connection.known[key] = read()
    return connection.known[key]  # type: ignore[no-any-return]


def _confirm(collection: Opened, basis: QueryBasis) -> None:
    """Raise OutdatedQueryError if the collection is not as a query was prepared for."""
    stored, known = collection.entry.model, basis.model
    attachment = None
    if basis.kind is not None:
        connection, kind = collection.connection, basis.kind
        attachment = _once(
            connection,
            (stored.id, kind),
            lambda: attachments.read_one(connection, stored.id, kind, kind),
        )
    if (
        stored.dimension != known.dimension
        or stored.configuration["embedding_function"] != known.configuration["embedding_function"]
        or (None if attachment is None else attachment.number) != basis.number
    ):
        raise OutdatedQueryError(stored, attachment)
