"""The types that stand in public signatures, in Chroma's words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "Documents",
    "Embedding",
    "Embeddings",
    "IDs",
    "Include",
    "Metadata",
    "Metadatas",
    "Where",
    "WhereDocument",
]

Metadata: TypeAlias = Mapping[str, Any]
"""str, int, float, bool, or a list of one of these, under each key."""
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
