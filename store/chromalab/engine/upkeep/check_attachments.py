"""Whether what is attached to a collection is what was written."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from chromalab.engine.disk import attachments
from chromalab.engine.disk.checksums import content_checksum
from chromalab.errors import InternalError, short

__all__ = ["wrong_attachments"]

_FIELDS = (  # as bytes: a text that is no UTF-8 is damage to tell, not an error of sqlite3
    "SELECT number, CAST(kind AS BLOB), CAST(name AS BLOB), CAST(body AS BLOB), data, checksum"
    " FROM attachments WHERE collection = ? ORDER BY number"
)


def wrong_attachments(connection: sqlite3.Connection, collection: int) -> Iterator[str]:
    """Compare attachments with their checksums, and say what is wrong, in a sentence a kind.

    Args:
        connection: In a transaction.
        collection: The number of the collection.
    """
    wrong: dict[str, list[int]] = defaultdict(list)
    for number, kind, name, body, data, checksum in connection.execute(_FIELDS, (collection,)):
        if not _is_whole(number, kind, name, body, data, checksum):
            wrong[kind.decode(errors="replace")].append(number)
    for kind, numbers in wrong.items():
        some = ", ".join(map(str, numbers[:3])) + (", ..." if len(numbers) > 3 else "")
        count = f"{len(numbers):,} attachment{'' if len(numbers) == 1 else 's'}"
        yield f"{count} of the kind {short(kind)}: not what was written (numbers {some})"


def _is_whole(number: int, kind: bytes, name: Any, body: bytes, data: Any, checksum: Any) -> bool:
    try:
        attachments.load(
            number, kind.decode(), None if name is None else name.decode(), body.decode(), data
        )
        return bool(content_checksum(kind, name, body, data) == checksum)
    except (InternalError, UnicodeDecodeError, TypeError, AttributeError):
        return False
