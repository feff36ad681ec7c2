"""The calls that keep a store in order: check, compact, re-embed."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar
from uuid import UUID

from chromalab.engine.disk.leftovers import sweeping
from chromalab.engine.disk.store import Store
from chromalab.engine.findings import Checked
from chromalab.engine.interface import Rewritten, Tell, Vectors
from chromalab.engine.opened import Opened
from chromalab.engine.upkeep.check import check
from chromalab.engine.upkeep.compact import compact
from chromalab.engine.upkeep.generations import Access
from chromalab.engine.upkeep.reembed import reembed

__all__ = ["Upkeep"]

T = TypeVar("T")


class Upkeep:
    """The part of `EmbeddedEngine` that rewrites and verifies files; see `Engine` for each call."""

    store: Store

    def compact(self, id: UUID, tell: Tell) -> Rewritten:
        """Write the vectors anew, without the dead rows; give free pages of SQLite back."""
        done = compact(self._access(), id, tell)
        self.store.shrink()
        return done

    def reembed(
        self,
        id: UUID,
        embed: Callable[[list[str]], Vectors],
        embedding_function: dict[str, Any] | None,
        batch_size: int,
        tell: Tell,
    ) -> Rewritten:
        """Embed every document anew, and store the function that did it."""
        return reembed(self._access(), id, embed, embedding_function, batch_size, tell)

    def check(self, tell: Tell) -> Checked:
        """Verify every file against the catalog."""
        return check(self.store, tell)

    def _access(self) -> Access:
        durable = self.store.durability != "off"
        return Access(self.store.vectors, durable, self._read, self._rewriting)

    @contextmanager
    def _rewriting(self, id: UUID) -> Iterator[Opened]:
        with sweeping(self.store) as connection:
            yield self._open(connection, id)

    def _read(self, id: UUID, ask: Callable[[Opened], T]) -> T:
        """Ask something of a collection in one read transaction."""
        raise NotImplementedError

    def _open(self, connection: sqlite3.Connection, id: UUID) -> Opened:
        """Find a collection in a transaction."""
        raise NotImplementedError
