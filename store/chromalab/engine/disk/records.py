"""The records table: rows by id and by place, and the checksums of their contents.

These are functions over a connection in a transaction. Lists of keys are bound as one JSON array, so
a statement takes any number of them.

The checksums detect damage that SQLite does not see. They are CRC-32, which finds any burst of 32
flipped bits and costs a microsecond per record. They are not signatures: they do not reveal
deliberate changes.
"""

from __future__ import annotations

import json
import sqlite3
import zlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from chromalab.engine.values import Batch, Vectors
from chromalab.errors import InternalError, short

__all__ = [
    "Stored",
    "content_checksum",
    "dump",
    "fetch",
    "fetch_in_order",
    "insert",
    "load",
    "load_all",
    "locate",
    "merged",
    "places_of",
    "put",
    "remove",
    "restore",
    "rewrite",
    "vector_checksums",
]


class Stored(NamedTuple):
    """A record as it is stored, without its place."""

    id: str
    slot: int
    document: str | None
    metadata: str | None
    uri: str | None
    checksum: int | None
    vector_checksum: int | None

    @property
    def is_whole(self) -> bool:
        """Whether its contents are those that its checksum was computed of, if it has one."""
        content = (self.id, self.document, self.metadata, self.uri)
        return self.checksum is None or self.checksum == content_checksum(*content)


_INSERT = (
    "INSERT INTO records (collection, id, slot, document, metadata, uri, checksum, vector_checksum)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
)
_BOUND = "(SELECT value FROM json_each(?))"


def locate(
    connection: sqlite3.Connection, collection: int, ids: Sequence[str]
) -> dict[str, tuple[int, int]]:
    """Look up ids: id -> (place, slot), for those that exist."""
    rows = connection.execute(
        f"SELECT id, place, slot FROM records WHERE collection = ? AND id IN {_BOUND}",  # noqa: S608
        (collection, json.dumps(list(ids))),
    )
    return {id: (place, slot) for id, place, slot in rows}


def places_of(connection: sqlite3.Connection, collection: int, ids: Sequence[str]) -> list[int]:
    """Look up the places of the ids that exist, in any order; the index alone answers this."""
    rows = connection.execute(
        f"SELECT place FROM records WHERE collection = ? AND id IN {_BOUND}",  # noqa: S608
        (collection, json.dumps(list(ids))),
    )
    return [place for (place,) in rows]


def fetch(
    connection: sqlite3.Connection, places: Iterable[int], columns: Sequence[str]
) -> dict[int, tuple[Any, ...]]:
    """Read columns of the records at the given places: place -> values, in ascending order."""
    unknown = set(columns) - set(Stored._fields)
    if unknown:
        raise ValueError(f"records has no columns {unknown}")
    rows = connection.execute(
        f"SELECT {', '.join(('place', *columns))} FROM records"  # noqa: S608
        f" WHERE place IN {_BOUND} ORDER BY place",
        (json.dumps([int(place) for place in places]),),
    )
    return {row[0]: row[1:] for row in rows}


def fetch_in_order(
    connection: sqlite3.Connection, places: list[int], columns: Sequence[str]
) -> list[tuple[Any, ...]]:
    """Read columns of the records at the given places, in the order of these.

    Raises:
        InternalError: One of them does not exist.
    """
    # A CROSS JOIN is run as it is written: it looks up each place, from the first to the last.
    rows = connection.execute(
        f"SELECT place, {', '.join([f'records.{column}' for column in columns])}"  # noqa: S608
        " FROM json_each(?) AS wanted CROSS JOIN records ON place = wanted.value",
        (str(places),),
    ).fetchall()
    if [row[0] for row in rows] != places:  # the table and its index contradict each other
        raise InternalError(
            "The records table is damaged; client.check() reports where. "
            "Restore the folder from a copy."
        )
    return rows


def insert(
    connection: sqlite3.Connection, collection: int, batch: Batch, chosen: Sequence[int], slot: int
) -> None:
    """Insert the chosen rows of a batch; their vectors are at `slot` and the slots after it."""
    texts = [_texts(batch, row, (None, None, None)) for row in chosen]
    if batch.vectors is None:
        sums: list[int | None] = [None] * len(chosen)
    else:
        sums = [*vector_checksums(batch.vectors[list(chosen)])]
    connection.executemany(
        _INSERT,
        (
            (
                collection,
                batch.ids[row],
                slot + offset,
                *texts[offset],
                content_checksum(batch.ids[row], *texts[offset]),
                sums[offset],
            )
            for offset, row in enumerate(chosen)
        ),
    )


def restore(connection: sqlite3.Connection, collection: int, rows: Iterable[Stored]) -> None:
    """Insert records that were deleted."""
    connection.executemany(_INSERT, ((collection, *row) for row in rows))


def rewrite(
    connection: sqlite3.Connection,
    collection: int,
    version: int,
    batch: Batch,
    chosen: Mapping[int, tuple[int, int]],
) -> list[tuple[Stored, Stored]]:
    """Change records: `chosen` maps rows of the batch to (place, new slot).

    Parts that the batch omits or gives as None stay, and metadata is merged.

    Returns:
        Each record before and after.
    """
    stored = fetch(connection, (place for place, _ in chosen.values()), Stored._fields)
    sums = None if batch.vectors is None else vector_checksums(batch.vectors[list(chosen)])
    changes, places = [], []
    for at, (row, (place, slot)) in enumerate(chosen.items()):
        before = Stored(*stored[place])
        # Without this check, the new checksum would certify damaged content.
        if not before.is_whole:
            raise InternalError(
                f"Record {short(before.id)} is damaged: it differs from what was written. Delete it and "
                "add it again."
            )
        document, metadata, uri = _texts(batch, row, before[2:5])
        checksum = content_checksum(before.id, document, metadata, uri)
        vector = before.vector_checksum if sums is None else sums[at]
        after = Stored(before.id, slot, document, metadata, uri, checksum, vector)
        changes.append((before, after))
        places.append(place)
    put(connection, collection, version, places, changes)
    return changes


