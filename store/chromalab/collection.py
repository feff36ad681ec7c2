"""`Collection`: records that are searched together. Every method checks, embeds, asks the engine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from chromalab.analysis import Analysed
from chromalab.arguments.records import read_batch, read_filter, texts_to_embed
from chromalab.arguments.values import (
    check_include,
    check_limit,
    check_max_distance,
    check_n_results,
)
from chromalab.embed import embed_documents
from chromalab.engine import Batch
from chromalab.engine.interface import Vectors
from chromalab.errors import InvalidArgumentError
from chromalab.feedback.transform import Transform
from chromalab.ingest import Added, add_from, read_table
from chromalab.learning import Learned
from chromalab.maintenance import Maintained
from chromalab.managing import Managed
from chromalab.planning import Planned
from chromalab.reading import PARTS, Readable
from chromalab.results.records import QueryResult, query_result, within
from chromalab.selection import Selection, selection_of
from chromalab.showing import Shown
from chromalab.types import Documents, Embeddings, IDs, Include, Metadatas, Where, WhereDocument

__all__ = ["Collection"]

_QUERY_PARTS = (*PARTS, "distances")


class Collection(Managed, Planned, Maintained, Analysed, Learned, Shown, Readable):
    """A named set of records: id, embedding, document, metadata. Made by a client.

    The methods, their arguments and their answers are Chroma's; docs/chroma.md lists what comes on top.

    Example:
        >>> import chromalab
        >>> client = chromalab.EphemeralClient()
        >>> points = client.create_collection("points", embedding_function=None)
        >>> points.add(ids=["a", "b"], embeddings=[[0, 0], [3, 4]])
        >>> points.query(query_embeddings=[[0, 1]], n_results=1)["ids"]
        [['a']]
    """

    @property
    def selection(self) -> Selection:
        """The selected records, the same for every handle and widget in this process.

        It can be set to ids: `collection.selection = ["a", "b"]`.
        """
        return selection_of(self)

    @selection.setter
    def selection(self, ids: Iterable[str] | Selection) -> None:
        selection_of(self).set(ids)

    def add(
        self,
        ids: IDs | str,
        embeddings: Embeddings | None = None,
        metadatas: Metadatas | Mapping[str, Any] | None = None,
        documents: Documents | str | None = None,
        images: None = None,
        uris: Sequence[str | None] | str | None = None,
    ) -> None:
        """Add records; an id that is there already is left as it is, silently, as in Chroma.

        All of the call is written, and durable, when it returns; or none of it, after an error.

        Args:
            ids: One a record.
            embeddings: (n, dimension) numbers; left out, the documents are embedded.
            metadatas: A dict, or None, a record.
            documents: The texts.
            images: Not supported yet.
            uris: Where the originals are.

        Raises:
            DuplicateIDError: an id stands twice in the call.
            InvalidDimensionException: the embeddings are not as wide as the collection's.
            InvalidArgumentError: anything else that cannot be stored; the message says where.

        Example:
            >>> import chromalab
            >>> notes = chromalab.EphemeralClient().create_collection("notes")
            >>> notes.add(ids=["a"], documents=["tea is a drink"], metadatas=[{"hot": True}])
            >>> notes.count()
            1
        """
        self._add(ids, embeddings, metadatas, documents, images, uris)

    def upsert(
        self,
        ids: IDs | str,
        embeddings: Embeddings | None = None,
        metadatas: Metadatas | Mapping[str, Any] | None = None,
        documents: Documents | str | None = None,
        images: None = None,
        uris: Sequence[str | None] | str | None = None,
    ) -> None:
        """Add the records whose ids are new, update the others; see `add` and `update`."""
        batch = read_batch(ids, embeddings, metadatas, documents, images, uris)
        self._engine.upsert(self.id, self._embedded(batch))

    def update(
        self,
        ids: IDs | str,
        embeddings: Embeddings | None = None,
        metadatas: Metadatas | Mapping[str, Any] | None = None,
        documents: Documents | str | None = None,
        images: None = None,
        uris: Sequence[str | None] | str | None = None,
    ) -> None:
        """Change records; ids that are not there are ignored, as in Chroma.

        What is left out stays. Metadata is merged, and a None deletes its key. New documents without
        embeddings are embedded.

        Raises:
            InvalidArgumentError: as for `add`.

        Example:
            >>> import chromalab
            >>> notes = chromalab.EphemeralClient().create_collection("notes")
            >>> notes.add(ids=["a"], documents=["tea"], metadatas=[{"hot": True, "cups": 2}])
            >>> notes.update(ids=["a"], metadatas=[{"cups": None}])
            >>> notes.get()["metadatas"]
            [{'hot': True}]
        """
        batch = read_batch(ids, embeddings, metadatas, documents, images, uris)
        if batch.vectors is None and batch.documents is not None:
            batch = self._embedded(batch)
        self._engine.update(self.id, batch)

    def add_from(
        self,
        data: Any,
        *,
        text: str | int | None = None,
        id: str | int | None = None,
        meta: Sequence[str | int] | str | int | None = None,
        batch_size: int = 128,
        progress: bool = True,
        dry_run: bool = False,
    ) -> Added:
        """Add the rows of a table, batch by batch, with a bar after a second.

        Everything is checked before the first row is embedded. Rows whose id is there already are
        skipped, and not embedded again, so a call that was interrupted goes on when it is repeated.

        Args:
            data: A pandas or polars DataFrame, a data set, a list of dicts, or a list of texts.
            text: The column of the documents; "document" or "text" where that is there.
            id: The column of the ids; "id" where that is there, else an id is made of the text.
            meta: The columns that become metadata; all others, unless said. Empty cells and lists are
                left out, dates become ISO text, short arrays lists.
            batch_size: Rows written together.
            progress: Whether to show a bar.
            dry_run: Check and count only; nothing is embedded or written.

        Returns:
            How many were added, and how many skipped.

        Raises:
            InvalidArgumentError: a row cannot be stored; the message names it; nothing was written.
            AddInterrupted: a KeyboardInterrupt that says how many are kept: whole batches.

        Example:
            >>> import chromalab
            >>> notes = chromalab.EphemeralClient().create_collection("notes")
            >>> notes.add_from(["tea is a drink", "chalk is a rock", "tea is a drink"])
            notes: 2 added, 1 skipped (same id)
        """
        table = read_table(data, text=text, id=id, meta=meta)
        return add_from(self, table, batch_size=batch_size, progress=progress, dry_run=dry_run)

    def delete(
        self,
        ids: IDs | str | None = None,
        where: Where | None = None,
        where_document: WhereDocument | None = None,
        limit: int | None = None,
    ) -> dict[str, int]:
        """Delete the records that match all that is given.

        Args:
            ids: Which ones.
            where: A filter on metadata.
            where_document: A filter on documents.
            limit: At most so many; needs a filter.

        Returns:
            `{"deleted": n}`. With ids alone n is how many were asked for, there or not, as in Chroma.

        Raises:
            InvalidArgumentError: no ids and no filter, or a filter that cannot be read.

        Example:
            >>> import chromalab
            >>> points = chromalab.EphemeralClient().create_collection("points", embedding_function=None)
            >>> points.add(ids=["a", "b"], embeddings=[[0], [1]], metadatas=[{"n": 1}, {"n": 2}])
            >>> points.delete(where={"n": {"$gt": 1}})
            {'deleted': 1}
        """
        if ids is None and where is None and where_document is None:
            raise InvalidArgumentError(
                "delete needs ids, where or where_document. To delete everything, "
                f"client.delete_collection({self.name!r})."
            )
        limit = check_limit("limit", limit)
        if limit is not None and where is None and where_document is None:
            raise InvalidArgumentError(
                "limit goes with where or where_document, not with ids alone."
            )
        filter = read_filter(ids, where, where_document)
        deleted = self._engine.delete(self.id, filter, limit)
        by_ids_alone = filter.where is None and filter.where_document is None
        return {"deleted": len(filter.ids or ()) if by_ids_alone else deleted}

    def query(
        self,
        query_embeddings: Embeddings | None = None,
        query_texts: Documents | str | None = None,
        query_images: None = None,
        query_uris: None = None,
        ids: IDs | str | None = None,
        n_results: int = 10,
        where: Where | None = None,
        where_document: WhereDocument | None = None,
        include: Include = ("metadatas", "documents", "distances"),
        *,
        max_distance: float | None = None,
        transform: Transform | str | bool | None = "live",
    ) -> QueryResult:
        """Find the nearest records to each query.

        Args:
            query_embeddings: (q, dimension) numbers.
            query_texts: Texts, embedded as queries. Give these or embeddings.
            query_images: Not supported yet.
            query_uris: Not supported yet.
            ids: Search among these only.
            n_results: How many a query; fewer come back where fewer match.
            where: A filter on metadata.
            where_document: A filter on documents.
            include: Parts: "documents", "embeddings", "metadatas", "uris", "distances".
            max_distance: Only records up to this distance; fewer than n_results, or none, may be left.
            transform: What the queries, and perhaps the records, are mapped by before they are
                compared: "live" for the one that `transforms.use` chose, if any; the name of another,
                or a `Transform`; None for the embeddings as they are. Records come back as they are.

        Returns:
            Chroma's dict: under each key a list for each query, nearest first. Distances are squared
            l2, 1 - cos, or 1 - dot, by the collection's space.

        Raises:
            InvalidArgumentError: no query, two kinds of query, or a filter that cannot be read.
            InvalidDimensionException: the queries are not as wide as the collection.
            NotFoundError: there is no transform of that name.

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
        parts = check_include(include, _QUERY_PARTS)
        filter = self._filter(ids, where, where_document)
        queries, labels = self._queries(query_embeddings, query_texts, query_images, query_uris)
        queries, lens = self._through(queries, transform)
        if max_distance is None:
            found = self._engine.query(self.id, queries, n_results, filter, set(parts), lens)
        else:
            most, measured = check_max_distance(max_distance), {*parts, "distances"}
            found = self._engine.query(self.id, queries, n_results, filter, measured, lens)
            found = [within(rows, most) for rows in found]
        return query_result(found, parts, labels)

    def _add(
        self,
        ids: Any,
        embeddings: Any = None,
        metadatas: Any = None,
        documents: Any = None,
        images: Any = None,
        uris: Any = None,
    ) -> int:
        return self._add_batch(read_batch(ids, embeddings, metadatas, documents, images, uris))

    def _add_batch(self, batch: Batch) -> int:
        return self._engine.add(self.id, self._embedded(batch)).added

    def _embedded(self, batch: Batch) -> Batch:
        """Fill in the vectors."""
        if batch.vectors is not None:
            return batch
        if batch.documents is None:
            raise InvalidArgumentError("Give embeddings, or documents to make them of.")
        texts = texts_to_embed(batch.documents, "documents")
        vectors: Vectors = embed_documents(self._function(), texts)
        return replace(batch, vectors=vectors, made_for=self._model.configuration)
