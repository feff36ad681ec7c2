"""Deduplication of a collection: duplicates are deleted, marked or merged, and all of it can be undone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, get_args

from chromalab.errors import InvalidArgumentError, printable, short
from chromalab.snapshot import Snapshot

__all__ = ["MODES", "ApplyResult", "Mode", "apply_groups", "missing_metadata"]

Mode = Literal["delete", "mark", "merge"]
MODES: tuple[Mode, ...] = get_args(Mode)
"""What can be done with duplicates."""


@dataclass(frozen=True, eq=False, repr=False)
class ApplyResult:
    """What was done to a collection, and how to undo it.

    Attributes:
        mode: "delete", "mark" or "merge".
        collection: The name of the collection.
        deleted: The number of deleted records.
        marked: The number of records that were given the id of their representative.
        merged: The number of representatives that were given metadata of their duplicates.
        dry_run: Whether the numbers only say what would be done.
    """

    mode: str
    collection: str
    deleted: int = 0
    marked: int = 0
    merged: int = 0
    dry_run: bool = False
    _back: Callable[[], Any] | None = field(default=None)

    def undo(self) -> None:
        """Restore ids, vectors, documents, metadata and URIs in one transaction.

        Restored records become the newest of the collection.

        Raises:
            InvalidArgumentError: Nothing was done.
            ChromalabError: The collection has changed since.
        """
        if self._back is None:
            raise InvalidArgumentError("Nothing was done, so there is nothing to undo.")
        self._back()

    def __repr__(self) -> str:
        counts = {"deleted": self.deleted, "marked": self.marked, "merged": self.merged}
        would = "would be " if self.dry_run else ""
        done = ", ".join(f"{count:,} {would}{verb}" for verb, count in counts.items() if count)
        after = "" if self.dry_run or not done else "; undo() restores them"
        return f"{printable(self.collection)}: {done or 'nothing to do'}{after}"


def apply_groups(
    snapshot: Snapshot,
    groups: Sequence[Sequence[int]],
    *,
    mode: Mode = "delete",
    field: str = "duplicate_of",
    dry_run: bool = False,
) -> ApplyResult:
    """Deduplicate the collection of a snapshot in one transaction.

    Args:
        snapshot: The records in which the groups were found.
        groups: Rows of the snapshot, with the representative of each group first.
        mode: "delete" deletes all but the representatives. "mark" writes the id of the representative
            to the metadata of its duplicates. "merge" gives the representative the metadata that it
            lacks and its duplicates have, and deletes the duplicates.
        field: The metadata field for "mark".
        dry_run: Only count.

    Raises:
        InvalidArgumentError: The mode is unknown, the records do not belong to a collection that can
            be written to, or the collection has changed since.
    """
    if mode not in MODES:
        raise InvalidArgumentError(f"mode must be one of {', '.join(MODES)}; got {short(mode)}.")
    if not isinstance(field, str) or not field:
        raise InvalidArgumentError(
            f"field must be the name of a metadata field; got {short(field)}."
        )
    if not hasattr(snapshot.origin, "replace_records"):
        raise InvalidArgumentError(
            "apply needs records of a chromalab collection, and these are not. Use `duplicate_ids` to "
            "leave the duplicates out."
        )
    if snapshot.is_stale:
        raise InvalidArgumentError(
            f"The collection {short(snapshot.name)} has changed since its duplicates were detected, so "
            "they may be out of date. Run dedupe() again."
        )
    others = [row for group in groups for row in group[1:]]
    delete = [snapshot.ids[row] for row in others] if mode != "mark" else []
    update: dict[str, list[Any]] = {"ids": [], "metadatas": []}
    for representative, *rest in groups:
        if mode == "mark":
            update["ids"] += [snapshot.ids[row] for row in rest]
            update["metadatas"] += [{field: snapshot.ids[representative]}] * len(rest)
        elif mode == "merge" and (gained := missing_metadata(snapshot, representative, rest)):
            update["ids"].append(snapshot.ids[representative])
            update["metadatas"].append(gained)
    changed = len(update["ids"])
    result = ApplyResult(
        mode,
        snapshot.name,
        deleted=len(delete),
        marked=changed if mode == "mark" else 0,
        merged=changed if mode == "merge" else 0,
        dry_run=dry_run,
    )
    if dry_run or not (delete or changed):
        return result
    done = _write(snapshot.origin, delete=delete, update=update, version=snapshot.version)
    before = {"ids": update["ids"], "metadatas": _values_before(snapshot, update)}
    return replace(result, _back=lambda: _restore(snapshot.origin, done, before))


def missing_metadata(
    snapshot: Snapshot, representative: int, rest: Sequence[int]
) -> dict[str, Any]:
    """Return the metadata that a representative lacks; each value is from the first row that has it."""
    if snapshot.metadatas is None:
        return {}
    own = snapshot.metadatas[representative] or {}
    gained: dict[str, Any] = {}
    for row in rest:
        for name, value in (snapshot.metadatas[row] or {}).items():
            if name not in own and value is not None:
                gained.setdefault(name, value)
    return gained


def _values_before(snapshot: Snapshot, update: Mapping[str, list[Any]]) -> list[dict[str, Any]]:
    """Return the values that an update overwrites; None where there was no value."""
    row_of = {id: row for row, id in enumerate(snapshot.ids)}
    before = []
    for id, gained in zip(update["ids"], update["metadatas"], strict=True):
        own = (snapshot.metadatas[row_of[id]] if snapshot.metadatas else None) or {}
        before.append({name: own.get(name) for name in gained})
    return before


def _write(
    origin: Any, *, delete: list[str], update: Mapping[str, list[Any]], version: int | None
) -> Any:
    """Change a collection in one transaction if it is still at the given version.

    Args:
        origin: A collection with `replace_records`. That compares the version inside the transaction,
            because another process may write between a check and a write. It also merges metadata
            field by field; a value of None deletes a field.
        delete: Ids.
        update: `ids` and `metadatas`.
        version: The version of the collection that the change was made for.

    Returns:
        `removed`, all parts of the deleted records, and `version`, the new version of the collection.
    """
    return origin.replace_records(
        delete=delete, update=update if update["ids"] else None, version=version
    )


def _restore(origin: Any, done: Any, before: Mapping[str, list[Any]]) -> None:
    """Undo `_write` in one transaction if nothing was written since."""
    origin.replace_records(
        update=before if before["ids"] else None, restore=done.removed, version=done.version
    )
