"""One collection in one transaction: what a read or a write works on."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from chromalab.engine import records
from chromalab.engine.catalog import Entry
from chromalab.engine.interface import Filter, Rows, Vectors
from chromalab.engine.resident import Resident
from chromalab.engine.view import View
from chromalab.errors import InvalidDimensionException

__all__ = ["Opened"]

_CHUNK = 2000  # records filtered at a time
_FIELDS = {"documents": "document", "metadatas": "metadata", "uris": "uri"}

Positions = NDArray[np.int64]


@dataclass(frozen=True)
class Opened:
    """One collection in one transaction; a record is named by its position in the view."""

    connection: sqlite3.Connection
    entry: Entry
    resident: Resident

    @cached_property
    def view(self) -> View:
        """Its records; read when they are asked for, as an `add` does not need them."""
        return self.resident.view(self.connection, self.entry)

    @cached_property
    def vectors(self) -> Vectors:
        """The committed rows of its vector file, mapped; slots are row numbers."""
        file = self.resident.file(self.entry, self.entry.model.dimension or 0)
        return file.rows(self.entry.slots)

    def check_dimension(self, vectors: Vectors) -> None:
        """Refuse vectors that are not as wide as the collection's."""
        expected, found = self.entry.model.dimension, vectors.shape[1]
        if expected is not None and expected != found:
            raise InvalidDimensionException(
                f"Collection {self.entry.model.name!r} holds embeddings of {expected} dimensions, "
                f"found {found}. Use the model the collection was made with, or make a new collection."
            )

    def matching(self, filter: Filter, enough: int | None = None) -> Positions:
        """Find the positions in the view that match; may stop at `enough` of them."""
        positions = np.arange(len(self.view.places))
        if filter.ids is not None:
            found = records.locate(self.connection, self.entry.number, filter.ids)
            places = np.array([place for place, _ in found.values()], dtype=np.int64)
            positions = np.flatnonzero(np.isin(self.view.places, places))
        clauses = [c for c in (filter.where, filter.where_document) if c is not None]
        if not clauses:
            return positions
        kept: list[int] = []
        for start in range(0, len(positions), _CHUNK):
            chunk = positions[start : start + _CHUNK]
            texts = records.fetch(
                self.connection, self.view.places[chunk], ("metadata", "document")
            )
            for position, (metadata, document) in zip(chunk, texts.values(), strict=True):
                held = records.load(metadata) or {}
                if all(clause.matches(held, document) for clause in clauses):
                    kept.append(position)
            if enough is not None and len(kept) >= enough:
                break
        return np.array(kept, dtype=np.int64)

    def rows(self, positions: Positions, fields: set[str]) -> Rows:
        """Read the records at some positions, in that order."""
        return self.batches([positions], fields)[0]

    def batches(self, lists: Sequence[Positions], fields: set[str]) -> list[Rows]:
        """Read several lists of records with one question to SQLite."""
        columns = ["id", *(column for name, column in _FIELDS.items() if name in fields)]
        everything = lists[0] if len(lists) == 1 else np.unique(np.concatenate(lists))
        found = records.fetch(self.connection, self.view.places[everything].tolist(), columns)
        vectors = self.vectors if "embeddings" in fields and len(everything) else None
        made = []
        for positions in lists:
            values = [found[place] for place in self.view.places[positions].tolist()]
            read = {column: [row[at] for row in values] for at, column in enumerate(columns)}
            texts = read.get("metadata")
            made.append(
                Rows(
                    ids=read["id"],
                    vectors=self._rows(vectors, positions) if "embeddings" in fields else None,
                    documents=read.get("document"),
                    metadatas=None if texts is None else [records.load(text) for text in texts],
                    uris=read.get("uri"),
                )
            )
        return made

    def _rows(self, vectors: Vectors | None, positions: Positions) -> Vectors:
        if vectors is None:
            return np.empty((0, self.entry.model.dimension or 0), dtype=np.float32)
        return vectors[self.view.slots[positions]]
