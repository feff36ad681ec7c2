"""The part of `Collection` that analyses it: each method is one call into `chromalab.analytics`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chromalab import analytics
from chromalab.analytics import (
    Duplicates,
    Leakage,
    Links,
    Projection,
)
from chromalab.labelling import Labelled
from chromalab.types import Where

__all__ = ["Analysed"]


class Analysed(Labelled):
    """The analyses. All start from one graph of neighbours, which is kept beside the store.

    A result is kept, too: the same question about the same records is answered at once. `where` asks
    about the records that match; `into` writes the answer to their metadata, in one transaction.
    """

    neighbors = analytics.neighbors
    cluster = analytics.cluster
    topics = analytics.topics
    outliers = analytics.outliers

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
