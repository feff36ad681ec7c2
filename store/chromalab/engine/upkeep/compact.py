"""Compaction: copies the live rows of a collection, in insertion order, to a new generation.

It also empties the history, which needs the other rows.

Rows are copied outside of a transaction, so writers can continue. What they wrote is copied
afterwards, at the end inside the write transaction that switches to the new file.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from chromalab.engine.disk import history
from chromalab.engine.disk.catalog import Entry
from chromalab.engine.disk.view import View
from chromalab.engine.opened import Opened
from chromalab.engine.upkeep.generations import Access, Draft, switch_to
from chromalab.engine.values import Progress, RewriteResult, Vectors

__all__ = ["compact"]

_BLOCK_BYTES = 2**23
_FEW = 4096  # rows that may be copied while writers wait
_ROUNDS = 10


@dataclass(frozen=True)
class _State:
    entry: Entry
    view: View
    vectors: Vectors


def compact(access: Access, id: UUID, progress: Progress) -> RewriteResult:
    """Reclaim the space of dead rows; see `Collection.compact`."""
    while True:
        state = access.read(id, _state)
        before = state.entry.slots
        if before == len(state.view.slots):
            return _result(state.entry, before, before, _forget(access, id))
        done = _attempt(access, id, state, progress)
        if done is not None:
            return done


def _attempt(access: Access, id: UUID, state: _State, progress: Progress) -> RewriteResult | None:
    """Compact once; None if another process switched to a new file in the meantime."""
    first, durable = state.entry, access.durable
    with Draft.writing(access.folder, id, first.generation + 1) as draft:
        moved = np.full(0, -1, dtype=np.int64)
        for _ in range(_ROUNDS):
            moved = _copy(state, moved, draft, progress)
            state = access.read(id, _state)
            if state.entry.file_name != first.file_name:
                return None
            if state.entry.slots - len(moved) <= _FEW:
                break
        draft.sync(durable=durable)  # most of the data, before writers have to wait
        with access.rewrite(id) as collection:
            state = _state(collection)
            if state.entry.file_name != first.file_name:
                return None
            moved = _copy(state, moved, draft, progress)
            slots, places = state.view.slots, state.view.places
            elsewhere = moved[slots] != slots
            operations = switch_to(
                collection,
                draft,
                (
                    (slot, None, place)
                    for slot, place in zip(
                        moved[slots[elsewhere]].tolist(), places[elsewhere].tolist(), strict=True
                    )
                ),
                durable=durable,
            )
        return _result(state.entry, state.entry.slots, draft.rows, operations)


def _forget(access: Access, id: UUID) -> int:
    """Empty the history where no row is dead; returns the number of operations."""
    if not access.read(id, lambda found: history.count(found.connection, found.entry.number)):
        return 0
    with access.rewrite(id) as collection:
        return history.clear(collection.connection, collection.entry.number)


def _copy(
    state: _State, moved: NDArray[np.int64], draft: Draft, progress: Progress
) -> NDArray[np.int64]:
    """Copy the live rows that have not been copied yet.

    Args:
        state: The current version.
        moved: (slots seen before,) the new slot of each; -1 if it was not live.
        draft: The file to copy to.
        progress: Receives the rows copied and the total.

    Returns:
        (committed slots,) the new slot of each.
    """
    live = state.view.slots[state.view.slots >= len(moved)]
    all_moved = np.full(state.entry.slots, -1, dtype=np.int64)
    all_moved[: len(moved)] = moved
    all_moved[live] = np.arange(draft.rows, draft.rows + len(live))
    block = max(1, _BLOCK_BYTES // max(1, state.vectors.shape[1] * 4))
    for start in range(0, len(live), block):
        rows = live[start : start + block]
        draft.append(state.vectors[rows])
        progress(draft.rows, draft.rows + len(live) - start - len(rows))
    return all_moved


def _state(collection: Opened) -> _State:
    return _State(collection.entry, collection.view, collection.vectors)


def _result(entry: Entry, before: int, after: int, operations: int) -> RewriteResult:
    width = 4 * (entry.model.dimension or 0)
    return RewriteResult(before, after, before * width, after * width, operations)
