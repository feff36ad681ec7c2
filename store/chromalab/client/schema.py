"""`schema=` of `create_collection`: what Chroma's `Schema` asks for, as a configuration."""

from __future__ import annotations

from typing import Any

from chromalab.errors import InvalidArgumentError, short

__all__ = ["read_schema"]

_EMBEDDING = "#embedding"


def read_schema(schema: Any) -> dict[str, Any]:
    """Read the vector index of a `Schema` of chromadb as the configuration of a collection.

    Its indexes of metadata need no counterpart, as filters work on every key here.

    Returns:
        `{"hnsw": {...}, "embedding_function": ...}`, or "spann" in place of "hnsw".

    Raises:
        InvalidArgumentError: The schema has another form, or asks for an index of sparse vectors.
    """
    try:
        keys = dict(schema.keys)
        wanted = keys[_EMBEDDING].float_list.vector_index.config
        space = wanted.space
        sections = {"hnsw": wanted.hnsw, "spann": wanted.spann}
        function = wanted.embedding_function
        sparse = [key for key, types in keys.items() if _has_sparse_index(types)]
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise InvalidArgumentError(
            f"schema must be a Schema of chromadb; got {short(schema)}. Use configuration instead."
        ) from error
    if sparse:
        raise InvalidArgumentError(
            f"schema must not have an index of sparse vectors, which is not supported yet; got one on "
            f"{short(sparse[0])}. Leave it out, or store the vectors as metadata without an index."
        )
    kind = "spann" if sections["spann"] is not None else "hnsw"
    given = vars(sections[kind]) if sections[kind] is not None else {}
    section = {
        name: value for name, value in {"space": space, **given}.items() if value is not None
    }
    return {kind: section, "embedding_function": function}


def _has_sparse_index(types: Any) -> bool:
    index = getattr(getattr(types, "sparse_vector", None), "sparse_vector_index", None)
    return bool(getattr(index, "enabled", False))
