"""`create_batches`, in the module in which programs of Chroma look for it."""

from __future__ import annotations

from typing import Any

from chromalab.types import Documents, Embeddings, IDs, Metadatas

__all__ = ["create_batches"]


def create_batches(
    api: Any,
    ids: IDs,
    embeddings: Embeddings | None = None,
    metadatas: Metadatas | None = None,
    documents: Documents | None = None,
) -> list[tuple[Any, ...]]:
    """Split records into batches that one call takes; `collection.add_from` does so by itself.

    Args:
        api: A client, which knows the size.
        ids: n ids.
        embeddings: n embeddings.
        metadatas: n dicts.
        documents: n texts.

    Returns:
        One tuple (ids, embeddings, metadatas, documents) per batch.

    Example:
        >>> import chromalab
        >>> ids = [str(n) for n in range(6000)]
        >>> [len(batch[0]) for batch in create_batches(chromalab.EphemeralClient(), ids)]
        [5461, 539]
    """
    size = api.get_max_batch_size()
    parts = (ids, embeddings, metadatas, documents)
    return [
        tuple(None if part is None else part[start : start + size] for part in parts)
        for start in range(0, len(ids), size)
    ]
