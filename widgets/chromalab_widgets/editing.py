"""Changes that a widget makes to records, each of which can be taken back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chromalab import Collection
from chromalab.engine.values import Rows
from chromalab.errors import InvalidArgumentError, NotFoundError, short
from chromalab_widgets.cells import value_of

__all__ = ["Edits"]


@dataclass(frozen=True)
class _Change:
    """What takes a change back."""

    text: str
    update: Mapping[str, Any] | None = None
    restore: Rows | None = None


class Edits:
    """Edits metadata and deletes records, and remembers how to undo it.

    Args:
        collection: Theirs.
    """

    def __init__(self, collection: Collection) -> None:
        self._collection = collection
        self._done: list[_Change] = []

    @property
    def last(self) -> str:
        """What `undo` would take back, in words; empty for nothing."""
        return self._done[-1].text if self._done else ""

    def read(self, id: str) -> tuple[str | None, dict[str, Any]]:
        """Read the document and the metadata of a record.

        Raises:
            NotFoundError: it is not there, perhaps not any more.
        """
        found = self._collection.get(ids=[id], include=["documents", "metadatas"])
        if not found["ids"]:
            raise NotFoundError(f"No record {short(id)} any more: somebody deleted it.")
        return found["documents"][0], dict(found["metadatas"][0] or {})

    def edit(self, id: str, key: str, text: str, *, kind: str) -> bool:
        """Write a typed value; a blank text deletes the key.

        Args:
            id: Of the record.
            key: Of its metadata.
            text: As it was typed.
            kind: What the column holds, for where no value stood.

        Returns:
            Whether that changed anything.

        Raises:
            InvalidArgumentError: the text is none of the type that stands there, or the store refuses it.
        """
        old = self.read(id)[1].get(key)
        new = value_of(text, old, kind, key)
        if type(new) is type(old) and new == old:
            return False
        self._collection.replace_records(update={"ids": [id], "metadatas": [{key: new}]})
        back = {"ids": [id], "metadatas": [{key: old}]}
        self._done.append(_Change(f"{short(key)} of {short(id)}", update=back))
        return True

    def delete(self, ids: Sequence[str]) -> int:
        """Delete records; says how many there were."""
        if not ids:
            raise InvalidArgumentError("Nothing to delete: select records, or go to one.")
        removed = self._collection.replace_records(delete=ids).removed
        count = len(removed.ids)
        if count:
            said = short(removed.ids[0]) if count == 1 else f"{count:,} records"
            self._done.append(_Change(f"deleting {said}", restore=removed))
        return count

    def undo(self) -> str:
        """Take the last change back, and say in words which it was; records come back at the end.

        Raises:
            InvalidArgumentError: nothing was changed here, or what was deleted was all written anew.
            NotFoundError: the record was deleted since; the next call goes on with the change before.
        """
        if not self._done:
            raise InvalidArgumentError("Nothing to undo: nothing was changed here.")
        change = self._done[-1]
        if change.update is not None:
            try:
                self.read(change.update["ids"][0])
            except NotFoundError:
                self._done.pop()  # or those before it could not be undone, either
                raise
        gone = [] if change.restore is None else change.restore.ids
        # The store keeps a record that is there, so one that was written anew does not come back.
        taken = len(self._collection.get(ids=list(gone), include=[])["ids"]) if gone else 0
        if taken and taken == len(gone):
            self._done.pop()
            raise InvalidArgumentError(
                f"No undo of {change.text}: written anew since, so nothing is left to bring back."
            )
        self._collection.replace_records(update=change.update, restore=change.restore)
        self._done.pop()
        return f"{change.text}, but for {taken:,} written anew since" if taken else change.text
