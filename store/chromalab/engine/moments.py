"""A collection at one moment, whole: what a `Snapshot` is made of; and records replaced as one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from chromalab.engine import changes
from chromalab.engine.interface import Filter, Moment, Replaced, Replacement, Rows, Vectors
from chromalab.engine.opened import Opened
from chromalab.errors import InvalidArgumentError

__all__ = ["moment", "replace"]

_EVERYTHING = {"documents", "metadatas", "uris", "embeddings"}


def moment(collection: Opened, filter: Filter, folder: Path) -> Moment:
    """Read the records that match, all at the moment of the transaction.

    Args:
        collection: Of which collection.
        filter: Which records.
        folder: Of the store.
    """
    entry = collection.entry
    positions = collection.matching(filter)
    slots = collection.view.slots[positions]
    cache = folder / "cache" / str(entry.model.id)
    return Moment(
        rows=collection.rows(positions, {"documents", "metadatas"}),
        vectors=_frozen(collection.vectors, slots),
        slots=slots,
        file=entry.file_name,
        version=entry.model.version,
        folder=None if cache.is_symlink() or cache.parent.is_symlink() else cache,
    )


def replace(
    collection: Opened, reopened: Callable[[], Opened], change: Replacement, *, durable: bool
) -> Replaced:
    """Delete, change and insert records in one write transaction.

    What is deleted goes first: it is looked up in the view of the last commit, and no view is made of
    what is not committed yet.

    Args:
        collection: As it is.
        reopened: Opens it again, after a step.
        change: What to do.
        durable: Whether to wait until the vectors are on the disk.

    Raises:
        InvalidArgumentError: the collection is not at the version that was named.
    """
    now, seen = collection.entry.model, change.version
    if seen is not None and seen != now.version:
        raise InvalidArgumentError(
            f"Collection {now.name!r} has changed since: version {seen}, now {now.version}. "
            "Nothing was written; run the analysis again."
        )
    removed = Rows()
    if change.delete:
        filter = Filter(ids=change.delete)
        removed = collection.rows(collection.matching(filter), _EVERYTHING)
        changes.delete(collection, filter, None)
    for batch, insert in ((change.update, False), (change.insert, True)):
        if batch is not None:
            changes.write(reopened(), batch, insert=insert, change=not insert, durable=durable)
    return Replaced(removed, reopened().entry.model.version)


def _frozen(vectors: Vectors, slots: NDArray[np.int64]) -> Vectors:
    """The rows at some slots, read only: a view of the map where they lie side by side."""
    if len(slots) and np.array_equal(slots, np.arange(slots[0], slots[0] + len(slots))):
        return vectors[slots[0] : slots[0] + len(slots)]
    rows = vectors[slots]
    rows.flags.writeable = False
    return rows
