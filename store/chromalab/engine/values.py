"""The plain values that pass in and out of an engine.

They hold no connection and no file, so any room may use them. `interface.py` lists the calls that
take and return them.
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

__all__ = [
    "Attachment",
    "Batch",
    "CheckResult",
    "Clause",
    "CollectionModel",
    "Counts",
    "Damage",
    "DatabaseModel",
    "Filter",
    "Indexing",
    "KeyProfile",
    "Operation",
    "Order",
    "OutdatedQueryError",
    "OutdatedSchemaError",
    "Preparation",
    "Profile",
    "Progress",
    "QueryBasis",
    "QueryPlan",
    "Range",
    "Recall",
    "ReplaceResult",
    "Replacement",
    "RewriteResult",
    "Rows",
    "Scope",
    "SnapshotData",
    "Undone",
    "Vectors",
    "WriteResult",
]

Vectors = NDArray[np.float32]
Progress = Callable[[int, int], None]
"""A callback that receives how much is done and the total."""


class Scope(NamedTuple):
    """The tenant and database in which collections are looked up; a name is unique within one."""

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
    """A collection as the catalog describes it.

    `version` counts its committed writes. `dimension` and `written_at`, the time of the last write,
    may be None.
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

    @property
    def configuration_json(self) -> dict[str, Any]:
        """The configuration, under the name that it has in Chroma's model."""
        return self.configuration

    def __getitem__(self, name: str) -> Any:
        """Return an attribute by its name, as Chroma's model does; None if there is none."""
        return getattr(self, name, None)


@dataclass(frozen=True)
class Attachment:
    """Data stored with a collection beside its records, such as a judgment.

    Attributes:
        kind: The kind of data; attachments of one kind are read together.
        body: The content, as values that JSON can represent.
        name: Unique within a kind and a collection; None for an unnamed attachment.
        data: Raw bytes, such as those of an array.
        number: Assigned when it is attached and never reused; None before that.

    Example:
        >>> Attachment("note", {"text": "ask Ada"}).number is None
        True
    """

    kind: str
    body: Mapping[str, Any]
    name: str | None = None
    data: bytes | None = None
    number: int | None = None


class Clause(Protocol):
    """A node of a parsed `where` or `where_document`."""

    def matches(self, metadata: Mapping[str, Any], document: str | None) -> bool:
        """Whether a record with this metadata and document matches."""
        ...


@dataclass(frozen=True)
class Filter:
    """Selects records; every part that is given must match."""

    ids: Sequence[str] | None = None
    where: Clause | None = None
    where_document: Clause | None = None


@dataclass(frozen=True)
class Order:
    """An order of records by the values of a metadata key; records without the key come last."""

    key: str
    descending: bool = False


@dataclass(frozen=True)
class Batch:
    """Validated records to write, all parts of equal length. `vectors` is (n, dimension), float32.

    Attributes:
        made_for: The configuration of the collection if its own embedding function made the vectors.
        indexed_for: The configuration whose schema says which sparse vectors the metadata has.
        operation: What the write is, in words, if the history is to record what it replaces. In a
            `Replacement`, its own counts.
        continues: The number of an operation that the write is a part of.
    """

    ids: Sequence[str]
    vectors: Vectors | None = None
    documents: Sequence[str | None] | None = None
    metadatas: Sequence[Mapping[str, Any] | None] | None = None
    uris: Sequence[str | None] | None = None
    made_for: Mapping[str, Any] | None = None
    indexed_for: Mapping[str, Any] | None = None
    operation: str | None = None
    continues: int | None = None


@dataclass(frozen=True)
class WriteResult:
    """The outcome of a write: how many ids were inserted and how many existing ones changed.

    `operation` is its number in the history, if it was recorded there.
    """

    added: int = 0
    changed: int = 0
    operation: int | None = None


@dataclass(frozen=True)
class Rows:
    """Records that were read, in order; a part that was not requested is None.

    `vectors` is (n, dimension), float32; after a query, `distances` has one entry per record.
    """

    ids: list[str] = field(default_factory=list)
    vectors: Vectors | None = None
    documents: list[str | None] | None = None
    metadatas: list[dict[str, Any] | None] | None = None
    uris: list[str | None] | None = None
    distances: list[float] | None = None


