"""Which record of a group stays: the oldest, the longest, the one with most metadata, or your choice."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chromalab.errors import InvalidArgumentError, short
from chromalab.snapshot import Snapshot

__all__ = ["KEEP", "Keep", "chosen", "rank_of", "record_of"]

Rows = NDArray[np.int64]
Keep = str | Callable[[list[dict[str, Any]]], int]
"""A rule by name, or a function of a group's records that returns the place of the one to keep."""

KEEP = ("oldest", "longest", "most_metadata")
"""The rules with a name."""


def rank_of(snapshot: Snapshot, keep: str) -> Rows:
    """Return the place of each record in the order in which they are kept, (n,) int64.

    Records that a rule calls equal go by age.
    """
    count = len(snapshot)
    if keep == "longest":
        value = np.array([len(snapshot.document(row)) for row in range(count)], dtype=np.int64)
    elif keep == "most_metadata":
        all_of = snapshot.metadatas if snapshot.metadatas is not None else [None] * count
        value = np.array([len(metadata or ()) for metadata in all_of], dtype=np.int64)
    else:
        value = np.zeros(count, dtype=np.int64)
    rank = np.empty(count, dtype=np.int64)
    rank[np.argsort(-value, kind="stable")] = np.arange(count)
    return rank


def record_of(snapshot: Snapshot, row: int) -> dict[str, Any]:
    """Return what a callable sees of a record: id, document, metadata."""
    metadata = snapshot.metadatas[row] if snapshot.metadatas is not None else None
    return {
        "id": snapshot.ids[row],
        "document": snapshot.documents[row] if snapshot.documents is not None else None,
        "metadata": dict(metadata or {}),
    }


def chosen(snapshot: Snapshot, rows: Sequence[int], keep: Callable[..., Any]) -> int:
    """Ask a callable which of the rows to keep.

    Raises:
        InvalidArgumentError: what it returned is no place in the list that it got.
    """
    answer = keep([record_of(snapshot, row) for row in rows])
    if isinstance(answer, bool) or not isinstance(answer, int | np.integer):
        raise InvalidArgumentError(
            f"keep returned {short(answer)}; it has to return the place of the record to keep, "
            f"0 to {len(rows) - 1}."
        )
    if not 0 <= answer < len(rows):
        raise InvalidArgumentError(
            f"keep returned {short(answer)} for a group of {len(rows)} records; it has to return "
            f"a place from 0 to {len(rows) - 1}."
        )
    return int(rows[int(answer)])
