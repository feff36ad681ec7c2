"""One engine per folder in a process, however many clients open it.

A cell that creates its client again gets the memory maps and the index that are already loaded. Each
client holds a lease. When the last lease is closed or garbage-collected, the files are closed.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

from chromalab.engine.embedded import EmbeddedEngine
from chromalab.engine.interface import Engine
from chromalab.engine.reader import Reader
from chromalab.engine.record_transform import RecordTransform
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
from chromalab.errors import ChromalabError, ClientClosedError, StoreGoneError

__all__ = ["Lease", "lease", "lease_again"]

T = TypeVar("T")


class Lease:
    """A share in an engine that other clients may share; it forwards every call of `Engine`.

    After `close`, every call raises ClientClosedError, even while other leases are open.

    A copy, by `pickle` or `copy.deepcopy`, is another lease of the same folder. If there is no store in
    it any more, or it was an ephemeral one and has ended, every call of the copy raises an error.

    Attributes:
        engine: The engine itself.
    """

    def __init__(self, shared: _Shared, token: object) -> None:
        self._shared: _Shared | None = shared
        self._folder = shared.engine.store.path
        self._is_ephemeral = shared.is_ephemeral
        self._end = weakref.finalize(self, shared.leave, token)

    @property
    def engine(self) -> EmbeddedEngine:
        """The engine; raises ClientClosedError once this lease has ended."""
        shared = self._shared
        if shared is None:
            raise ClientClosedError("This client was closed. Create a new one.")
        return shared.engine

    def __reduce__(self) -> tuple[Any, ...]:
        shared = self._shared
        durability = "full" if shared is None else shared.engine.store.durability
        return _leased_copy, (str(self._folder), durability, self._is_ephemeral)

    @property
    def key(self) -> int:
        """Identifies the engine: equal for all leases of one engine, and never reused."""
        return self.engine.key

    def close(self) -> None:
        """End the lease; the last one closes the files. Idempotent."""
        self._shared = None
        self._end()

    # Records

    def create_collection(
        self,
        scope: Scope,
        name: str,
        metadata: dict[str, Any] | None,
        configuration: dict[str, Any],
    ) -> CollectionModel:
        """Create a collection; raises UniqueConstraintError if the name is taken."""
        return self.engine.create_collection(scope, name, metadata, configuration)

    def get_collection(self, scope: Scope, name: str) -> CollectionModel:
        """Find a collection by name; raises NotFoundError, which suggests similar names."""
        return self.engine.get_collection(scope, name)

    def get_collection_by_id(self, id: UUID, scope: Scope | None = None) -> CollectionModel:
        """Find a collection by id, in any scope by default; raises NotFoundError."""
        return self.engine.get_collection_by_id(id, scope)

    def list_collections(
        self, scope: Scope, limit: int | None, offset: int | None
    ) -> list[CollectionModel]:
        """List collections in the order in which they were created."""
        return self.engine.list_collections(scope, limit, offset)

    def count_collections(self, scope: Scope) -> int:
        """Count the collections."""
        return self.engine.count_collections(scope)

    def modify_collection(
        self,
        id: UUID,
        name: str | None,
        metadata: dict[str, Any] | None,
        configuration: Mapping[str, Any] | None,
    ) -> CollectionModel:
        """Change every part that is not None; a configuration is merged into the stored one."""
        return self.engine.modify_collection(id, name, metadata, configuration)

    def delete_collection(self, scope: Scope, name: str) -> None:
        """Delete a collection with its records and files."""
        self.engine.delete_collection(scope, name)

    def fork_collection(self, id: UUID, name: str) -> CollectionModel:
        """Copy a collection within its scope; the copy shares the vectors until it writes its own."""
        return self.engine.fork_collection(id, name)

    def count_forks(self, id: UUID) -> int:
        """Count the forks that share the vector file of a collection."""
        return self.engine.count_forks(id)

    def check_scope(self, scope: Scope) -> None:
        """Raise NotFoundError, with similar names, if the tenant or the database does not exist."""
        self.engine.check_scope(scope)

    def create_tenant(self, name: str) -> None:
        """Create a tenant; raises UniqueConstraintError if the name is taken."""
        self.engine.create_tenant(name)

    def check_tenant(self, name: str) -> None:
        """Raise NotFoundError, with similar names, if the tenant does not exist."""
        self.engine.check_tenant(name)

    def create_database(self, scope: Scope) -> None:
        """Create a database in a tenant; raises UniqueConstraintError if the name is taken."""
        self.engine.create_database(scope)

    def get_database(self, scope: Scope) -> DatabaseModel:
        """Find a database; raises NotFoundError, which suggests similar names."""
        return self.engine.get_database(scope)

    def list_databases(
        self, tenant: str, limit: int | None, offset: int | None
    ) -> list[DatabaseModel]:
        """List the databases of a tenant in the order in which they were created."""
        return self.engine.list_databases(tenant, limit, offset)

    def delete_database(self, scope: Scope) -> None:
        """Delete a database with its collections and their files."""
        self.engine.delete_database(scope)

    def reset(self) -> None:
        """Delete everything, which leaves a new store."""
        self.engine.reset()

    def add(self, id: UUID, batch: Batch) -> WriteResult:
        """Insert the new ids and ignore the existing ones."""
        return self.engine.add(id, batch)

    def upsert(self, id: UUID, batch: Batch) -> WriteResult:
        """Insert the new ids and change the existing ones."""
        return self.engine.upsert(id, batch)

    def update(self, id: UUID, batch: Batch) -> WriteResult:
        """Change the existing ids and ignore the new ones."""
        return self.engine.update(id, batch)

    def delete(self, id: UUID, filter: Filter, limit: int | None, operation: str = "delete") -> int:
        """Delete the records that match; returns how many were deleted."""
        return self.engine.delete(id, filter, limit, operation)

    def existing(self, id: UUID, ids: Sequence[str]) -> set[str]:
        """Return those of the ids that exist."""
        return self.engine.existing(id, ids)

    def count(self, id: UUID, filter: Filter | None = None) -> int:
        """Count all records, or those that match."""
        return self.engine.count(id, filter)

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
        return self.engine.get(id, filter, fields, limit, offset, order)

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
        """Read the k nearest records, as stored, for each row of `queries` (q, dimension)."""
        return self.engine.query(id, queries, k, filter, fields, record_transform, basis)

    def reading(self, id: UUID, ask: Callable[[Reader], T], basis: QueryBasis | None = None) -> T:
        """Run a function on the records as of one transaction."""
        return self.engine.reading(id, ask, basis)

    # Attachments

    def attachments(self, id: UUID, kind: str) -> list[Attachment]:
        """Read the attachments of one kind, in the order in which they were attached."""
        return self.engine.attachments(id, kind)

    def attachments_since(
        self, id: UUID, kind: str, number: int
    ) -> tuple[list[int], list[Attachment]]:
        """Read the numbers of all attachments of one kind, and the attachments after a number."""
        return self.engine.attachments_since(id, kind, number)

    def attachment(self, id: UUID, kind: str, name: str) -> Attachment | None:
        """Read one attachment by name; None if it does not exist."""
        return self.engine.attachment(id, kind, name)

    def attach(
        self, id: UUID, *, add: Sequence[Attachment] = (), remove: Sequence[int] = ()
    ) -> list[int]:
        """Remove attachments by number, then add others, in one transaction."""
        return self.engine.attach(id, add=add, remove=remove)

    # Upkeep

    def indexing(self, id: UUID, record_transform: RecordTransform | None = None) -> Indexing:
        """Report the progress of the index."""
        return self.engine.indexing(id, record_transform)

    def build_index(
        self, id: UUID, progress: Progress, record_transform: RecordTransform | None = None
    ) -> None:
        """Bring the index up to date now; `progress` receives the rows done and the total."""
        self.engine.build_index(id, progress, record_transform)

    def pause_index(self, id: UUID) -> None:
        """Stop building the index in the background; what is built so far is kept in memory."""
        self.engine.pause_index(id)

    def resume_index(self, id: UUID) -> None:
        """Continue building the index in the background."""
        self.engine.resume_index(id)

    def prepare(
        self, id: UUID, record_transform: RecordTransform, preparation: Preparation
    ) -> None:
        """Prepare in the background everything that queries through a record transform need."""
        self.engine.prepare(id, record_transform, preparation)

    def explain(
        self,
        id: UUID,
        queries: Vectors,
        k: int,
        filter: Filter,
        record_transform: RecordTransform | None = None,
    ) -> QueryPlan:
        """Plan a query without running it."""
        return self.engine.explain(id, queries, k, filter, record_transform)

    def recall(
        self,
        id: UUID,
        sample: int,
        k: int,
        random_state: int,
        record_transform: RecordTransform | None = None,
    ) -> Recall:
        """Query the neighbors of sampled records and compare them with an exact scan."""
        return self.engine.recall(id, sample, k, random_state, record_transform)

    def snapshot(self, id: UUID, filter: Filter) -> SnapshotData:
        """Read the records that match, with their vectors, as of one transaction."""
        return self.engine.snapshot(id, filter)

    def replace(self, id: UUID, change: Replacement) -> ReplaceResult:
        """Delete and change records in one transaction."""
        return self.engine.replace(id, change)

    def history(self, id: UUID) -> list[Operation]:
        """List the operations that can be undone, in the order in which they were done."""
        return self.engine.history(id)

    def undo(self, id: UUID, number: int | None = None) -> Undone:
        """Undo an operation, record by record: by default the latest that was not undone."""
        return self.engine.undo(id, number)

    def distinct(self, id: UUID, key: str, filter: Filter) -> Counts:
        """Count the values of a metadata key; a list counts as its elements."""
        return self.engine.distinct(id, key, filter)

    def profile(self, id: UUID) -> Profile:
        """Summarize the contents of a collection, which reads all of it once."""
        return self.engine.profile(id)

    def compact(self, id: UUID, progress: Progress) -> RewriteResult:
        """Reclaim the space of vectors that no record uses anymore."""
        return self.engine.compact(id, progress)

    def reembed(
        self,
        id: UUID,
        embed: Callable[[list[str]], Vectors],
        embedding_function: dict[str, Any] | None,
        batch_size: int,
        progress: Progress,
    ) -> RewriteResult:
        """Re-embed all documents and store the new embedding function."""
        return self.engine.reembed(id, embed, embedding_function, batch_size, progress)

    def check(self, progress: Progress) -> CheckResult:
        """Verify every file against the catalog."""
        return self.engine.check(progress)


_IMPLEMENTS: type[Engine] = Lease  # has mypy compare the two


class _EndedLease(Lease):
    """A copy of a lease whose store cannot be opened here: every call raises the reason."""

    def __init__(self, folder: Path, reason: ChromalabError, *, is_ephemeral: bool) -> None:
        self._shared = None
        self._folder = folder
        self._is_ephemeral = is_ephemeral
        self._reason = reason

    @property
    def engine(self) -> EmbeddedEngine:
        """Raises the reason."""
        raise self._reason.with_traceback(None)

    def close(self) -> None:
        """Do nothing."""


def _leased_copy(folder: str, durability: str, is_ephemeral: bool) -> Lease:
    """Open the store of a pickled lease; a folder is never created."""
    path = Path(folder)
    found = lease_again(path)
    if found is not None:
        return found
    reason: ChromalabError = StoreGoneError(
        f"The store from which this was pickled is no longer in '{path}'. Open the store where it is "
        "now with PersistentClient, and get the collection from it."
    )
    if is_ephemeral:
        reason = StoreGoneError(
            "This was pickled from an ephemeral store, which exists only in its own process and as long "
            "as it is in use there. Keep the records with PersistentClient to use them elsewhere."
        )
    elif (path / "store.sqlite3").is_file():
        try:
            return lease(path, durability)
        except ChromalabError as error:
            reason = error
    return _EndedLease(path, reason, is_ephemeral=is_ephemeral)


def lease(path: Path, durability: str, make: Callable[[], EmbeddedEngine] | None = None) -> Lease:
    """Lease the engine of a folder; opens one if there is none.

    Args:
        path: The folder. A folder that was deleted and created again gets a new engine.
        durability: "full", "normal" or "off". The strictest one requested applies to all leases.
        make: Opens the engine in another way.

    Raises:
        ChromalabError: See `Store`.
    """
    found = _lease_open(path, durability)
    if found is not None:
        return found
    # This runs without the lock because it may wait for another process.
    engine = make() if make is not None else EmbeddedEngine(path, durability=durability)
    with _lock:
        found = _lease_open(path, durability)
        if found is None:
            shared = _Shared(engine, is_ephemeral=make is not None)
            _open[_key(path)] = shared
            return _join(shared)
    engine.close()  # another thread was quicker
    return found


def lease_again(path: Path) -> Lease | None:
    """Lease the engine of a folder if it is open; None otherwise."""
    return _lease_open(path, None)


class _Shared:
    """An engine and the tokens of its leases."""

    def __init__(self, engine: EmbeddedEngine, *, is_ephemeral: bool) -> None:
        self.engine = engine
        self.is_ephemeral = is_ephemeral
        self.tokens: set[object] = set()
        self.over = False

    def leave(self, token: object) -> None:
        """End one lease. As a finalizer it may run at any point, even while this thread has the lock."""
        with _lock:
            self.tokens.discard(token)
            if self.tokens or self.over:
                return
            self.over = True
            for path, shared in list(_open.items()):
                if shared is self:
                    del _open[path]
        self.engine.close()


_open: dict[object, _Shared] = {}
_lock = threading.RLock()


def _key(path: Path) -> object:
    """Identify a folder, whose path may be spelled in several ways: in other case on macOS."""
    try:
        found = os.stat(path)
    except OSError:
        return os.path.realpath(path)
    return found.st_dev, found.st_ino


def _lease_open(path: Path, durability: str | None) -> Lease | None:
    with _lock:
        shared = _open.get(_key(path))
        if shared is None or not shared.engine.store.is_there:
            return None
        if durability is not None:
            shared.engine.store.demand(durability)
        joined = _join(shared)
        # The last lease may have been garbage-collected just before this one began.
        return None if shared.over else joined


def _join(shared: _Shared) -> Lease:
    token = object()
    shared.tokens.add(token)
    return Lease(shared, token)


def _renew() -> None:
    global _lock
    # The parent's lock may be held by a thread that does not exist in the child.
    _lock = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew)
