"""`Points`: the records and examples, in the form in which every method sees them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from chromalab.analytics.graph import NeighborGraph, graph_of
from chromalab.analytics.graph.distinct_vectors import unit
from chromalab.analytics.topics.tokens import tokens
from chromalab.snapshot import Snapshot

__all__ = ["Points"]

_NEIGHBORS = 15
_WORD_DIMENSIONS = 256
_WORD_WEIGHT = 0.5  # the length of the word vector; that of the embedding is 1
_BLOCK = 5_000  # texts from which the word weights are computed, and texts processed at a time


@dataclass(frozen=True, eq=False)
class Points:
    """The records, followed by the examples.

    Attributes:
        snapshot: The records.
        examples: (e, dimension) float32, the vectors of example texts that are not records.
        texts: The example texts.
        random_state: The seed.
        progress: Whether to show a progress bar while the neighbor graph is built.
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
    def graph(self) -> NeighborGraph:
        """The neighbor graph of all points."""
        of = self.snapshot
        if len(self.examples):
            of = Snapshot.of(np.vstack([of.vectors, self.examples]))
        return graph_of(of, _NEIGHBORS, random_state=self.random_state, progress=self.progress)

    @property
    def has_texts(self) -> bool:
        """Whether most points have a text."""
        documents = self.snapshot.documents or ()
        with_text = sum(bool(text) for text in documents) + len(self.texts)
        return bool(documents) and 2 * with_text > len(self)

    @cached_property
    def with_words(self) -> NDArray[np.float32]:
        """(n + e, w) float32: the embeddings, followed by latent dimensions of the words.

        An embedding captures what a text is about, and little of how it is worded. The type of a question,
        for example, depends on words such as "who" and "how many". The dimensions are those of latent
        semantic analysis (Deerwester, Dumais, Furnas, Landauer, Harshman 1990).
        """
        from sklearn.decomposition import TruncatedSVD
        from sklearn.feature_extraction.text import TfidfVectorizer

        texts = [*map(self.snapshot.document, range(len(self.snapshot))), *self.texts]
        rng = np.random.default_rng(self.random_state)
        sample = np.sort(rng.permutation(len(texts))[:_BLOCK]).tolist()
        vectorizer = TfidfVectorizer(
            tokenizer=tokens,
            token_pattern=None,
            lowercase=False,
            ngram_range=(1, 2),
            sublinear_tf=True,
            min_df=2,
            dtype=np.float32,
        )
        try:
            matrix = vectorizer.fit_transform([texts[at] for at in sample])
        except ValueError:  # no word occurs in two texts
            return self.vectors
        if min(matrix.shape) < 2:
            return self.vectors
        dimensions = min(_WORD_DIMENSIONS, min(matrix.shape) - 1)
        # If all texts are equal, the explained variance, which is not used here, is 0 / 0.
        with np.errstate(invalid="ignore", divide="ignore"):
            latent = TruncatedSVD(dimensions, n_iter=3, random_state=0).fit(matrix)
        parts = [
            latent.transform(vectorizer.transform(texts[at : at + _BLOCK]))
            for at in range(0, len(texts), _BLOCK)
        ]
        words = unit(np.concatenate(parts).astype(np.float32))[0]
        return np.hstack([self.vectors, np.float32(_WORD_WEIGHT) * words])
