"""A connection to SQLite that remembers what it has read until the database changes.

Reads that are repeated in every call, such as that of a collection's row, cost a query more than the
search of a few thousand records.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Hashable
from typing import Any

__all__ = ["Connection"]


class Connection(sqlite3.Connection):
    """A connection of one thread.

    Attributes:
        snapshot: Identifies what it read last: a number that changes with the commits of other
            connections (https://www.sqlite.org/pragma.html#pragma_data_version), and the number of
            rows that it has written itself.
        known: What read transactions have read of this snapshot, by any key.
    """

    snapshot: tuple[int, int] | None = None
    known: dict[Hashable, Any]
