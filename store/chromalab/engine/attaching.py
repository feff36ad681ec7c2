"""The calls about what is kept with a collection beside its records."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from chromalab.engine.disk import attachments, catalog
from chromalab.engine.disk.store import Store
from chromalab.engine.interface import Attachment

__all__ = ["Attaching"]


class Attaching:
    """The part of `EmbeddedEngine` that keeps attachments; see `Engine` for each call."""

    store: Store

    def attachments(self, id: UUID, kind: str) -> list[Attachment]:
        """Read what of a kind is attached to a collection, in the order it was attached."""
        with self.store.read() as connection:
            return attachments.read(connection, id, kind)

    def attachments_since(
        self, id: UUID, kind: str, number: int
    ) -> tuple[list[int], list[Attachment]]:
        """Read the numbers of all attachments of one kind, and the attachments after a number."""
        with self.store.read() as connection:
            return attachments.read_since(connection, id, kind, number)

    def attachment(self, id: UUID, kind: str, name: str) -> Attachment | None:
        """Read one attachment by its name."""
        with self.store.read() as connection:
            return attachments.read_one(connection, id, kind, name)

    def attach(
        self, id: UUID, *, add: Sequence[Attachment] = (), remove: Sequence[int] = ()
    ) -> list[int]:
        """Remove attachments by number, then add some, in one transaction; give the new numbers."""
        rows = [attachments.as_stored(attachment) for attachment in add]
        with self.store.write() as connection:
            number = catalog.find_id(connection, id).number
            attachments.remove(connection, number, remove)
            return [attachments.insert(connection, number, row) for row in rows]