@dataclass(frozen=True)
class SnapshotData:
    """The records of one version of a collection.

    Attributes:
        rows: Their ids, documents and metadatas, in insertion order.
        vectors: (n, dimension) float32, read-only.
        slots: (n,) int64, each record's row in the vector file; it stays the same as long as the
            vector does.
        file: The name of that file; it is never reused.
        version: The version of the collection.
        folder: Where results derived from the collection may be cached; it may not exist yet. None
            where a symbolic link would lead out of the store.
    """

    rows: Rows
    vectors: Vectors
    slots: NDArray[np.int64]
    file: str
    version: int
    folder: Path | None


@dataclass(frozen=True)
class Replacement:
    """Changes to apply atomically: readers see all of them or none.

    Attributes:
        delete: Ids to delete; missing ones are ignored.
        update: Changes to existing records.
        version: The version of the collection that the changes were computed from; None for any.
        operation: What the change is, for the history; None leaves it out.
        attachments: Stored in the same transaction, with `operation` and `version` of the result added to
            their bodies. An undo of the operation removes them.
    """

    delete: Sequence[str] = ()
    update: Batch | None = None
    version: int | None = None
    operation: str | None = None
    attachments: Sequence[Attachment] = ()


@dataclass(frozen=True)
class ReplaceResult:
    """The outcome of a replacement.

    Attributes:
        deleted: How many records were deleted.
        version: The version of the collection after it.
        operation: Its number in the history; None if it changed nothing or was left out.
        attachments: The numbers of the attachments that were stored with it.
    """

    deleted: int
    version: int
    operation: int | None
    attachments: tuple[int, ...]


@dataclass(frozen=True)
class Operation:
    """A write in the history of a collection, with what was there before.

    Attributes:
        number: Its number; never reused.
        what: What it was, in words.
        at: When it was, in UTC.
        version: The version of the collection after it.
        records: The number of records that it removed, changed or restored.
        undoes: The number of the operation that it undid; None for any other.
        undone_by: The number of the operation that undid it; None if it was not undone.
    """

    number: int
    what: str
    at: datetime
    version: int
    records: int
    undoes: int | None = None
    undone_by: int | None = None


@dataclass(frozen=True)
class Undone:
    """The outcome of an undo.

    Attributes:
        operation: The operation that was undone.
        number: The number of the undo in the history.
        restored: How many records are again as they were before the operation.
        refused: (id, reason) of each record that was left as it is.
        seen: The version of the collection before the undo.
        version: The version after it.
    """

    operation: Operation
    number: int
    restored: int
    refused: tuple[tuple[str, str], ...]
    seen: int
    version: int


@dataclass(frozen=True)
class QueryBasis:
    """What query vectors were made for; the engine confirms it in the transaction that answers them.

    Attributes:
        model: The collection as it was known, with its embedding function and dimension.
        kind: The kind and name of the attachment that the vectors depend on; None for none.
        number: The number of that attachment; None if it was not stored.
    """

    model: CollectionModel
    kind: str | None = None
    number: int | None = None


class OutdatedQueryError(Exception):
    """A query was prepared for what has changed since; it carries what is stored now.

    It never reaches a user: the caller prepares the query again.

    Attributes:
        model: The collection as it is.
        attachment: The attachment that the query depends on, as it is.
    """

    def __init__(self, model: CollectionModel, attachment: Attachment | None) -> None:
        super().__init__(model.name)
        self.model = model
        self.attachment = attachment


class OutdatedSchemaError(Exception):
    """A batch was prepared for a schema that has changed since; it carries what is stored now.

    It never reaches a user: the caller prepares the batch again.

    Attributes:
        model: The collection as it is.
    """

    def __init__(self, model: CollectionModel) -> None:
        super().__init__(model.name)
        self.model = model


@dataclass(frozen=True)
class QueryPlan:
    """How a query is answered.

    Attributes:
        method: "exact scan" or "index".
        reason: Why this method was chosen, in words.
        queries: The number of queries in the call.
        k: The number of neighbors requested.
        records: Live records.
        matches: Records that pass the filter.
        tail: Records that the index lacks and that are scanned in addition.
        fetched: Candidates taken from the index per query.
        ef: Candidates the index keeps during its walk.
        index: The state of the index, in words.
        estimates: The estimated time of each method, in milliseconds.
    """

    method: str
    reason: str
    queries: int
    k: int
    records: int
    matches: int
    tail: int
    fetched: int | None
    ef: int | None
    index: str
    estimates: Mapping[str, float]


