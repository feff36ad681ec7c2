"""`Points`: what is classified and what it is learned from, as every method sees it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from chromalab.analytics.graph import Graph, graph_of
from chromalab.analytics.graph.copies import unit
from chromalab.analytics.topics.tokens import tokens
from chromalab.snapshot import Snapshot

__all__ = ["Points"]

_NEIGHBORS = 15
_WORDS = 256  # dimensions
_WEIGHT = 0.5  # of the words beside the embedding, whose length is 1
_COUNTED = 5_000  # texts that the words are weighed by


@dataclass(frozen=True, eq=False)
class Points:
    """The records, then the examples.

    Attributes:
        snapshot: The records.
        examples: (e, dimension) float32, of texts that are no records.
        texts: The texts of these.
        random_state: The seed.
        progress: Whether to show a bar while the graph is made.
    """

    snapshot: Snapshot
    examples: NDArray[np.float32]
    texts: Sequence[str] = ()
    random_state: int = 0
    progress: bool = False

    def __len__(self) -> int:
        return len(self.snapshot) + len(self.examples)

    @cached_property
    def vectors(self) -> NDArray[np.float32]:
        """(n + e, dimension) float32 of unit length; zero vectors stay zero."""
        both = self.snapshot.vectors
        if len(self.examples):
            both = np.vstack([both, self.examples])
        return unit(both)[0]

    @cached_property
    def graph(self) -> Graph:
        """The neighbors of all points."""
        of = self.snapshot
        if len(self.examples):
            of = Snapshot.of(np.vstack([of.vectors, self.examples]))
        return graph_of(of, _NEIGHBORS, random_state=self.random_state, progress=self.progress)

    @property
    def has_texts(self) -> bool:
        """Whether most points have words to go by."""
        documents = self.snapshot.documents or ()
        there = sum(bool(text) for text in documents) + len(self.texts)
        return bool(documents) and 2 * there > len(self)

    @cached_property
    def with_words(self) -> NDArray[np.float32]:
        """(n + e, w) float32: the embeddings, and beside them latent dimensions of the words.

        An embedding says what a text is about and little of how it is put; "who", "how many" are what a
        question's kind hangs on. Deerwester, Dumais, Furnas, Landauer, Harshman 1990: latent semantic analysis.
        """
        from sklearn.decomposition import TruncatedSVD
        from sklearn.feature_extraction.text import TfidfVectorizer

        texts = [*map(self.snapshot.document, range(len(self.snapshot))), *self.texts]
        rng = np.random.default_rng(self.random_state)
        counted = np.sort(rng.permutation(len(texts))[:_COUNTED]).tolist()
        weigh = TfidfVectorizer(
            tokenizer=tokens,
            token_pattern=None,
            lowercase=False,
            ngram_range=(1, 2),
            sublinear_tf=True,
            min_df=2,
            dtype=np.float32,
        )
        try:
            matrix = weigh.fit_transform([texts[at] for at in counted])
        except ValueError:  # no word stands in two texts
            return self.vectors
        if min(matrix.shape) < 2:
            return self.vectors
        dimensions = min(_WORDS, min(matrix.shape) - 1)
        with np.errstate(
            invalid="ignore", divide="ignore"
        ):  # of shares that nobody reads, of equal texts
            latent = TruncatedSVD(dimensions, n_iter=3, random_state=0).fit(matrix)
        parts = [
            latent.transform(weigh.transform(texts[at : at + _COUNTED]))
            for at in range(0, len(texts), _COUNTED)
        ]
        words = unit(np.concatenate(parts).astype(np.float32))[0]
        return np.hstack([self.vectors, np.float32(_WEIGHT) * words])
