"""The types in public signatures, under Chroma's names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, TypedDict
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "Database",
    "Documents",
    "Embedding",
    "Embeddings",
    "IDs",
    "Include",
    "Metadata",
    "Metadatas",
    "Tenant",
    "UserIdentity",
    "Where",
    "WhereDocument",
]


class Tenant(TypedDict):
    """A tenant, as returned by `AdminClient.get_tenant`."""

    name: str


class Database(TypedDict):
    """A database, as returned by `AdminClient.get_database`."""

    id: UUID
    name: str
    tenant: str


@dataclass(frozen=True)
class UserIdentity:
    """The user of a client, as returned by `client.get_user_identity()`: always the same, unnamed user."""

    user_id: str
    tenant: str
    databases: list[str]
    attributes: dict[str, Any] | None = None


Metadata: TypeAlias = Mapping[str, Any]
"""Each value is a str, int, float or bool, a list of values of one of these types, or a `SparseVector`."""
Metadatas: TypeAlias = Sequence[Metadata | None]
Documents: TypeAlias = Sequence[str]
IDs: TypeAlias = Sequence[str]
Embedding: TypeAlias = NDArray[np.float32] | Sequence[float]
Embeddings: TypeAlias = NDArray[np.float32] | Sequence[Embedding]
Where: TypeAlias = Mapping[str, Any]
WhereDocument: TypeAlias = Mapping[str, Any]
Include: TypeAlias = Sequence[
    Literal["documents", "embeddings", "metadatas", "distances", "uris", "data"]
]
