"""Undo: the records of an operation become again what they were, as far as later writes permit.

A record is restored if it is still as the operation left it, and refused otherwise, so no later write is
lost. One that is already as it was before needs nothing. Vectors are read from the slots that they had and
appended as those of any write, so nothing else in the engine knows of an undo.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from chromalab.engine.disk import attachments, catalog, history, records
from chromalab.engine.disk.history import Kept, Recorder
from chromalab.engine.disk.records import Stored, content_checksum, load, merged, vector_checksums
from chromalab.engine.opened import Opened
from chromalab.engine.values import Undone
from chromalab.engine.writes import append

__all__ = ["undo"]

_TAKEN = "a record with this id was written since"
_CHANGED = "it was changed since"
_DELETED = "it was deleted since"
_DAMAGED = "what was kept of it is damaged"

_States = dict[str, Stored | None]
"""Records by id; None where there is none."""


class _RefusedError(Exception):
    """A record cannot be restored; the message says why."""


def undo(collection: Opened, number: int | None, *, durable: bool) -> Undone:
    """Undo an operation inside a write transaction; see `Engine.undo`."""
    connection, entry = collection.connection, collection.entry
    name, seen = entry.model.name, entry.model.version
    operation = history.find(connection, entry.number, name, number)
    kept = list(history.kept(connection, entry.number, operation.number))
    places, now = _current(collection, (row.before.id for row in kept))
    then, refused = _restored(collection, kept, now)
    details = f": {operation.what}" if operation.undoes is None else ""
    what = f"undo of {operation.number}{details}"
    recorder = Recorder(connection, entry.number, what, undoes=operation.number)
    done = recorder.begin()
    if then:
        _write(collection, places, now, then, recorder, durable=durable)
    version = seen + bool(then)
    recorder.end(version)
    history.mark_undone(connection, operation, done)
    attachments.remove_of(connection, entry.number, operation.number)
    return Undone(operation, done, len(then), tuple(refused.items()), seen, version)


def _current(collection: Opened, ids: Iterable[str]) -> tuple[dict[str, int], _States]:
    """Read the places of records, and the records."""
    connection = collection.connection
    found = records.locate(connection, collection.entry.number, list(dict.fromkeys(ids)))
    places = {id: place for id, (place, _) in found.items()}
    rows = records.fetch(connection, places.values(), Stored._fields)
    return places, {id: Stored(*rows[place]) for id, place in places.items()}


def _restored(
    collection: Opened, kept: Iterable[Kept], now: Mapping[str, Stored | None]
) -> tuple[_States, dict[str, str]]:
    """Return the records that change, as they will be, and why others are refused."""
    then: _States = {}
    refused: dict[str, str] = {}
    for row in kept:
        id = row.before.id
        try:
            then[id] = _before(row, then.get(id, now.get(id)))
        except _RefusedError as error:
            refused[id] = str(error)
    in_order = reversed(then.items())  # records are kept in the order in which they were added
    then = {id: row for id, row in in_order if row != now.get(id) and id not in refused}
    for id in _unreadable(collection, _moved(now, then)):
        refused[id] = _DAMAGED
        del then[id]
    return then, refused


def _before(kept: Kept, now: Stored | None) -> Stored | None:
    """Return what a record was before an operation.

    Args:
        kept: What the operation kept of it.
        now: The record; None if there is none.

    Raises:
        _RefusedError: It is not as the operation left it.
    """
    before = kept.before
    if not kept.is_whole:
        raise _RefusedError(_DAMAGED)
    if kept.kind == "changed":
        if now is None:
            raise _RefusedError(_DELETED)
        return _changed_back(kept, now)
    is_same = now is not None and now[-2:] == before[-2:]  # the checksums
    if kept.kind == "added":
        if now is not None and not is_same:
            raise _RefusedError(_CHANGED)
        return None
    if now is not None and not is_same:
        raise _RefusedError(_TAKEN)
    return now or before


def _changed_back(kept: Kept, now: Stored) -> Stored:
    """Return a record with the parts that an operation changed as before."""
    before, written = kept.before, kept.written
    parts: dict[str, Any] = {}
    for part in ("document", "uri"):
        if part in written and _is_due(getattr(now, part), getattr(before, part), written[part]):
            parts[part] = getattr(before, part)
    if "metadata" in written:
        has, old = load(now.metadata) or {}, load(before.metadata) or {}
        back = {
            key: old.get(key)
            for key, new in written["metadata"].items()
            if _is_due(has.get(key), old.get(key), new)
        }
        if back:
            parts["metadata"] = records.dump(merged(has, back))
    if "vector" in written and _is_due(
        now.vector_checksum, before.vector_checksum, written["vector"]
    ):
        parts |= {"slot": before.slot, "vector_checksum": before.vector_checksum}
    row = now._replace(**parts)
    return row._replace(checksum=content_checksum(row.id, row.document, row.metadata, row.uri))


def _is_due(now: Any, before: Any, written: Any) -> bool:
    """Whether a part has to be changed back.

    Raises:
        _RefusedError: It is neither as before nor as the operation wrote it.
    """
    if repr(now) == repr(before):  # unlike ==, this distinguishes 1, 1.0 and True
        return False
    if repr(now) != repr(written):
        raise _RefusedError(_CHANGED)
    return True


def _moved(now: Mapping[str, Stored | None], then: _States) -> dict[str, Stored]:
    """Return the records whose vectors have to be appended."""
    return {
        id: row
        for id, row in then.items()
        if row is not None and row.slot != getattr(now.get(id), "slot", None)
    }


def _unreadable(collection: Opened, moved: Mapping[str, Stored]) -> list[str]:
    """List the records whose vectors are no longer as they were written."""
    entry = collection.entry
    there = {
        id: row
        for id, row in moved.items()
        if type(row.slot) is int and 0 <= row.slot < entry.slots
    }
    sums = vector_checksums(collection.stored[[row.slot for row in there.values()]])
    whole = {
        id
        for (id, row), found in zip(there.items(), sums, strict=True)
        if row.vector_checksum in (None, found)
    }
    return [id for id in moved if id not in whole]


def _write(
    collection: Opened,
    places: Mapping[str, int],
    now: Mapping[str, Stored | None],
    then: _States,
    recorder: Recorder,
    *,
    durable: bool,
) -> None:
    connection, entry = collection.connection, collection.entry
    number, version = entry.number, entry.model.version + 1
    moved = _moved(now, then)
    if moved:
        vectors = collection.stored[[row.slot for row in moved.values()]]
        append(collection, np.ascontiguousarray(vectors), durable=durable)
        for slot, (id, row) in enumerate(moved.items(), start=entry.slots):
            then[id] = row._replace(slot=slot)
    gone = [places[id] for id, row in then.items() if row is None]
    back = [row for id, row in then.items() if row is not None and now.get(id) is None]
    changes = {
        places[id]: (before, row)
        for id, row in then.items()
        if row is not None and (before := now.get(id)) is not None
    }
    records.remove(connection, number, version, gone, recorder.deleted(len(gone)))
    records.restore(connection, number, back)
    recorder.added(back)
    records.put(connection, number, version, list(changes), list(changes.values()))
    recorder.changed(changes.values())
    catalog.record_write(connection, number, entry.model.dimension, entry.slots + len(moved))
