"""Writes to the records of a collection, inside a write transaction."""

from __future__ import annotations

from chromalab.engine.disk import catalog, collection_forks, pending, records
from chromalab.engine.interface import Batch, Filter, Written
from chromalab.engine.opened import Opened
from chromalab.errors import EmbeddingFunctionError

__all__ = ["delete", "write"]


def write(
    collection: Opened, batch: Batch, *, insert: bool, change: bool, durable: bool
) -> Written:
    """Write a batch.

    Args:
        collection: Where to.
        batch: What.
        insert: Whether ids that are new are inserted.
        change: Whether ids that are there are changed.
        durable: Whether to wait until the vectors are on the disk, so that a commit names only
            rows that are there.
    """
    connection, entry = collection.connection, collection.entry
    if batch.vectors is not None:
        _check_function(collection, batch)
        collection.check_dimension(batch.vectors)
    known = records.locate(connection, entry.number, batch.ids)
    new = [row for row, i in enumerate(batch.ids) if i not in known] if insert else []
    old = [row for row, i in enumerate(batch.ids) if i in known] if change else []
    if not new and not old:
        return Written()
    version = entry.model.version + 1
    slots, dimension = entry.slots, entry.model.dimension
    if batch.vectors is not None:
        moved = new + old
        dimension = batch.vectors.shape[1]
        entry = collection_forks.own_vectors(collection, durable=durable)
        file = collection.resident.file(entry, dimension)
        rows = batch.vectors[moved]
        pending.append(connection, file, rows, after=entry.slots, durable=durable)
        slots += len(moved)
    records.insert(connection, entry.number, batch, new, entry.slots)
    if old:
        chosen = {row: known[batch.ids[row]] for row in old}
        if batch.vectors is not None:
            records.bury(connection, entry.number, version, [slot for _, slot in chosen.values()])
            first = entry.slots + len(new)
            chosen = {
                row: (place, first + offset)
                for offset, (row, (place, _)) in enumerate(chosen.items())
            }
        records.rewrite(connection, entry.number, version, batch, chosen)
    catalog.wrote(connection, entry.number, dimension, slots)
    return Written(added=len(new), changed=len(old))


def delete(collection: Opened, filter: Filter, limit: int | None) -> int:
    """Delete the records that match, in insertion order, at most `limit` of them."""
    chosen = collection.matching(filter, limit)[:limit]
    if len(chosen):
        entry, places = collection.entry, collection.view.places[chosen].tolist()
        records.remove(collection.connection, entry.number, entry.model.version + 1, places)
        catalog.wrote(collection.connection, entry.number, entry.model.dimension, entry.slots)
    return len(chosen)


def _check_function(collection: Opened, batch: Batch) -> None:
    """Refuse vectors of a function that the collection had until a moment ago."""
    now = collection.entry.model.configuration["embedding_function"]
    if batch.made_for is not None and batch.made_for["embedding_function"] != now:
        raise EmbeddingFunctionError(
            f"Collection {collection.entry.model.name!r} was embedded anew, with another function, "
            "while these documents were embedded; nothing was written. Run it again."
        )
