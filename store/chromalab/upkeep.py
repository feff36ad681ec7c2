"""`compact` and `reembed`: rewriting the vectors of a collection, without dead rows or by another model."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from chromalab.arguments.values import check_batch_rows
from chromalab.embed import EmbeddingFunction, embed_documents, name_of, to_config
from chromalab.errors import InvalidArgumentError, short
from chromalab.handle import Handle
from chromalab.results.progress import bar
from chromalab.results.reports import CompactResult, ReembedResult

__all__ = ["compact", "reembed"]


def compact(collection: Handle, *, progress: bool = True) -> CompactResult:
    """Reclaim the space used by vectors that no record has anymore, and by what can still be undone.

    This empties the history: what was deleted is gone, and `undo` cannot restore it anymore.

    A delete, or an update of an embedding, leaves the old vector in its file. This writes the other
    vectors to a new file, in the order of insertion. Readers and writers go on in the meantime; after a
    crash either the old file or the new one is there, complete. There must be room for both.

    Args:
        collection: The collection to compact.
        progress: Show a progress bar after one second.

    Returns:
        Rows and bytes of vectors before and after, and how many operations can no longer be undone.

    Example:
        >>> import chromalab
        >>> points = chromalab.EphemeralClient().create_collection("points", embedding_function=None)
        >>> points.add(ids=["a", "b", "c"], embeddings=[[0, 0], [3, 4], [5, 6]])
        >>> _ = points.delete(ids=["b"])
        >>> points.compact()
        points: 1 dead row removed, 0.0 -> 0.0 MB; 1 operation can no longer be undone
    """
    with bar(f"compact {collection.name}", "row", progress) as on_progress:
        done = collection.engine.compact(collection.id, on_progress)
    return CompactResult(collection.name, **asdict(done))


def reembed(
    collection: Handle,
    embedding_function: EmbeddingFunction[Any],
    *,
    batch_size: int = 128,
    progress: bool = True,
) -> ReembedResult:
    """Re-embed every document with another function, which becomes the collection's own.

    Queries use the old embeddings until all new ones are ready; then all change at once. Records that
    are written in the meantime are embedded too. An interrupt or an error leaves the collection as it
    was. The new embeddings may have another dimension; the distance stays the same. The history is
    emptied, as the embeddings of deleted records cannot be used anymore.

    Args:
        collection: The collection to re-embed.
        embedding_function: The new embedding function.
        batch_size: Number of documents to embed at a time.
        progress: Show a progress bar after one second.

    Returns:
        Rows and bytes of vectors before and after, and the name of the model.

    Raises:
        InvalidArgumentError: A record has no document; nothing was embedded.
        EmbeddingFunctionError: The function cannot be stored, or its output cannot be used.

    Example:
        >>> import chromalab
        >>> from chromalab.embed import WordLlama
        >>> notes = chromalab.EphemeralClient().create_collection("notes")
        >>> notes.add(ids=["a"], documents=["tea is a drink"])
        >>> notes.reembed(WordLlama())
        notes: 1 record embedded with wordllama, 0.0 -> 0.0 MB
    """
    if not callable(embedding_function):
        raise InvalidArgumentError(
            f"embedding_function must be callable with texts; got {short(embedding_function)}. Pass a "
            "function such as chromalab.embed.MiniLM()."
        )
    batch_size = check_batch_rows(batch_size)
    stored = to_config(embedding_function)
    with bar(f"embed {collection.name}", "rec", progress) as on_progress:
        done = collection.engine.reembed(
            collection.id,
            lambda texts: embed_documents(embedding_function, texts),
            stored,
            batch_size,
            on_progress,
        )
    collection.use_embedding_function(embedding_function)
    model = name_of(embedding_function) or type(embedding_function).__name__
    return ReembedResult(collection.name, **asdict(done), model=model)
