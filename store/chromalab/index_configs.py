"""The configurations of indexes, under Chroma's names."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from chromalab.embed import DefaultEmbeddingFunction
from chromalab.errors import InvalidArgumentError, short

__all__ = [
    "DOCUMENT",
    "BoolInvertedIndexConfig",
    "FloatInvertedIndexConfig",
    "FtsIndexConfig",
    "HnswIndexConfig",
    "IntInvertedIndexConfig",
    "SpannIndexConfig",
    "SparseVectorIndexConfig",
    "StringInvertedIndexConfig",
    "VectorIndexConfig",
    "key_name",
]

DOCUMENT = "#document"
"""The key of the documents."""


@dataclass
class FtsIndexConfig:
    """An index of the documents for text search; keyword search works without it."""


@dataclass
class StringInvertedIndexConfig:
    """An index of texts for filters, which work without it."""


@dataclass
class IntInvertedIndexConfig:
    """An index of integers for filters, which work without it."""


@dataclass
class FloatInvertedIndexConfig:
    """An index of floats for filters, which work without it."""


@dataclass
class BoolInvertedIndexConfig:
    """An index of booleans for filters, which work without it."""


@dataclass
class HnswIndexConfig:
    """The parameters of an HNSW graph; see `configuration` of `create_collection`."""

    ef_construction: int | None = None
    max_neighbors: int | None = None
    ef_search: int | None = None
    num_threads: int | None = None
    batch_size: int | None = None
    sync_threshold: int | None = None
    resize_factor: float | None = None


@dataclass
class SpannIndexConfig:
    """The parameters of Chroma Cloud's index, which are stored; here it runs as HNSW."""

    search_nprobe: int | None = None
    write_nprobe: int | None = None
    ef_construction: int | None = None
    ef_search: int | None = None
    max_neighbors: int | None = None
    reassign_neighbor_count: int | None = None
    split_threshold: int | None = None
    merge_threshold: int | None = None


@dataclass
class VectorIndexConfig:
    """The index of the embeddings.

    Attributes:
        space: l2, cosine or ip.
        embedding_function: Embeds the documents; None if the caller supplies embeddings.
        source_key: The key of the texts; "#document".
        hnsw: Its parameters.
        spann: Its parameters, in place of `hnsw`.
    """

    space: str | None = None
    embedding_function: Any = field(default_factory=DefaultEmbeddingFunction)
    source_key: Any = None
    hnsw: HnswIndexConfig | None = None
    spann: SpannIndexConfig | None = None

    def __post_init__(self) -> None:
        self.source_key = _source_key(self.source_key)
        _check_callable(self.embedding_function)


@dataclass
class SparseVectorIndexConfig:
    """An index of the sparse vectors under a metadata key.

    Attributes:
        embedding_function: A sparse embedding function such as `ChromaBm25EmbeddingFunction`.
        source_key: The texts that it embeds: "#document", or a metadata key. None if the caller supplies
            the vectors.
        bm25: Stored for Chroma, and without effect here.
    """

    embedding_function: Any = None
    source_key: Any = None
    bm25: bool | None = None

    def __post_init__(self) -> None:
        self.source_key = _source_key(self.source_key)
        _check_callable(self.embedding_function)


def key_name(key: Any) -> str | None:
    """The name of a key; `K("name")` has it as an attribute."""
    name = getattr(key, "name", key)
    if name is not None and not isinstance(name, str):
        raise InvalidArgumentError(f"key must be a text, or K(...); got {short(key)}.")
    return name


def _source_key(key: Any) -> str | None:
    name = key_name(key)
    if name is not None and name.startswith("#") and name != DOCUMENT:
        raise InvalidArgumentError(
            f"source_key must be {DOCUMENT!r} or a metadata key; got {short(name)}."
        )
    return name


def _check_callable(function: Any) -> None:
    if function is not None and not callable(function):
        raise InvalidArgumentError(
            f"embedding_function must be callable with texts, or None; got {short(function)}."
        )
