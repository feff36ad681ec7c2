"""`history` and `undo`: what was deleted or overwritten in a collection, and how it comes back."""

from __future__ import annotations

from chromalab.arguments.values import check_limit
from chromalab.handle import Handle
from chromalab.results.history import History, UndoResult

__all__ = ["history", "undo"]


def history(collection: Handle) -> History:
    """List what was deleted or overwritten and can be brought back, the latest first.

    Recorded are `delete`, `apply` of duplicates and of reviews, labels, edits and deletions in the table
    widget, `into(overwrite=True)` over values that no analysis wrote, and `add_from(update=True)`. Not
    recorded are `update` and `upsert`, whose callers have the new values at hand and often write in a loop.

    The history is stored with the records: about 10,000 operations and a million records per collection,
    of which the oldest are dropped first. `compact()` and `reembed()` empty it, and a fork starts without
    one.

    Args:
        collection: The collection.

    Returns:
        One row per operation: its number, when it was, what it was, the number of its records, and the
        number of the operation that undid it.

    Example:
        >>> import chromalab
        >>> points = chromalab.EphemeralClient().create_collection("points", embedding_function=None)
        >>> points.add(ids=["a", "b"], embeddings=[[0, 0], [3, 4]])
        >>> _ = points.delete(ids=["a"])
        >>> [(operation.number, operation.what, operation.records) for operation in points.history()]
        [(1, "delete ids ['a']", 1)]
    """
    return History(collection.name, tuple(reversed(collection.engine.history(collection.id))))


def undo(collection: Handle, number: int | None = None) -> UndoResult:
    """Undo an operation of the history: records come back as they were before it.

    This works after a restart, from another process and after other writes, record by record. A record that
    was written since stays as it is now, and so does a new one with the id of a deleted one; the result
    lists them. Restored records become the newest of the collection. An undo is itself an operation:
    undoing it does again what it undid.

    Args:
        collection: The collection.
        number: The number of the operation; the latest that was not undone yet by default.

    Raises:
        NotFoundError: There is nothing to undo, or the history has no such operation.

    Example:
        >>> import chromalab
        >>> points = chromalab.EphemeralClient().create_collection("points", embedding_function=None)
        >>> points.add(ids=["a", "b"], embeddings=[[0, 0], [3, 4]])
        >>> _ = points.delete(ids=["a"])
        >>> points.undo()
        points: 1 restored
        >>> points.count()
        2
    """
    number = check_limit("number", number)
    return UndoResult.of(collection.name, collection.engine.undo(collection.id, number))
