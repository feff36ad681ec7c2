"""`Snapshot`: the records of one moment, as every analysis sees them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chromalab.errors import ChromalabError, InvalidArgumentError, near, printable, short

__all__ = ["Snapshot"]

_PAGE = 1000  # records asked for at a time, of what has Chroma's `get`


@dataclass(frozen=True, eq=False, repr=False)
class Snapshot:
    """Records as they were at one moment; nothing in it changes.

    Attributes:
        ids: One a record, in insertion order.
        vectors: (n, dimension) float32, read only; a view of the store's file where that is possible.
        documents: The texts, None where a record has none; None if there are none at all.
        metadatas: A dict, or None, a record; None if there are none at all.
        name: Of the collection, "" for an array.
        version: Of the collection; None for what has no versions.
        rows: (n,) int64, names each vector: it stays the same for as long as the vector does.
        file: Names what `rows` are rows of; "" where nothing can be kept from one call to the next.
        folder: Where results about it may be kept; None where nowhere.
        origin: The collection it was taken of, None for an array.
        where: What the records were chosen by; None for all there are.

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
        """How many numbers a vector has; 0 where there are no records yet."""
        return int(self.vectors.shape[1])

    @property
    def is_stale(self) -> bool:
        """Whether the collection has changed since."""
        if self.version is None:
            return False
        try:
            return bool(self.origin.get_version() != self.version)
        except ChromalabError:  # deleted, or its client closed
            return True

    def column(self, key: str) -> list[Any]:
        """Return the values under a metadata key, None where a record lacks it."""
        if self.metadatas is None:
            return [None] * len(self)
        return [None if metadata is None else metadata.get(key) for metadata in self.metadatas]

    def known_column(self, key: str) -> list[Any]:
        """Return the same of a key that some record has.

        Raises:
            InvalidArgumentError: none has it; the message names near ones.
        """
        values = self.column(key)
        if values and all(value is None for value in values):
            keys = {name for metadata in self.metadatas or () for name in metadata or ()}
            hint = near(key, keys, what="Keys")
            raise InvalidArgumentError(f"No record has the metadata key {short(key)}. {hint}")
        return values

    def row_of(self, id: str) -> int:
        """Return the row of a record.

        Raises:
            InvalidArgumentError: there is no such record; the message names near ones.

        Example:
            >>> Snapshot.of([[0.0, 1.0], [1.0, 0.0]]).row_of("1")
            1
        """
        try:
            return self.rows_by_id[id]
        except (KeyError, TypeError):
            hint = near(str(id)[:80], self.ids[:10_000], what="Ids")
            raise InvalidArgumentError(
                f"No record {short(id)} among the {len(self):,}. {hint}"
            ) from None

    @cached_property
    def rows_by_id(self) -> dict[str, int]:
        """The row of each id; made when it is first asked for."""
        return {id: row for row, id in enumerate(self.ids)}

    def document(self, row: int) -> str:
        """Return the text of a record, "" where it has none."""
        return (self.documents[row] or "") if self.documents is not None else ""

    @classmethod
    def of(cls, data: Any, *, documents: Sequence[str | None] | None = None) -> Snapshot:
        """Take a snapshot of a collection, of an array, or of anything with Chroma's `get`.

        Args:
            data: A snapshot (returned as it is), a collection of chromalab or of chromadb, or
                (n, dimension) numbers.
            documents: The texts of an array's rows.

        Raises:
            InvalidArgumentError: it is none of these, or holds NaN or infinity.

        Example:
            >>> Snapshot.of([[0.0, 1.0]], documents=["tea"]).document(0)
            'tea'
        """
        if isinstance(data, Snapshot):
            return data
        if hasattr(data, "snapshot"):
            return data.snapshot()  # type: ignore[no-any-return]
        # A DataFrame has `get` and `count`, too, and means something else by them.
        if hasattr(data, "get") and hasattr(data, "count") and not hasattr(data, "__array__"):
            return _read(data)
        return _of_array(data, documents)


def _of_array(data: Any, documents: Sequence[str | None] | None) -> Snapshot:
    try:
        vectors = np.asarray(data, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise _not_data(data) from error
    if vectors.size == 0 and vectors.ndim < 2:
        vectors = vectors.reshape(0, 0)
    if vectors.ndim != 2:
        raise _not_data(data)
    if documents is not None and len(documents) != len(vectors):
        raise InvalidArgumentError(
            f"{len(vectors):,} vectors and {len(documents):,} documents: give one for each."
        )
    return _frozen([str(row) for row in range(len(vectors))], vectors, documents, None)


def _read(collection: Any) -> Snapshot:
    """Read a collection of another program through `get`, a page at a time."""
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
            f"{len(bad):,} of {len(vectors):,} vectors hold NaN or infinity, first that of "
            f"{short(ids[bad[0]])}. Leave them out, or embed them anew."
        )
    vectors = vectors.view()
    vectors.flags.writeable = False
    return Snapshot(ids, vectors, documents, metadatas, rows=np.arange(len(ids)), **of)


def _not_data(data: Any) -> InvalidArgumentError:
    found, hint = short(data), ""
    if isinstance(data, str):
        hint = f" Of a name, the collection is client.get_collection({found})."
    elif hasattr(data, "get_collection"):
        hint = " Name one of its collections: get_collection(...)."
    elif isinstance(data, Sequence) and data and isinstance(data[0], str):
        hint = " Texts are embedded first: Snapshot.of(vectors, documents=texts)."
    elif hasattr(data, "shape"):
        found = f"{type(data).__name__} of shape {data.shape}"
    return InvalidArgumentError(
        f"An analysis takes a collection, or (n, dimension) numbers; found {found}.{hint}"
    )
