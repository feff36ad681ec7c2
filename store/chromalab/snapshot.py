"""`Snapshot`: the records of a collection at one version, the input of every analysis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chromalab.conversion import array_of, items
from chromalab.errors import ChromalabError, InvalidArgumentError, near, printable, short

__all__ = ["Snapshot"]

_PAGE = 1000  # records per call when reading another program's collection


@dataclass(frozen=True, eq=False, repr=False)
class Snapshot:
    """An immutable copy or view of the records of a collection, as of one version.

    Attributes:
        ids: One id per record, in insertion order.
        vectors: (n, dimension) float32, read-only; a view of the store's file where possible.
        documents: One text per record, None for a record without one; None if no record has one.
        metadatas: One dict or None per record; None if no record has metadata.
        name: The name of the collection; "" for an array.
        version: The version of the collection; None for data without versions.
        rows: (n,) int64, the row of each record in the vector file, or in the array; it stays the same
            until the vector changes.
        file: The name of the file that `rows` refer to; "" if results cannot be cached.
        folder: The folder for cached results; None if results cannot be cached.
        origin: The collection the snapshot was taken of; None for an array.
        where: The filter that selected the records; None for all records.

    Example:
        >>> import numpy as np
        >>> Snapshot.of(np.eye(3))
        Snapshot(3 records, 3 dimensions)
    """

    ids: Sequence[str]
    vectors: NDArray[np.float32]
    documents: Sequence[str | None] | None = None
    metadatas: Sequence[Mapping[str, Any] | None] | None = None
    name: str = ""
    version: int | None = None
    rows: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    file: str = ""
    folder: Path | None = None
    origin: Any = None
    where: Mapping[str, Any] | None = None

    def __len__(self) -> int:
        return len(self.ids)

    def __repr__(self) -> str:
        name = f"{printable(self.name)!r}, " if self.name else ""
        version = "" if self.version is None else f", version {self.version}"
        return f"Snapshot({name}{len(self):,} records, {self.dimension} dimensions{version})"

    @property
    def dimension(self) -> int:
        """The number of dimensions of the vectors; 0 if there are no records yet."""
        return int(self.vectors.shape[1])

    @property
    def is_stale(self) -> bool:
        """Whether the collection has changed since the snapshot was taken."""
        if self.version is None:
            return False
        try:
            return bool(self.origin.get_version() != self.version)
        except ChromalabError:  # the collection was deleted, or its client was closed
            return True

    def column(self, field: str) -> list[Any]:
        """Return the value of a metadata key for each record, None where a record lacks the key."""
        if self.metadatas is None:
            return [None] * len(self)
        return [None if metadata is None else metadata.get(field) for metadata in self.metadatas]

    def known_column(self, field: str) -> list[Any]:
        """Return the same as `column`, for a metadata key that at least one record has.

        Raises:
            InvalidArgumentError: No record has the key; the message suggests similar ones.
        """
        values = self.column(field)
        if values and all(value is None for value in values):
            keys = {name for metadata in self.metadatas or () for name in metadata or ()}
            hint = near(field, keys, what="Keys")
            raise InvalidArgumentError(f"No record has the metadata key {short(field)}. {hint}")
        return values

    def row_of(self, id: str) -> int:
        """Return the position of a record in the snapshot.

        Raises:
            InvalidArgumentError: There is no such record; the message suggests similar ids.

        Example:
            >>> Snapshot.of([[0.0, 1.0], [1.0, 0.0]]).row_of("1")
            1
        """
        try:
            return self.rows_by_id[id]
        except (KeyError, TypeError):
            hint = near(str(id)[:80], self.ids[:10_000], what="Ids")
            raise InvalidArgumentError(
                f"No record {short(id)} among the {len(self):,} records of this snapshot. {hint}"
            ) from None

    @cached_property
    def rows_by_id(self) -> dict[str, int]:
        """The position of each id; built on first access."""
        return {id: row for row, id in enumerate(self.ids)}

    def document(self, row: int) -> str:
        """Return the text of the record at a position, "" if it has none."""
        return (self.documents[row] or "") if self.documents is not None else ""

    def take(self, positions: NDArray[np.int64]) -> Snapshot:
        """Return some of the records, in the order of these positions.

        Example:
            >>> Snapshot.of([[0.0], [1.0], [2.0]]).take(np.array([2, 0])).ids
            ('2', '0')
        """
        vectors = self.vectors[positions]
        vectors.flags.writeable = False
        at = positions.tolist()
        return replace(
            self,
            ids=tuple([self.ids[row] for row in at]),
            vectors=vectors,
            documents=self.documents and tuple([self.documents[row] for row in at]),
            metadatas=self.metadatas and tuple([self.metadatas[row] for row in at]),
            rows=self.rows[positions],
        )

    @classmethod
    def of(cls, data: Any, *, documents: Any = None) -> Snapshot:
        """Take a snapshot of a collection, an array, or any object with Chroma's `get`.

        Args:
            data: A snapshot (returned unchanged), a collection of chromalab or chromadb, or
                (n, dimension) numbers: an array, a DataFrame, or a column of lists or of arrays.
            documents: One text per row of an array: a list, an array or a column of any library, read by
                position and not by label. A missing text is None.

        Raises:
            InvalidArgumentError: The data is none of these, or contains NaN or infinity; or the documents
                are not one text per row.

        Example:
            >>> Snapshot.of([[0.0, 1.0]], documents=["tea"]).document(0)
            'tea'
        """
        if isinstance(data, Snapshot):
            return data
        if hasattr(data, "snapshot"):
            return data.snapshot()  # type: ignore[no-any-return]
        # A DataFrame also has `get` and `count`, with other meanings.
        if hasattr(data, "get") and hasattr(data, "count") and not hasattr(data, "__array__"):
            return _read(data)
        return _of_array(data, documents)


def _of_array(data: Any, documents: Any) -> Snapshot:
    if isinstance(data, set | frozenset):
        raise _not_data(data)
    try:
        vectors = array_of(data).astype(np.float32, copy=False)
    except (TypeError, ValueError) as error:
        raise _not_data(data) from error
    if vectors.size == 0 and vectors.ndim < 2:
        vectors = vectors.reshape(0, 0)
    if vectors.ndim != 2:
        raise _not_data(data)
    texts = None if documents is None else _texts(documents)
    if texts is not None and len(texts) != len(vectors):
        raise InvalidArgumentError(
            f"documents must have one text per vector; got {len(texts):,} documents for "
            f"{len(vectors):,} vectors."
        )
    return _frozen([str(row) for row in range(len(vectors))], vectors, texts, None)


def _texts(documents: Any) -> list[str | None]:
    texts = None if isinstance(documents, set | frozenset) else items(documents, "documents")
    if texts is None:
        raise InvalidArgumentError(
            f"documents must be a list with one text per vector; got {short(documents)}."
        )
    for row, text in enumerate(texts):
        if text is not None and not isinstance(text, str):
            raise InvalidArgumentError(
                f"documents[{row}] must be a string, or None for a record without a text; "
                f"got {short(text)}, of type {type(text).__name__}."
            )
    return texts


def _read(collection: Any) -> Snapshot:
    """Read another program's collection page by page, through `get`."""
    parts: dict[str, list[Any]] = {"ids": [], "embeddings": [], "documents": [], "metadatas": []}
    total = collection.count()
    while len(parts["ids"]) < total:
        page = collection.get(
            limit=_PAGE,
            offset=len(parts["ids"]),
            include=["embeddings", "documents", "metadatas"],
        )
        if not len(page["ids"]):
            break
        for name, values in parts.items():
            values.extend(page[name] if page[name] is not None else [None] * len(page["ids"]))
    vectors = np.asarray(parts["embeddings"], dtype=np.float32)
    return _frozen(
        parts["ids"],
        vectors.reshape(len(parts["ids"]), -1) if vectors.size else vectors.reshape(0, 0),
        parts["documents"],
        parts["metadatas"],
        name=str(getattr(collection, "name", "")),
        origin=collection,
    )