def put(
    connection: sqlite3.Connection,
    collection: int,
    version: int,
    places: Sequence[int],
    changes: Sequence[tuple[Stored, Stored]],
) -> None:
    """Write changed records: each is before and after, at a place.

    The places are recorded with the version, so that data derived from the records can be brought up to
    date, and so are the slots of vectors that were replaced.
    """
    connection.executemany(
        "INSERT INTO changed (collection, version, place) VALUES (?, ?, ?)",
        ((collection, version, place) for place in places),
    )
    connection.executemany(
        "INSERT INTO dead_slots (collection, version, slot) VALUES (?, ?, ?)",
        (
            (collection, version, before.slot)
            for before, after in changes
            if after.slot != before.slot
        ),
    )
    connection.executemany(
        "UPDATE records SET slot = ?, document = ?, metadata = ?, uri = ?, checksum = ?,"
        " vector_checksum = ? WHERE place = ?",
        ((*after[1:], place) for place, (_, after) in zip(places, changes, strict=True)),
    )


def remove(
    connection: sqlite3.Connection,
    collection: int,
    version: int,
    places: Sequence[int],
    operation: int | None,
) -> None:
    """Delete the records at the given places; record that their slots died in `version`.

    The history keeps them in the table, as records of no collection, under the negative number of the
    operation. This costs less than to copy them.
    """
    bound = json.dumps([int(place) for place in places])
    connection.execute(
        "INSERT INTO dead_slots (collection, version, slot)"  # noqa: S608
        f" SELECT ?, ?, slot FROM records WHERE place IN {_BOUND}",
        (collection, version, bound),
    )
    if operation is None:
        connection.execute(f"DELETE FROM records WHERE place IN {_BOUND}", (bound,))  # noqa: S608
    else:
        sql = f"UPDATE records SET collection = ? WHERE place IN {_BOUND}"  # noqa: S608
        connection.execute(sql, (-operation, bound))


def merged(old: Mapping[str, Any] | None, new: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Merge metadata as Chroma does: new values win, None deletes a key, an empty result is None.

    Example:
        >>> merged({"a": 1, "b": 2}, {"b": None, "c": 3})
        {'a': 1, 'c': 3}
    """
    both = {**(old or {}), **(new or {})}
    return {key: value for key, value in both.items() if value is not None} or None


def load(text: str | None) -> dict[str, Any] | None:
    """Parse stored metadata."""
    if text is None:
        return None
    try:
        metadata = json.loads(text)
    except (ValueError, TypeError, RecursionError) as error:
        raise _damaged() from error
    if not isinstance(metadata, dict):
        raise _damaged()
    return metadata


def load_all(texts: Sequence[str | None]) -> list[dict[str, Any] | None]:
    """Parse the metadata of several records at once, at a third of the cost of one at a time."""
    there = [text for text in texts if text is not None]
    try:
        values = json.loads(f"[{','.join(there)}]")
    except (ValueError, TypeError, RecursionError):
        values = []
    if len(values) != len(there) or not set(map(type, values)) <= {dict}:
        return [load(text) for text in texts]  # one of them is damaged, which this raises
    if len(there) == len(texts):
        return list(values)
    found = iter(values)
    return [None if text is None else next(found) for text in texts]


def content_checksum(*fields: str | bytes | None) -> int:
    """Compute the checksum of a record: id, document, metadata and uri, as stored.

    The lengths come first, so moving a character from one field to the next changes the checksum.

    Args:
        fields: Strings or their UTF-8 bytes; None differs from the empty string.

    Example:
        >>> content_checksum("ab", "c") == content_checksum("a", "bc")
        False
        >>> content_checksum("a", None) == content_checksum("a", "")
        False
    """
    texts = [
        field if field is None or isinstance(field, bytes) else str(field).encode()
        for field in fields
    ]
    lengths = ",".join([str(-1 if text is None else len(text)) for text in texts])
    return zlib.crc32(b"".join([lengths.encode(), b":", *filter(None, texts)]))


def vector_checksums(rows: Vectors) -> list[int]:
    """Compute a checksum per row, of the little-endian float32 bytes stored on the disk.

    Args:
        rows: (n, dimension), float32.

    Returns:
        n integers.

    Example:
        >>> vector_checksums(np.zeros((2, 1), dtype=np.float32))
        [558161692, 558161692]
    """
    rows = np.ascontiguousarray(rows, dtype="<f4")
    width = rows.shape[1] * rows.itemsize
    data = rows.data.cast("B") if rows.size else memoryview(b"")
    return [zlib.crc32(data[at : at + width]) for at in range(0, len(data), width)]


def _texts(
    batch: Batch, row: int, old: Sequence[str | None]
) -> tuple[str | None, str | None, str | None]:
    """The document, metadata and uri of a row as they will be stored."""
    document, metadata, uri = old
    if batch.documents and batch.documents[row] is not None:
        document = batch.documents[row]
    if batch.metadatas:
        metadata = dump(merged(load(metadata), batch.metadatas[row]))
    if batch.uris and batch.uris[row] is not None:
        uri = batch.uris[row]
    return document, metadata, uri


def _damaged() -> InternalError:
    return InternalError("The metadata of a record is damaged. Restore the folder from a copy.")


def dump(metadata: dict[str, Any] | None) -> str | None:
    """Write metadata as it is stored."""
    return None if metadata is None else json.dumps(metadata, ensure_ascii=False)
