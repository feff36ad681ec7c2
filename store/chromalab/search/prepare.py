"""Prepares searches before their transaction: texts are rewritten and embedded, conditions parsed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from chromalab.arguments.records import read_filter
from chromalab.embed import EmbeddingFunction, embed_documents, embed_queries
from chromalab.engine import Filter, Vectors
from chromalab.errors import InvalidArgumentError, short
from chromalab.handle import Handle
from chromalab.schema import embed_sparse_queries
from chromalab.search.keys import name_of_key
from chromalab.search.prepared import Prepared, Ready
from chromalab.search.ranks import Inside, Knn, Source, sources_of
from chromalab.search.region_storage import stored_region
from chromalab.search.regions import Region
from chromalab.search.request import Search
from chromalab.sparse import SparseVector
from chromalab.transforms.transform import Transform

__all__ = ["Queries"]

_EMBEDDING = "#embedding"


class Queries:
    """The queries of searches; the steps of each text run once, and it is embedded once per function.

    Args:
        searches: The searches.
    """

    def __init__(self, searches: Sequence[Search]) -> None:
        self._searches = [(search, _sources(search)) for search in searches]
        self._texts = {
            id(source): _texts(source)
            for _, sources in self._searches
            for source in sources
            if isinstance(source, Knn) and isinstance(source.query, str) and _is_dense(source)
        }
        self._function: EmbeddingFunction[Any] | None = None
        self._vectors: dict[tuple[str, bool], Vectors] = {}

    @property
    def count(self) -> int:
        """The number of distinct texts to embed."""
        return len({(text, kind) for texts, kind in self._texts.values() for text in texts})

    def prepared(self, collection: Handle, transform: Transform | None) -> list[Prepared]:
        """Return the searches, embedded by the function as the handle knows it."""
        if self._texts:
            self._embed(collection.known_embedding_function())
        return [
            Prepared(
                search,
                Filter() if search._where is None else read_filter(None, search._where, None),
                [self._ready(collection, source, transform) for source in sources],
                collection.known_embedding_function()
                if any(step.embeds for step in search._steps)
                else None,
                [_region(region, collection) for region in search._within],
            )
            for search, sources in self._searches
        ]

    def _embed(self, function: EmbeddingFunction[Any]) -> None:
        if function is self._function:
            return
        for kind, embed in ((False, embed_queries), (True, embed_documents)):
            texts = list(
                dict.fromkeys(
                    t for own, is_kind in self._texts.values() if is_kind == kind for t in own
                )
            )
            if texts:
                embedded = embed(function, texts)
                self._vectors |= {(t, kind): v for t, v in zip(texts, embedded, strict=True)}
        self._function = function

    def _ready(self, collection: Handle, source: Source, transform: Transform | None) -> Ready:
        if isinstance(source, Inside):
            return Ready(source, region=_region(source.region, collection))
        key = name_of_key(source.key)
        if not isinstance(source, Knn):
            return Ready(source)
        if isinstance(source.query, SparseVector):
            if key == _EMBEDDING:
                raise InvalidArgumentError(
                    "A SparseVector is compared with sparse vectors under a metadata key. Pass key= to Knn."
                )
            return Ready(source, sparse=source.query)
        if not _is_dense(source) and isinstance(source.query, str):
            words, _ = _texts(source)
            return Ready(source, sparse=embed_sparse_queries(collection.get_model(), key, words)[0])
        if not _is_dense(source):
            raise InvalidArgumentError(
                f"query of Knn must be a text or a SparseVector where key is a metadata key; got a vector "
                f"for {short(key)}."
            )
        texts, kind = self._texts.get(id(source), ((), False))
        if texts:
            vectors = np.stack([self._vectors[text, kind] for text in texts])
        else:
            assert source.vector is not None
            vectors = source.vector
        if transform is None:
            return Ready(source, vectors, texts=texts)
        return Ready(source, transform.queries(vectors), None, texts, transform.record_transform)


def _is_dense(source: Source) -> bool:
    """Whether a source compares embeddings, not the values of a metadata key."""
    return name_of_key(source.key) == _EMBEDDING


def _sources(search: Search) -> Sequence[Source]:
    if search._rank is None:
        return ()
    found = list(sources_of(search._rank))
    if not found:
        raise InvalidArgumentError(
            f"rank must have a Knn, a Keyword or an Inside, which find records; got {short(str(search._rank))}."
        )
    return found


def _region(given: Region | str, collection: Handle) -> Region:
    return stored_region(collection, given) if isinstance(given, str) else given


def _texts(source: Knn) -> tuple[list[str], bool]:
    """Return the texts to embed in place of a query, and whether as documents."""
    texts = [source.query]
    for step in source.steps:
        texts = step.texts(texts)
    return texts, any(step.as_documents for step in source.steps)
