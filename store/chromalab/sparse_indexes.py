"""`create_index` and `delete_index`: indexes of sparse vectors, of collections that have records."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chromalab.arguments.values import check_batch_rows
from chromalab.embed import embed_sparse, register_class_of, sparse_known_embedding_functions
from chromalab.engine import Batch, Filter, Replacement, Rows
from chromalab.errors import InvalidArgumentError
from chromalab.handle import Handle
from chromalab.index_configs import DOCUMENT, SparseVectorIndexConfig, VectorIndexConfig, key_name
from chromalab.results.progress import bar
from chromalab.schema import Schema, sparse_sources

__all__ = ["create_index", "delete_index"]


def create_index(
    collection: Handle,
    config: Any,
    key: Any = None,
    *,
    batch_size: int = 1000,
    progress: bool = True,
) -> Schema:
    """Add an index; one of sparse vectors embeds the texts of the records that are there already.

    From then on, every write embeds its texts. An interrupted call can be run again: records that have a
    vector are not embedded again, unless the embedding function or the text is another one than before.

    Args:
        collection: The collection.
        config: What is indexed, such as `SparseVectorIndexConfig(embedding_function, "#document")`.
        key: The metadata key of the sparse vectors; any number of keys may have an index.
        batch_size: Number of texts to embed at a time.
        progress: Show a progress bar after one second.

    Returns:
        The schema with the index.

    Raises:
        InvalidArgumentError: The index cannot be created for this key.
        EmbeddingFunctionError: The function cannot be stored, or its result cannot be used.

    Example:
        >>> import chromalab
        >>> from chromalab.embed import ChromaBm25EmbeddingFunction
        >>> notes = chromalab.EphemeralClient().create_collection("notes", embedding_function=None)
        >>> notes.add(ids=["a"], embeddings=[[0, 1]], documents=["a cup of tea"])
        >>> bm25 = chromalab.SparseVectorIndexConfig(ChromaBm25EmbeddingFunction(), "#document")
        >>> notes.create_index(bm25, key="words")
        Schema(sparse indexes: {'words': chroma_bm25 of '#document'})
        >>> notes.get()["metadatas"][0]["words"]
        SparseVector(indices=[...], values=[...])
    """
    batch_size = check_batch_rows(batch_size)
    if isinstance(config, VectorIndexConfig):
        raise InvalidArgumentError(
            "config must not be a VectorIndexConfig, as every collection has that index. Use "
            "modify(configuration=...) for its parameters, and reembed for another function."
        )
    schema = collection.schema
    before = schema.serialize_to_json()["keys"]
    schema.create_index(config, key)
    key = key_name(key)
    if isinstance(config, SparseVectorIndexConfig):
        register_class_of(config.embedding_function, sparse_known_embedding_functions)
    stored = schema.serialize_to_json()
    again = before.get(key) is not None and before[key] != stored["keys"][key]
    _store(collection, stored)
    if isinstance(config, SparseVectorIndexConfig) and config.source_key is not None:
        function, source = sparse_sources({"schema": stored})[key]
        field = "documents" if source == DOCUMENT else "metadatas"

        def vectors(rows: Rows) -> dict[str, Any]:
            metadatas = [metadata or {} for metadata in rows.metadatas or []]
            values = rows.documents if source == DOCUMENT else [m.get(source) for m in metadatas]
            texts = {
                id: text
                for id, text, metadata in zip(rows.ids, values or [], metadatas, strict=True)
                if isinstance(text, str) and (again or key not in metadata)
            }
            found = embed_sparse(function, list(texts.values())) if texts else []
            return {id: vector.to_dict() for id, vector in zip(texts, found, strict=True)}

        _update(collection, key, {field, "metadatas"}, vectors, batch_size, progress)
    return schema


def delete_index(
    collection: Handle,
    config: Any,
    key: Any = None,
    *,
    batch_size: int = 1000,
    progress: bool = True,
) -> Schema:
    """Remove an index; the sparse vectors that it embedded are removed from the metadata.

    Vectors under a key whose index has no `source_key`, which the caller supplied, stay.

    Args:
        collection: The collection.
        config: What is no longer indexed, such as `SparseVectorIndexConfig()`.
        key: The metadata key.
        batch_size: Number of records to change at a time.
        progress: Show a progress bar after one second.

    Returns:
        The schema without the index.

    Raises:
        InvalidArgumentError: There is no such index, or it cannot be removed.
    """
    batch_size = check_batch_rows(batch_size)
    key = key_name(key)
    schema = collection.schema
    index = schema.sparse_indexes().get(key)
    if isinstance(config, SparseVectorIndexConfig) and index is None:
        known = ", ".join(map(repr, schema.sparse_indexes())) or "none"
        raise InvalidArgumentError(
            f"key must be that of an index of sparse vectors; got {key!r}. Keys: {known}."
        )
    schema.delete_index(index if isinstance(config, SparseVectorIndexConfig) else config, key)
    _store(collection, schema.serialize_to_json())
    if index is not None and index.source_key is not None:

        def nothing(rows: Rows) -> dict[str, Any]:
            found = zip(rows.ids, rows.metadatas or [], strict=True)
            return {id: None for id, metadata in found if key in (metadata or {})}

        _update(collection, key, {"metadatas"}, nothing, batch_size, progress)
    return schema


def _store(collection: Handle, schema: dict[str, Any]) -> None:
    changed = collection.engine.modify_collection(collection.id, None, None, {"schema": schema})
    collection.refresh(changed)


def _update(
    collection: Handle,
    key: str,
    fields: set[str],
    values: Callable[[Rows], dict[str, Any]],
    batch_size: int,
    progress: bool,
) -> None:
    """Set the values under a key, page by page; each page is written as it was read, or read again."""
    engine, offset = collection.engine, 0
    with bar(f"index {collection.name}", "rec", progress) as on_progress:
        while True:
            version = collection.get_version()
            rows = engine.get(collection.id, Filter(), fields, batch_size, offset)
            if not rows.ids:
                return
            found = values(rows)
            if found:
                batch = Batch(list(found), metadatas=[{key: value} for value in found.values()])
                try:
                    engine.replace(collection.id, Replacement(update=batch, version=version))
                except InvalidArgumentError:
                    if collection.get_version() == version:
                        raise
                    continue  # another handle wrote in between
            offset += len(rows.ids)
            on_progress(offset, engine.count(collection.id))
