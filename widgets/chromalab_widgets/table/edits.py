"""Changes that a table makes to records, each of which can be undone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chromalab import Collection
from chromalab.errors import InvalidArgumentError, NotFoundError, short
from chromalab_widgets.core.cells import value_of

__all__ = ["Edits"]


class Edits:
    """Edits metadata, deletes records, and undoes both.

    Args:
        collection: The collection of the records.
    """

    def __init__(self, collection: Collection) -> None:
        self._collection = collection
        self._done: list[tuple[str, int]] = []  # what it was, and its number in the history

    @property
    def last(self) -> str:
        """A description of what `undo` would undo; empty if there is nothing."""
        return self._done[-1][0] if self._done else ""

    def read(self, id: str) -> tuple[str | None, dict[str, Any]]:
        """Read the document and the metadata of a record.

        Raises:
            NotFoundError: The record does not exist, possibly because it was deleted.
        """
        found = self._collection.get(ids=[id], include=["documents", "metadatas"])
        if not found["ids"]:
            raise NotFoundError(f"No record {short(id)}: it has been deleted.")
        return found["documents"][0], dict(found["metadatas"][0] or {})

    def edit(self, id: str, key: str, text: str, *, kind: str) -> bool:
        """Write a typed value; blank text deletes the field from the record.

        Args:
            id: The id of the record.
            key: The metadata field.
            text: The text as it was typed.
            kind: What the column contains, for a record without an old value.

        Returns:
            Whether the value has changed.

        Raises:
            InvalidArgumentError: The text cannot be parsed as the type of the old value, or the store
                refuses it.
        """
        old = self.read(id)[1].get(key)
        new = value_of(text, old, kind, key)
        if type(new) is type(old) and new == old:
            return False
        self._change(
            f"editing {short(key)} of {short(id)}",
            update={"ids": [id], "metadatas": [{key: new}]},
        )
        return True

    def delete(self, ids: Sequence[str]) -> int:
        """Delete records and return how many there were."""
        if not ids:
            raise InvalidArgumentError("Nothing to delete. Select records or move to a row first.")
        found = self._collection.existing(ids)
        what = short(next(iter(found))) if len(found) == 1 else f"{len(found):,} records"
        return self._change(f"deleting {what}", delete=ids)

    def undo(self) -> str:
        """Undo the last change and return a description of it; restored records are appended.

        Raises:
            InvalidArgumentError: There is nothing to undo, or everything has been written again.
            NotFoundError: The record has been deleted since; the next call undoes the change before.
        """
        if not self._done:
            raise InvalidArgumentError("Nothing to undo: nothing has been changed here.")
        text, number = self._done.pop()  # also if it cannot be undone, as it would block the others
        done = self._collection.undo(number)
        if done.refused and not done.restored:
            self.read(done.refused[0][0])  # raises if the record was deleted
            raise InvalidArgumentError(
                f"Cannot undo {text}: all of it has been written again since, so there is nothing left to "
                "restore."
            )
        left = len(done.refused)
        return f"{text}, except for {left:,} written again since" if left else text

    def _change(self, what: str, **change: Any) -> int:
        """Make a change that can be undone; returns the number of deleted records."""
        done = self._collection.replace_records(**change, operation=f"table: {what}")
        if done.operation is not None:
            self._done.append((what, done.operation))
        return done.deleted
