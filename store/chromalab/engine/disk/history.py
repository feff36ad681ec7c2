"""The history of a collection: its operations, and what each of them deleted or replaced.

These are functions over a connection in a transaction, the one that writes the records. A deleted record
stays in the records table, under the negative number of the operation. A row of `replaced` has the parts of
a changed record that changed, or names one that an undo added. Vectors are not copied, as the vector file
keeps its rows until it is rewritten, which empties the history.

An operation counts as at least 100 records, and `total` is the sum of an operation and all before it.
So the limit of a million holds for records, and one of 10,000 for operations, at the cost of one lookup.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from chromalab.engine.disk.records import Stored, content_checksum, load
from chromalab.engine.values import Operation
from chromalab.errors import InternalError, NotFoundError, short

__all__ = ["Kept", "Recorder", "clear", "count", "find", "kept", "mark_undone", "operations"]

_MOST = 1_000_000  # records, by collection
_LEAST = 100  # records that an operation counts as
_OPERATIONS = (
    "SELECT number, what, at, version, records, undoes, undone_by, checksum FROM operations"
    " WHERE collection = ?"
)
_FIELDS = ", ".join(Stored._fields)
_INTO_REPLACED = (
    f"INSERT INTO replaced (collection, operation, {_FIELDS}, written)"  # noqa: S608
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_DELETED = "collection IN (SELECT -number FROM operations WHERE collection = ? AND number > 0)"


@dataclass(frozen=True)
class Kept:
    """What an operation kept of a record.

    Attributes:
        kind: "deleted", "changed" or "added".
        before: The record. Of a changed one, only the parts and the metadata keys that changed; of an added
            one, its id and the checksums that it was added with.
        text: What replaced the parts, as JSON.
    """

    kind: str
    before: Stored
    text: str | None = None

    @property
    def written(self) -> dict[str, Any]:
        """What replaced the parts, with the checksum of a vector as "vector"."""
        return load(self.text) or {}

    @property
    def is_whole(self) -> bool:
        """Whether it is as it was written."""
        if self.kind == "changed":
            return self.before.checksum == _checksum(self.before, self.text)
        return self.kind == "added" or self.before.is_whole


class Recorder:
    """Records one operation while a transaction writes. One that replaces nothing is not stored.

    Args:
        connection: A connection in a write transaction.
        collection: The number of the collection.
        what: What the operation is, in words; None records nothing.
        number: An operation that it continues.
        undoes: The operation that it undoes.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        collection: int,
        what: str | None,
        *,
        number: int | None = None,
        undoes: int | None = None,
    ) -> None:
        self._connection = connection
        self._collection = collection
        self._what = what
        self._undoes = undoes
        self._records = 0
        self._number = number
        if number is not None and not _exists(connection, collection, number):
            self._number = None  # its start has left the history

    def begin(self) -> int:
        """Store the operation if it was not yet, and return its number."""
        if self._number is None:
            what, at = str(self._what), datetime.now(timezone.utc).isoformat()
            self._number = self._connection.execute(
                "INSERT INTO operations (collection, what, at, checksum, undoes, total) VALUES (?, ?, ?, ?, ?,"
                " coalesce((SELECT total FROM operations WHERE collection = ? ORDER BY number DESC LIMIT 1),"
                " 0))",
                (
                    self._collection,
                    what,
                    at,
                    content_checksum(what, at),
                    self._undoes,
                    self._collection,
                ),
            ).lastrowid
        return int(self._number or 0)

    def deleted(self, count: int) -> int | None:
        """Count records that are deleted; returns the operation to keep them under, None to lose them."""
        if self._what is None or not count:
            return None
        self._records += count
        return self.begin()

    def added(self, rows: Iterable[Stored]) -> None:
        """Record records that were added."""
        self._keep((row.id, *[None] * 4, *row[-2:], None) for row in rows)

    def changed(self, changes: Iterable[tuple[Stored, Stored]]) -> None:
        """Record changes, each a record before and after."""
        self._keep(filter(None, (_difference(*change) for change in changes)))

    def end(self, version: int) -> int | None:
        """Store the operation with the version after it; returns its number, None if there is none."""
        if self._number is not None:
            self._connection.execute(
                "UPDATE operations SET version = ?, records = records + ?, total = total + ?"
                " WHERE number = ?",
                (version, self._records, max(self._records, _LEAST), self._number),
            )
            _trim(self._connection, self._collection)
        return self._number

    def _keep(self, rows: Iterable[tuple[Any, ...]]) -> None:
        found = [] if self._what is None else list(rows)
        if found:
            start = (self._collection, self.begin())
            self._connection.executemany(_INTO_REPLACED, ((*start, *row) for row in found))
            self._records += len(found)


def operations(connection: sqlite3.Connection, collection: int) -> list[Operation]:
    """List the operations of a collection, in the order in which they were done."""
    rows = connection.execute(f"{_OPERATIONS} ORDER BY number", (collection,))
    return [_operation(*row) for row in rows]


