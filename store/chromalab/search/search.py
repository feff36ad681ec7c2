"""`collection.search`: Chroma's Search API, and what goes beyond it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

import numpy as np

from chromalab.arguments.records import read_filter
from chromalab.arguments.values import check_embeddings, check_show
from chromalab.embed import embed_queries
from chromalab.engine import Filter, Reader, Vectors
from chromalab.engine.values import OutdatedQueryError, QueryBasis
from chromalab.errors import InvalidArgumentError, short
from chromalab.handle import Handle
from chromalab.results.search import SearchResult, search_result
from chromalab.search.keys import name_of_key
from chromalab.search.ranks import Knn, Source, sources_of
from chromalab.search.request import Search, read_search
from chromalab.search.run import Prepared, Ready, run
from chromalab.search.trace import Trace
from chromalab.sparse import SparseVector
from chromalab.transforms.active import ActiveTransform
from chromalab.transforms.storage import ACTIVE
from chromalab.transforms.transform import Transform

__all__ = ["prepared_searches", "search"]

T = TypeVar("T")
_EMBEDDING = "#embedding"


def search(
    collection: Handle,
    searches: Search | Mapping[str, Any] | Sequence[Search | Mapping[str, Any]],
    read_level: Any = None,
    *,
    transform: Transform | str | bool | None = "active",
    show: Sequence[str] | str | None = None,
) -> SearchResult:
    """Search by conditions, ranks, groups and steps; all searches of one call see the same records.

    Args:
        collection: The collection to search.
        searches: A `Search`, its dict, or a list of these. Those of chromadb work too.
        read_level: Accepted as in Chroma; every committed write is always seen.
        transform: The transform that queries of embeddings go through, as in `query`.
        show: The metadata keys to display, each as a column, or "all".

    Returns:
        Chroma's dict, with a list per search under `ids`, `documents`, `embeddings`, `metadatas`,
        `scores` and `select`; a part that a search did not select is None. `rows()` has one dict per
        record; `why(id)` and `why_not(id)` explain the result.

    Raises:
        InvalidArgumentError: A part of a search has another form.
        InvalidDimensionException: A query has another dimension than the collection.

    Example:
        >>> import chromalab
        >>> from chromalab import K, Knn, Search
        >>> notes = chromalab.EphemeralClient().create_collection("notes")
        >>> notes.add(ids=["a", "b"], documents=["a cup of tea", "a piece of chalk"])
        >>> notes.search(Search().rank(Knn("hot drinks")).limit(1).select(K.DOCUMENT))
        rank  score  id  document
        ...
    """
    several = searches if isinstance(searches, list | tuple) else [searches]
    listed, shown = [read_search(one) for one in several], check_show(show)
    if not listed:
        raise InvalidArgumentError("searches must not be empty. Pass at least one Search.")

    def read(reader: Reader, prepared: Sequence[Prepared]) -> list[Any]:
        return [run(reader, one) for one in prepared]

    ran, prepared = confirmed(collection, listed, transform, read)
    traces = [Trace(collection, *both) for both in zip(prepared, ran, strict=True)]
    return search_result(traces, shown)


def confirmed(
    collection: Handle,
    searches: Sequence[Search],
    transform: Transform | str | bool | None,
    ask: Callable[..., T],
) -> tuple[T, Sequence[Prepared]]:
    """Prepare searches, then ask in one transaction, which confirms the model and the transform."""
    active = collection.room(ActiveTransform)
    depends = isinstance(transform, str) and transform == ACTIVE
    while True:
        known = collection.get_model()
        basis = QueryBasis(known, *active.attachment()) if depends else QueryBasis(known)
        chosen = active.known() if depends else active.of(transform)
        prepared = prepared_searches(collection, searches, chosen)
        try:
            asked = partial(ask, prepared=prepared)
            return collection.engine.reading(collection.id, asked, basis), prepared
        except OutdatedQueryError as outdated:
            collection.refresh(outdated.model)
            if depends:
                active.refresh(outdated.attachment)


def prepared_searches(
    collection: Handle, searches: Sequence[Search], transform: Transform | None
) -> list[Prepared]:
    """Embed the queries of searches, each distinct text once, and parse their conditions."""
    sources = [list(_sources(search)) for search in searches]
    texts = dict.fromkeys(
        source.query for several in sources for source in several if _is_text(source, _EMBEDDING)
    )
    vectors: dict[str, Vectors] = {}
    if texts:
        embedded = embed_queries(collection.known_embedding_function(), list(texts))
        vectors = dict(zip(texts, embedded, strict=True))
    return [
        Prepared(
            search,
            Filter() if search._where is None else read_filter(None, search._where.to_dict(), None),
            [_ready(source, vectors, transform) for source in several],
        )
        for search, several in zip(searches, sources, strict=True)
    ]


def _sources(search: Search) -> Sequence[Source]:
    if search._rank is None:
        return ()
    found = list(sources_of(search._rank))
    if not found:
        raise InvalidArgumentError(
            f"rank must have a Knn or a Keyword, which find records; got {short(str(search._rank))}."
        )
    return found


def _is_text(source: Source, key: str) -> bool:
    return (
        isinstance(source, Knn) and isinstance(source.query, str) and name_of_key(source.key) == key
    )


def _ready(source: Source, vectors: Mapping[str, Vectors], transform: Transform | None) -> Ready:
    key = name_of_key(source.key)
    if not isinstance(source, Knn):
        return Ready(source)
    if isinstance(source.query, SparseVector):
        if key == _EMBEDDING:
            raise InvalidArgumentError(
                "A SparseVector is compared with sparse vectors under a metadata key. Pass key= to Knn."
            )
        return Ready(source, sparse=source.query)
    if key != _EMBEDDING:
        raise InvalidArgumentError(
            f"query of Knn must be a SparseVector where key is the metadata key {key!r}."
        )
    text = source.query if isinstance(source.query, str) else None
    vector = (
        check_embeddings(source.query, "query of Knn")[:1]
        if text is None
        else vectors[text][np.newaxis]
    )
    texts = () if text is None else (text,)
    if transform is None:
        return Ready(source, vector, texts=texts)
    return Ready(source, transform.queries(vector), None, texts, transform.record_transform)
