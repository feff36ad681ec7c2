"""Duplicates taken out of the collection they were found in, marked, or merged; and back again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from chromalab.errors import InvalidArgumentError, printable, short
from chromalab.snapshot import Snapshot

__all__ = ["MODES", "Applied", "apply_groups", "lacking"]

MODES = ("delete", "mark", "merge")


@dataclass(frozen=True, eq=False, repr=False)
class Applied:
    """What was done to a collection, and the way back.

    Attributes:
        mode: "delete", "mark" or "merge".
        collection: Its name.
        deleted: How many records were deleted.
        marked: How many got the key that names their keeper.
        merged: How many keepers got metadata of their duplicates.
        dry_run: Whether this only counts what would be done.
    """

    mode: str
    collection: str
    deleted: int = 0
    marked: int = 0
    merged: int = 0
    dry_run: bool = False
    _back: Callable[[], Any] | None = field(default=None)

    def undo(self) -> None:
        """Put everything back: ids, vectors, documents, metadata and URIs, in one transaction.

        Records come back as the newest of the collection.

        Raises:
            InvalidArgumentError: nothing was done.
            ChromalabError: the collection has changed since.
        """
        if self._back is None:
            raise InvalidArgumentError("Nothing was done, so there is nothing to undo.")
        self._back()

    def __repr__(self) -> str:
        counts = {"deleted": self.deleted, "marked": self.marked, "merged": self.merged}
        would = "would be " if self.dry_run else ""
        told = ", ".join(f"{count:,} {would}{verb}" for verb, count in counts.items() if count)
        after = "" if self.dry_run or not told else "; undo() puts them back"
        return f"{printable(self.collection)}: {told or 'nothing to do'}{after}"


def apply_groups(
    snapshot: Snapshot,
    groups: Sequence[Sequence[int]],
    *,
    mode: str = "delete",
    key: str = "duplicate_of",
    dry_run: bool = False,
) -> Applied:
    """Do to the collection what the groups say, in one transaction.

    Args:
        snapshot: What the groups were found in.
        groups: Rows of it, the keeper first.
        mode: "delete" all but the keepers; "mark" them with the keeper's id in their metadata;
            "merge": give the keeper what metadata it lacks and the others have, and delete these.
        key: The metadata key for "mark".
        dry_run: Only count.

    Raises:
        InvalidArgumentError: there is no such mode; the records are of no collection, or of one
            that this cannot write to; or the collection has changed since.
    """
    if mode not in MODES:
        raise InvalidArgumentError(f"mode is one of {', '.join(MODES)}; found {short(mode)}.")
    if not isinstance(key, str) or not key:
        raise InvalidArgumentError(f"key is the name of a metadata key; found {short(key)}.")
    if not hasattr(snapshot.origin, "replace_records"):
        raise InvalidArgumentError(
            "There is nothing to apply to: the records are not of a collection of chromalab. "
            "Use `duplicate_ids` to leave them out."
        )
    if snapshot.is_stale:
        raise InvalidArgumentError(
            f"The collection {short(snapshot.name)} has changed since its duplicates were looked "
            "for, so what was found may no longer hold: run dedupe() again."
        )
    others = [row for group in groups for row in group[1:]]
    delete = [snapshot.ids[row] for row in others] if mode != "mark" else []
    update: dict[str, list[Any]] = {"ids": [], "metadatas": []}
    for keeper, *rest in groups:
        if mode == "mark":
            update["ids"] += [snapshot.ids[row] for row in rest]
            update["metadatas"] += [{key: snapshot.ids[keeper]}] * len(rest)
        elif mode == "merge" and (gained := lacking(snapshot, keeper, rest)):
            update["ids"].append(snapshot.ids[keeper])
            update["metadatas"].append(gained)
    changed = len(update["ids"])
    applied = Applied(
        mode,
        snapshot.name,
        deleted=len(delete),
        marked=changed if mode == "mark" else 0,
        merged=changed if mode == "merge" else 0,
        dry_run=dry_run,
    )
    if dry_run or not (delete or changed):
        return applied
    done = _write(snapshot.origin, delete=delete, update=update, version=snapshot.version)
    before = {"ids": update["ids"], "metadatas": _before(snapshot, update)}
    return replace(applied, _back=lambda: _restore(snapshot.origin, done, before))


def _before(snapshot: Snapshot, update: Mapping[str, list[Any]]) -> list[dict[str, Any]]:
    """Return the values that an update changes as they were, None where there was none."""
    row_of = {identity: row for row, identity in enumerate(snapshot.ids)}
    before = []
    for identity, gained in zip(update["ids"], update["metadatas"], strict=True):
        has = (snapshot.metadatas[row_of[identity]] if snapshot.metadatas else None) or {}
        before.append({key: has.get(key) for key in gained})
    return before


def lacking(snapshot: Snapshot, keeper: int, rest: Sequence[int]) -> dict[str, Any]:
    """Return the metadata the keeper lacks, of the first that has it."""
    if snapshot.metadatas is None:
        return {}
    has = snapshot.metadatas[keeper] or {}
    gained: dict[str, Any] = {}
    for row in rest:
        for key, value in (snapshot.metadatas[row] or {}).items():
            if key not in has and value is not None:
                gained.setdefault(key, value)
    return gained


def _write(
    origin: Any, *, delete: list[str], update: Mapping[str, list[Any]], version: int | None
) -> Any:
    """Change a collection in one transaction, if it still has the version.

    Args:
        origin: A collection with `replace_records`, which looks at the version inside the
            transaction, as another process may write between a look and a write; deletes; and
            merges metadata key by key, where None deletes a key.
        delete: Ids.
        update: ids and metadatas.
        version: Of the collection that this was decided on.

    Returns:
        `removed`, all parts of the deleted records, and `version`, the collection's after it.
    """
    return origin.replace_records(
        delete=delete, update=update if update["ids"] else None, version=version
    )


def _restore(origin: Any, done: Any, before: Mapping[str, list[Any]]) -> None:
    """Put back what `_write` changed, in one transaction, if nothing was written since."""
    origin.replace_records(
        update=before if before["ids"] else None, restore=done.removed, version=done.version
    )
