"""`collection.search`: Chroma's Search API, and what goes beyond it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from chromalab.arguments.values import check_show
from chromalab.engine import Reader
from chromalab.engine.values import QueryBasis
from chromalab.errors import InvalidArgumentError
from chromalab.handle import Handle
from chromalab.results.search import SearchResult, search_result
from chromalab.search.prepare import Queries
from chromalab.search.prepared import Prepared
from chromalab.search.request import Search, read_search
from chromalab.search.run import run
from chromalab.search.sources import Batch
from chromalab.search.trace import Trace
from chromalab.transforms.active import ActiveTransform
from chromalab.transforms.transform import Transform

__all__ = ["read_searches", "search"]

T = TypeVar("T")


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
        batch = Batch(reader, prepared)
        return [run(reader, one, batch) for one in prepared]

    ran, prepared = read_searches(collection, Queries(listed), transform, read)
    traces = [Trace(collection, *both) for both in zip(prepared, ran, strict=True)]
    return search_result(traces, shown)


def read_searches(
    collection: Handle,
    queries: Queries,
    transform: Transform | str | bool | None,
    read: Callable[[Reader, Sequence[Prepared]], T],
) -> tuple[T, Sequence[Prepared]]:
    """Prepare searches, and run a function on them in one transaction; returns both."""

    def ask(chosen: Transform | None, basis: QueryBasis) -> tuple[T, Sequence[Prepared]]:
        prepared = queries.prepared(collection, chosen)
        engine = collection.engine
        return engine.reading(collection.id, lambda reader: read(reader, prepared), basis), prepared

    return collection.room(ActiveTransform).confirmed(transform, ask)