def _frozen(
    ids: Sequence[str],
    vectors: NDArray[np.float32],
    documents: Sequence[str | None] | None,
    metadatas: Sequence[Any] | None,
    **of: Any,
) -> Snapshot:
    bad = np.flatnonzero(~np.isfinite(vectors).all(axis=1))
    if len(bad):
        raise InvalidArgumentError(
            f"{len(bad):,} of {len(vectors):,} vectors contain NaN or infinity, first that of "
            f"{short(ids[bad[0]])}. Omit these records, or re-embed them."
        )
    vectors = vectors.view()
    vectors.flags.writeable = False
    return Snapshot(ids, vectors, documents, metadatas, rows=np.arange(len(ids)), **of)


def _not_data(data: Any) -> InvalidArgumentError:
    found, hint = short(data), ""
    if isinstance(data, str):
        hint = f" To use the collection of that name, pass client.get_collection({found})."
    elif hasattr(data, "get_collection"):
        hint = " Pass one of its collections: client.get_collection(...)."
    elif isinstance(data, Sequence) and data and isinstance(data[0], str):
        hint = " Embed texts first: Snapshot.of(vectors, documents=texts)."
    elif hasattr(data, "shape"):
        found = f"{type(data).__name__} of shape {data.shape}"
    return InvalidArgumentError(
        f"data must be a collection or numbers of shape (n, dimension); got {found}.{hint}"
    )
