"""The records of another library's collection, copied so that a table can sort, filter and count them."""

from __future__ import annotations

from typing import Any

import numpy as np

from chromalab import Collection, EphemeralClient
from chromalab.errors import InvalidArgumentTypeError, short

__all__ = ["copied"]

_PAGE = 5_000


def copied(collection: Any) -> Collection:
    """Copy documents and metadata into a temporary store, without the embeddings.

    Args:
        collection: A collection of chromadb, or any object with Chroma's `name` and `get`.

    Raises:
        InvalidArgumentTypeError: It is not such an object.
    """
    if not hasattr(collection, "name") or not hasattr(collection, "get"):
        raise InvalidArgumentTypeError(
            f"collection must be a collection; got {short(collection)}. Pass client.get_collection(...)."
        )
    copy = EphemeralClient().create_collection("copy", embedding_function=None)
    read = 0
    while True:
        page = collection.get(limit=_PAGE, offset=read, include=["documents", "metadatas"])
        ids = list(page["ids"])
        if not ids:
            return copy
        copy.add(
            ids=ids,
            embeddings=np.zeros((len(ids), 1), dtype=np.float32),
            documents=page["documents"],
            metadatas=[metadata or None for metadata in page["metadatas"]],
        )
        read += len(ids)