@dataclass(frozen=True)
class Recall:
    """The share of the true neighbors that queries find.

    Attributes:
        value: The mean share of the k nearest that were found; 1.0 means all.
        sample: The number of records whose neighbors were queried.
        k: The number of neighbors.
        random_state: The seed that chose the records.
        method: "exact scan" or "index".
        ef: Candidates the index kept during its walk; None for an exact scan.
    """

    value: float
    sample: int
    k: int
    random_state: int
    method: str
    ef: int | None


@dataclass(frozen=True)
class Indexing:
    """The progress of the index.

    Attributes:
        indexed: Records that are in the index or need none.
        total: All records.
        state: The state of the index, in words.
    """

    indexed: int
    total: int
    state: str


@dataclass(frozen=True)
class Preparation:
    """The callbacks of a caller that is waiting for background work.

    Attributes:
        progress: Receives the rows done and the total.
        wanted: Called every few rows; returns whether to continue.
        done: Receives None on success or the error that ended the work; not called if the work was
            stopped.
    """

    progress: Progress = lambda done, total: None
    wanted: Callable[[], bool] = lambda: True
    done: Callable[[Exception | None], None] = lambda error: None


@dataclass(frozen=True)
class Counts:
    """The values of a metadata key and the number of records with each, most frequent first.

    `missing` is the number of records that lack the key.
    """

    values: tuple[Any, ...]
    counts: tuple[int, ...]
    missing: int


@dataclass(frozen=True)
class Range:
    """The minimum, median and maximum of some numbers."""

    min: float
    median: float
    max: float


@dataclass(frozen=True)
class KeyProfile:
    """A summary of the values of one metadata key.

    Attributes:
        key: The key.
        types: "int", "float", "str", "bool", "list", "sparse vector", in the order first met.
        missing: The number of records that lack it.
        distinct: The number of distinct values; 1 and 1.0 count as two, a list counts as one.
        min: The smallest number or string; None if the types are mixed or not sortable.
        max: The largest, likewise.
        examples: Up to three values, in the order first met.
    """

    key: str
    types: tuple[str, ...]
    missing: int
    distinct: int
    min: Any
    max: Any
    examples: tuple[Any, ...]


@dataclass(frozen=True)
class Profile:
    """A summary of the contents of a collection.

    Attributes:
        records: The number of records.
        keys: Their metadata, one entry per key, in the order first met.
        documents: The number of records that have a document.
        lengths: The lengths of the documents, in characters; None if there are none.
        duplicate_documents: The number of documents equal to an earlier one.
        blank_documents: The number of documents without any letter: empty, or only white space.
        dimension: The length of an embedding; None before the first one is added.
        norms: The Euclidean norms of the embeddings; None if there are none.
        zero_vectors: The number of embeddings that are all zeros.
        duplicate_vectors: The number of embeddings equal, bit for bit, to an earlier one.
        dead_rows: Rows of the vector file that no record uses anymore.
        bytes: The size of the vector file.
    """

    records: int
    keys: tuple[KeyProfile, ...]
    documents: int
    lengths: Range | None
    duplicate_documents: int
    blank_documents: int
    dimension: int | None
    norms: Range | None
    zero_vectors: int
    duplicate_vectors: int
    dead_rows: int
    bytes: int


@dataclass(frozen=True)
class RewriteResult:
    """The rows and bytes of a vector file before and after it was rewritten.

    `operations` is how many operations left the history, as their vectors are gone.
    """

    rows_before: int
    rows_after: int
    bytes_before: int
    bytes_after: int
    operations: int = 0


@dataclass(frozen=True)
class Damage:
    """Something in a store that is not as it was written.

    Attributes:
        collection: The name of the collection; "" if the whole store is affected.
        file: The file, relative to the folder.
        what: What is wrong.
        do: What to do about it.
        ids: The affected records.
    """

    collection: str
    file: str
    what: str
    do: str
    ids: tuple[str, ...] = ()


@dataclass(frozen=True)
class CheckResult:
    """The result of checking a store.

    Attributes:
        problems: The damage found.
        leftovers: Files, relative to the folder, that nothing refers to; they are harmless.
        collections: The number of collections checked.
        records: The number of records checked.
        unverified: The number of those that were written before checksums existed.
        bytes: The bytes of vectors that were read.
    """

    problems: tuple[Damage, ...]
    leftovers: tuple[str, ...]
    collections: int
    records: int
    unverified: int
    bytes: int
