"""What is done to a collection as a whole: change it, fork it, ask for its index."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from chromalab.arguments.values import check_metadata, check_name
from chromalab.errors import InvalidArgumentError
from chromalab.indexing import IndexingStatus
from chromalab.transforming import Transformed

__all__ = ["Managed"]

_Collection = TypeVar("_Collection", bound="Managed")


class Managed(Transformed):
    """The part of `Collection` that changes it, or copies it, as a whole."""

    def modify(
        self,
        name: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        configuration: Mapping[str, Any] | None = None,
    ) -> None:
        """Change the name, the metadata (all of it), or what may change of the configuration.

        Raises:
            UniqueConstraintError: another collection has that name.
            InvalidArgumentError: the space, or another part that is fixed, would change.
        """
        if metadata is not None:
            metadata = check_metadata(metadata, "The collection's metadata")
            if metadata.get("hnsw:space", self.space) != self.space or (
                "hnsw:space" in metadata and "hnsw:space" not in (self.metadata or {})
            ):
                raise InvalidArgumentError(
                    "The space of a collection cannot change: make a new one with "
                    'configuration={"hnsw": {"space": ...}}.'
                )
        self._model = self._engine.modify_collection(
            self.id, None if name is None else check_name(name), metadata, configuration
        )

    def fork(self: _Collection, new_name: str) -> _Collection:
        """Make a collection with the same records, to try something out on.

        Cheap: the two share their vectors, until the fork writes some of its own. What is done to
        either is not seen by the other, and deleting either leaves the other whole.

        Args:
            new_name: The name of the fork, in the same database.

        Returns:
            The fork, with the configuration and the metadata of this collection.

        Raises:
            UniqueConstraintError: the name is taken.
            InvalidArgumentError: the name cannot be used.

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
        model = self._engine.fork_collection(self.id, check_name(new_name))
        before = self._model.configuration["embedding_function"]
        same = model.configuration["embedding_function"] == before
        return type(self)(self._engine, model, self._embedding_function if same else None)

    def fork_count(self) -> int:
        """Count the forks, of this collection and of its forks, that share its vectors.

        A fork that has written vectors has its own, and is not counted any more.
        """
        return self._engine.count_forks(self.id)

    def get_indexing_status(self) -> IndexingStatus:
        """Say how many of the records the index covers; all, where they are too few to need one.

        Where the live transform maps records, it is the index of the mapped ones.

        Example:
            >>> import chromalab
            >>> notes = chromalab.EphemeralClient().create_collection("notes", embedding_function=None)
            >>> notes.add(ids=["a", "b"], embeddings=[[0, 0], [3, 4]])
            >>> notes.get_indexing_status()
            2 of 2 records indexed (100 %)
        """
        found = self._engine.indexing(self.id, self._live_lens())
        progress = found.indexed / found.total if found.total else 1.0
        return IndexingStatus(found.indexed, found.total - found.indexed, found.total, progress)
