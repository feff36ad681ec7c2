"""The attachments table: what is kept with a collection beside its records.

Functions over a connection in a transaction. Attachments are added and removed, never changed.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from chromalab.engine.disk import catalog
from chromalab.engine.disk.checksums import content_checksum
from chromalab.engine.interface import Attachment
from chromalab.errors import (
    InternalError,
    InvalidArgumentError,
    NotFoundError,
    UniqueConstraintError,
    short,
)

__all__ = ["Row", "as_stored", "copy", "insert", "load", "read", "read_one", "read_since", "remove"]

Row = tuple[str, str | None, str, bytes | None, int]
"""kind, name, body, data, checksum, as they are stored."""

# A collection that is there gives one row at least, so this says too whether it is.
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
    """Read what of a kind is attached to a collection, in the order it was attached.

    Raises:
        NotFoundError: the collection was deleted.
        InternalError: a row is damaged.
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
    """Read what is attached under a name; None where nothing is.

    Raises:
        NotFoundError: the collection was deleted.
        InternalError: the row is damaged.
    """
    row = connection.execute(_READ_ONE, (kind, name, str(id))).fetchone()
    if row is None:
        catalog.row(connection, id)
        return None
    return None if row[0] is None else load(*row)


def as_stored(attachment: Attachment) -> Row:
    """Give a row to insert, with its checksum.

    Raises:
        InvalidArgumentError: the body is nothing that JSON, or a text nothing that UTF-8 can hold.
    """
    kind, name, data = attachment.kind, attachment.name, attachment.data
    try:
        body = json.dumps(dict(attachment.body), ensure_ascii=False, allow_nan=False)
        checksum = content_checksum(kind, name, body, data)
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidArgumentError(
            f"What is attached to a collection is what JSON can hold: {error}. Nothing was written."
        ) from error
    return kind, name, body, data, checksum


def insert(connection: sqlite3.Connection, collection: int, row: Row) -> int:
    """Insert a row; UniqueConstraintError if its name is taken."""
    try:
        cursor = connection.execute(
            "INSERT INTO attachments (collection, kind, name, body, data, checksum)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (collection, *row),
        )
    except sqlite3.IntegrityError as error:
        kind, name, *_ = row
        raise UniqueConstraintError(
            f"This collection has a {kind} {short(name)} already. Remove it, or choose another name. "
            "Nothing was written."
        ) from error
    return int(cursor.lastrowid or 0)


def remove(connection: sqlite3.Connection, collection: int, numbers: Sequence[int]) -> None:
    """Delete rows by number; NotFoundError, which undoes the transaction, if one is not there."""
    for number in numbers:
        found = 0
        if 0 < number < 2**63:
            sql = "DELETE FROM attachments WHERE collection = ? AND number = ?"
            found = connection.execute(sql, (collection, number)).rowcount
        if not found:
            raise NotFoundError(
                f"Nothing with the number {short(number)} is attached to this collection: it was removed, "
                "perhaps by somebody else. Nothing was written; read again what is there."
            )


def copy(connection: sqlite3.Connection, source: int, target: int) -> None:
    """Attach to one collection what is attached to another, in the same order."""
    connection.execute(
        "INSERT INTO attachments (collection, kind, name, body, data, checksum)"
        " SELECT ?, kind, name, body, data, checksum FROM attachments"
        " WHERE collection = ? ORDER BY number",
        (target, source),
    )


def load(number: Any, kind: Any, name: Any, body: Any, data: Any) -> Attachment:
    """Read a row; what a store of a stranger holds is not believed.

    Raises:
        InternalError: it makes no sense.
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
            f"Row {number} of attachments is damaged: it does not make sense. client.check() lists all "
            "that are. Restore the folder from a copy."
        )
    return Attachment(kind, value, name, data, number)
