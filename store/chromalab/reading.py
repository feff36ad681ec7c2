"""The part of `Collection` that reads records as they are, and counts them."""

from __future__ import annotations

from chromalab.aggregates import Description, Distinct, description, distinct_values
from chromalab.arguments.records import read_filter, read_order
from chromalab.arguments.values import check_field, check_include, check_limit
from chromalab.description import Described
from chromalab.results.records import GetResult, get_result
from chromalab.types import IDs, Include, Where, WhereDocument

__all__ = ["PARTS", "Readable"]

PARTS = ("documents", "embeddings", "metadatas", "uris", "data")
"""What `include` may name."""


class Readable(Described):
    """`get`, `peek`, `count`, `distinct` and `describe`."""

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
    ) -> GetResult:
        """Read records, in the order in which they were added, or by a metadata key.

        Args:
            ids: Which ones; the order of this list plays no part, unknown ids are left out.
            where: A filter on metadata, e.g. `{"year": {"$gte": 2020}}`.
            limit: At most so many, of the order asked for.
            offset: After so many.
            where_document: A filter on documents, e.g. `{"$contains": "tea"}`.
            include: Parts: "documents", "embeddings", "metadatas", "uris".
            order_by: A metadata key: numbers go first, then texts, booleans, lists. "-year" goes from
                the largest to the smallest. Records without the key come last, equal ones in the
                order in which they were added, both ways.

        Returns:
            Chroma's dict; `embeddings` is (n, dimension) float32.

        Raises:
            InvalidArgumentError: a filter or part that cannot be read, or a key no record has.

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
        rows = self._engine.get(self.id, filter, set(parts), limit, offset or 0, order)
        return get_result(rows, parts)

    def peek(self, limit: int = 10) -> GetResult:
        """Read the first records, with their embeddings."""
        return self.get(limit=limit, include=["metadatas", "documents", "embeddings"])

    def count(self, where: Where | None = None, where_document: WhereDocument | None = None) -> int:
        """Count the records, or those that match all that is given.

        Args:
            where: A filter on metadata.
            where_document: A filter on documents.

        Raises:
            InvalidArgumentError: a filter that cannot be read.

        Example:
            >>> import chromalab
            >>> points = chromalab.EphemeralClient().create_collection("points", embedding_function=None)
            >>> points.add(ids=["a", "b"], embeddings=[[0], [1]], metadatas=[{"n": 1}, {"n": 2}])
            >>> points.count(), points.count(where={"n": {"$gt": 1}})
            (2, 1)
        """
        if where is None and where_document is None:
            return self._engine.count(self.id)
        return self._engine.count(self.id, read_filter(None, where, where_document))

    def distinct(
        self,
        key: str,
        where: Where | None = None,
        where_document: WhereDocument | None = None,
        *,
        ids: IDs | str | None = None,
    ) -> Distinct:
        """List the values of a metadata key with their counts, most frequent first.

        Args:
            key: The key. Lists count as their elements, each once a record.
            where: Count among the records that match only.
            where_document: And whose documents match.
            ids: And that are among these.

        Raises:
            InvalidArgumentError: no record has the key; the message names near ones.

        Example:
            >>> import chromalab
            >>> points = chromalab.EphemeralClient().create_collection("points", embedding_function=None)
            >>> tags = [{"tags": ["hot", "sweet"]}, {"tags": ["hot"]}]
            >>> points.add(ids=["a", "b"], embeddings=[[0], [1]], metadatas=tags)
            >>> list(points.distinct("tags"))
            [('hot', 2), ('sweet', 1)]
        """
        key = check_field(key, "distinct")
        filter = read_filter(ids, where, where_document)
        return distinct_values(key, self._engine.distinct(self.id, key, filter))

    def describe(self) -> Description:
        """Say what the collection holds: metadata key by key, documents, embeddings, index.

        It reads everything once: a few seconds a million records.

        Example:
            >>> import chromalab
            >>> points = chromalab.EphemeralClient().create_collection("points", embedding_function=None)
            >>> points.add(ids=["a", "b"], embeddings=[[0, 0], [3, 4]], documents=["tea", "tea"])
            >>> points.describe().duplicate_documents
            1
        """
        facts, index = self._engine.facts(self.id), self._engine.indexing(self.id)
        return description(facts, self.name, model=self.model, space=self.space, index=index.state)
