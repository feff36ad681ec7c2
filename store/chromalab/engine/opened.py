"""One collection in one transaction, on which a read or a write works."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from chromalab.engine.disk import records
from chromalab.engine.disk.catalog import Entry
from chromalab.engine.disk.connection import Connection
from chromalab.engine.disk.view import View
from chromalab.engine.filter.columns import Column
from chromalab.engine.filter.matching import Positions, matching
from chromalab.engine.index.scan import Norms
from chromalab.engine.record_transform import RecordTransform
from chromalab.engine.resident import Resident
from chromalab.engine.values import Filter, Order, Rows, SnapshotData, Vectors
from chromalab.errors import (
    InvalidArgumentError,
    InvalidDimensionException,
    near,
    short,
)
from chromalab.lazy import cached_property

__all__ = ["Opened"]

_FIELDS = {"documents": "document", "metadatas": "metadata", "uris": "uri"}


@dataclass(frozen=True)
class Opened:
    """One collection in one transaction; records are identified by their positions in the view."""

    connection: Connection
    entry: Entry
    resident: Resident

    @cached_property
    def view(self) -> View:
        """Its records; read on first use, as an `add` does not need them."""
        return self.resident.view(self.connection, self.entry)

    @cached_property
    def stored(self) -> Vectors:
        """The committed rows of its vector file, memory-mapped; slots are row numbers."""
        file = self.resident.file(self.entry, self.entry.model.dimension or 0)
        return file.rows(self.entry.slots)

    @cached_property
    def vectors(self) -> Vectors:
        """The rows that queries are compared with: as stored, or mapped by a record transform."""
        return self.resident.compared(self.entry, self.stored)

    def mapped(self, record_transform: RecordTransform | None) -> Opened:
        """The same collection in the same transaction, its rows mapped by a record transform."""
        if record_transform is None:
            return self
        if self.entry.model.dimension is not None:
            self.check_dimension(record_transform.matrix)
        return Opened(self.connection, self.entry, self.resident.mapped(record_transform))

    @cached_property
    def norms(self) -> Norms:
        """The norms of these rows."""
        return self.resident.norms(self.entry, self.vectors)

    def check_dimension(self, vectors: Vectors) -> None:
        """Raise InvalidDimensionException unless vectors have the collection's dimension."""
        expected, found = self.entry.model.dimension, vectors.shape[1]
        if expected is not None and expected != found:
            raise InvalidDimensionException(
                f"Embeddings of collection {self.entry.model.name!r} must have {expected} dimensions; "
                f"got {found}. Use the model the collection was created with, or create another collection."
            )

    def matching(self, filter: Filter, enough: int | None = None) -> Positions:
        """Find the positions in the view that match; see `filter.matching`."""
        connection, number = self.connection, self.entry.number
        return matching(connection, number, self.view, self.column, filter, enough)

    def column(self, key: str) -> Column:
        """The values under a metadata key."""
        return self.resident.columns.get(self.connection, self.entry.number, self.view, key)

    def known_column(self, key: str) -> Column:
        """The values under a key; raises InvalidArgumentError if there are records and none has it."""
        column = self.column(key)
        if len(column.codes) and not np.any(column.codes >= 0):
            texts = self.connection.execute(
                "SELECT metadata FROM records WHERE collection = ?", (self.entry.number,)
            )
            keys = {key for (text,) in texts for key in records.load(text) or ()}
            raise InvalidArgumentError(
                f"No record has the metadata key {short(key)}. {near(key, keys, what='Keys')}"
            )
        return column

    def ordered(self, positions: Positions, order: Order) -> Positions:
        """Sort positions by the values of a metadata key."""
        return self.known_column(order.key).order(positions, descending=order.descending)

    def rows(self, positions: Positions, fields: set[str]) -> Rows:
        """Read the records at the given positions, in that order."""
        return self.batches([positions], fields)[0]

    def batches(
        self,
        lists: Sequence[Positions],
        fields: set[str],
        distances: Sequence[NDArray[np.float64]] = (),
    ) -> list[Rows]:
        """Read several lists of records with one SQL query, with their distances from a query."""
        columns = ["id", *[column for name, column in _FIELDS.items() if name in fields]]
        one = len(lists) == 1
        everything = lists[0] if one else np.unique(np.concatenate(lists))
        places = self.view.places[everything].tolist()
        found = records.fetch_in_order(self.connection, places, columns)
        vectors = self.stored if "embeddings" in fields and places else None
        made = []
        for number, positions in enumerate(lists):
            rows = found if one else [found[at] for at in everything.searchsorted(positions)]
            read = {column: [row[at] for row in rows] for at, column in enumerate(columns, 1)}
            texts = read.get("metadata")
            made.append(
                Rows(
                    ids=read["id"],
                    vectors=self._rows(vectors, positions) if "embeddings" in fields else None,
                    documents=read.get("document"),
                    metadatas=None if texts is None else records.load_all(texts),
                    uris=read.get("uri"),
                    distances=distances[number].tolist() if "distances" in fields else None,
                )
            )
        return made

    def snapshot(self, filter: Filter, folder: Path) -> SnapshotData:
        """Read the records that match, with their vectors.

        Args:
            filter: The records to read.
            folder: The folder of the store.
        """
        positions = self.matching(filter)
        slots = self.view.slots[positions]
        cache = folder / "cache" / str(self.entry.model.id)
        return SnapshotData(
            rows=self.rows(positions, {"documents", "metadatas"}),
            vectors=_read_only(self.vectors, slots),
            slots=slots,
            file=self.entry.file_name,
            version=self.entry.model.version,
            folder=None if cache.is_symlink() or cache.parent.is_symlink() else cache,
        )

    def _rows(self, vectors: Vectors | None, positions: Positions) -> Vectors:
        if vectors is None:
            return np.empty((0, self.entry.model.dimension or 0), dtype=np.float32)
        return vectors[self.view.slots[positions]]


def _read_only(vectors: Vectors, slots: NDArray[np.int64]) -> Vectors:
    """The rows at the given slots, read-only: a view of the memory map if they are contiguous."""
    if len(slots) and np.array_equal(slots, np.arange(slots[0], slots[0] + len(slots))):
        return vectors[slots[0] : slots[0] + len(slots)]
    rows = vectors[slots]
    rows.flags.writeable = False
    return rows