def find(
    connection: sqlite3.Connection, collection: int, name: str, number: int | None
) -> Operation:
    """Find an operation; without a number, the latest that was not undone and is not an undo itself.

    Raises:
        NotFoundError: There is none.
    """
    if number is None:
        latest = " AND undoes IS NULL AND undone_by IS NULL ORDER BY number DESC LIMIT 1"
        row = connection.execute(_OPERATIONS + latest, (collection,)).fetchone()
        problem = f"There is nothing to undo in collection {short(name)}."
    else:
        row = connection.execute(f"{_OPERATIONS} AND number = ?", (collection, number)).fetchone()
        problem = f"No operation {number} in the history of collection {short(name)}."
    if row is None:
        raise NotFoundError(
            f"{problem} history() lists what can be undone; compact() and reembed() empty it."
        )
    return _operation(*row)


def kept(connection: sqlite3.Connection, collection: int, number: int) -> Iterator[Kept]:
    """Read what an operation replaced, the last record first."""
    sql = f"SELECT {_FIELDS} FROM records WHERE collection = ? ORDER BY place DESC"  # noqa: S608
    for row in connection.execute(sql, (-number,)):
        yield Kept("deleted", Stored(*row))
    sql = (
        f"SELECT {_FIELDS}, written FROM replaced WHERE collection = ? AND operation = ?"  # noqa: S608
        " ORDER BY number DESC"
    )
    for *row, text in connection.execute(sql, (collection, number)):
        yield Kept("added" if text is None else "changed", Stored(*row), text)


def mark_undone(connection: sqlite3.Connection, operation: Operation, number: int) -> None:
    """Note which operation undid another; one that undid a third one no longer does."""
    connection.execute(
        "UPDATE operations SET undone_by = ? WHERE number = ?", (number, operation.number)
    )
    connection.execute(
        "UPDATE operations SET undone_by = NULL WHERE number = ?", (operation.undoes,)
    )


def count(connection: sqlite3.Connection, collection: int) -> int:
    """Count the operations of a collection."""
    sql = "SELECT count(*) FROM operations WHERE collection = ?"
    return int(connection.execute(sql, (collection,)).fetchone()[0])


def clear(connection: sqlite3.Connection, collection: int) -> int:
    """Empty the history of a collection; returns the number of operations that were in it."""
    connection.execute(f"DELETE FROM records WHERE {_DELETED}", (collection,))  # noqa: S608
    connection.execute("DELETE FROM replaced WHERE collection = ?", (collection,))
    return connection.execute("DELETE FROM operations WHERE collection = ?", (collection,)).rowcount


def _trim(connection: sqlite3.Connection, collection: int) -> None:
    """Drop the oldest operations beyond the limit; the latest always stays."""
    ends = (
        "SELECT number, total FROM operations WHERE collection = ? AND number > 0 ORDER BY number"
    )
    _, most = connection.execute(f"{ends} DESC LIMIT 1", (collection,)).fetchone()
    while True:
        oldest, total = connection.execute(f"{ends} LIMIT 1", (collection,)).fetchone()
        if most - total < _MOST:
            return
        connection.execute("DELETE FROM records WHERE collection = ?", (-oldest,))
        connection.execute(
            "DELETE FROM replaced WHERE collection = ? AND operation = ?", (collection, oldest)
        )
        connection.execute("DELETE FROM operations WHERE number = ?", (oldest,))


def _exists(connection: sqlite3.Connection, collection: int, number: int) -> bool:
    sql = "SELECT 1 FROM operations WHERE collection = ? AND number = ?"
    return connection.execute(sql, (collection, number)).fetchone() is not None


def _difference(before: Stored, after: Stored) -> tuple[Any, ...] | None:
    """Return a row with the parts that a change replaced; None if nothing changed."""
    written: dict[str, Any] = {}
    parts: dict[str, Any] = {"slot": None, "document": None, "metadata": None, "uri": None}
    for part in ("document", "uri"):
        if getattr(after, part) != getattr(before, part):
            parts[part], written[part] = getattr(before, part), getattr(after, part)
    if after.metadata != before.metadata:
        old, new = load(before.metadata) or {}, load(after.metadata) or {}
        keys = [key for key in {**old, **new} if repr(old.get(key)) != repr(new.get(key))]
        if keys:
            parts["metadata"] = json.dumps({key: old.get(key) for key in keys})
            written["metadata"] = {key: new.get(key) for key in keys}
    vector = None
    if after.slot != before.slot:
        parts["slot"], vector, written["vector"] = (
            before.slot,
            before.vector_checksum,
            after.vector_checksum,
        )
    if not written:
        return None
    text = json.dumps(written)
    row = Stored(before.id, **parts, checksum=None, vector_checksum=vector)
    return (*row._replace(checksum=_checksum(row, text)), text)


def _checksum(row: Stored, written: str | None) -> int:
    return content_checksum(row.id, row.document, row.metadata, row.uri, written)


def _operation(number: Any, what: Any, at: Any, *rest: Any) -> Operation:
    """Parse a row, which is treated as untrusted.

    Raises:
        InternalError: A field is malformed.
    """
    *counts, undoes, undone_by, checksum = rest
    try:
        when = datetime.fromisoformat(at)
        sound = (
            isinstance(what, str)
            and when.tzinfo is timezone.utc
            and checksum == content_checksum(what, at)
            and all(type(count) is int for count in counts)
            and all(type(other) in (int, type(None)) for other in (undoes, undone_by))
        )
    except (TypeError, ValueError):
        sound = False
    if not sound:
        raise InternalError(
            f"Row {number} of operations is damaged: a field is malformed. Restore the folder from a copy."
        )
    version, records = counts
    return Operation(number, what, when, version, records, undoes, undone_by)
