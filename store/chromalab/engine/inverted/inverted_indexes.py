"""The inverted indexes of one collection: made at first use, kept up, and stored on the disk."""

from __future__ import annotations

import sqlite3
import threading
from collections import OrderedDict
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from chromalab.engine.disk import process_forks, records
from chromalab.engine.disk.array_file import WRONG, ArrayFile, Unusable
from chromalab.engine.disk.catalog import Entry
from chromalab.engine.disk.view import View
from chromalab.engine.inverted.inverted_index import Field, InvertedIndex, Part
from chromalab.engine.inverted.postings import Postings
from chromalab.engine.inverted.terms import rules

__all__ = ["InvertedIndexes"]

_MAGIC = b"chromalab terms 1\n"
_ARRAYS = {
    "places": "<i8", "terms": "<i8", "starts": "<i8", "weights": "=weights", "records": "<i4",
    "lengths": "<u4",
}  # fmt: skip
_WEIGHTS = ("<f8", "|u1", "<u2", "<u4", "<u8")
_HELD = 16  # fields in memory; the least recently used one is dropped first
_WORTH_STORING = 20_000  # entries; an index with fewer is made again faster than it is read
_PROBES = 64  # records whose checksums the file stores, to recognize the collection
_RATIO = 64  # an index has at most this many times the bytes of its texts, which SQLite holds


class InvertedIndexes:
    """The inverted indexes of one collection that are in memory, shared by the threads of a client.

    Args:
        folder: The folder of the vector files.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder.parent / "index"
        self._held: OrderedDict[Field, InvertedIndex] = OrderedDict()
        self._stamps: dict[Field, Any] = {}
        self.renew()
        process_forks.renew_in_child(self)

    def renew(self) -> None:
        """Create a new lock; after a fork, a thread missing in the child may hold the old one."""
        self._making = threading.Lock()

    def get(
        self, connection: sqlite3.Connection, entry: Entry, view: View, field: Field
    ) -> InvertedIndex:
        """Get the index of a field for the view of the transaction's version.

        Args:
            connection: A connection in the transaction that the view was made in.
            entry: The collection.
            view: Its records.
            field: What is indexed.

        Raises:
            InternalError: The metadata of a record is damaged.
        """
        with self._making:  # so that threads that need the same index do not all make it
            known = self._held.get(field)
            if known is not None and known.revision == view.revision:
                self._held.move_to_end(field)
                return known
            index = self._made(known, connection, entry, view, field)
            if known is None or known.revision < index.revision:
                self._held[field] = index
                self._held.move_to_end(field)
            while len(self._held) > _HELD:
                self._held.popitem(last=False)
            return index

    def _made(
        self,
        known: InvertedIndex | None,
        connection: sqlite3.Connection,
        entry: Entry,
        view: View,
        field: Field,
    ) -> InvertedIndex:
        file = ArrayFile(self._folder / f"{entry.index_stem}-{field.code}.terms", _MAGIC)
        given = connection, entry, view, field
        is_earlier = known is not None and view.revision >= known.revision >= (view.generation, 0)
        if known is not None and is_earlier:
            index = known.refreshed(connection, entry.number, view, field)
            if not index.is_due:
                return index
            # Another process may have stored it already.
            stored = self._stored(file, *given) if file.stamp() != self._stamps.get(field) else None
            if stored is not None and not stored.is_due:
                return stored
        else:
            stored = self._stored(file, *given)
            if stored is not None and not stored.is_due:
                return stored
            start = stored or InvertedIndex((view.generation, -1))
            index = start.refreshed(connection, entry.number, view, field)
        if index.is_due:
            index = index.merged()
        if sum(len(part.postings.records) for part in index.parts) < _WORTH_STORING:
            return index
        with suppress(OSError):  # the disk is full or the folder read-only: it stays in memory
            _write(file, index, connection, field)
            return self._stored(file, *given) or index
        return index

    def _stored(
        self,
        file: ArrayFile,
        connection: sqlite3.Connection,
        entry: Entry,
        view: View,
        field: Field,
    ) -> InvertedIndex | None:
        """Read the file and bring it up to date; None if there is none that is usable."""
        self._stamps[field] = file.stamp()
        if self._stamps[field] is None:
            return None
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
        try:
            header, arrays = file.read(_ARRAYS, pages * size * _RATIO, mapped=True)
            index, probes = _checked(header, arrays, view, field)
        except Unusable:
            return None  # nothing is lost, as it is made again
        index = index.refreshed(connection, entry.number, view, field)
        return index if _is_of(index.parts[0], probes, connection) else None


def _write(
    file: ArrayFile, index: InvertedIndex, connection: sqlite3.Connection, field: Field
) -> None:
    ((postings, _),) = index.parts
    chosen = np.unique(np.linspace(0, len(postings) - 1, _PROBES).astype(np.int64))
    probed = records.fetch(connection, postings.places[chosen].tolist(), ["checksum"])
    header = {
        "key": field.key,
        "sparse": field.is_sparse,
        "rules": rules(),
        "revision": index.revision,
        "covered": index.covered,
        "count": index.count,
        "weights": postings.weights.dtype.str,
        "probes": [[place, checksum] for place, (checksum,) in probed.items()],
    }
    file.write(header, {name: getattr(postings, name) for name in _ARRAYS})


def _checked(
    header: dict[str, Any], arrays: dict[str, Any], view: View, field: Field
) -> tuple[InvertedIndex, dict[int, Any]]:
    try:
        generation, version = header["revision"]
        if (header["key"], header["sparse"]) != field or header["rules"] != rules():
            raise Unusable("it is of another field, or was made by other rules")
        if generation != view.generation or not 0 <= version <= view.version:
            raise Unusable("it is of another version")
        postings = Postings(**arrays)
        starts, rows = postings.starts, len(postings)
        sound = (
            header["weights"] in _WEIGHTS
            and rows == len(postings.lengths)
            and len(postings.terms) == len(starts) - 1
            and len(postings.weights) == len(postings.records) == starts[-1]
            and starts[0] == 0 <= int(np.diff(starts).min(initial=0))
            and 0 <= postings.records.min(initial=0) <= postings.records.max(initial=-1) < rows
            and type(header["covered"]) is type(header["count"]) is int
        )
        probes = {int(place): checksum for place, checksum in header["probes"]}
    except WRONG as error:
        raise Unusable("it is malformed") from error
    if not sound:
        raise Unusable("its lists point to missing records")
    parts = (Part.of(postings),)
    return InvertedIndex((generation, version), header["covered"], header["count"], parts), probes


def _is_of(part: Part, probes: dict[int, Any], connection: sqlite3.Connection) -> bool:
    """Whether the records that were not written since have the checksums that the file stores."""
    places = np.array(sorted(probes), dtype=np.int64)
    alive = part.postings.rows(places)
    alive = part.postings.places[alive[part.alive[alive]]]
    found = records.fetch(connection, alive.tolist(), ["checksum"])
    return len(found) == len(alive) and all(
        probes[place] == checksum for place, (checksum,) in found.items()
    )
