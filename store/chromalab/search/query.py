"""`collection.query` and `collection.explain`: the nearest records, and how they are found."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from chromalab.arguments.records import check_images, read_filter, read_texts
from chromalab.arguments.values import (
    check_embeddings,
    check_include,
    check_max_distance,
    check_n_results,
    check_show,
)
from chromalab.deferred import Deferred
from chromalab.embed import EmbeddingFunction, embed_queries
from chromalab.engine.values import Filter, QueryBasis, Rows, Vectors
from chromalab.errors import InvalidArgumentError, InvalidDimensionException
from chromalab.handle import Handle
from chromalab.results.records import PARTS, QueryResult, fields_of, query_result, within
from chromalab.results.reports import Explanation
from chromalab.transforms.active import ActiveTransform
from chromalab.transforms.transform import Transform
from chromalab.types import Documents, Embeddings, IDs, Include, Where, WhereDocument

if TYPE_CHECKING:
    from chromalab.results.plan import SearchPlan
    from chromalab.search.explained import explain_search
else:
    explain_search = Deferred("chromalab.search.explained").explain_search

__all__ = ["explain", "query", "with_one_model"]

T = TypeVar("T")


def query(
    collection: Handle,
    query_embeddings: Embeddings | None = None,
    query_texts: Documents | str | None = None,
    query_images: Any = None,
    query_uris: Sequence[str] | str | None = None,
    ids: IDs | str | None = None,
    n_results: int = 10,
    where: Where | None = None,
    where_document: WhereDocument | None = None,
    include: Include = ("metadatas", "documents", "distances"),
    *,
    max_distance: float | None = None,
    transform: Transform | str | bool | None = "active",
    show: Sequence[str] | str | None = None,
) -> QueryResult:
    """Find the nearest records to each query.

    Args:
        collection: The collection to search.
        query_embeddings: Query vectors, (q, dimension) numbers.
        query_texts: Query texts, embedded as queries. Pass these or embeddings.
        query_images: Query images, arrays of numbers, for an embedding function that takes them.
        query_uris: URIs of what the data loader reads, to be embedded as queries.
        ids: Ids to search among.
        n_results: Number of results per query. Fewer are returned where fewer match.
        where: A metadata filter, e.g. `{"year": {"$gte": 2020}}`.
        where_document: A document filter, e.g. `{"$contains": "tea"}`.
        include: Parts of the result: "documents", "embeddings", "metadatas", "uris", "distances",
            and "data", what the data loader reads from the URIs.
        max_distance: Largest distance to return. Fewer than n_results may be left, or none.
        transform: The transform to apply before the comparison: "active", its name, or None. It maps
            the queries, and the records too where it was learned for both. "active" is the one that
            `transforms.use` chose, if any; None compares the embeddings as they are. A `Transform`
            object works too. Records are always returned as they are stored.
        show: The metadata keys to display, each as a column, or "all"; by default, one column has the
            most useful ones. The result itself has all keys.

    Returns:
        Chroma's dict, with a list per query under each key, nearest first. Distances are squared l2,
        1 - cos, or 1 - dot, depending on the collection's space.

    Raises:
        InvalidArgumentError: There is no query, two kinds of query, or a filter that cannot be parsed.
        InvalidDimensionException: The queries have another dimension than the collection.
        NotFoundError: There is no transform of that name.

    Example:
        >>> import chromalab
        >>> notes = chromalab.EphemeralClient().create_collection("notes")
        >>> notes.add(ids=["a", "b"], documents=["a cup of tea", "a piece of chalk"])
        >>> notes.query(query_texts=["hot drinks"], n_results=1)["ids"]
        [['a']]
        >>> notes.query(query_texts=["hot drinks"], max_distance=0.01)["ids"]
        [[]]
    """
    n_results = check_n_results(n_results)
    parts = check_include(include, (*PARTS, "distances"))
    filter, shown = _filter(ids, where, where_document), check_show(show)
    asked = _read_queries(query_embeddings, query_texts, query_images, query_uris, collection)
    limit = None if max_distance is None else check_max_distance(max_distance)
    read = fields_of(parts, collection.data_loader) | (
        {"distances"} if limit is not None else set()
    )

    def ask(chosen: Transform | None, basis: QueryBasis) -> list[Rows]:
        vectors, record_transform = asked.vectors(collection), None
        if chosen is not None:
            vectors, record_transform = chosen.queries(vectors), chosen.record_transform
        return collection.engine.query(
            collection.id, vectors, n_results, filter, read, record_transform, basis
        )

    found = collection.room(ActiveTransform).confirmed(transform, ask)
    if limit is not None:
        found = [within(rows, limit) for rows in found]
    return query_result(found, parts, asked.labels, shown, collection.data_loader)


def explain(
    collection: Handle,
    query_embeddings: Embeddings | None = None,
    query_texts: Documents | str | None = None,
    ids: IDs | str | None = None,
    n_results: int = 10,
    where: Where | None = None,
    where_document: WhereDocument | None = None,
    *,
    transform: Transform | str | bool | None = "active",
    analyze: bool = False,
) -> Explanation | SearchPlan:
    """Explain how `query` or `search` would answer these arguments, and why.

    Args:
        collection: The collection to search.
        query_embeddings: Query vectors, as in `query`; or a `Search`, for which no other argument but
            the last two applies.
        query_texts: Query texts, as in `query`.
        ids: Ids to search among.
        n_results: Number of results per query.
        where: A metadata filter, as in `query`.
        where_document: A document filter, as in `query`.
        transform: The transform to apply, as in `query`.
        analyze: Run a `Search`, and say for every stage how many records it was given, kept and dropped
            for which reason, how long it took, and what share of an exact scan's records it found.

    Raises:
        InvalidArgumentError: As for `query`, or as for `search`.

    Example:
        >>> import chromalab
        >>> points = chromalab.EphemeralClient().create_collection("points", embedding_function=None)
        >>> points.add(ids=["a", "b"], embeddings=[[0, 0], [3, 4]])
        >>> points.explain(query_embeddings=[[0, 1]]).plan.method
        'exact scan'
    """
    if isinstance(query_embeddings, Mapping) or hasattr(query_embeddings, "to_dict"):
        return explain_search(collection, query_embeddings, transform, analyze=analyze)
    asked, filter = (
        _read_queries(query_embeddings, query_texts),
        _filter(ids, where, where_document),
    )
    n_results = check_n_results(n_results)

    def explained() -> Explanation:
        vectors = asked.vectors(collection)
        chosen = collection.room(ActiveTransform).of(transform)
        name, both, record_transform = None, False, None
        if chosen is not None:
            vectors = chosen.queries(vectors)
            name, both, record_transform = chosen.name, chosen.both, chosen.record_transform
        plan = collection.engine.explain(
            collection.id, vectors, n_results, filter, record_transform
        )
        return Explanation(plan, name, both)

    return with_one_model(collection, explained)


def with_one_model(collection: Handle, read: Callable[[], T]) -> T:
    """Run what embeds queries and reads in several transactions; again if the model changes meanwhile.

    Args:
        collection: The collection, which another process may re-embed.
        read: The function; it embeds by the function that the handle knows.
    """

    def model() -> tuple[int | None, Any]:
        now = collection.refresh()
        return now.dimension, now.configuration["embedding_function"]

    while True:
        before = model()
        try:
            result = read()
        except InvalidDimensionException:
            if model() == before:
                raise
            continue
        if model() == before:
            return result


class _Queries:
    """The queries of a call: what is embedded, at most once per function, or vectors."""

    def __init__(
        self, labels: list[str], given: Vectors | None, inputs: Sequence[Any] | None = None
    ) -> None:
        self.labels = labels
        self._vectors = given
        self._inputs = labels if inputs is None else inputs
        self._is_embedded = given is None
        self._function: EmbeddingFunction[Any] | None = None

    def vectors(self, collection: Handle) -> Vectors:
        """Return the vectors, (q, dimension), by the embedding function as the handle knows it."""
        if self._is_embedded:
            function = collection.known_embedding_function()
            if self._vectors is None or function is not self._function:
                self._vectors, self._function = embed_queries(function, self._inputs), function
        assert self._vectors is not None
        return self._vectors


def _read_queries(
    embeddings: Any,
    texts: Any,
    images: Any = None,
    uris: Any = None,
    collection: Handle | None = None,
) -> _Queries:
    """Check the queries of a call."""
    others = [given for given in (images, uris) if given is not None]
    if others:
        if len(others) > 1 or embeddings is not None or texts is not None:
            raise InvalidArgumentError(
                "Pass exactly one of query_embeddings, query_texts, query_images and query_uris."
            )
        if images is not None:
            pictures = check_images(images, "query_images")
            return _Queries(_numbered("image", len(pictures)), None, pictures)
        assert collection is not None
        named = read_texts(uris, "query_uris")
        return _Queries(named, None, collection.load(named))
    if (embeddings is None) == (texts is None):
        raise InvalidArgumentError("Pass either query_embeddings or query_texts, and not both.")
    if texts is not None:
        return _Queries(list(read_texts(texts, "query_texts")), None)
    vectors = check_embeddings(embeddings, "query_embeddings")
    return _Queries(_numbered("query", len(vectors)), vectors)


def _numbered(word: str, count: int) -> list[str]:
    return [f"{word} {number}" for number in range(1, count + 1)]


def _filter(ids: Any, where: Any, where_document: Any) -> Filter:
    """Read the filter of a call; an empty list of ids selects no records, as in Chroma."""
    if ids is not None and not isinstance(ids, str) and not len(ids):
        return Filter(ids=[])
    return read_filter(ids, where, where_document)
