"""The index of a collection, as its user sees it: its recall, and how far it is built."""

from __future__ import annotations

from dataclasses import asdict

from chromalab.arguments.values import check_n_results, check_random_state
from chromalab.engine import RecordTransform
from chromalab.handle import Handle
from chromalab.results.progress import bar
from chromalab.results.reports import IndexingStatus, RecallEstimate
from chromalab.transforms.active import ActiveTransform

__all__ = ["build_index", "get_indexing_status", "pause_index", "recall", "resume_index"]


def recall(
    collection: Handle, sample: int = 200, k: int = 10, random_state: int = 0
) -> RecallEstimate:
    """Measure the recall of the index: the share of the true nearest neighbors that it finds.

    The neighbors of a sample of records are looked up both in the index and by an exact scan. Queries
    that are unlike the records may have a slightly lower recall. If the active transform maps records,
    the mapped records are compared.

    Args:
        collection: The collection to measure.
        sample: Number of records whose neighbors are looked up.
        k: Number of neighbors per record.
        random_state: The seed for the sample.

    Example:
        >>> import chromalab
        >>> points = chromalab.EphemeralClient().create_collection("points", embedding_function=None)
        >>> points.add(ids=["a", "b"], embeddings=[[0, 0], [3, 4]])
        >>> points.recall()
        recall@1 1.000 (exact scan, sample of 2 records)
    """
    sample, k = check_n_results(sample, "sample"), check_n_results(k, "k")
    mapped = _record_transform(collection)
    random_state = check_random_state(random_state)
    found = collection.engine.recall(collection.id, sample, k, random_state, mapped)
    return RecallEstimate(**asdict(found))


def build_index(collection: Handle, *, progress: bool = True) -> None:
    """Bring the index up to date now and wait for it; otherwise that happens in the background.

    A small collection needs no index, because comparing all of its records is faster. If the active
    transform maps records, this builds the index of the mapped records.

    Args:
        collection: The collection to index.
        progress: Show a progress bar after one second.
    """
    with bar(f"index {collection.name}", "row", progress) as on_progress:
        collection.engine.build_index(collection.id, on_progress, _record_transform(collection))


def pause_index(collection: Handle) -> None:
    """Stop building the index in the background until `resume_index` is called.

    The build stops within a fraction of a second, and what is built so far stays in memory, in this
    process. Meanwhile, queries compare the records that the index lacks, so they find all of them. An
    index that is on the disk is loaded nevertheless, and `build_index` builds it while it is paused.
    It is not stored that the index is paused: other processes, and the next one, build it.

    Args:
        collection: The collection.

    Example:
        >>> import chromalab
        >>> notes = chromalab.EphemeralClient().create_collection("notes", embedding_function=None)
        >>> notes.pause_index()
        >>> notes.add(ids=["a", "b"], embeddings=[[0, 0], [3, 4]])
        >>> notes.resume_index()
    """
    collection.engine.pause_index(collection.id)


def resume_index(collection: Handle) -> None:
    """Continue building the index in the background, from where `pause_index` stopped it.

    Args:
        collection: The collection.
    """
    collection.engine.resume_index(collection.id)


def get_indexing_status(collection: Handle) -> IndexingStatus:
    """Return how many of the records the index covers; all, if they are too few to need an index.

    If the active transform maps records, this is the status of the index of the mapped records.

    Example:
        >>> import chromalab
        >>> notes = chromalab.EphemeralClient().create_collection("notes", embedding_function=None)
        >>> notes.add(ids=["a", "b"], embeddings=[[0, 0], [3, 4]])
        >>> notes.get_indexing_status()
        2 of 2 records indexed (100%)
    """
    found = collection.engine.indexing(collection.id, _record_transform(collection))
    share = found.indexed / found.total if found.total else 1.0
    return IndexingStatus(found.indexed, found.total - found.indexed, found.total, share)


def _record_transform(collection: Handle) -> RecordTransform | None:
    active = collection.room(ActiveTransform).current()
    return None if active is None else active.record_transform
