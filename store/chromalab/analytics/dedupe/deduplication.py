"""Deduplication of a collection: duplicates are deleted, marked or merged, and all of it can be undone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal, get_args

import numpy as np

from chromalab.errors import InvalidArgumentError, printable, short
from chromalab.results.tables import count, one_line
from chromalab.snapshot import Snapshot

__all__ = ["MODES", "ApplyResult", "Mode", "UndoResult", "apply_groups", "missing_metadata"]

_SHOWN = 5  # groups or records
_TRIES = 5  # how often an undo is tried while others write

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
        groups: The ids of each group, its representative first: what the numbers count.
        left: The number of duplicates that were left alone, because only one method finds them.
    """

    mode: str
    collection: str
    deleted: int = 0
    marked: int = 0
    merged: int = 0
    dry_run: bool = False
    groups: tuple[tuple[str, ...], ...] = ()
    left: int = 0
    _back: Callable[[], UndoResult] | None = field(default=None)

    def undo(self) -> UndoResult:
        """Restore ids, vectors, documents, metadata and URIs in one transaction.

        Other records may have been written since. A deleted record whose id is in use again, and a value
        that was changed again, stay as they are now, and the result names them. Restored records become
        the newest of the collection.

        Raises:
            InvalidArgumentError: Nothing was done.
        """
        if self._back is None:
            raise InvalidArgumentError("Nothing was done, so there is nothing to undo.")
        return self._back()

    def __repr__(self) -> str:
        counts = {"deleted": self.deleted, "marked": self.marked, "merged": self.merged}
        would = "would be " if self.dry_run else ""
        done = ", ".join(f"{number:,} {would}{verb}" for verb, number in counts.items() if number)
        after = "" if self.dry_run or not done else "; undo() restores them"
        lines = [f"{printable(self.collection)}: {done or 'nothing to do'}{after}"]
        if self.left:
            lines.append(
                f"{count(self.left, 'duplicate')} that only one method finds left alone; "
                "apply(pairs='all') includes them"
            )
        if self.dry_run:
            lines += [
                f"{one_line(rest, 60)} -> {one_line(first, 60)}" for first, rest in self._moves()
            ]
            if len(self.groups) > _SHOWN:
                lines.append(f"{_SHOWN} of {len(self.groups):,} groups shown")
        return "\n".join(lines)

    def _moves(self) -> list[tuple[str, str]]:
        return [(first, ", ".join(rest)) for first, *rest in self.groups[:_SHOWN]]


@dataclass(frozen=True, eq=False, repr=False)
class UndoResult:
    """What `undo` restored.

    Attributes:
        collection: The name of the collection.
        restored: The number of records that are back.
        changed_back: The number of records whose metadata is as before.
        refused: (id, reason) of each record that was left as it is now.
    """

    collection: str
    restored: int = 0
    changed_back: int = 0
    refused: tuple[tuple[str, str], ...] = ()

    def __repr__(self) -> str:
        counts = {"restored": self.restored, "changed back": self.changed_back}
        done = [f"{number:,} {verb}" for verb, number in counts.items() if number]
        if self.refused:
            done.append(f"{len(self.refused):,} left as they are now")
        lines = [f"{printable(self.collection)}: {', '.join(done) or 'nothing to restore'}"]
        lines += [f"{short(id)}: {reason}" for id, reason in self.refused[:_SHOWN]]
        if len(self.refused) > _SHOWN:
            lines.append(f"{_SHOWN} of {len(self.refused):,} shown")
        return "\n".join(lines)


def apply_groups(
    snapshot: Snapshot,
    groups: Sequence[Sequence[int]],
    *,
    mode: Mode = "delete",
    field: str = "duplicate_of",
    dry_run: bool = False,
    left: int = 0,
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
        left: The number of other duplicates, for the result.

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
        groups=tuple(tuple(snapshot.ids[row] for row in group) for group in groups),
        left=left,
    )
    if dry_run or not (delete or changed):
        return result
    done = _write(snapshot.origin, delete=delete, update=update, version=snapshot.version)
    before = {"ids": update["ids"], "metadatas": _values_before(snapshot, update)}
    removed = done.removed
    return replace(result, _back=lambda: _restore(snapshot.origin, removed, before, update))


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


def _restore(
    origin: Any, removed: Any, before: Mapping[str, list[Any]], after: Mapping[str, list[Any]]
) -> UndoResult:
    """Undo `_write` in one transaction, record by record as far as later writes permit."""
    for _ in range(_TRIES):
        version = origin.get_version()
        refused: list[tuple[str, str]] = []
        taken = set(origin.get(ids=list(removed.ids), include=[])["ids"]) if removed.ids else set()
        refused += [
            (id, "a record with this id was written since") for id in removed.ids if id in taken
        ]
        update, changed = _unless_changed(origin, before, after)
        refused += changed
        gone = _rows_without(removed, taken)
        result = UndoResult(origin.name, len(gone.ids), len(update["ids"]), tuple(refused))
        if not (gone.ids or update["ids"]):
            return result
        try:
            origin.replace_records(
                update=update if update["ids"] else None,
                restore=gone if gone.ids else None,
                version=version,
            )
        except InvalidArgumentError:
            if origin.get_version() == version:
                raise
        else:
            return result
    raise InvalidArgumentError("Other writers keep changing the collection. Try again.")


def _unless_changed(
    origin: Any, before: Mapping[str, list[Any]], after: Mapping[str, list[Any]]
) -> tuple[dict[str, list[Any]], list[tuple[str, str]]]:
    """Return what to change back, and the records whose values were changed or deleted since."""
    update: dict[str, list[Any]] = {"ids": [], "metadatas": []}
    refused: list[tuple[str, str]] = []
    if not before["ids"]:
        return update, refused
    got = origin.get(ids=before["ids"], include=["metadatas"])
    now = dict(zip(got["ids"], got["metadatas"], strict=True))
    for id, old, new in zip(before["ids"], before["metadatas"], after["metadatas"], strict=True):
        if id not in now:
            refused.append((id, "the record was deleted since"))
        elif any((now[id] or {}).get(name) != value for name, value in new.items()):
            refused.append((id, "its metadata was changed since"))
        else:
            update["ids"].append(id)
            update["metadatas"].append(old)
    return update, refused


def _rows_without(rows: Any, taken: set[str]) -> Any:
    """Leave out the records whose ids are taken."""
    kept = [at for at, id in enumerate(rows.ids) if id not in taken]
    if len(kept) == len(rows.ids):
        return rows
    parts: dict[str, Any] = {}
    for part in fields(rows):
        values = getattr(rows, part.name)
        if values is not None:
            is_array = isinstance(values, np.ndarray)
            parts[part.name] = values[kept] if is_array else [values[at] for at in kept]
    return replace(rows, **parts)
