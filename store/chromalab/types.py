"""The types in public signatures, under Chroma's names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeAlias, TypedDict, TypeVar
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "URI",
    "CollectionMetadata",
    "DataLoader",
    "Database",
    "Document",
    "Documents",
    "Embedding",
    "Embeddings",
    "IDs",
    "Image",
    "Images",
    "Include",
    "Loadable",
    "Metadata",
    "Metadatas",
    "Tenant",
    "URIs",
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
CollectionMetadata: TypeAlias = Mapping[str, Any]
Document: TypeAlias = str
Documents: TypeAlias = Sequence[str]
Image: TypeAlias = NDArray[Any]
Images: TypeAlias = Sequence[Image]
Loadable: TypeAlias = Sequence[Image | None]
URI: TypeAlias = str
URIs: TypeAlias = Sequence[str | None]
IDs: TypeAlias = Sequence[str]
Embedding: TypeAlias = NDArray[np.float32] | Sequence[float]
Embeddings: TypeAlias = NDArray[np.float32] | Sequence[Embedding]
Where: TypeAlias = Mapping[str, Any]
WhereDocument: TypeAlias = Mapping[str, Any]
Include: TypeAlias = Sequence[
    Literal["documents", "embeddings", "metadatas", "distances", "uris", "data"]
]

Loaded = TypeVar("Loaded", covariant=True)


class DataLoader(Protocol[Loaded]):
    """Reads what URIs name, such as images, for an embedding function that takes them; as in Chroma.

    Example:
        >>> class Pixels(DataLoader[Loadable]):
        ...     def __call__(self, uris):
        ...         return [None if uri is None else np.zeros((8, 8, 3)) for uri in uris]
        >>> len(Pixels()(["tea.png", None]))
        2
    """

    def __call__(self, uris: URIs) -> Loaded:
        """Return one item per URI; None for None."""
        ...
