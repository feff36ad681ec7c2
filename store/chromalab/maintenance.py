"""The vectors of a collection written anew: without dead rows, or by another model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from chromalab.arguments.values import MAX_BATCH_SIZE
from chromalab.description import Described
from chromalab.embed import EmbeddingFunction, embed_documents, name_of, to_config
from chromalab.engine.interface import Rewritten
from chromalab.errors import InvalidArgumentError, printable, short
from chromalab.results.progress import bar
from chromalab.results.tables import data_frame

if TYPE_CHECKING:
    import pandas

__all__ = ["Compacted", "Maintained", "Reembedded"]


@dataclass(frozen=True)
class _Anew:
    collection: str
    rows_before: int
    rows_after: int
    bytes_before: int
    bytes_after: int

    def df(self) -> pandas.DataFrame:
        """Make a pandas DataFrame: rows and bytes before and after."""
        return data_frame(
            [
                ["before", self.rows_before, self.bytes_before],
                ["after", self.rows_after, self.bytes_after],
            ],
            ["when", "rows", "bytes"],
        )

    def _size(self) -> str:
        return f"{self.bytes_before / 1e6:,.1f} -> {self.bytes_after / 1e6:,.1f} MB"


@dataclass(frozen=True, repr=False)
class Compacted(_Anew):
    """What `compact` did.

    Attributes:
        collection: The name of the collection.
        rows_before: Rows of its vector file.
        rows_after: The same after it.
        bytes_before: Bytes of these rows.
        bytes_after: The same after it.
    """

    def __repr__(self) -> str:
        gone = self.rows_before - self.rows_after
        return f"{printable(self.collection)}: {gone:,} dead rows removed, {self._size()}"


@dataclass(frozen=True, repr=False)
class Reembedded(_Anew):
    """What `reembed` did.

    Attributes:
        collection: The name of the collection.
        rows_before: Rows of its vector file.
        rows_after: The same after it.
        bytes_before: Bytes of these rows.
        bytes_after: The same after it.
        model: The name of the embedding function from now on.
    """

    model: str = ""

    def __repr__(self) -> str:
        name, model = printable(self.collection), printable(self.model)
        return f"{name}: {self.rows_after:,} records embedded with {model}, {self._size()}"


class Maintained(Described):
    """The part of `Collection` that writes its vectors anew."""

    def compact(self, *, progress: bool = True) -> Compacted:
        """Give back the room of vectors that no record has any more.

        A delete, and an update of an embedding, leave the old vector in its file. This writes the
        others into a new file, in the order of insertion. Readers and writers go on meanwhile; a
        crash leaves the old file or the new one, whole. Needs room for both.

        Args:
            progress: Whether to show a bar, after a second.

        Returns:
            Rows and bytes of vectors before and after; where no row is dead, nothing is done.

        Example:
            >>> import chromalab
            >>> points = chromalab.EphemeralClient().create_collection("points", embedding_function=None)
            >>> points.add(ids=["a", "b", "c"], embeddings=[[0, 0], [3, 4], [5, 6]])
            >>> _ = points.delete(ids=["b"])
            >>> points.compact()
            points: 1 dead rows removed, 0.0 -> 0.0 MB
        """
        with bar(f"compact {self.name}", "row", progress) as tell:
            return Compacted(self.name, *_sizes(self._engine.compact(self.id, tell)))

    def reembed(
        self,
        embedding_function: EmbeddingFunction[Any],
        *,
        batch_size: int = 128,
        progress: bool = True,
    ) -> Reembedded:
        """Embed every document with another function, which the collection has from then on.

        The old embeddings answer until all the new ones are there; then all change at once. What
        is written meanwhile is embedded too. An interrupt, or an error, leaves the collection as it
        was. The new embeddings may have another dimension; the distance stays what it is.

        Args:
            embedding_function: The new one.
            batch_size: Documents embedded together.
            progress: Whether to show a bar, after a second.

        Returns:
            Rows and bytes of vectors before and after, and the model.

        Raises:
            InvalidArgumentError: a record has no document; nothing was embedded.
            EmbeddingFunctionError: the function cannot be stored, or what it returned be used.

        Example:
            >>> import chromalab
            >>> from chromalab.embed import WordLlama
            >>> notes = chromalab.EphemeralClient().create_collection("notes")
            >>> notes.add(ids=["a"], documents=["tea is a drink"])
            >>> notes.reembed(WordLlama())
            notes: 1 records embedded with wordllama, 0.0 -> 0.0 MB
        """
        if not callable(embedding_function):
            raise InvalidArgumentError(
                f"embedding_function is {short(embedding_function)}, which cannot be called with "
                "texts; give a function such as chromalab.embed.MiniLM()."
            )
        if not isinstance(batch_size, int | np.integer) or not 1 <= batch_size <= MAX_BATCH_SIZE:
            raise InvalidArgumentError(
                f"batch_size is a whole number from 1 to {MAX_BATCH_SIZE:,}; found {short(batch_size)}."
            )
        stored = to_config(embedding_function)
        with bar(f"embed {self.name}", "rec", progress) as tell:
            done = self._engine.reembed(
                self.id,
                lambda texts: embed_documents(embedding_function, texts),
                stored,
                int(batch_size),
                tell,
            )
        self._model = self._engine.get_collection_by_id(self.id)
        self._embedding_function = embedding_function
        model = name_of(embedding_function) or type(embedding_function).__name__
        return Reembedded(self.name, *_sizes(done), model=model)


def _sizes(done: Rewritten) -> tuple[int, int, int, int]:
    return done.rows_before, done.rows_after, done.bytes_before, done.bytes_after
