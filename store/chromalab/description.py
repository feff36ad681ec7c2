"""What a collection is: its name, model, distance and configuration."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from chromalab.embed import EmbeddingFunction, from_config
from chromalab.engine import CollectionModel, Engine
from chromalab.errors import ChromalabError, EmbeddingFunctionError

__all__ = ["Described"]


class Described:
    """The part of `Collection` that describes it; Chroma's properties, and what tables show.

    Args:
        engine: Where the records are.
        model: The row of the catalog.
        embedding_function: One that was given; else the stored one is built when it is needed.
    """

    def __init__(
        self,
        engine: Engine,
        model: CollectionModel,
        embedding_function: EmbeddingFunction[Any] | None = None,
    ) -> None:
        self._engine = engine
        self._model = model
        self._embedding_function = embedding_function

    @property
    def id(self) -> UUID:
        """The id, which stays when the name changes."""
        return self._model.id

    @property
    def name(self) -> str:
        """The name."""
        return self._model.name

    @property
    def metadata(self) -> dict[str, Any] | None:
        """The collection's own metadata."""
        return self._model.metadata

    @property
    def configuration_json(self) -> dict[str, Any]:
        """The configuration as it is stored."""
        return self._model.configuration

    @property
    def configuration(self) -> dict[str, Any]:
        """The configuration, with the embedding function itself in it."""
        stored = self._model.configuration
        function = self._embedding_function
        if function is None and (stored["embedding_function"] or {}).get("type") == "known":
            function = self._function()
        return {**stored, "embedding_function": function}

    @property
    def schema(self) -> None:
        """Always None: what a schema says in Chroma Cloud, the configuration says here."""

    @property
    def tenant(self) -> str:
        """The tenant."""
        return self._model.tenant

    @property
    def database(self) -> str:
        """The database."""
        return self._model.database

    @property
    def dimension(self) -> int | None:
        """How many numbers an embedding has; None until the first write."""
        return self._engine.get_collection_by_id(self.id).dimension

    @property
    def written_at(self) -> datetime | None:
        """When the version rose last, in UTC: records were written, or `modify`, `compact`, `reembed` ran.

        None before the first write, and where the last one was by a release that kept no time. For a
        fork, when it was made, until it is written to.

        Example:
            >>> import chromalab
            >>> notes = chromalab.EphemeralClient().create_collection("notes", embedding_function=None)
            >>> notes.written_at
            >>> notes.add(ids=["a"], embeddings=[[0, 1]])
            >>> notes.written_at.tzname()
            'UTC'
        """
        return self._engine.get_collection_by_id(self.id).written_at

    @property
    def model(self) -> str:
        """The name of the embedding function; "none" where embeddings are given."""
        function = self._model.configuration["embedding_function"] or {}
        return str(function.get("name") or function.get("type", "none"))

    @property
    def space(self) -> str:
        """The distance: l2, cosine or ip."""
        stored = self._model.configuration
        return str((stored["hnsw"] or stored["spann"])["space"])

    def get_model(self) -> CollectionModel:
        """Return the plain description of the collection."""
        return self._model

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Described) and other.id == self.id

    def __hash__(self) -> int:
        return hash(self.id)

    def __repr__(self) -> str:
        return f"Collection({self.name!r}, {self._size()}, model: {self.model})"

    def _size(self) -> str:
        try:
            return f"{self._engine.count(self.id):,} records"
        except ChromalabError:  # deleted, or its client closed: a repr still has to show
            return "not there any more"

    def _function(self) -> EmbeddingFunction[Any]:
        model = self._engine.get_collection_by_id(self.id)
        if _stored(model) != _stored(self._model):  # embedded anew, through another handle
            self._embedding_function = None
        self._model = model
        if self._embedding_function is None:
            stored = self._model.configuration["embedding_function"]
            if stored is None or stored["type"] != "known":
                raise EmbeddingFunctionError(
                    f"Collection {self.name!r} has no embedding function to embed texts with. Give "
                    f"embeddings, or get_collection({self.name!r}, embedding_function=...)."
                )
            self._embedding_function = from_config(stored)
        return self._embedding_function  # type: ignore[return-value]


def _stored(model: CollectionModel) -> Any:
    return model.configuration["embedding_function"]
