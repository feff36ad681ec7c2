"""The calls that an engine offers, as three protocols and their union.

`Records` is what a Chroma server can offer too. `Attachments` needs only a table beside the records,
which may be local. `Upkeep` needs the files. `Collection` and the rooms see only these.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar
from uuid import UUID

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

__all__ = ["Attachments", "Engine", "Records", "Upkeep"]

T = TypeVar("T")


class Records(Protocol):
    """The catalog, and the reads, writes and queries of records.

    `fields` names the parts of `Rows` to read: "documents", "metadatas", "uris", "embeddings" and,
    for a query, "distances".
    """

    def create_collection(
        self,
        scope: Scope,
        name: str,
        metadata: dict[str, Any] | None,
        configuration: dict[str, Any],
    ) -> CollectionModel:
        """Create a collection; raises UniqueConstraintError if the name is taken."""
        ...

    def get_collection(self, scope: Scope, name: str) -> CollectionModel:
        """Find a collection by name; raises NotFoundError, which suggests similar names."""
        ...

    def get_collection_by_id(self, id: UUID, scope: Scope | None = None) -> CollectionModel:
        """Find a collection by id, in any scope by default; raises NotFoundError."""
        ...

    def list_collections(
        self, scope: Scope, limit: int | None, offset: int | None
    ) -> list[CollectionModel]:
        """List collections in the order in which they were created."""
        ...

    def count_collections(self, scope: Scope) -> int:
        """Count the collections."""
        ...

    def modify_collection(
        self,
        id: UUID,
        name: str | None,
        metadata: dict[str, Any] | None,
        configuration: Mapping[str, Any] | None,
    ) -> CollectionModel:
        """Change every part that is not None; a configuration is merged into the stored one."""
        ...

    def delete_collection(self, scope: Scope, name: str) -> None:
        """Delete a collection with its records and files."""
        ...

    def fork_collection(self, id: UUID, name: str) -> CollectionModel:
        """Copy a collection within its scope; the copy shares the vectors until it writes its own."""
        ...

    def count_forks(self, id: UUID) -> int:
        """Count the forks that share the vector file of a collection."""
        ...

    def check_scope(self, scope: Scope) -> None:
        """Raise NotFoundError, with similar names, if the tenant or the database does not exist."""
        ...

    def create_tenant(self, name: str) -> None:
        """Create a tenant; raises UniqueConstraintError if the name is taken."""
        ...

    def check_tenant(self, name: str) -> None:
        """Raise NotFoundError, with similar names, if the tenant does not exist."""
        ...

    def create_database(self, scope: Scope) -> None:
        """Create a database in a tenant; raises UniqueConstraintError if the name is taken."""
        ...

    def get_database(self, scope: Scope) -> DatabaseModel:
        """Find a database; raises NotFoundError, which suggests similar names."""
        ...

    def list_databases(
        self, tenant: str, limit: int | None, offset: int | None
    ) -> list[DatabaseModel]:
        """List the databases of a tenant in the order in which they were created."""
        ...

    def delete_database(self, scope: Scope) -> None:
        """Delete a database with its collections and their files."""
        ...

    def reset(self) -> None:
        """Delete everything, which leaves a new store."""
        ...

    def add(self, id: UUID, batch: Batch) -> WriteResult:
        """Insert the new ids and ignore the existing ones."""
        ...

    def upsert(self, id: UUID, batch: Batch) -> WriteResult:
        """Insert the new ids and change the existing ones."""
        ...

    def update(self, id: UUID, batch: Batch) -> WriteResult:
        """Change the existing ids and ignore the new ones."""
        ...

    def delete(self, id: UUID, filter: Filter, limit: int | None, operation: str = "delete") -> int:
        """Delete the records that match, which the history records; returns how many there were."""
        ...

    def existing(self, id: UUID, ids: Sequence[str]) -> set[str]:
        """Return those of the ids that exist."""
        ...

    def count(self, id: UUID, filter: Filter | None = None) -> int:
        """Count all records, or those that match."""
        ...

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
        ...

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
        """Read the k nearest records, as stored, for each row of `queries` (q, dimension).

        With a record transform, the queries are already mapped by it. With a basis, the call raises
        OutdatedQueryError if the collection is not as the queries were prepared for.
        """
        ...

    def reading(self, id: UUID, ask: Callable[[Reader], T], basis: QueryBasis | None = None) -> T:
        """Run a function on the records as of one transaction; it must not keep the reader."""
        ...


class Attachments(Protocol):
    """The data stored with a collection beside its records."""

    def attachments(self, id: UUID, kind: str) -> list[Attachment]:
        """Read the attachments of one kind, in the order in which they were attached."""
        ...

    def attachments_since(
        self, id: UUID, kind: str, number: int
    ) -> tuple[list[int], list[Attachment]]:
        """Read the numbers of all attachments of one kind, and the attachments after a number."""
        ...

    def attachment(self, id: UUID, kind: str, name: str) -> Attachment | None:
        """Read one attachment by name; None if it does not exist."""
        ...

    def attach(
        self, id: UUID, *, add: Sequence[Attachment] = (), remove: Sequence[int] = ()
    ) -> list[int]:
        """Remove attachments by number, then add others, in one transaction.

        The version of the collection does not change.

        Returns:
            The numbers of the attachments that were added.

        Raises:
            NotFoundError: One to remove does not exist; nothing was written.
            UniqueConstraintError: A name is taken; nothing was written.
        """
        ...


class Upkeep(Protocol):
    """The index, snapshots, statistics, and what rewrites or verifies the files of a store."""

    def indexing(self, id: UUID, record_transform: RecordTransform | None = None) -> Indexing:
        """Report the progress of the index."""
        ...

    def build_index(
        self, id: UUID, progress: Progress, record_transform: RecordTransform | None = None
    ) -> None:
        """Bring the index up to date now; `progress` receives the rows done and the total."""
        ...

    def pause_index(self, id: UUID) -> None:
        """Stop building the index in the background; what is built so far is kept in memory."""
        ...

    def resume_index(self, id: UUID) -> None:
        """Continue building the index in the background."""
        ...

    def prepare(
        self, id: UUID, record_transform: RecordTransform, preparation: Preparation
    ) -> None:
        """Prepare in the background everything that queries through a record transform need."""
        ...

    def explain(
        self,
        id: UUID,
        queries: Vectors,
        k: int,
        filter: Filter,
        record_transform: RecordTransform | None = None,
    ) -> QueryPlan:
        """Plan a query without running it."""
        ...

    def recall(
        self,
        id: UUID,
        sample: int,
        k: int,
        random_state: int,
        record_transform: RecordTransform | None = None,
    ) -> Recall:
        """Query the neighbors of sampled records and compare them with an exact scan."""
        ...

    def snapshot(self, id: UUID, filter: Filter) -> SnapshotData:
        """Read the records that match, with their vectors, as of one transaction."""
        ...

    def replace(self, id: UUID, change: Replacement) -> ReplaceResult:
        """Delete and change records in one transaction."""
        ...

    def history(self, id: UUID) -> list[Operation]:
        """List the operations that can be undone, in the order in which they were done."""
        ...

    def undo(self, id: UUID, number: int | None = None) -> Undone:
        """Undo an operation, record by record: by default the latest that was not undone.

        Records that others have written since stay as they are. The undo is an operation itself.

        Raises:
            NotFoundError: The history has no such operation.
        """
        ...

    def distinct(self, id: UUID, key: str, filter: Filter) -> Counts:
        """Count the values of a metadata key; a list counts as its elements."""
        ...

    def profile(self, id: UUID) -> Profile:
        """Summarize the contents of a collection, which reads all of it once."""
        ...

    def compact(self, id: UUID, progress: Progress) -> RewriteResult:
        """Reclaim the space of vectors that no record uses anymore."""
        ...

    def reembed(
        self,
        id: UUID,
        embed: Callable[[list[str]], Vectors],
        embedding_function: dict[str, Any] | None,
        batch_size: int,
        progress: Progress,
    ) -> RewriteResult:
        """Re-embed all documents and store the new embedding function."""
        ...

    def check(self, progress: Progress) -> CheckResult:
        """Verify every file against the catalog."""
        ...


class Engine(Records, Attachments, Upkeep, Protocol):
    """A store of collections, for any number of threads."""

    @property
    def key(self) -> int:
        """Identifies the engine: equal for all leases of one engine, and never reused."""
        ...

    def close(self) -> None:
        """Release files and connections."""
        ...
