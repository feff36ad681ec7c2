"""A connection to SQLite that remembers what it has read, as long as nobody writes.

Reads that are repeated in every call, such as that of a collection's row, cost a query more than the
search of a few thousand records.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

__all__ = ["Connection"]

T = TypeVar("T")


class Connection(sqlite3.Connection):
    """A connection of one thread."""

    _snapshot: tuple[int, int] | None = None
    _known: dict[Hashable, Any]

    def look(self, check: Callable[[Connection], None]) -> None:
        """Read which snapshot a transaction sees; checks it, and forgets the last one, if it changed."""
        # The number changes with commits of other connections (https://www.sqlite.org/pragma.html).
        (others,) = self.execute("PRAGMA data_version").fetchone()
        snapshot = others, self.total_changes
        if snapshot != self._snapshot:
            self._snapshot = None
            check(self)
            self._snapshot, self._known = snapshot, {}

    def once(self, key: Hashable, read: Callable[[], T]) -> T:
        """Read something, unless it was read from the same snapshot before; in a read transaction only."""
        if key not in self._known:
            self._known[key] = read()
        return self._known[key]  # type: ignore[no-any-return]
