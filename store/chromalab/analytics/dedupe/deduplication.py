"""Deduplication of a collection: duplicates are deleted, marked or merged, and all of it can be undone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, get_args

from chromalab.errors import InvalidArgumentError, printable, short
from chromalab.handle import Handle
from chromalab.history import undo
from chromalab.results.history import UndoResult
from chromalab.results.tables import count, one_line
from chromalab.snapshot import Snapshot

__all__ = ["MODES", "ApplyResult", "Mode", "apply_groups", "missing_metadata"]

_SHOWN = 5  # groups

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
        operation: The number in the history of the collection; None if nothing was done.
    """

    mode: str
    collection: str
    deleted: int = 0
    marked: int = 0
    merged: int = 0
    dry_run: bool = False
    groups: tuple[tuple[str, ...], ...] = ()
    left: int = 0
    operation: int | None = None
    _origin: Handle | None = field(default=None)

    def undo(self) -> UndoResult:
        """Restore the records: the same as `collection.undo(operation)`, which also works after a restart.

        Other records may have been written since. A deleted record whose id is in use again, and a value
        that was changed again, stay as they are now, and the result names them. Restored records become
        the newest of the collection.

        Raises:
            InvalidArgumentError: Nothing was done.
            NotFoundError: It has left the history, as `compact()` was called, for example.
        """
        if self._origin is None or self.operation is None:
            raise InvalidArgumentError("Nothing was done, so there is nothing to undo.")
        return undo(self._origin, self.operation)

    def __repr__(self) -> str:
        done = _counts(self)
        after = ""
        if self.operation is not None:
            after = f"; undo() or %chroma undo {printable(self.collection)} {self.operation} restores them"
        lines = [f"{printable(self.collection)}: {done or 'nothing to do'}{after}"]
        if self.left:
            lines.append(
                f"{count(self.left, 'duplicate')} that only one method finds left alone; "
                "apply(pairs='all'), or --pairs all, includes them"
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
    done = snapshot.origin.replace_records(
        delete=delete,
        update=update,
        version=snapshot.version,
        operation=f"duplicates: {_counts(result)}",
    )
    return replace(result, operation=done.operation, _origin=snapshot.origin)


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


def _counts(result: ApplyResult) -> str:
    """Say what was or would be done to how many records."""
    counts = {"deleted": result.deleted, "marked": result.marked, "merged": result.merged}
    would = "would be " if result.dry_run else ""
    return ", ".join(f"{number:,} {would}{verb}" for verb, number in counts.items() if number)
