"""The types that stand in public signatures, in Chroma's words."""

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
    """A tenant, as `AdminClient.get_tenant` gives it."""

    name: str


class Database(TypedDict):
    """A database, as `AdminClient.get_database` gives it."""

    id: UUID
    name: str
    tenant: str


@dataclass(frozen=True)
class UserIdentity:
    """Who uses a client, as `client.get_user_identity()` gives it: one user, and no name."""

    user_id: str
    tenant: str
    databases: list[str]
    attributes: dict[str, Any] | None = None


Metadata: TypeAlias = Mapping[str, Any]
"""str, int, float, bool, a list of one of these, or a `SparseVector`, under each key."""
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
