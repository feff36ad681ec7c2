"""`Collection`: records that are searched together. Its body is the table of contents of the package.

Chroma's calls are written out; every other line is one call of a room, defined there with its options and
its documentation.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from chromalab import export, ingest, sparse_indexes, upkeep
from chromalab.arguments.records import read_batch, read_filter, read_order
from chromalab.arguments.values import (
    check_field,
    check_include,
    check_limit,
    check_metadata,
    check_name,
    check_show,
)
from chromalab.deferred import Deferred
from chromalab.errors import InvalidArgumentError, short
from chromalab.handle import Handle, Room
from chromalab.history import history, undo
from chromalab.results.records import PARTS, GetResult, fields_of, get_result
from chromalab.results.reports import Description, Distinct
from chromalab.search import (
    build_index,
    explain,
    get_indexing_status,
    pause_index,
    query,
    recall,
    resume_index,
)
from chromalab.sockets import Plug
from chromalab.transforms import Transforms
from chromalab.types import Documents, Embeddings, IDs, Include, Metadatas, Where, WhereDocument

if TYPE_CHECKING:
    from typing_extensions import Self

    from chromalab import analytics, tuning
    from chromalab.evaluation import evaluate
    from chromalab.feedback import Feedback
    from chromalab.regions import Regions
    from chromalab.search.search import search
    from chromalab.selection import Selection
    from chromalab.show import review
else:
    analytics, tuning = Deferred("chromalab.analytics"), Deferred("chromalab.tuning")
    evaluate = Deferred("chromalab.evaluation").evaluate
    Feedback = Deferred("chromalab.feedback").Feedback
    Regions = Deferred("chromalab.regions").Regions
    search = Deferred("chromalab.search.search").search
    Selection = Deferred("chromalab.selection").Selection
    review = Deferred("chromalab.show").review

__all__ = ["Collection"]


class Collection(Handle):
    """A named set of records: ids, embeddings, documents and metadata. Created by a client.

    Chroma's methods take the same arguments and return the same results as in Chroma; docs/chroma.md
    lists the additions.

    Example:
        >>> import chromalab
        >>> client = chromalab.EphemeralClient()
        >>> points = client.create_collection("points", embedding_function=None)
        >>> points.add(ids=["a", "b"], embeddings=[[0, 0], [3, 4]])
        >>> points.query(query_embeddings=[[0, 1]], n_results=1)["ids"]
        [['a']]
    """

    # Writing records.

    def add(
        self,
        ids: IDs | str,
        embeddings: Embeddings | None = None,
        metadatas: Metadatas | Mapping[str, Any] | None = None,
        documents: Documents | str | None = None,
        images: Any = None,
        uris: Sequence[str | None] | str | None = None,
        *,
        data: None = None,
        included: Include | None = None,
    ) -> None:
        """Add records; a record whose id already exists is silently left as it is, as in Chroma.

        When the call returns, all of its records are written and durable; after an error, none are.

        Args:
            ids: One id per record.
            embeddings: (n, dimension) numbers; by default the documents are embedded.
            metadatas: One dict, or None, per record.
            documents: One text per record.
            images: One array of numbers per record, which the embedding function must take; they are
                embedded in the place of documents, and not stored.
            uris: One URI of the original per record. Without documents, images and embeddings, the data
                loader reads what they name, to be embedded.
            data: Has no effect; a part of what `get` returns, so that `add(**other.get(...))` works.
            included: Has no effect, as `data`.

        Raises:
            DuplicateIDError: An id is duplicated in the call.
            InvalidDimensionException: The embeddings have another dimension than the collection.
            InvalidArgumentError: A value cannot be stored; the message says which one.

        Example:
            >>> import chromalab
            >>> notes = chromalab.EphemeralClient().create_collection("notes")
            >>> notes.add(ids=["a"], documents=["tea is a drink"], metadatas=[{"hot": True}])
            >>> notes.count()
            1
        """
        batch = read_batch(ids, embeddings, metadatas, documents, uris)
        ingest.write(self, "add", ingest.with_vectors(self, batch, images))

    def upsert(
        self,
        ids: IDs | str,
        embeddings: Embeddings | None = None,
        metadatas: Metadatas | Mapping[str, Any] | None = None,
        documents: Documents | str | None = None,
        images: Any = None,
        uris: Sequence[str | None] | str | None = None,
    ) -> None:
        """Add the records whose ids are new and update the others; see `add` and `update`."""
        batch = read_batch(ids, embeddings, metadatas, documents, uris)
        ingest.write(self, "upsert", ingest.with_vectors(self, batch, images))

    def update(
        self,
        ids: IDs | str,
        embeddings: Embeddings | None = None,
        metadatas: Metadatas | Mapping[str, Any] | None = None,
        documents: Documents | str | None = None,
        images: Any = None,
        uris: Sequence[str | None] | str | None = None,
    ) -> None:
        """Change existing records; unknown ids are ignored, as in Chroma.

        Parts that are left out stay as they are. Metadata is merged, and None deletes a key. New
        documents without embeddings are embedded.

        Raises:
            InvalidArgumentError: As for `add`.

        Example:
            >>> import chromalab
            >>> notes = chromalab.EphemeralClient().create_collection("notes")
            >>> notes.add(ids=["a"], documents=["tea"], metadatas=[{"hot": True, "cups": 2}])
            >>> notes.update(ids=["a"], metadatas=[{"cups": None}])
            >>> notes.get()["metadatas"]
            [{'hot': True}]
        """
        batch = read_batch(ids, embeddings, metadatas, documents, uris)
        if batch.vectors is None and (batch.documents is not None or images is not None):
            batch = ingest.with_vectors(self, batch, images)
        ingest.write(self, "update", batch)

    def delete(
        self,
        ids: IDs | str | None = None,
        where: Where | None = None,
        where_document: WhereDocument | None = None,
        limit: int | None = None,
    ) -> dict[str, int]:
        """Delete the records that match all of the given conditions; `undo()` restores them.

        Args:
            ids: The ids to delete.
            where: A metadata filter, e.g. `{"year": {"$lt": 1990}}`.
            where_document: A document filter, e.g. `{"$contains": "tea"}`.
            limit: The maximum number of records to delete; needs a filter.

        Returns:
            `{"deleted": n}`. With ids alone, n is the number of ids, whether they exist or not, as in
            Chroma.

        Raises:
            InvalidArgumentError: There are no ids and no filter, or a filter cannot be parsed.

        Example:
            >>> import chromalab
            >>> points = chromalab.EphemeralClient().create_collection("points", embedding_function=None)
            >>> points.add(ids=["a", "b"], embeddings=[[0], [1]], metadatas=[{"n": 1}, {"n": 2}])
            >>> points.delete(where={"n": {"$gt": 1}})
            {'deleted': 1}
        """
        if ids is None and where is None and where_document is None:
            raise InvalidArgumentError(
                "delete needs ids, where or where_document. To delete everything, call "
                f"client.delete_collection({self.name!r})."
            )
        limit = check_limit("limit", limit)
        if limit is not None and where is None and where_document is None:
            raise InvalidArgumentError(
                "limit can only be specified with where or where_document; got ids alone."
            )
        filter = read_filter(ids, where, where_document)
        deleted = self.engine.delete(
            self.id, filter, limit, _deletion(filter.ids, where, where_document)
        )
        by_ids_alone = filter.where is None and filter.where_document is None
        return {"deleted": len(filter.ids or ()) if by_ids_alone else deleted}

    add_from = ingest.add_from
    history = history
    undo = undo

    # Reading records.

    def get(
        self,
        ids: IDs | str | None = None,
        where: Where | None = None,
        limit: int | None = None,
        offset: int | None = None,
        where_document: WhereDocument | None = None,
        include: Include = ("metadatas", "documents"),
        *,
        order_by: str | None = None,
        show: Sequence[str] | str | None = None,
    ) -> GetResult:
        """Read records, in the order in which they were added or by a metadata key.

        Args:
            ids: The ids to read, in any order; unknown ids are left out.
            where: A metadata filter, e.g. `{"year": {"$gte": 2020}}`.
            limit: The maximum number of records, in the order asked for.
            offset: The number of records to skip.
            where_document: A document filter, e.g. `{"$contains": "tea"}`.
            include: Parts of the result: "documents", "embeddings", "metadatas", "uris", and "data", what
                the data loader reads from the URIs.
            order_by: The metadata key to sort by; "-year" sorts in descending order. Numbers come
                first, then texts, booleans and lists. Records without the key come last, and equal ones
                stay in the order in which they were added, in both directions.
            show: The metadata keys to display, each as a column, or "all"; by default, one column has the
                most useful ones. The result itself has all keys.

        Returns:
            Chroma's dict; `embeddings` is (n, dimension) float32.

        Raises:
            InvalidArgumentError: A filter or part cannot be parsed, or no record has the key.

        Example:
            >>> import chromalab
            >>> points = chromalab.EphemeralClient().create_collection("points", embedding_function=None)
            >>> years = [{"year": 1999}, {"year": 2024}]
            >>> points.add(ids=["a", "b"], embeddings=[[0], [1]], metadatas=years)
            >>> points.get(order_by="-year", limit=1)["ids"]
            ['b']
        """
        parts = check_include(include, PARTS)
        limit, offset = check_limit("limit", limit), check_limit("offset", offset)
        filter, order = read_filter(ids, where, where_document), read_order(order_by)
        read = fields_of(parts, self.data_loader)
        rows = self.engine.get(self.id, filter, read, limit, offset or 0, order)
        return get_result(rows, parts, check_show(show), self.data_loader)

    def peek(self, limit: int = 10) -> GetResult:
        """Read the first records, with their embeddings.

        Args:
            limit: The number of records to read.
        """
        return self.get(limit=limit, include=["metadatas", "documents", "embeddings"])

    def count(
        self,
        where: Where | None = None,
        where_document: WhereDocument | None = None,
        *,
        read_level: Any = None,
    ) -> int:
        """Count the records, or those that match all of the given conditions.

        Args:
            where: A metadata filter, e.g. `{"year": {"$gte": 2020}}`.
            where_document: A document filter, e.g. `{"$contains": "tea"}`.
            read_level: Has no effect: every read sees all committed writes.

        Raises:
            InvalidArgumentError: A filter cannot be parsed.

        Example:
            >>> import chromalab
            >>> points = chromalab.EphemeralClient().create_collection("points", embedding_function=None)
            >>> points.add(ids=["a", "b"], embeddings=[[0], [1]], metadatas=[{"n": 1}, {"n": 2}])
            >>> points.count(), points.count(where={"n": {"$gt": 1}})
            (2, 1)
        """
        if where is None and where_document is None:
            return self.engine.count(self.id)
        return self.engine.count(self.id, read_filter(None, where, where_document))

    def distinct(
        self,
        field: str,
        where: Where | None = None,
        where_document: WhereDocument | None = None,
        *,
        ids: IDs | str | None = None,
    ) -> Distinct:
        """Count the values of a metadata key, most frequent first.

        Args:
            field: The metadata key. Lists count as their elements, each once per record.
            where: A metadata filter on the records to count.
            where_document: A document filter on the records to count.
            ids: Ids to count among.

        Raises:
            InvalidArgumentError: No record has the key; the message suggests similar ones.

        Example:
            >>> import chromalab
            >>> points = chromalab.EphemeralClient().create_collection("points", embedding_function=None)
            >>> tags = [{"tags": ["hot", "sweet"]}, {"tags": ["hot"]}]
            >>> points.add(ids=["a", "b"], embeddings=[[0], [1]], metadatas=tags)
            >>> list(points.distinct("tags"))
            [('hot', 2), ('sweet', 1)]
        """
        field = check_field(field, "distinct")
        filter = read_filter(ids, where, where_document)
        return Distinct.of(field, self.engine.distinct(self.id, field, filter))

    def describe(self) -> Description:
        """Summarize the collection: its metadata by key, its documents, embeddings and index.

        It reads every record, which takes a few seconds per million records.

        Example:
            >>> import chromalab
            >>> points = chromalab.EphemeralClient().create_collection("points", embedding_function=None)
            >>> points.add(ids=["a", "b"], embeddings=[[0, 0], [3, 4]], documents=["tea", "tea"])
            >>> points.describe().duplicate_documents
            1
        """
        profile, index = self.engine.profile(self.id), self.engine.indexing(self.id)
        return Description(
            **vars(profile),
            collection=self.name,
            model=self.model,
            space=self.space,
            index=index.state,
            truncated_documents=ingest.count_truncated(self, profile.lengths),
        )

    def attach_function(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Raise NotImplementedError, as Chroma's local client does."""
        raise NotImplementedError(
            "Attached functions run on Chroma's servers only. Use distinct, describe or count here."
        )

    get_attached_function = detach_function = attach_function

    df = export.df
    export = export.export

    # The collection as a whole.

    def modify(
        self,
        name: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        configuration: Mapping[str, Any] | None = None,
    ) -> None:
        """Change the name, replace the metadata, or change the mutable parts of the configuration.

        Raises:
            UniqueConstraintError: Another collection has that name.
            InvalidArgumentError: The change concerns the space or another immutable part.
        """
        if isinstance(configuration, Mapping) and "schema" in configuration:
            raise InvalidArgumentError(
                "configuration must not contain the schema. Use create_index and delete_index."
            )
        if metadata is not None:
            metadata = check_metadata(metadata, "The collection's metadata")
            if metadata.get("hnsw:space", self.space) != self.space or (
                "hnsw:space" in metadata and "hnsw:space" not in (self.metadata or {})
            ):
                raise InvalidArgumentError(
                    "Changing the space of a collection is not supported. Create a new one with "
                    'configuration={"hnsw": {"space": ...}}.'
                )
        self._model = self.engine.modify_collection(
            self.id, None if name is None else check_name(name), metadata, configuration
        )

    def fork(self, new_name: str) -> Self:
        """Create a collection with the same records, to try something out.

        Forking is cheap: the two share their vectors until the fork writes its own. Neither sees changes
        to the other, and deleting one leaves the other intact.

        Args:
            new_name: The name of the fork, in the same database.

        Returns:
            The fork, with the configuration and the metadata of this collection.

        Raises:
            UniqueConstraintError: The name is taken.
            InvalidArgumentError: The name is invalid.

        Example:
            >>> import chromalab
            >>> notes = chromalab.EphemeralClient().create_collection("notes", embedding_function=None)
            >>> notes.add(ids=["a", "b"], embeddings=[[0, 0], [3, 4]])
            >>> trial = notes.fork("trial")
            >>> trial.delete(ids=["a"])
            {'deleted': 1}
            >>> notes.count(), trial.count()
            (2, 1)
        """
        model = self.engine.fork_collection(self.id, check_name(new_name))
        before = self._model.configuration["embedding_function"]
        same = model.configuration["embedding_function"] == before
        return type(self)(self.engine, model, self._embedding_function if same else None)

    def fork_count(self) -> int:
        """Count the forks, direct and indirect, that share the vectors of this collection.

        A fork that has written vectors has its own and no longer counts.
        """
        return self.engine.count_forks(self.id)

    compact = upkeep.compact
    reembed = upkeep.reembed
    create_index = sparse_indexes.create_index
    delete_index = sparse_indexes.delete_index

    # Search.

    query = query
    search = search
    regions = Room(Regions)
    explain = explain
    recall = recall
    build_index = build_index
    pause_index = pause_index
    resume_index = resume_index
    get_indexing_status = get_indexing_status

    # Analytics.

    neighbors = analytics.neighbors
    cluster = analytics.cluster
    topics = analytics.topics
    dedupe = analytics.dedupe
    link = analytics.link
    leakage = analytics.leakage
    outliers = analytics.outliers
    project = analytics.project
    propagate = analytics.propagate
    classify = analytics.classify
    label_queue = analytics.label_queue

    # Learning from people.

    feedback = Room(Feedback)
    transforms = Room(Transforms)
    tune = tuning.tune
    evaluate = evaluate

    # Widgets, provided by chromalab_widgets.

    map = Plug("chromalab.show")
    table = Plug("chromalab.show")
    search_panel = Plug("chromalab.show")
    label = Plug("chromalab.show")
    review = review

    @property
    def selection(self) -> Selection:
        """The selected records, shared by every widget and handle of this process.

        It can be assigned: `collection.selection = ["a", "b"]`.
        """
        from chromalab.selection import selection_of

        return selection_of(self)

    @selection.setter
    def selection(self, ids: Iterable[str] | Selection) -> None:
        self.selection.set(ids)


def _deletion(
    ids: Sequence[str] | None, where: Where | None, document: WhereDocument | None
) -> str:
    """Say what is deleted, for the history."""
    given = {"ids": ids, "where": where, "where_document": document}
    parts = [f"{name} {short(value)}" for name, value in given.items() if value is not None]
    return " ".join(["delete", *parts])
