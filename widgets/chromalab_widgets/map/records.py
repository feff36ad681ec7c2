"""The records of a map: their text and metadata, and the nearest records of a query or a record."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from chromalab.analytics import Duplicates
from chromalab.errors import ChromalabError, InvalidArgumentError
from chromalab.results.metadata import Show, shown_keys
from chromalab.snapshot import Snapshot
from chromalab_widgets.core.records import facts
from chromalab_widgets.core.text import cut

__all__ = ["Records"]

_TEXT_SHOWN = 700
_LINE_SHOWN = 160
_KEYS_READ = 1000  # records that decide which fields are the most useful
_METADATA_SHOWN = 40


class Records:
    """The records of a map, by row.

    Args:
        snapshot: The records.
        collection: The collection to query for the nearest records; without one, vectors are scanned.
        text: The metadata field to show in place of the documents; None for the documents.
        show: The metadata fields of a card; see `shown_keys`.
    """

    def __init__(
        self, snapshot: Snapshot, collection: Any, text: str | None, show: Show = None
    ) -> None:
        if text is not None:
            snapshot.known_column(text)
        self.snapshot, self._text, self._show = snapshot, text, show
        metadatas = (snapshot.metadatas or ())[:_KEYS_READ]
        self._keys = [key for key in shown_keys(show, metadatas) if key != text]
        self._collection = collection if hasattr(collection, "query") else None

    @property
    def can_search(self) -> bool:
        """Whether a text can be searched for, which takes an embedding function."""
        if self._collection is None:
            return False
        try:
            return (
                getattr(self._collection, "configuration", {}).get("embedding_function", True)
                is not None
            )
        except ChromalabError:  # a function that is not available here
            return False

    def rows(self, ids: Iterable[str]) -> np.ndarray[Any, np.dtype[np.uint32]]:
        """Return the rows of ids; ids that are not on the map are left out."""
        wanted = list(ids)
        rows = self.snapshot.rows_by_id if wanted else {}
        return np.array([rows[id] for id in wanted if id in rows], dtype=np.uint32)

    def groups(self, duplicates: Duplicates) -> list[int]:
        """Return, for each group that has at least two records on the map, its size and its rows."""
        ids, flat = duplicates.snapshot.ids, []
        for group in duplicates.rows:
            rows = self.rows([ids[row] for row in group]).tolist()
            if len(rows) > 1:
                flat += [len(rows), *rows]
        return flat

    def sent(self, buffers: Sequence[bytes], most: int) -> list[int]:
        """Read the rows that the browser sends as one buffer of uint32.

        Raises:
            InvalidArgumentError: There are no such rows, or more of them than `most`.
        """
        if len(buffers) != 1 or len(buffers[0]) > 4 * most or len(buffers[0]) % 4:
            raise InvalidArgumentError(f"Rows must be one buffer of at most {most:,} uint32.")
        rows, count = np.frombuffer(buffers[0], dtype=np.uint32), len(self.snapshot)
        if len(rows) and rows.max() >= count:
            raise InvalidArgumentError(
                f"A row must be less than {count:,}, the number of points; got {rows.max():,}."
            )
        found: list[int] = rows.tolist()
        return found

    def text(self, row: int) -> str:
        """Return the text of a record: its document, or the value of the given field."""
        if self._text is None:
            return self.snapshot.document(row)
        metadatas = self.snapshot.metadatas
        value = ((metadatas[row] if metadatas is not None else None) or {}).get(self._text)
        return "" if value is None else str(value)

    def line(self, row: int, **more: Any) -> dict[str, Any]:
        """Return a record as one line of a list."""
        text = " ".join(cut(self.text(row), _LINE_SHOWN).split())
        return {"row": row, "id": self.snapshot.ids[row], "text": text, **more}

    def card(self, row: int) -> dict[str, Any]:
        """Return a record as a card: its id, text, and metadata as pairs of strings."""
        metadatas = self.snapshot.metadatas
        metadata = dict((metadatas[row] if metadatas is not None else None) or {})
        metadata.pop(self._text or "", None)
        keys = self._keys[:_METADATA_SHOWN]
        pairs = facts(metadata, keys, counts_rest=self._show is None or keys != self._keys)
        text = cut(self.text(row), _TEXT_SHOWN)
        return {"row": row, "id": self.snapshot.ids[row], "text": text, "metadata": pairs}

    def search(self, text: str, count: int) -> list[dict[str, Any]]:
        """Find the records nearest to a text, nearest first; `row` is -1 for one not on the map.

        Raises:
            InvalidArgumentError: There is no collection to embed the text.
        """
        if self._collection is None:
            raise InvalidArgumentError(
                "Bare vectors cannot be searched by text. Map a collection instead."
            )
        found = self._collection.query(
            query_texts=[text], n_results=count, where=self.snapshot.where, include=["distances"]
        )
        return self._lines(found, None)

    def near(self, row: int, count: int) -> list[dict[str, Any]]:
        """Find the true nearest neighbors of a record, in all dimensions, nearest first."""
        vector = self.snapshot.vectors[row]
        if self._collection is None:
            return self._scan(row, count)
        found = self._collection.query(
            query_embeddings=[vector], n_results=count + 1, where=self.snapshot.where,
            include=["distances"],
        )  # fmt: skip
        return self._lines(found, self.snapshot.ids[row])[:count]

    def _lines(self, found: Any, without: str | None) -> list[dict[str, Any]]:
        lines = []
        for id, distance in zip(found["ids"][0], found["distances"][0], strict=True):
            if id == without:
                continue
            row = self.snapshot.rows_by_id.get(id, -1)
            if row >= 0:
                lines.append(self.line(row, distance=float(distance)))
            else:  # written after the map was made
                lines.append(
                    {"row": -1, "id": id, "text": "not on the map", "distance": float(distance)}
                )
        return lines

    def _scan(self, row: int, count: int) -> list[dict[str, Any]]:
        vectors = self.snapshot.vectors
        lengths = np.linalg.norm(vectors, axis=1) * np.linalg.norm(vectors[row])
        far = 1 - (vectors @ vectors[row]) / np.where(lengths > 0, lengths, 1)
        far[row] = np.inf
        order = np.argsort(far, kind="stable")[: min(count, len(far) - 1)]
        return [self.line(int(at), distance=float(far[at])) for at in order]
