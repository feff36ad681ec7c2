"""`topics`: name the clusters of texts by their words."""

from __future__ import annotations

from collections.abc import Callable, Collection
from hashlib import blake2b
from typing import Any

from chromalab.analytics.analysis import snapshot_of
from chromalab.analytics.cluster.clustering import cluster
from chromalab.analytics.cluster.clusters import Clusters
from chromalab.analytics.storage import cached
from chromalab.analytics.topics.result import Topics, check_documents, topics_of
from chromalab.errors import InvalidArgumentError, short
from chromalab.types import Where

__all__ = ["topics"]


def topics(
    data: Any,
    clusters: Clusters | None = None,
    *,
    name: Callable[[list[str], list[str]], str] | None = None,
    n_words: int = 10,
    ngrams: tuple[int, int] = (1, 3),
    n_documents: int = 3,
    stop_words: Collection[str] | None = None,
    where: Where | None = None,
    into: str | None = None,
    random_state: int = 0,
    progress: bool = True,
) -> Topics:
    """Name clusters by the words that set them apart from one another.

    Words and phrases are weighted by c-TF-IDF and by their nearness to the center of the cluster; see
    `description`. Function words are found by counting, in any language, and by short lists for ten of
    them. The counts are cached with the snapshot, so another clustering of it is named sooner.

    Args:
        data: A collection or a snapshot with documents; or clusters, in place of `clusters`.
        clusters: The clusters to name; `data.cluster()` by default.
        name: A function that makes a name from a topic's words and its documents. The default is the
            three heaviest words or phrases that do not repeat each other. Names made by a function may be
            equal.
        n_words: Number of words per topic.
        ngrams: Smallest and largest number of adjacent words that count as one term.
        n_documents: Number of representative documents per topic.
        stop_words: Words to leave out.
        where: Analyze only the records that match this filter; not with given clusters.
        into: Write the names of the topics to this metadata field.
        random_state: Seed of the clustering; not with given clusters.
        progress: Show a progress bar after one second.

    Returns:
        The topics, and the topic name of each record.

    Raises:
        InvalidArgumentError: There are no documents, or an argument is invalid.

    Example:
        >>> import chromalab
        >>> facts = chromalab.EphemeralClient().create_collection("facts")
        >>> _ = facts.add_from(chromalab.datasets.load("facts"))
        >>> names = facts.topics(facts.cluster(n_clusters=3)).df()["name"]
        >>> len(names)
        3
    """
    given: Any = data if clusters is None and _is_clustering(data) else clusters
    if given is None:
        snapshot = snapshot_of(data, where)
        check_documents(snapshot)
        given = cluster(snapshot, random_state=random_state, progress=progress)
    elif where is not None or random_state != 0:
        option = "random_state" if where is None else "where"
        raise InvalidArgumentError(
            f"{option} goes with clusters=None, since given clusters are named as they are. Cluster "
            f"with it: cluster({option}=...)."
        )
    if not _is_clustering(given):
        raise InvalidArgumentError(f"clusters must be the result of cluster(); got {short(given)}.")
    options: dict[str, Any] = {
        "name": name,
        "n_words": n_words,
        "ngrams": ngrams,
        "n_documents": n_documents,
        "stop_words": stop_words,
    }
    parts = given.labels.tobytes() + given.probabilities.tobytes()
    digest = blake2b(parts, digest_size=16).hexdigest()
    result = cached(
        Topics, given.snapshot, {**options, "clusters": digest}, lambda: topics_of(given, **options)
    )
    return result if into is None else result.into(into)


def _is_clustering(data: Any) -> bool:
    return hasattr(data, "snapshot") and hasattr(data, "labels")
