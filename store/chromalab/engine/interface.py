"""What an engine offers, and the plain values that pass through it.

`Collection` and the rooms beside it see only this: the embedded engine implements it over a
folder, a remote one can over a server.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from chromalab.engine.filters import Clause

__all__ = ["Batch", "CollectionModel", "Engine", "Filter", "Rows", "Vectors", "Written"]

Vectors = NDArray[np.float32]


@dataclass(frozen=True)
class CollectionModel:
    """A collection as the catalog knows it.

    `version` counts its committed writes; `dimension` is None until the first of them.
    """

    id: UUID
    name: str
    metadata: dict[str, Any] | None
    configuration: dict[str, Any]
    dimension: int | None
    tenant: str
    database: str
    version: int


@dataclass(frozen=True)
class Batch:
    """Records to write: checked, and of one length. `vectors` is (n, dimension), float32."""

    ids: Sequence[str]
    vectors: Vectors | None = None
    documents: Sequence[str | None] | None = None
    metadatas: Sequence[Mapping[str, Any] | None] | None = None
    uris: Sequence[str | None] | None = None


@dataclass(frozen=True)
class Written:
    """What a write did: ids that were new, and ids that were there and were changed."""

    added: int = 0
    changed: int = 0


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


class Engine(Protocol):
    """A store of collections. `fields` names the parts of `Rows` to fill, as in `include`."""

    def create_collection(
        self, name: str, metadata: dict[str, Any] | None, configuration: dict[str, Any]
    ) -> CollectionModel:
        """Make a collection; UniqueConstraintError if the name is taken."""
        ...

    def get_collection(self, name: str | None = None, id: UUID | None = None) -> CollectionModel:
        """Find a collection by name or id; NotFoundError names the near ones."""
        ...

    def list_collections(self, limit: int | None, offset: int | None) -> list[CollectionModel]:
        """List collections in the order they were made."""
        ...

    def count_collections(self) -> int:
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

    def delete_collection(self, name: str) -> None:
        """Delete a collection with its records and files."""
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

    def count(self, id: UUID) -> int:
        """Count the records."""
        ...

    def get(
        self, id: UUID, filter: Filter, fields: set[str], limit: int | None, offset: int
    ) -> Rows:
        """Read records in the order they were inserted."""
        ...

    def query(
        self, id: UUID, queries: Vectors, k: int, filter: Filter, fields: set[str]
    ) -> list[Rows]:
        """Read, for each row of `queries` (q, dimension), its k nearest records."""
        ...

    def delete(self, id: UUID, filter: Filter, limit: int | None) -> int:
        """Delete the records that match; say how many there were."""
        ...

    def close(self) -> None:
        """Let go of files and connections."""
        ...
