"""Re-embeds all documents of a collection into a new generation while it is in use.

Rounds of embedding run outside of a transaction: first all documents, then those that were added or
changed in the meantime, until at most one batch is left. That batch is embedded inside the write
transaction that switches to the new vectors.
"""

from __future__ import annotations

import sqlite3
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any
from uuid import UUID

from chromalab.engine.disk import records
from chromalab.engine.disk.records import vector_checksums
from chromalab.engine.opened import Opened
from chromalab.engine.upkeep.generations import Access, Draft, switch_to
from chromalab.engine.values import Progress, RewriteResult, Vectors
from chromalab.errors import EmbeddingFunctionError, InvalidArgumentError

__all__ = ["reembed"]

_ROUNDS = 10
_PAGE = 2000  # documents read at a time to see whether they changed

Embed = Callable[[list[str]], Vectors]


def reembed(
    access: Access,
    id: UUID,
    embed: Embed,
    embedding_function: dict[str, Any] | None,
    batch_size: int,
    progress: Progress,
) -> RewriteResult:
    """Re-embed all documents with another function; see `Collection.reembed`."""
    try:
        return _reembed(access, id, embed, embedding_function, batch_size, progress)
    except _FunctionError as error:
        raise error.__cause__ or error from None


def _reembed(
    access: Access,
    id: UUID,
    embed: Embed,
    embedding_function: dict[str, Any] | None,
    batch_size: int,
    progress: Progress,
) -> RewriteResult:
    generation = access.read(id, lambda collection: collection.entry.generation)
    with Draft.writing(access.folder, id, generation + 1) as draft:
        made = _Embedded(draft, embed, progress)
        for _ in range(_ROUNDS):
            todo = access.read(id, made.missing)
            for batch, left in _batches(todo, batch_size):
                ask = partial(_documents, places=batch)
                made.embed(access.read(id, ask), left)
            if len(todo) <= batch_size:
                break
        draft.sync(durable=access.durable)  # most of the data, before writers have to wait
        with access.rewrite(id) as collection:
            for batch, left in _batches(made.missing(collection), batch_size):
                made.embed(_documents(collection, batch), left)
            entry, places = collection.entry, collection.view.places
            operations = switch_to(
                collection,
                draft,
                made.moved(places.tolist()),
                durable=access.durable,
                configuration={
                    **entry.model.configuration,
                    "embedding_function": _distinguished(embedding_function, entry.generation + 1),
                },
            )
        before, after = 4 * (entry.model.dimension or 0), 4 * (draft.dimension or 0)
        sizes = entry.slots * before, draft.rows * after
        return RewriteResult(entry.slots, len(places), *sizes, operations)


def _batches(places: Sequence[int], size: int) -> Iterator[tuple[Sequence[int], int]]:
    """Split places into batches, each with the number that is left after it."""
    for at in range(0, len(places), size):
        yield places[at : at + size], max(0, len(places) - at - size)


def _distinguished(function: dict[str, Any] | None, generation: int) -> dict[str, Any] | None:
    """Mark an unnamed function, which could not be distinguished from the previous one."""
    legacy = function is not None and function["type"] == "legacy"
    return {"type": "legacy", "generation": generation} if legacy else function


class _FunctionError(Exception):
    """Wraps an error of the embedding function that would look like an error of a store file."""


class _Embedded:
    """The documents embedded so far.

    Attributes:
        rows: The row in the draft of the record at each place.
    """

    def __init__(self, draft: Draft, embed: Embed, progress: Progress) -> None:
        self.rows: dict[int, int] = {}
        self._draft = draft
        self._embed = embed
        self._progress = progress
        self._texts = array("q")  # the hash of the document of each row
        self._checksums = array("Q")  # the checksum of its vector
        self._seen: tuple[int, int] | None = None  # generation, version

    def missing(self, collection: Opened) -> list[int]:
        """Find the places whose documents are not embedded yet or have changed since.

        Raises:
            InvalidArgumentError: A record has no document.
        """
        entry = collection.entry
        _check_documents(collection)
        places = collection.view.places.tolist()
        maybe = [place for place in places if place in self.rows]
        if self._seen is not None and self._seen[0] == entry.generation:
            changed = collection.connection.execute(
                "SELECT DISTINCT place FROM changed WHERE collection = ? AND version > ?",
                (entry.number, self._seen[1]),
            )
            maybe = sorted({place for (place,) in changed}.intersection(maybe))
        stale = []
        for at in range(0, len(maybe), _PAGE):
            for place, text in _documents(collection, maybe[at : at + _PAGE]).items():
                if self._texts[self.rows[place]] != hash(text):
                    stale.append(place)
        self._seen = entry.generation, entry.model.version
        return stale + [place for place in places if place not in self.rows]

    def embed(self, documents: dict[int, str], left: int) -> None:
        """Embed the documents of a batch, by place; `left` is the number remaining after it."""
        if documents:
            try:
                vectors = self._embed(list(documents.values()))
            except (OSError, sqlite3.Error, UnicodeDecodeError) as error:
                raise _FunctionError from error
            width = self._draft.dimension or vectors.shape[1]
            if vectors.shape[1] != width:
                raise EmbeddingFunctionError(
                    f"The embedding function must return vectors of one length; got {vectors.shape[1]} "
                    f"after {width}. Nothing was changed."
                )
            checksums = vector_checksums(vectors)
            for at, (place, text) in enumerate(documents.items()):
                row = self.rows.get(place)
                if row is None:
                    self.rows[place] = self._draft.rows
                    self._texts.append(hash(text))
                    self._checksums.append(checksums[at])
                    self._draft.append(vectors[at : at + 1])
                else:
                    self._draft.put(row, vectors[at : at + 1])
                    self._texts[row], self._checksums[row] = hash(text), checksums[at]
        self._progress(len(self.rows), len(self.rows) + left)

    def moved(self, places: Iterable[int]) -> Iterator[tuple[int, int, int]]:
        """The slot, checksum and place of each record, for `switch_to`."""
        for place in places:
            row = self.rows[place]
            yield row, self._checksums[row], place


def _check_documents(collection: Opened) -> None:
    sql = "SELECT count(*) FROM records WHERE collection = ? AND document IS NULL"
    (without,) = collection.connection.execute(sql, (collection.entry.number,)).fetchone()
    if without:
        raise InvalidArgumentError(
            f"{without:,} of {len(collection.view.places):,} records of "
            f"{collection.entry.model.name!r} have no document to embed. Add documents to them or "
            "delete them; nothing was changed."
        )


def _documents(collection: Opened, places: Sequence[int]) -> dict[int, str]:
    """Read the documents of those records that still exist: place -> document."""
    found = records.fetch(collection.connection, places, ("document",))
    return {place: text for place, (text,) in found.items() if text is not None}
