"""The part of `Collection` that analyses it: each method is one call into `chromalab.analytics`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chromalab import analytics
from chromalab.analytics import (
    Clusters,
    Duplicates,
    Leakage,
    Links,
    Neighbors,
    Outliers,
    Projection,
    Topics,
)
from chromalab.analytics.stored import remembered
from chromalab.labelling import Labelled
from chromalab.types import Where

__all__ = ["Analysed"]


class Analysed(Labelled):
    """The analyses. All start from one graph of neighbours, which is kept beside the store.

    A result is kept, too: the same question about the same records is answered at once. `where` asks
    about the records that match; `into` writes the answer to their metadata, in one transaction.
    """

    def neighbors(
        self,
        k: int = 15,
        *,
        where: Where | None = None,
        into: str | None = None,
        random_state: int = 0,
        progress: bool = True,
    ) -> Neighbors:
        """Find the nearest others of every record; see `chromalab.analytics.neighbors`.

        Example:
            >>> import chromalab
            >>> points = chromalab.EphemeralClient().create_collection("points", embedding_function=None)
            >>> points.add(ids=["a", "b", "c"], embeddings=[[1, 0], [1, 0.1], [0, 1]])
            >>> points.neighbors(k=1).of("c")
            [('b', 0.9004...)]
        """
        found = analytics.neighbors(
            self.snapshot(where), k=k, random_state=random_state, progress=progress
        )
        return found if into is None else found.into(into)

    def cluster(
        self,
        method: str = "auto",
        *,
        n_clusters: int | None = None,
        resolution: float | None = None,
        min_cluster_size: int | None = None,
        min_samples: int | None = None,
        leaf: bool = False,
        noise: float | None = None,
        previous: Clusters | None = None,
        where: Where | None = None,
        into: str | None = None,
        random_state: int = 0,
        progress: bool = True,
    ) -> Clusters:
        """Group the records by their embeddings; see `chromalab.analytics.cluster`.

        Example:
            >>> import chromalab, numpy as np
            >>> points = chromalab.EphemeralClient().create_collection("points", embedding_function=None)
            >>> rows = np.repeat(np.eye(2), 30, axis=0) + np.random.default_rng(0).normal(0, 0.1, (60, 2))
            >>> points.add(ids=[str(i) for i in range(60)], embeddings=rows)
            >>> points.cluster(n_clusters=2, into="group").sizes.tolist()
            [30, 30]
            >>> points.get(ids=["0"])["metadatas"]
            [{'group': 0}]
        """
        options = {
            "method": method,
            "n_clusters": n_clusters,
            "resolution": resolution,
            "min_cluster_size": min_cluster_size,
            "min_samples": min_samples,
            "leaf": leaf,
            "noise": noise,
            "previous": previous,
            "random_state": random_state,
        }
        return self._analysed(Clusters, analytics.cluster, options, where, into, progress)

    def topics(
        self,
        clusters: Clusters | None = None,
        *,
        name: Callable[[list[str], list[str]], str] | None = None,
        n_words: int = 10,
        ngrams: tuple[int, int] = (1, 2),
        n_documents: int = 3,
        stop_words: Sequence[str] | None = None,
        where: Where | None = None,
        into: str | None = None,
        progress: bool = True,
    ) -> Topics:
        """Name clusters by the words that set them apart; those of `cluster()`, unless others are given.

        See `chromalab.analytics.topics`.

        Example:
            >>> import chromalab
            >>> facts = chromalab.EphemeralClient().create_collection("facts")
            >>> _ = facts.add_from(chromalab.datasets.load("facts"))
            >>> names = facts.topics(facts.cluster(n_clusters=3)).df()["name"]
            >>> len(names)
            3
        """
        found = self.cluster(where=where, progress=progress) if clusters is None else clusters
        options: dict[str, Any] = {
            "name": name,
            "n_words": n_words,
            "ngrams": ngrams,
            "n_documents": n_documents,
            "stop_words": stop_words,
        }
        given = {name: value for name, value in options.items() if value is not None}
        if not isinstance(found, Clusters):
            return analytics.topics(found, **given)  # which says what it takes
        parts = blake2b(found.labels.tobytes() + found.probabilities.tobytes(), digest_size=16)
        made = remembered(
            Topics,
            found.snapshot,
            {**given, "clusters": parts.hexdigest()},
            lambda: analytics.topics(found, **given),
        )
        return made if into is None else made.into(into)

    def dedupe(
        self,
        *,
        methods: Sequence[str] = ("exact", "near", "semantic"),
        threshold: float | None = None,
        jaccard: float | None = None,
        keep: Any = "oldest",
        where: Where | None = None,
        into: str | None = None,
        random_state: int = 0,
        progress: bool = True,
    ) -> Duplicates:
        """Find records that say the same; nothing is deleted. See `chromalab.analytics.dedupe`.

        Example:
            >>> import chromalab
            >>> notes = chromalab.EphemeralClient().create_collection("notes")
            >>> notes.add(ids=["a", "b", "c"], documents=["Tea is hot.", "tea is  hot", "Chalk is soft."])
            >>> found = notes.dedupe()
            >>> found.groups()
            [['a', 'b']]
            >>> done = found.apply()
            >>> notes.count()
            2
            >>> _ = done.undo()
            >>> notes.count()
            3
        """
        options = {
            "methods": list(methods) if not isinstance(methods, str) else methods,
            "threshold": threshold,
            "jaccard": jaccard,
            "keep": keep,
            "random_state": random_state,
        }
        return self._analysed(Duplicates, analytics.dedupe, options, where, into, progress)

    def link(self, other: Any, *, threshold: float | None = None, progress: bool = True) -> Links:
        """Match the records of this collection with those of another; see `chromalab.analytics.link`.

        Example:
            >>> import chromalab
            >>> client = chromalab.EphemeralClient()
            >>> ours, theirs = client.create_collection("ours"), client.create_collection("theirs")
            >>> ours.add(ids=["a", "b"], documents=["Sony WH-1000 headphones", "LG dishwasher white"])
            >>> theirs.add(ids=["x", "y"], documents=["dishwasher LG, white", "headphones Sony WH-1000"])
            >>> ours.link(theirs).pairs
            [('a', 'y'), ('b', 'x')]
        """
        return analytics.link(self, other, threshold=threshold, progress=progress)

    def leakage(
        self, test: Any, *, threshold: float | None = None, progress: bool = True
    ) -> Leakage:
        """Find the records of a test set that are in this collection; see `chromalab.analytics.leakage`.

        Example:
            >>> import chromalab
            >>> client = chromalab.EphemeralClient()
            >>> train, test = client.create_collection("train"), client.create_collection("test")
            >>> train.add(ids=["a", "b"], documents=["Tea is hot.", "Chalk is soft."])
            >>> test.add(ids=["x", "y"], documents=["tea is  hot", "Lead is heavy."])
            >>> train.leakage(test).leaked_ids
            ['x']
        """
        return analytics.leakage(self, test, threshold=threshold, progress=progress)

    def outliers(
        self,
        method: str = "distance",
        *,
        k: int = 10,
        share: float | None = None,
        threshold: float | None = None,
        copies: bool = False,
        where: Where | None = None,
        into: str | None = None,
        random_state: int = 0,
        progress: bool = True,
    ) -> Outliers:
        """Score every record by how far it is from the others; see `chromalab.analytics.outliers`.

        Example:
            >>> import chromalab
            >>> facts = chromalab.EphemeralClient().create_collection("facts")
            >>> _ = facts.add_from(chromalab.datasets.load("facts"))
            >>> facts.add(ids=["odd"], documents=["lorem ipsum dolor sit amet"])
            >>> facts.outliers().df()["id"][0]
            'odd'
        """
        options = {
            "method": method,
            "k": k,
            "share": share,
            "threshold": threshold,
            "copies": copies,
            "random_state": random_state,
        }
        return self._analysed(Outliers, analytics.outliers, options, where, into, progress)

    def project(
        self,
        method: str = "umap",
        *,
        dims: int = 2,
        n_neighbors: int = 15,
        min_dist: float = 0.1,
        perplexity: float = 10.0,
        epochs: int | None = None,
        align_to: Projection | None = None,
        on_frame: Callable[[NDArray[np.float32], int, int], None] | None = None,
        where: Where | None = None,
        into: str | None = None,
        random_state: int = 0,
        progress: bool = True,
    ) -> Projection:
        """Lay the records out on a map; see `chromalab.analytics.project`.

        Example:
            >>> import chromalab
            >>> points = chromalab.EphemeralClient().create_collection("points", embedding_function=None)
            >>> points.add(ids=["a", "b", "c"], embeddings=[[1, 0, 0], [1, 0.1, 0], [0, 1, 0]])
            >>> points.project("pca").coordinates.shape
            (3, 2)
        """
        options = {
            "method": method,
            "dims": dims,
            "n_neighbors": n_neighbors,
            "min_dist": min_dist,
            "perplexity": perplexity,
            "epochs": epochs,
            "align_to": align_to,
            "on_frame": on_frame,
            "random_state": random_state,
        }
        return self._analysed(Projection, analytics.project, options, where, into, progress)
