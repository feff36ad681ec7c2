"""Writes to the records of a collection, inside a write transaction."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from chromalab.engine import collection_forks
from chromalab.engine.disk import attachments, catalog, records, vectors
from chromalab.engine.disk.catalog import Entry
from chromalab.engine.disk.history import Recorder
from chromalab.engine.opened import Opened
from chromalab.engine.values import (
    Batch,
    Filter,
    OutdatedSchemaError,
    Replacement,
    ReplaceResult,
    Vectors,
    WriteResult,
)
from chromalab.errors import EmbeddingFunctionError, InvalidArgumentError

__all__ = ["append", "delete", "replace", "write"]


def write(
    collection: Opened,
    batch: Batch,
    recorder: Recorder,
    *,
    insert: bool,
    change: bool,
    durable: bool,
) -> WriteResult:
    """Write a batch.

    Args:
        collection: The collection to write to.
        batch: The records.
        recorder: Records what the changes replace.
        insert: Whether to insert new ids.
        change: Whether to change existing ids.
        durable: Whether to wait until the vectors are on the disk, so that a commit refers only to
            rows that are there.
    """
    connection, entry = collection.connection, collection.entry
    known_schema = entry.model.configuration if batch.indexed_for is None else batch.indexed_for
    if known_schema.get("schema") != entry.model.configuration.get("schema"):
        raise OutdatedSchemaError(entry.model)
    if batch.vectors is not None:
        _check_function(collection, batch)
        collection.check_dimension(batch.vectors)
    known = records.locate(connection, entry.number, batch.ids)
    new = [row for row, i in enumerate(batch.ids) if i not in known] if insert else []
    old = [row for row, i in enumerate(batch.ids) if i in known] if change else []
    if not new and not old:
        return WriteResult()
    version = entry.model.version + 1
    slots, dimension = entry.slots, entry.model.dimension
    if batch.vectors is not None:
        moved = new + old
        dimension = batch.vectors.shape[1]
        entry = append(collection, batch.vectors[moved], durable=durable)
        slots += len(moved)
    records.insert(connection, entry.number, batch, new, entry.slots)
    if old:
        chosen = {row: known[batch.ids[row]] for row in old}
        if batch.vectors is not None:
            first = entry.slots + len(new)
            chosen = {
                row: (place, first + offset)
                for offset, (row, (place, _)) in enumerate(chosen.items())
            }
        recorder.changed(records.rewrite(connection, entry.number, version, batch, chosen))
    catalog.record_write(connection, entry.number, dimension, slots)
    return WriteResult(added=len(new), changed=len(old))


def append(collection: Opened, rows: Vectors, *, durable: bool) -> Entry:
    """Append vectors after the committed ones; returns the entry, whose file is then its own.

    Args:
        collection: The collection.
        rows: (n, dimension), float32.
        durable: Whether to wait until they are on the disk.
    """
    entry = collection_forks.own_vectors(collection, durable=durable)
    file = collection.resident.file(entry, rows.shape[1])
    vectors.append(collection.connection, file, rows, after=entry.slots, durable=durable)
    return entry


def delete(collection: Opened, recorder: Recorder, filter: Filter, limit: int | None) -> int:
    """Delete the records that match, in insertion order, at most `limit` of them."""
    chosen = collection.matching(filter, limit)[:limit]
    if len(chosen):
        entry, places = collection.entry, collection.view.places[chosen].tolist()
        connection, version = collection.connection, entry.model.version + 1
        kept_by = recorder.deleted(len(places))
        records.remove(connection, entry.number, version, places, kept_by)
        catalog.record_write(connection, entry.number, entry.model.dimension, entry.slots)
    return len(chosen)


def replace(
    collection: Opened, reopened: Callable[[], Opened], change: Replacement, *, durable: bool
) -> ReplaceResult:
    """Delete and change records in one write transaction.

    The deletions come first, because they are looked up in the view of the last commit, and no view
    is made of uncommitted changes.

    Args:
        collection: The collection before the change.
        reopened: Opens the collection again after a step.
        change: The changes.
        durable: Whether to wait until the vectors are on the disk.

    Raises:
        InvalidArgumentError: The collection is not at the version that the changes were made for.
    """
    now, seen = collection.entry.model, change.version
    if seen is not None and seen != now.version:
        raise InvalidArgumentError(
            f"Collection {now.name!r} has changed since: version {seen}, now {now.version}. "
            "Nothing was written; run the analysis again."
        )
    connection, number = collection.connection, collection.entry.number
    recorder = Recorder(connection, number, change.operation)
    deleted = 0
    if change.delete:
        deleted = delete(collection, recorder, Filter(ids=change.delete), None)
    if change.update is not None:
        write(reopened(), change.update, recorder, insert=False, change=True, durable=durable)
    version = reopened().entry.model.version
    operation = recorder.end(version)
    attached = []
    for attachment in change.attachments:
        body = {**attachment.body, "operation": operation, "version": version}
        row = attachments.as_stored(dataclasses.replace(attachment, body=body))
        attached.append(attachments.insert(connection, number, row, operation))
    return ReplaceResult(deleted, version, operation, tuple(attached))


def _check_function(collection: Opened, batch: Batch) -> None:
    """Reject vectors made by an embedding function that the collection no longer has."""
    now = collection.entry.model.configuration["embedding_function"]
    if batch.made_for is not None and batch.made_for["embedding_function"] != now:
        raise EmbeddingFunctionError(
            f"Collection {collection.entry.model.name!r} was re-embedded with another function "
            "while these documents were being embedded; nothing was written. Run the call again."
        )
