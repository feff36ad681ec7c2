"""The attachments table: data stored with a collection beside its records.

These are functions over a connection in a transaction. Attachments are added and removed, never changed.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from chromalab.engine.disk import catalog
from chromalab.engine.disk.records import content_checksum
from chromalab.engine.values import Attachment
from chromalab.errors import (
    InternalError,
    InvalidArgumentError,
    NotFoundError,
    UniqueConstraintError,
    short,
)

__all__ = [
    "Row",
    "as_stored",
    "copy",
    "insert",
    "load",
    "read",
    "read_one",
    "read_since",
    "remove",
    "remove_of",
]

Row = tuple[str, str | None, str, bytes | None, int]
"""kind, name, body, data and checksum, as stored."""

# An existing collection yields at least one row, so this also tells whether it exists.
_READ = """
    SELECT attachments.number, kind, attachments.name, body, data
    FROM collections LEFT JOIN attachments ON collection = collections.number AND kind = ?
    WHERE collections.id = ? ORDER BY attachments.number
"""
_READ_NUMBERS = """
    SELECT attachments.number
    FROM collections LEFT JOIN attachments ON collection = collections.number AND kind = ?
    WHERE collections.id = ? ORDER BY attachments.number
"""
_READ_SINCE = """
    SELECT attachments.number, kind, attachments.name, body, data
    FROM collections LEFT JOIN attachments
    ON collection = collections.number AND kind = ? AND attachments.number > ?
    WHERE collections.id = ? ORDER BY attachments.number
"""
_READ_ONE = """
    SELECT attachments.number, kind, attachments.name, body, data
    FROM collections LEFT JOIN attachments
    ON collection = collections.number AND kind = ? AND attachments.name = ?
    WHERE collections.id = ?
"""


def read(connection: sqlite3.Connection, id: UUID, kind: str) -> list[Attachment]:
    """Read the attachments of one kind, in the order in which they were attached.

    Raises:
        NotFoundError: The collection was deleted.
        InternalError: A row is damaged.
    """
    rows = connection.execute(_READ, (kind, str(id))).fetchall()
    if not rows:
        catalog.row(connection, id)
    return [load(*row) for row in rows if row[0] is not None]


def read_since(
    connection: sqlite3.Connection, id: UUID, kind: str, number: int
) -> tuple[list[int], list[Attachment]]:
    """Read the numbers of all attachments of one kind, and those attached after a number.

    Numbers only ever increase, so a caller that remembers what it has read loads only what is new. The
    numbers come from an index; no row before `number` is loaded.

    Raises:
        NotFoundError: The collection was deleted.
        InternalError: A row is damaged.
    """
    numbers = connection.execute(_READ_NUMBERS, (kind, str(id))).fetchall()
    if not numbers:
        catalog.row(connection, id)
    rows = connection.execute(_READ_SINCE, (kind, number, str(id))).fetchall()
    found = [load(*row) for row in rows if row[0] is not None]
    return [number for (number,) in numbers if number is not None], found


def read_one(connection: sqlite3.Connection, id: UUID, kind: str, name: str) -> Attachment | None:
    """Read the attachment with a name; None if there is none.

    Raises:
        NotFoundError: The collection was deleted.
        InternalError: The row is damaged.
    """
    row = connection.execute(_READ_ONE, (kind, name, str(id))).fetchone()
    if row is None:
        catalog.row(connection, id)
        return None
    return None if row[0] is None else load(*row)


def as_stored(attachment: Attachment) -> Row:
    """Convert an attachment to a row to insert, with its checksum.

    Raises:
        InvalidArgumentError: JSON cannot represent the body, or UTF-8 cannot encode a string.
    """
    kind, name, data = attachment.kind, attachment.name, attachment.data
    try:
        body = json.dumps(dict(attachment.body), ensure_ascii=False, allow_nan=False)
        checksum = content_checksum(kind, name, body, data)
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidArgumentError(
            f"The body of an attachment must be representable as JSON: {error}. Nothing was written."
        ) from error
    return kind, name, body, data, checksum


def insert(
    connection: sqlite3.Connection, collection: int, row: Row, operation: int | None = None
) -> int:
    """Insert a row, which an undo of `operation` removes; raises UniqueConstraintError if its name is taken."""
    try:
        cursor = connection.execute(
            "INSERT INTO attachments (collection, kind, name, body, data, checksum, operation)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (collection, *row, operation),
        )
    except sqlite3.IntegrityError as error:
        kind, name, *_ = row
        raise UniqueConstraintError(
            f"This collection already has a {kind} {short(name)}. Remove it or choose another name. "
            "Nothing was written."
        ) from error
    return int(cursor.lastrowid or 0)


def remove(connection: sqlite3.Connection, collection: int, numbers: Sequence[int]) -> None:
    """Delete rows by number; raises NotFoundError, which rolls back, if one does not exist."""
    for number in numbers:
        found = 0
        if 0 < number < 2**63:
            sql = "DELETE FROM attachments WHERE collection = ? AND number = ?"
            found = connection.execute(sql, (collection, number)).rowcount
        if not found:
            raise NotFoundError(
                f"No attachment with the number {short(number)} in this collection: it was removed, "
                "possibly by another process. Nothing was written; read the attachments again."
            )


def remove_of(connection: sqlite3.Connection, collection: int, operation: int) -> None:
    """Delete the rows that an operation stored, if they are still there."""
    sql = "DELETE FROM attachments WHERE collection = ? AND operation = ?"
    connection.execute(sql, (collection, operation))


def copy(connection: sqlite3.Connection, source: int, target: int) -> None:
    """Copy the attachments of one collection to another, in the same order."""
    connection.execute(
        "INSERT INTO attachments (collection, kind, name, body, data, checksum)"
        " SELECT ?, kind, name, body, data, checksum FROM attachments"
        " WHERE collection = ? ORDER BY number",
        (target, source),
    )


def load(number: Any, kind: Any, name: Any, body: Any, data: Any) -> Attachment:
    """Parse a row, which is treated as untrusted: every field is validated.

    Raises:
        InternalError: A field is malformed.
    """
    try:
        value = json.loads(body) if isinstance(body, str) else None
    except (ValueError, RecursionError):
        value = None
    if (
        not isinstance(value, dict)
        or not isinstance(kind, str)
        or not isinstance(name, str | None)
        or not isinstance(data, bytes | None)
    ):
        raise InternalError(
            f"Row {number} of attachments is damaged: a field is malformed. client.check() lists all "
            "damaged rows. Restore the folder from a copy."
        )
    return Attachment(kind, value, name, data, number)
