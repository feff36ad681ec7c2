"""What an engine offers, and the plain values that pass through it.

`Collection` and the rooms beside it see only this: an embedded engine has a folder, a remote one a server.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple, Protocol
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from chromalab.engine.attachment import Attachment
from chromalab.engine.facts import Counts, Facts, Order
from chromalab.engine.filter.clauses import Clause
from chromalab.engine.findings import Checked
from chromalab.engine.lens import Lens
from chromalab.engine.plan import Indexing, Plan, Preparation, Recall

__all__ = [
    "Attachment",
    "Batch",
    "CollectionModel",
    "DatabaseModel",
    "Engine",
    "Filter",
    "Moment",
    "Replaced",
    "Replacement",
    "Rewritten",
    "Rows",
    "Scope",
    "Tell",
    "Vectors",
    "Written",
]

Vectors = NDArray[np.float32]
Tell = Callable[[int, int], None]
"""Told how much is done, of how much."""


class Scope(NamedTuple):
    """Where collections are looked for: names are unique within one."""

    tenant: str = "default_tenant"
    database: str = "default_database"


@dataclass(frozen=True)
class DatabaseModel:
    """A database of a tenant."""

    id: UUID
    name: str
    tenant: str


@dataclass(frozen=True)
class CollectionModel:
    """A collection as the catalog knows it.

    `version` counts its committed writes; `dimension` and `written_at`, the last one's time, may be None.
    """

    id: UUID
    name: str
    metadata: dict[str, Any] | None
    configuration: dict[str, Any]
    dimension: int | None
    tenant: str
    database: str
    version: int
    written_at: datetime | None


@dataclass(frozen=True)
class Batch:
    """Records to write: checked, and of one length. `vectors` is (n, dimension), float32.

    `made_for` is the configuration of the collection, where its embedding function made the vectors.
    """

    ids: Sequence[str]
    vectors: Vectors | None = None
    documents: Sequence[str | None] | None = None
    metadatas: Sequence[Mapping[str, Any] | None] | None = None
    uris: Sequence[str | None] | None = None
    made_for: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Written:
    """What a write did: ids that were new, and ids that were there and were changed."""

    added: int = 0
    changed: int = 0


@dataclass(frozen=True)
class Rewritten:
    """What a new generation of a vector file brought: its rows and bytes, before and after."""

    rows_before: int
    rows_after: int
    bytes_before: int
    bytes_after: int


@dataclass(frozen=True)
class Filter:
    """Which records: all of the parts that are given must hold."""

    ids: Sequence[str] | None = None
    where: Clause | None = None
    where_document: Clause | None = None


@dataclass(frozen=True)
class Rows:
    """Records read, in order; a part that was not asked for is None.

    `vectors` is (n, dimension), float32; `distances` has one per record after a query.
    """

    ids: list[str] = field(default_factory=list)
    vectors: Vectors | None = None
    documents: list[str | None] | None = None
    metadatas: list[dict[str, Any] | None] | None = None
    uris: list[str | None] | None = None
    distances: list[float] | None = None


@dataclass(frozen=True)
class Moment:
    """The records of one moment.

    Attributes:
        rows: Their ids, documents and metadatas, in insertion order.
        vectors: (n, dimension) float32, read only.
        slots: (n,) int64, the row of each in the vector file: it stays as long as the vector does.
        file: The name of that file; it is never given to another one.
        version: Of the collection.
        folder: Where what is derived of the collection may be kept; perhaps not there yet. None
            where a link would lead out of the store.
    """

    rows: Rows
    vectors: Vectors
    slots: NDArray[np.int64]
    file: str
    version: int
    folder: Path | None


@dataclass(frozen=True)
class Replacement:
    """Changes to make as one: nothing of them is seen before all of them are.

    Attributes:
        delete: Ids; those that are not there are ignored.
        update: Changes to records that are there.
        insert: New records.
        version: The collection's, that the changes were made for; None for any.
    """

    delete: Sequence[str] = ()
    update: Batch | None = None
    insert: Batch | None = None
    version: int | None = None


@dataclass(frozen=True)
class Replaced:
    """What a replacement did: the records that it deleted, whole, and the version after it."""

    removed: Rows
    version: int


class Engine(Protocol):
    """A store of collections. `fields` names the parts of `Rows`; queries are mapped by `lens` already."""

    def create_collection(
        self,
        scope: Scope,
        name: str,
        metadata: dict[str, Any] | None,
        configuration: dict[str, Any],
    ) -> CollectionModel:
        """Make a collection; UniqueConstraintError if the name is taken."""
        ...

    def get_collection(self, scope: Scope, name: str) -> CollectionModel:
        """Find a collection by name; NotFoundError names the near ones."""
        ...

    def get_collection_by_id(self, id: UUID, scope: Scope | None = None) -> CollectionModel:
        """Find a collection by id, in any scope unless one is given; NotFoundError."""
        ...

    def list_collections(
        self, scope: Scope, limit: int | None, offset: int | None
    ) -> list[CollectionModel]:
        """List collections in the order they were made."""
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
        """Change what is not None; a configuration is a change, merged into the stored one."""
        ...

    def delete_collection(self, scope: Scope, name: str) -> None:
        """Delete a collection with its records and files."""
        ...

    def fork_collection(self, id: UUID, name: str) -> CollectionModel:
        """Copy a collection within its scope; the copy shares the vectors until it writes some."""
        ...

    def count_forks(self, id: UUID) -> int:
        """Count the forks that share the vector file of a collection."""
        ...

    def check_scope(self, scope: Scope) -> None:
        """Raise NotFoundError, naming the near ones, where the tenant or database is not there."""
        ...

    def create_tenant(self, name: str) -> None:
        """Make a tenant; UniqueConstraintError if the name is taken."""
        ...

    def check_tenant(self, name: str) -> None:
        """Raise NotFoundError, naming the near ones, where the tenant is not there."""
        ...

    def create_database(self, scope: Scope) -> None:
        """Make a database in a tenant; UniqueConstraintError if the name is taken."""
        ...

    def get_database(self, scope: Scope) -> DatabaseModel:
        """Find a database; NotFoundError names the near ones."""
        ...

    def list_databases(
        self, tenant: str, limit: int | None, offset: int | None
    ) -> list[DatabaseModel]:
        """List the databases of a tenant in the order they were made."""
        ...

    def delete_database(self, scope: Scope) -> None:
        """Delete a database with its collections and their files."""
        ...

    def reset(self) -> None:
        """Delete everything: what is left is a new store."""
        ...

    def add(self, id: UUID, batch: Batch) -> Written:
        """Insert the ids that are new, leave the others alone."""
        ...

    def upsert(self, id: UUID, batch: Batch) -> Written:
        """Insert the ids that are new, change the others."""
        ...

    def update(self, id: UUID, batch: Batch) -> Written:
        """Change the ids that are there, ignore the others."""
        ...

    def existing(self, id: UUID, ids: Sequence[str]) -> set[str]:
        """Say which of the ids are there."""
        ...

    def count(self, id: UUID, filter: Filter | None = None) -> int:
        """Count the records, or those that match."""
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
        """Read records in the order they were inserted, or in another."""
        ...

    def distinct(self, id: UUID, key: str, filter: Filter) -> Counts:
        """Count the values of a metadata key; a list counts as its elements."""
        ...

    def facts(self, id: UUID) -> Facts:
        """Read everything once, and say what is there."""
        ...

    def query(
        self,
        id: UUID,
        queries: Vectors,
        k: int,
        filter: Filter,
        fields: set[str],
        lens: Lens | None = None,
    ) -> list[Rows]:
        """Read, for each row of `queries` (q, dimension), its k nearest records, as they are stored."""
        ...

    def explain(
        self, id: UUID, queries: Vectors, k: int, filter: Filter, lens: Lens | None = None
    ) -> Plan:
        """Plan a query without running it."""
        ...

    def recall(
        self, id: UUID, sample: int, k: int, random_state: int, lens: Lens | None = None
    ) -> Recall:
        """Ask for the neighbours of some records, and compare with an exact scan."""
        ...

    def indexing(self, id: UUID, lens: Lens | None = None) -> Indexing:
        """Say how far the index is."""
        ...

    def build_index(self, id: UUID, tell: Tell, lens: Lens | None = None) -> None:
        """Bring the index up to date now; `tell` is told the rows done, and of how many."""
        ...

    def prepare(self, id: UUID, lens: Lens, told: Preparation) -> None:
        """Have everything ready in the background that queries through a lens need."""
        ...

    def delete(self, id: UUID, filter: Filter, limit: int | None) -> int:
        """Delete the records that match; say how many there were."""
        ...

    def moment(self, id: UUID, filter: Filter) -> Moment:
        """Read the records that match, with their vectors, as they are at one moment."""
        ...

    def replace(self, id: UUID, change: Replacement) -> Replaced:
        """Delete, change and insert records in one transaction."""
        ...

    def attachments(self, id: UUID, kind: str) -> list[Attachment]:
        """Read what of a kind is attached to a collection, in the order it was attached."""
        ...

    def attachments_since(
        self, id: UUID, kind: str, number: int
    ) -> tuple[list[int], list[Attachment]]:
        """Read the numbers of all attachments of one kind, and the attachments after a number."""
        ...

    def attachment(self, id: UUID, kind: str, name: str) -> Attachment | None:
        """Read one attachment by its name; None where there is none."""
        ...

    def attach(
        self, id: UUID, *, add: Sequence[Attachment] = (), remove: Sequence[int] = ()
    ) -> list[int]:
        """Remove attachments by number, then add some, in one transaction; give the new numbers.

        NotFoundError if one to remove is not there, UniqueConstraintError if a name is taken: then
        nothing was written. The version of the collection stays.
        """
        ...

    def compact(self, id: UUID, tell: Tell) -> Rewritten:
        """Write the vectors anew, without the rows that no record has any more."""
        ...

    def reembed(
        self,
        id: UUID,
        embed: Callable[[list[str]], Vectors],
        embedding_function: dict[str, Any] | None,
        batch_size: int,
        tell: Tell,
    ) -> Rewritten:
        """Embed every document anew, and store the function that did it."""
        ...

    def check(self, tell: Tell) -> Checked:
        """Verify every file against the catalog."""
        ...

    def close(self) -> None:
        """Let go of files and connections."""
        ...
