"""Changes that a table makes to records, each of which can be undone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chromalab import Collection
from chromalab.engine.values import Rows
from chromalab.errors import InvalidArgumentError, NotFoundError, short
from chromalab_widgets.core.cells import value_of

__all__ = ["Edits"]


@dataclass(frozen=True)
class _Change:
    """A change and what it takes to undo it."""

    text: str
    update: Mapping[str, Any] | None = None
    restore: Rows | None = None


class Edits:
    """Edits metadata, deletes records, and undoes both.

    Args:
        collection: The collection of the records.
    """

    def __init__(self, collection: Collection) -> None:
        self._collection = collection
        self._done: list[_Change] = []

    @property
    def last(self) -> str:
        """A description of what `undo` would undo; empty if there is nothing."""
        return self._done[-1].text if self._done else ""

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
        self._collection.replace_records(update={"ids": [id], "metadatas": [{key: new}]})
        back = {"ids": [id], "metadatas": [{key: old}]}
        self._done.append(_Change(f"editing {short(key)} of {short(id)}", update=back))
        return True

    def delete(self, ids: Sequence[str]) -> int:
        """Delete records and return how many there were."""
        if not ids:
            raise InvalidArgumentError("Nothing to delete. Select records or move to a row first.")
        removed = self._collection.replace_records(delete=ids).removed
        count = len(removed.ids)
        if count:
            what = short(removed.ids[0]) if count == 1 else f"{count:,} records"
            self._done.append(_Change(f"deleting {what}", restore=removed))
        return count

    def undo(self) -> str:
        """Undo the last change and return a description of it; restored records are appended.

        Raises:
            InvalidArgumentError: There is nothing to undo, or all deleted records have been written again.
            NotFoundError: The record has been deleted since; the next call undoes the change before.
        """
        if not self._done:
            raise InvalidArgumentError("Nothing to undo: nothing has been changed here.")
        change = self._done[-1]
        if change.update is not None:
            try:
                self.read(change.update["ids"][0])
            except NotFoundError:
                self._done.pop()  # otherwise it would block the changes before it
                raise
        gone = [] if change.restore is None else change.restore.ids
        # The store does not overwrite existing records, so one that was written again is not restored.
        taken = len(self._collection.get(ids=list(gone), include=[])["ids"]) if gone else 0
        if taken and taken == len(gone):
            self._done.pop()
            raise InvalidArgumentError(
                f"Cannot undo {change.text}: all of it has been written again since, so there is nothing "
                "left to restore."
            )
        self._collection.replace_records(update=change.update, restore=change.restore)
        self._done.pop()
        return f"{change.text}, except for {taken:,} written again since" if taken else change.text
